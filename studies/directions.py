"""The picture of docs/using-fields.md: why points go the other way than images."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from numpy.typing import NDArray
from scipy import ndimage

from pairs.files.wholefile import probe_file, whole_file

__all__ = ["draw_directions", "main"]

_DOTS_PER_INCH = 110
_SIDE = 24
# They differ in hue, brightness and line (after Okabe and Ito), for the colour-blind and for print.
_POINT, _VALUE = "#0072b2", "#d55e00"
# A voxel of the fixed grid, (column, row).
_VOXEL = np.array([15.0, 8.0])


def draw_directions(out: Path) -> None:
    """Draws the fixed and the moving image, the way of a point, and the way of a value.

    Args:
        out: The file to write, a PNG.

    Raises:
        OutputError: If the file cannot be written.
    """
    figure = Figure(figsize=(10.5, 5.2), dpi=_DOTS_PER_INCH, facecolor="white")
    FigureCanvasAgg(figure)
    left = figure.add_axes((0.03, 0.13, 0.36, 0.70))
    right = figure.add_axes((0.61, 0.13, 0.36, 0.70))
    moving = _drawn()
    places = _places()
    warped = ndimage.map_coordinates(moving, places, order=1)
    end = places[::-1, int(_VOXEL[1]), int(_VOXEL[0])]
    _draw_image(left, warped, "fixed grid", "a voxel x, to be filled")
    _draw_image(right, moving, "moving image", "its place x + u(x)")
    _mark(left, _VOXEL)
    _mark(right, end)
    _draw_way(figure, left, right, (_VOXEL, end), _POINT, 0.22)
    _draw_way(figure, right, left, (end, _VOXEL), _VALUE, 0.22)
    words = (
        (0.5, 0.765, "a point of the fixed image\ngoes with the field:\n--points", _POINT),
        (0.5, 0.34, "a value of the moving image\ncomes against it:\n--image, --labels", _VALUE),
    )
    for x, y, text, colour in words:
        figure.text(x, y, text, color=colour, ha="center", va="center", fontsize=10.5, weight="bold")
    figure.text(
        0.5,
        0.955,
        "One field, two ways: it says for each voxel of the fixed grid where to look in the moving image",
        ha="center",
        va="center",
        fontsize=12.5,
        weight="bold",
    )
    turned = "--inverse turns both arrows round"
    figure.text(0.5, 0.035, turned, ha="center", va="center", fontsize=10.5, color="#444444")
    with whole_file(out) as temporary:
        figure.savefig(temporary, format="png")


def _drawn() -> NDArray[np.float64]:
    """An image (rows, columns) without any symmetry: an F on a grey disc."""
    rows, columns = np.indices((_SIDE, _SIDE))
    image: NDArray[np.float64] = np.where((rows - 12) ** 2 + (columns - 11) ** 2 < 90, 0.35, 0.0)
    for top, bottom, first, last in ((5, 19, 7, 9), (5, 7, 7, 16), (11, 13, 7, 14)):
        image[top : bottom + 1, first : last + 1] = 1.0
    return image


def _places() -> NDArray[np.float64]:
    """Where each voxel of the fixed grid lies in the moving image: turned, stretched and shifted."""
    rows, columns = np.indices((_SIDE, _SIDE)) - 11.5
    angle = np.deg2rad(18)
    turned = np.cos(angle) * rows - np.sin(angle) * columns, np.sin(angle) * rows + np.cos(angle) * columns
    return np.array([1.05 * turned[0] + 12.5 + 0.8 * np.sin(columns / 4), 0.9 * turned[1] + 10.5])


def _draw_image(axes: Axes, image: NDArray[np.float64], title: str, below: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=1.1, interpolation="nearest")
    axes.set_xticks(np.arange(_SIDE) - 0.5, labels=[])
    axes.set_yticks(np.arange(_SIDE) - 0.5, labels=[])
    axes.grid(color="#5a5a5a", linewidth=0.4)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize=11.5)
    axes.set_xlabel(below, fontsize=10.5)


def _mark(axes: Axes, place: NDArray[np.float64]) -> None:
    axes.plot(
        *place, marker="o", markersize=9, markerfacecolor="none", markeredgecolor="white", markeredgewidth=4
    )
    axes.plot(
        *place, marker="o", markersize=9, markerfacecolor="none", markeredgecolor=_POINT, markeredgewidth=2
    )


def _draw_way(
    figure: Figure,
    start: Axes,
    end: Axes,
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    colour: str,
    bend: float,
) -> None:
    figure.add_artist(
        ConnectionPatch(
            xyA=tuple(places[0]),
            coordsA=start.transData,
            xyB=tuple(places[1]),
            coordsB=end.transData,
            arrowstyle="-|>",
            connectionstyle=f"arc3,rad={-bend}",
            mutation_scale=20,
            linewidth=2.4,
            linestyle="-" if colour == _POINT else "--",
            color=colour,
            shrinkA=7,
            shrinkB=7,
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Draws the picture; returns the exit code."""
    parser = argparse.ArgumentParser(prog="directions", description=__doc__)
    parser.add_argument("out", type=Path, help="file to write, .png")
    options = parser.parse_args(arguments)
    probe_file(options.out)
    draw_directions(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
