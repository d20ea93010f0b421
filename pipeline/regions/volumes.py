"""A segmentor applied to a volume as it lies in its file: own window, axes, spacing and classes."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from pairs.errors import WeightsError
from pairs.images.volume import Volume
from pipeline.config import IntensityConfig
from pipeline.regions.lattice import lattice_of
from pipeline.regions.segmentor import Segmentation, Segmentor
from pipeline.registration.preprocess import content_box, normalise
from pipeline.typing import Float, Tensor

__all__ = ["VolumeSegmentor", "region_of_classes"]


class VolumeSegmentor:
    """A segmentor with all that lies between a file and its network.

    Args:
        segmentor: the network.
        intensity: how its inputs are scaled, where its own configuration does not say.
        regions: label value of each region index.

    Raises:
        WeightsError: its classes mean labels that are not among the regions.
    """

    def __init__(self, segmentor: Segmentor, intensity: IntensityConfig, regions: Sequence[int]) -> None:
        self.segmentor = segmentor
        self.config = segmentor.config
        self.intensity = self.config.intensity or intensity
        self.region_count = len(regions)
        self.region_of_class = region_of_classes(self.config.class_labels or regions, regions)

    def __call__(self, volume: Volume) -> Segmentation:
        """Regions and confidence on the volume's own grid."""
        if self.config.is_on_the_image_grid:
            return self.segmentor(normalise(volume.array, self.intensity))
        lattice = lattice_of(volume.header, self.config)
        image = normalise(lattice.from_image(volume.array), self.intensity)
        confidence = np.full(volume.array.shape, -1, np.float32)
        labels = np.zeros(volume.array.shape, np.uint8)
        # Probabilities are brought back before the largest is taken: labels cannot be interpolated. One
        # region at a time, since fourteen of them on both grids would take gigabytes.
        for region, probability in self._probabilities(image):
            found = lattice.to_image(probability)
            better = found > confidence
            labels[better] = region
            confidence[better] = found[better]
        return Segmentation(labels, confidence.astype(np.float16))

    @torch.no_grad()
    def _probabilities(self, image: np.ndarray) -> Iterator[tuple[int, Float[Tensor, "U V W"]]]:
        """Each region's probability on the network's grid; away from the content all is background."""
        box = content_box(image, self.segmentor.crop)
        part = torch.from_numpy(np.ascontiguousarray(image[box]))[None, None].to(self.segmentor.device)
        logits = self.segmentor.logits(part)[0]
        log_sum = logits.logsumexp(0)
        for region in range(self.region_count):
            classes = [c for c, meant in enumerate(self.region_of_class) if meant == region]
            whole = torch.full(image.shape, float(region == 0), device=logits.device)
            inside = whole[box]
            inside.zero_()
            for number in classes:
                inside += (logits[number] - log_sum).exp_()
            yield region, whole


def region_of_classes(class_labels: Sequence[int], regions: Sequence[int]) -> tuple[int, ...]:
    """The region index that each class of a network stands for.

    Args:
        class_labels: the task's label of each class.
        regions: label value of each region index.

    Raises:
        WeightsError: a class has a label that is not among the regions, or none has one but background.
    """
    remedy = "give the task's label of each class with `class_labels`, in `convert` with --class-labels"
    unknown = sorted(set(class_labels) - set(regions))
    if unknown:
        raise WeightsError(
            "the segmentor's class_labels name labels that the weights do not have",
            expected=f"some of {list(regions)}",
            got=unknown,
            remedy=remedy,
        )
    if not any(class_labels):
        raise WeightsError(
            "the segmentor's class_labels name background only", got=list(class_labels), remedy=remedy
        )
    return tuple(list(regions).index(label) for label in class_labels)
