"""The regions that both images of a pair have; what one image lacks cannot be matched."""

from collections.abc import Sequence

import numpy as np

from pairs.process.counting import first_few
from pipeline.regions.segmentor import Segmentation

__all__ = ["counterparts"]


def counterparts(
    regions: tuple[Segmentation, Segmentation], names: tuple[str, str], values: Sequence[int]
) -> tuple[tuple[Segmentation, Segmentation] | None, list[str]]:
    """Turns the regions that one of two images lacks into background.

    Args:
        regions: Of the one image and of the other.
        names: What the images are called in messages.
        values: Label value of each region index.

    Returns:
        The regions of both, or None where they have none but background in common; and a sentence for each
        image with regions that the other lacks.
    """
    found = [np.unique(one.labels) for one in regions]
    common = np.intersect1d(found[0], found[1])
    if not common.any():
        return None, [f"registered without regions: {names[0]} and {names[1]} have no label in common"]
    kept, warnings = [], []
    for one, there, name, other in zip(regions, found, names, reversed(names), strict=True):
        alone = np.setdiff1d(there, [0, *common])
        if alone.size:
            labels = first_few([values[index] for index in alone])
            warnings.append(f"left out, since {other} lacks them: labels {labels} of {name}")
            # Background, as the other image has it there.
            one = Segmentation(np.where(np.isin(one.labels, alone), 0, one.labels), one.confidence)
        kept.append(one)
    return (kept[0], kept[1]), warnings
