"""What is measured of each structure of a pair: overlap and surface distances, before and after the warp."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from evaluation.metrics.elements import Spacing
from evaluation.metrics.overlap import dice
from evaluation.metrics.regions import Box, LabelMap, enclosing_box
from evaluation.metrics.spread import Spread, in_turn
from evaluation.metrics.surface import Surface, SurfaceDistances, distances_between, surface_distances

__all__ = ["Measures", "Presence", "Structures", "measure_structures"]

Presence = Literal["both", "absent_fixed", "absent_moving", "absent", "lost"]


@dataclass(frozen=True)
class Structures:
    """The label maps of a pair on the fixed grid.

    Attributes:
        fixed: Of the fixed image.
        moving: Of the moving image before the warp.
        warped: Of the moving image after the warp.
        spacing_mm: Voxel size of the fixed image.
    """

    fixed: LabelMap
    moving: LabelMap
    warped: LabelMap
    spacing_mm: Spacing

    def presence(self, label: int) -> Presence:
        """Says in which images a label is."""
        if label not in self.fixed.boxes:
            return "absent_fixed" if label in self.moving.boxes else "absent"
        if label not in self.moving.boxes:
            return "absent_moving"
        return "both" if label in self.warped.boxes else "lost"

    def box(self, label: int) -> Box:
        """Returns the smallest box around a structure in all three label maps."""
        maps = (self.fixed, self.moving, self.warped)
        return reduce(enclosing_box, (one.boxes[label] for one in maps if label in one.boxes))


@dataclass(frozen=True)
class Measures:
    """The numbers of one structure; NaN where it is absent from the fixed or the unwarped moving image.

    Attributes:
        presence: In which images the structure is.
        dice_before: Dice before registration.
        dice: Dice after registration.
        hd95_before: Official HD95 before registration, in voxels.
        hd95: Official HD95 after registration, in voxels; infinite where the warp lost the structure.
        hd95_mm: The same with the spacing of the fixed image.
        assd_mm: Average symmetric surface distance after registration, in mm.
    """

    presence: Presence
    dice_before: float = math.nan
    dice: float = math.nan
    hd95_before: float = math.nan
    hd95: float = math.nan
    hd95_mm: float = math.nan
    assd_mm: float = math.nan


def measure_structures(
    structures: Structures, labels: Iterable[int], surfaces: Collection[int], *, spread: Spread = in_turn
) -> Mapping[int, Measures]:
    """Measures the structures of a pair, each inside the box that holds it in all label maps.

    Args:
        structures: The label maps.
        labels: The structures to measure.
        surfaces: Those of them whose surface distances are wanted; the others keep NaN there.
        spread: How the structures are processed.
    """

    def measured(label: int) -> tuple[int, Measures]:
        return label, _measure(structures, label, with_surfaces=label in surfaces)

    chosen = sorted(set(labels))
    present = [label for label in chosen if structures.presence(label) in ("both", "lost")]
    # The largest first: a large structure that is begun last would keep the others waiting.
    present.sort(key=lambda label: math.prod(side.stop - side.start for side in structures.box(label)))
    found = dict(spread(measured, reversed(present)))
    return {label: found.get(label) or Measures(structures.presence(label)) for label in chosen}


def _measure(structures: Structures, label: int, *, with_surfaces: bool) -> Measures:
    box = structures.box(label)
    fixed, moving, warped = (
        one.array[box] == label for one in (structures.fixed, structures.moving, structures.warped)
    )
    presence, before, after = structures.presence(label), dice(fixed, moving), dice(fixed, warped)
    if not with_surfaces:
        return Measures(presence, before, after)
    # The fixed surface and its distance transform serve both comparisons.
    surface = Surface(fixed)
    moved = distances_between(surface, Surface(warped))
    spacing = structures.spacing_mm
    if len(set(spacing)) == 1:
        in_mm = SurfaceDistances(*(spacing[0] * distance for distance in moved))
    else:
        in_mm = surface_distances(fixed, warped, spacing)
    hd95_before = distances_between(surface, Surface(moving)).hd95
    return Measures(presence, before, after, hd95_before, moved.hd95, *in_mm)
