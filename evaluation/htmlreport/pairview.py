"""What the page shows of one pair: its pictures as text, and the words that say what is on them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluation.htmlreport.appearance import Appearance
from evaluation.htmlreport.worst import Place, worst_fold
from evaluation.picture.outlines import STEPS, grid_lines, grid_step, label_outlines, mask_outline
from evaluation.picture.rasters import grey_picture, jacobian_picture, length_picture
from evaluation.picture.sections import Section, sections_through

__all__ = ["Outline", "PairView", "SectionView", "view_of"]

# Squares of the chessboard across the longer side of a section.
_SQUARES = 8


@dataclass(frozen=True)
class Outline:
    """The outlines of one label on a section, as paths; empty where the label is not there."""

    label: int
    fixed: str
    moving: str
    warped: str


@dataclass(frozen=True)
class SectionView:
    """The pictures of one section.

    Attributes:
        title: Which plane it is.
        width: Of the pictures, in units of which the shorter side of a voxel has one.
        height: Likewise.
        to_units: Units of a step of a path to the right and downwards.
        ends: Letters for the left, right, bottom and top edge, or none.
        images: Fixed, moving and warped image as data URIs.
        outlines: Of each label.
        ticks: Marks at the edges that point at the voxel, as a path in units.
        squares: Every other square of the chessboard, as a path in units.
        grid: Lines of the deformation grid.
        grid_step: Voxels between two of them.
        folds: Outline of the folded voxels.
        jacobian: Map of the determinants.
        lengths: Map of the displacement.
        differences: Mean absolute difference of fixed and moving image, before and after.
        determinants: The smallest and the largest one.
        folded: Number of folded voxels.
        voxels: Number of all voxels.
        lengths_mm: Mean and largest displacement.
    """

    title: str
    width: float
    height: float
    to_units: tuple[float, float]
    ends: tuple[str, ...]
    images: tuple[str, str, str]
    outlines: tuple[Outline, ...]
    ticks: str
    squares: str
    grid: str
    grid_step: int
    folds: str
    jacobian: str
    lengths: str
    differences: tuple[float, float]
    determinants: tuple[float, float]
    folded: int
    voxels: int
    lengths_mm: tuple[float, float]


@dataclass(frozen=True)
class PairView:
    """The pictures of one pair.

    Attributes:
        place: The voxel that the sections go through, and why.
        sections: Axial, coronal and sagittal; of a folded field, one more through its deepest fold.
        longest_mm: Where the colours of the displacement end.
        fold: The voxel of the deepest fold; None without folds.
    """

    place: Place
    sections: tuple[SectionView, ...]
    longest_mm: float
    fold: Place | None

    @property
    def present(self) -> set[int]:
        """Labels that are outlined on a section."""
        return {outline.label for section in self.sections for outline in section.outlines}


def view_of(looks: Appearance, labels: Sequence[int], *, is_folded: bool) -> PairView:
    """Draws a pair where it is worst.

    Args:
        looks: The pair.
        labels: The labels that are outlined.
        is_folded: Whether its field has folds.
    """
    place = looks.place(labels)
    fold = worst_fold(looks.displacement) if is_folded else None
    images = looks.greys[:2]
    sections = [
        _section(one, looks, place, labels) for one in sections_through(place.voxel, looks.header, images)
    ]
    if fold is not None:
        first = sections_through(fold.voxel, looks.header, images)[0]
        deepest = _section(first, looks, fold, labels)
        sections.append(replace(deepest, title=f"deepest fold, {deepest.title}"))
    return PairView(place, tuple(sections), float(looks.length_mm.max()), fold)


def _section(section: Section, looks: Appearance, place: Place, labels: Sequence[int]) -> SectionView:
    fixed, moving, warped = (section.cut(one) for one in looks.greys)
    columns, rows = section.targets(looks.displacement)
    determinants = section.determinants(looks.displacement)
    lengths = section.cut(looks.length_mm)
    folds = determinants <= 0
    unit = min(section.spacing_mm)
    right, up = (size / unit for size in section.spacing_mm)
    width, height = section.shape[1] * right, section.shape[0] * up
    return SectionView(
        title=f"{section.name}, slice {section.index + 1} of {section.count}",
        width=round(width, 2),
        height=round(height, 2),
        to_units=(round(right / STEPS, 5), round(up / STEPS, 5)),
        ends=section.ends,
        images=(grey_picture(fixed), grey_picture(moving), grey_picture(warped)),
        outlines=tuple(_outlines(section, looks, labels)),
        ticks=_ticks(section.spot(place.voxel), (right, up), width, height),
        squares=_squares(width, height),
        grid=grid_lines(columns, rows),
        grid_step=grid_step(section.shape),
        folds=mask_outline(folds),
        jacobian=jacobian_picture(determinants),
        lengths=length_picture(lengths, float(looks.length_mm.max())),
        differences=(_mean(np.abs(moving - fixed)), _mean(np.abs(warped - fixed))),
        determinants=(float(determinants.min()), float(determinants.max())),
        folded=int(np.count_nonzero(folds)),
        voxels=folds.size,
        lengths_mm=(_mean(lengths), float(lengths.max())),
    )


def _outlines(section: Section, looks: Appearance, labels: Sequence[int]) -> Iterator[Outline]:
    if looks.labels is None:
        return
    found: list[Mapping[int, str]] = [label_outlines(section.cut(one), labels) for one in looks.labels]
    for label in labels:
        paths = [outlines.get(label, "") for outlines in found]
        if any(paths):
            yield Outline(label, *paths)


def _ticks(spot: tuple[float, float], size: tuple[float, float], width: float, height: float) -> str:
    x, y = (round(place * unit, 2) for place, unit in zip(spot, size, strict=True))
    length = round(max(width, height) / 25, 2)
    return f"M{x:g} 0v{length:g}M{x:g} {height:g}v{-length:g}M0 {y:g}h{length:g}M{width:g} {y:g}h{-length:g}"


def _squares(width: float, height: float) -> str:
    side = round(max(width, height) / _SQUARES, 2)
    places = [
        (column, row)
        for row in range(int(np.ceil(height / side)))
        for column in range(int(np.ceil(width / side)))
        if (column + row) % 2
    ]
    return "".join(
        f"M{column * side:g} {row * side:g}h{side:g}v{side:g}h{-side:g}z" for column, row in places
    )


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean(dtype=np.float64))
