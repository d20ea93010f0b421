"""Whether the regions of an image are as large as in the subjects that the weights have learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pairs.images.volume import Volume
from pairs.process.counting import first_few
from pipeline.regions.segmentor import Segmentation

__all__ = ["ExpectedVolumes", "VolumeRange"]

VolumeRange = tuple[float, float]
"""The smallest and the largest, in ml."""

_TOLERANCE = 1.5
"""Factor beyond the range of a few subjects that still counts as ordinary."""
_MOST_ODD = 0.5
"""Share of the regions beyond which an image is not what the segmentor knows."""


@dataclass(frozen=True)
class ExpectedVolumes:
    """What a segmentor has seen in its training.

    Attributes:
        ranges: Of each region index; the first is that of all that is not zero in an image. Empty where
            nothing is known: everything is ordinary then.
        names: Of each region index.
    """

    ranges: Sequence[VolumeRange]
    names: Sequence[str]

    def judged(self, image: Volume, regions: Segmentation) -> "Judgement":
        """Compares the regions that were found in an image with what is expected."""
        if not self.ranges:
            return Judgement((), True)
        voxel_ml = float(np.prod(image.header.spacing_mm)) / 1000
        found = np.bincount(regions.labels.ravel(), minlength=len(self.ranges)) * voxel_ml
        found[0] = np.count_nonzero(image.array) * voxel_ml
        low, high = np.array(self.ranges).T
        odd = (found < low / _TOLERANCE) | (found > high * _TOLERANCE)
        name, told = image.header.path.name, list[str]()
        if odd[0]:
            told.append(
                f"{name}: {found[0]:.0f} ml are not zero, in the training of the weights {low[0]:.0f} to "
                f"{high[0]:.0f}: is only the organ itself in the image, as there?"
            )
        each = [
            f"{self.names[k]} {found[k]:.2g} ml ({low[k]:.2g} to {high[k]:.2g})"
            for k in range(1, len(self.ranges))
            if odd[k]
        ]
        if each:
            told.append(
                f"{name}: {len(each)} of {len(odd) - 1} regions are of another size than in the training of "
                f"the weights: {first_few(each, 3)}"
            )
        return Judgement(tuple(told), bool(odd[1:].mean() <= _MOST_ODD))


@dataclass(frozen=True)
class Judgement:
    """What is odd about the regions of an image.

    Attributes:
        warnings: One sentence for each oddity.
        is_known: Whether most regions are as expected.
    """

    warnings: tuple[str, ...]
    is_known: bool
