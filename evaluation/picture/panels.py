"""The panels of the picture of a pair, each drawn on one matplotlib axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from evaluation.metrics.jacobian import CROP, jacobian_determinants
from evaluation.picture.slices import Plane

__all__ = [
    "contrast_window",
    "draw_contours",
    "draw_difference",
    "draw_grid",
    "draw_image",
    "structure_colours",
    "unit_contrast",
]

# Lines of the deformation grid across the longer side of a panel: more would merge, fewer would hide detail.
_GRID_LINES = 22
_SOFT_TISSUE_HU = (-160.0, 240.0)
_AIR_HU = -500.0
_FEW_STRUCTURES = 14
# Distinct on grey, also for the colour-blind (after Okabe and Ito); more structures take a colour map.
_COLOURS = ("#56b4e9", "#e69f00", "#00c389", "#f0e442", "#d55e00", "#cc79a7", "#4477ff")


def structure_colours(labels: Sequence[int]) -> Mapping[int, Any]:
    """Returns a colour for each label."""
    if len(labels) <= len(_COLOURS):
        return dict(zip(labels, _COLOURS, strict=False))
    spread = mpl.colormaps["gist_rainbow"](np.linspace(0, 1, len(labels)))
    return {label: tuple(colour) for label, colour in zip(labels, spread, strict=True)}


def contrast_window(image: NDArray[np.float32]) -> tuple[float, float]:
    """Finds the values to show black and white: of CT a soft-tissue window, else up to the 99.5th percentile.

    CT is recognised by air, far below zero. The percentile is over the voxels above the minimum, so that a
    wide black margin does not count.
    """
    low = float(image.min())
    if low <= _AIR_HU:
        return _SOFT_TISSUE_HU
    body = image[image > low]
    return low, float(np.percentile(body, 99.5)) if body.size else low + 1.0


def unit_contrast(
    image: NDArray[np.float32], window: tuple[float, float] | None = None
) -> NDArray[np.float32]:
    """Scales an image to [0, 1] for display, by its own window unless another is given."""
    low, high = window or contrast_window(image)
    return ((image - low) / (high - low)).clip(0, 1).astype(np.float32)


def draw_image(axes: Axes, image: NDArray[np.float32], title: str) -> None:
    """Draws a slice (up, right) with values in [0, 1] in grey, with a title over it."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, origin="lower", interpolation="nearest")
    axes.set_title(title)


def draw_contours(
    axes: Axes, labels: NDArray[np.integer], colours: Mapping[int, Any], *, dashed: bool
) -> None:
    """Outlines each structure on a slice of labels (up, right): solid, or dashed and thin."""
    # Many structures mean many neighbours, whose thick outlines would hide each other.
    width = 1.8 if len(colours) <= _FEW_STRUCTURES else 1.1
    for label, colour in colours.items():
        mask = labels == label
        if not mask.any():
            continue
        # A margin closes the outlines of structures that touch the border of the slice.
        padded = np.pad(mask, 1).astype(float)
        right, up = np.arange(-1, mask.shape[1] + 1), np.arange(-1, mask.shape[0] + 1)
        axes.contour(
            right,
            up,
            padded,
            levels=[0.5],
            colors=[colour],
            linewidths=0.6 * width if dashed else width,
            linestyles="dashed" if dashed else "solid",
        )


def draw_difference(axes: Axes, difference: NDArray[np.float32], title: str) -> AxesImage:
    """Draws a slice of differences in [-1, 1], red above and blue below zero, with a title over it."""
    axes.set_title(title)
    return axes.imshow(difference, cmap="RdBu_r", vmin=-1, vmax=1, origin="lower", interpolation="nearest")


def draw_grid(axes: Axes, displacement: NDArray[np.float32], plane: Plane) -> None:
    """Draws the moving image's voxel grid as the displacement carries it onto the fixed image.

    The lines are the level sets of p + u(p) at regular steps, so they bend exactly as the warped image does.
    Folded voxels (det <= 0) are filled in red.

    Args:
        axes: Where to draw; holds the slice of the fixed image already.
        displacement: u, shape (X, Y, Z, 3), voxels.
        plane: The plane shown.
    """
    right, up = plane.in_plane_axes
    u = plane.cut(displacement)
    rows, columns = u.shape[:2]
    step = max(2, round(max(rows, columns) / _GRID_LINES))
    for component, positions in ((right, np.arange(columns)[None, :]), (up, np.arange(rows)[:, None])):
        levels = np.arange(step // 2, max(rows, columns), step)
        target = positions + u[..., component].astype(np.float64)
        # contour() warns of levels that no voxel reaches.
        reached = levels[(levels > target.min()) & (levels < target.max())]
        if reached.size:
            axes.contour(target, levels=reached, colors=["#ffd84d"], linewidths=0.7)
    folded = plane.cut(np.pad(jacobian_determinants(displacement), CROP, constant_values=1.0)) <= 0
    title = f"deformation grid, a line every {step} voxels"
    if folded.any():
        title += ", folds red"
        axes.imshow(
            np.ma.masked_where(~folded, folded), cmap="autumn", vmin=1, vmax=2, origin="lower", alpha=0.85
        )
    axes.set_title(title)
