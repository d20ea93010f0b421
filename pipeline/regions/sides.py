"""Left and right: whether paired organs lie on the sides that their names say, by the kidneys."""

import logging
import re
from collections.abc import Mapping, Sequence

import numpy as np

from pairs.images.orientation import axis_order

__all__ = ["SideCheck", "sided_labels", "swapped_pairs"]

log = logging.getLogger(__name__)

_SIDE = re.compile(r"\b(left|right)\b")
_REFERENCE = "kidney"


class SideCheck:
    """Warns once of label maps in which another pair of organs lies the other way round than the kidneys.

    BTCV numbers the right adrenal gland 12 and the left one 13, the dataset JSON of AbdomenCTCT names them
    the other way round: a mistake that no score shows, since it only exchanges two names.

    Args:
        names: of every label but background.
        regions: label value of each region index.
    """

    def __init__(self, names: Mapping[int, str], regions: Sequence[int]) -> None:
        self.names = names
        # The smallest type: with it a volume of label values is looked up, a byte a voxel.
        self.regions = np.array(regions, np.min_scalar_type(max(regions)))
        # Whether there is nothing left to look for: no two kidneys to compare with, or reported already.
        self.settled = _kidneys(sided_labels(names)) is None

    def __call__(self, indices: np.ndarray, affine: np.ndarray, where: str) -> None:
        """Looks at the regions of one image.

        Args:
            indices: region indices, (X, Y, Z).
            affine: voxel indices to millimetres, (4, 4).
            where: what it is, for the message.
        """
        if self.settled:
            return
        swapped = swapped_pairs(self.regions[indices], self.names, affine)
        if not swapped:
            return
        self.settled = True
        pairs = "; ".join(
            f"{left} '{self.names[left]}' and {right} '{self.names[right]}'" for left, right in swapped
        )
        log.warning(
            "%s: left and right look swapped against the kidneys: labels %s; the names, or the segmentor's"
            " class_labels, may be exchanged",
            where,
            pairs,
        )


def swapped_pairs(labels: np.ndarray, names: Mapping[int, str], affine: np.ndarray) -> list[tuple[int, int]]:
    """(left, right) labels whose centroids lie the other way round than those of the kidneys.

    Empty where there are no two kidneys. Positions are compared along the axis that runs left to right, so
    that a flipped affine, which flips the kidneys too, is no swap.
    """
    pairs = sided_labels(names)
    kidneys = _kidneys(pairs)
    if kidneys is None or (expected := _direction(labels, kidneys, affine)) == 0:
        return []
    others = [pair for pair in pairs.values() if pair != kidneys]
    return [pair for pair in others if _direction(labels, pair, affine) == -expected]


def sided_labels(names: Mapping[int, str]) -> dict[str, tuple[int, int]]:
    """(left, right) labels of every organ of which both sides are named."""
    sides: dict[str, dict[str, int]] = {}
    for label, name in names.items():
        found = _SIDE.search(_words(name))
        if found:
            organ = _SIDE.sub("", _words(name)).strip()
            sides.setdefault(organ, {})[found[1]] = label
    return {organ: (both["left"], both["right"]) for organ, both in sides.items() if len(both) == 2}


def _words(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.casefold()))


def _kidneys(pairs: Mapping[str, tuple[int, int]]) -> tuple[int, int] | None:
    return next((pair for organ, pair in pairs.items() if _REFERENCE in organ), None)


def _direction(labels: np.ndarray, pair: Sequence[int], affine: np.ndarray) -> int:
    """1 or -1 by which of the two comes first along the axis from left to right, 0 where one is absent."""
    axis = axis_order(affine).axes[0]
    centres = []
    for label in pair:
        planes = np.count_nonzero(labels == label, axis=tuple(a for a in range(3) if a != axis))
        if not planes.any():
            return 0
        centres.append(np.average(np.arange(len(planes)), weights=planes))
    return int(np.sign(centres[1] - centres[0]))
