"""How the voxel values of each of two images become 0..1, which their modalities decide."""

from dataclasses import dataclass

import numpy as np

from pairs.images.volume import Volume
from pipeline.config import TaskConfig
from pipeline.regions.config import IntensityConfig
from pipeline.registration.preprocess import normalised_content, window_warnings

__all__ = ["Intensities", "intensities_of"]


@dataclass(frozen=True)
class Intensities:
    """Those of one image.

    Attributes:
        task: What the task sets.
        window: Values in the unit of the image's modality, which go before; None for a modality without.
    """

    task: IntensityConfig
    window: IntensityConfig | None = None

    def __call__(self, volume: Volume) -> np.ndarray:
        """Returns the image in 0..1, (X, Y, Z) float32.

        Raises:
            VolumeError: The image is constant, or becomes so.
        """
        suits = self.window is not None and not window_warnings(volume.array, self.window)
        return normalised_content(volume, self.window if self.window is not None and suits else self.task)

    def warnings(self, volume: Volume) -> list[str]:
        """Returns a sentence where the image seems not to be in the unit of its window."""
        if self.window is None:
            told = window_warnings(volume.array, self.task)
        else:
            told = [
                f"{text}; percentiles are taken instead"
                for text in window_warnings(volume.array, self.window)
            ]
        return [f"{volume.header.path.name}: {text}" for text in told]


def intensities_of(config: TaskConfig, modality: str) -> Intensities:
    """Returns those of the images of a modality, such as "CT"; the task's own window holds for all."""
    first = next(iter(modality.casefold().split()), "")
    windows = {name.casefold(): window for name, window in config.general.windows.items()}
    if config.intensity.kind == "window" or first not in windows:
        return Intensities(config.intensity)
    low, high = windows[first]
    return Intensities(config.intensity, IntensityConfig(kind="window", low=low, high=high))
