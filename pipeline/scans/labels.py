"""Label maps of two scans: the labels that both have, and their regions as a method numbers them."""

from collections.abc import Sequence

import numpy as np

from pairs.errors import BadLabels
from pairs.images.volume import Volume
from pairs.process.counting import first_few
from pipeline.regions.segmentor import MOST_REGIONS

__all__ = ["regions_of", "shared_labels"]


def shared_labels(fixed: Volume, moving: Volume) -> tuple[Volume, Volume, list[str]]:
    """Leaves out the labels that one of two label maps lacks.

    Returns:
        Both label maps with 0 in the place of such labels, and a sentence for each that has some.

    Raises:
        BadLabels: If no label above 0 is in both, or there are labels below 0.
    """
    found = [_labels_in(volume) for volume in (fixed, moving)]
    common = sorted(set(found[0]) & set(found[1]))
    if not common:
        raise BadLabels(
            "the two label maps have no label in common",
            where=moving.header.path,
            expected=f"some of {first_few(found[0])} as in {fixed.header.path.name}",
            got=first_few(found[1]) or "background alone",
            remedy="give label maps that number the same structures alike",
        )
    kept, warnings = [], []
    for volume, labels, other in zip((fixed, moving), found, (moving, fixed), strict=True):
        alone = [label for label in labels if label not in common]
        if alone:
            warnings.append(
                f"left out, since {other.header.path.name} lacks them: labels {first_few(alone)} of "
                f"{volume.header.path.name}"
            )
            cleared = np.where(np.isin(volume.array, alone), 0, volume.array).astype(volume.array.dtype)
            volume = Volume(volume.header, cleared)
        kept.append(volume)
    return kept[0], kept[1], warnings


def regions_of(known: Sequence[int] | None, *label_maps: Volume | None) -> tuple[int, ...]:
    """Returns the label value of each region index: those that the method knows, else those that are there.

    Raises:
        BadLabels: If there are more than a byte can number.
    """
    if known is not None:
        return tuple(known)
    regions = sorted({0, *(label for one in label_maps if one is not None for label in _labels_in(one))})
    if len(regions) > MOST_REGIONS:
        raise BadLabels("too many labels", expected=f"at most {MOST_REGIONS - 1}", got=len(regions) - 1)
    return tuple(regions)


def _labels_in(volume: Volume) -> list[int]:
    """The labels above background."""
    labels: list[int] = np.unique(volume.array).tolist()
    if labels[0] < 0:
        raise BadLabels("a label below 0", where=volume.header.path, got=labels[0])
    return [label for label in labels if label > 0]
