"""The picture of two scans: three planes through the fixed image, and the moving one before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evaluation.picture.fileformat import write_picture
from evaluation.picture.panels import (
    contrast_window,
    draw_contours,
    draw_image,
    structure_colours,
    unit_contrast,
)
from evaluation.picture.slices import Plane, View, body_view
from pairs.images.orientation import axis_order

__all__ = ["ThreeImages", "draw_three_planes"]

_DOTS_PER_INCH = 120
# Inches: the widest panel, the lowest row, the title block, the gaps, the margins, and the names of the rows.
_PANEL, _LOWEST, _TITLE, _GAP, _MARGIN, _NAMES = 2.7, 0.5, 0.85, 0.12, 0.12, 0.22
_COLUMNS = ("fixed", "moving before", "moving after", "fixed | before", "fixed | after")
# Squares of the chessboard across the longest side of the volume.
_SQUARES = 10
_PLANES = ("axial", "coronal", "sagittal")
# Of the axes, once they run to the right, to the front and to the head.
_ENDS = (("L", "R"), ("P", "A"), ("I", "S"))


@dataclass(frozen=True, eq=False)
class ThreeImages:
    """Three images on the fixed grid, all (X, Y, Z).

    Attributes:
        images: The fixed image, and the moving one before and after, float32.
        labels: Their label maps; None where there are none.
        affine: Voxels to millimetres, (4, 4), for the sizes and directions of the axes.
        is_placed: Whether the affine says where left and right are.
    """

    images: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    labels: tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.integer]] | None
    affine: NDArray[np.float64]
    is_placed: bool


@dataclass(frozen=True, eq=False)
class _Row:
    """What one row shows: a plane, the part of it that is not empty, and all that is cut along it.

    Attributes:
        plane: The plane.
        view: The part.
        spacing_mm: Size of a voxel to the right and upwards.
        greys: Fixed, before, after, in [0, 1].
        labels: The same of labels, or nothing.
        board: Where the chessboard shows the moving image.
    """

    plane: Plane
    view: View
    spacing_mm: tuple[float, float]
    greys: Sequence[NDArray[np.float32]]
    labels: Sequence[NDArray[np.integer]]
    board: NDArray[np.bool_]

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the part."""
        return self.view.width * self.spacing_mm[0], self.view.height * self.spacing_mm[1]


def draw_three_planes(shown: ThreeImages, out: Path, title: str, lines: Sequence[str]) -> None:
    """Draws two scans before and after registration; every voxel has its true proportions.

    The chessboard shows squares of the fixed and of the moving image in turn: outlines that go on from square
    to square are aligned. An oblique grid is shown along its own axes, each in the direction nearest to the
    patient's.

    Args:
        shown: The images.
        out: The file to write.
        title: What the images are.
        lines: Up to two lines of numbers below it.

    Raises:
        UsageError: If there is no such format.
        OutputError: If the file cannot be written.
    """
    rows = _rows(shown)
    label_map = shown.labels[0] if shown.labels else np.zeros(0, np.uint8)
    colours = structure_colours([int(label) for label in np.unique(label_map) if label > 0])
    figure, axes = _figure(rows)
    for row, panels in zip(rows, axes, strict=True):
        _draw_row(panels, row, colours, shown.is_placed)
    for panel, name in zip(axes[0], _COLUMNS, strict=True):
        panel.set_title(name, fontsize=11)
    height = figure.get_figheight()
    figure.text(
        _MARGIN / figure.get_figwidth(), 1 - 0.22 / height, title, fontsize=13, weight="bold", va="center"
    )
    for number, line in enumerate(lines):
        place = 1 - (0.45 + 0.2 * number) / height
        figure.text(_MARGIN / figure.get_figwidth(), place, line, fontsize=10, color="#444444", va="center")
    write_picture(figure, out, _DOTS_PER_INCH)


def _rows(shown: ThreeImages) -> list[_Row]:
    order = axis_order(shown.affine)
    spacing = np.linalg.norm(shown.affine[:3, :3], axis=0)[list(order.axes)]
    images = [order.apply(image) for image in shown.images]
    labels = [order.apply(one) for one in shown.labels or ()]
    # One window for both states of the moving image, so that its brightness is comparable.
    windows = [contrast_window(images[0]), *2 * [contrast_window(images[2])]]
    centre = _centre(labels[0] > 0 if labels else unit_contrast(images[0], windows[0]))
    square_mm = float((np.array(images[0].shape) * spacing).max()) / _SQUARES
    rows = []
    for axis in (2, 1, 0):
        plane = Plane(axis, centre[axis])
        greys = [unit_contrast(plane.cut(one), window) for one, window in zip(images, windows, strict=True)]
        right, up = plane.in_plane_axes
        spacing_mm = (float(spacing[right]), float(spacing[up]))
        rows.append(
            _Row(
                plane,
                body_view((greys[0], greys[2])),
                spacing_mm,
                greys,
                [plane.cut(one) for one in labels],
                _chessboard(greys[0].shape, spacing_mm, square_mm),
            )
        )
    return rows


def _centre(weights: NDArray[Any]) -> list[int]:
    """The voxel in the middle of what is bright, or labelled."""
    centre = []
    for axis in range(3):
        along = weights.sum(axis=tuple(other for other in range(3) if other != axis), dtype=np.float64)
        middle = np.average(np.arange(len(along)), weights=along) if along.any() else (len(along) - 1) / 2
        centre.append(round(float(middle)))
    return centre


def _chessboard(
    shape: tuple[int, ...], spacing_mm: tuple[float, float], square_mm: float
) -> NDArray[np.bool_]:
    """Every other square of a plane (up, right)."""
    up, right = (
        np.arange(side) * size // square_mm for side, size in zip(shape, spacing_mm[::-1], strict=True)
    )
    return np.asarray((up[:, None] + right[None, :]) % 2 == 1)


def _figure(rows: Sequence[_Row]) -> tuple[Figure, list[list[Axes]]]:
    """An empty figure with a panel for each image of each row, all on one scale of millimetres."""
    scale = _PANEL / max(row.size_mm[0] for row in rows)
    heights = [max(scale * row.size_mm[1], _LOWEST) for row in rows]
    height = _TITLE + 0.2 + sum(heights) + _GAP * len(rows) + _MARGIN
    width = _NAMES + len(_COLUMNS) * (_PANEL + _GAP) + 2 * _MARGIN
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        len(rows),
        len(_COLUMNS),
        left=(_NAMES + _MARGIN) / width,
        right=1 - _MARGIN / width,
        bottom=_MARGIN / height,
        top=1 - (_TITLE + 0.2) / height,
        wspace=_GAP / _PANEL,
        hspace=_GAP / (sum(heights) / len(rows)),
        height_ratios=heights,
    )
    places = [[figure.add_subplot(grid[row, column]) for column in range(5)] for row in range(len(rows))]
    return figure, places


def _draw_row(panels: Sequence[Axes], row: _Row, colours: Mapping[int, Any], with_ends: bool) -> None:
    fixed, before, after = row.greys
    boards = [np.where(row.board, moving, fixed) for moving in (before, after)]
    for panel, image in zip(panels, (*row.greys, *boards), strict=True):
        draw_image(panel, image, "")
    for panel, labels in zip(panels, row.labels, strict=False):
        if labels is not row.labels[0]:
            draw_contours(panel, row.labels[0], colours, dashed=True)
        draw_contours(panel, labels, colours, dashed=False)
    aspect = row.spacing_mm[1] / row.spacing_mm[0]
    for panel in panels:
        panel.set(aspect=aspect, xlim=row.view.right, ylim=row.view.up, xticks=[], yticks=[])
    name = f"{_PLANES[2 - row.plane.axis]} {row.plane.index}" if with_ends else f"plane {row.plane.index}"
    panels[0].set_ylabel(name, fontsize=9)
    if with_ends:
        _draw_ends(panels[0], row.plane)


def _draw_ends(panel: Axes, plane: Plane) -> None:
    """Letters for the patient's directions at the edges of a panel."""
    right, up = plane.in_plane_axes
    places = (
        (0.02, 0.5, _ENDS[right][0], "left", "center"),
        (0.98, 0.5, _ENDS[right][1], "right", "center"),
        (0.5, 0.02, _ENDS[up][0], "center", "bottom"),
        (0.5, 0.98, _ENDS[up][1], "center", "top"),
    )
    for x, y, letter, horizontal, vertical in places:
        panel.text(
            x,
            y,
            letter,
            transform=panel.transAxes,
            ha=horizontal,
            va=vertical,
            fontsize=9,
            color="#ffd84d",
        )
