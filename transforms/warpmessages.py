"""What `warp` says of its results."""

import logging
from pathlib import Path

from pairs.process.counting import counted, first_few
from transforms.inverse import InverseFigures
from transforms.warpedfiles import PointsFigures, WarpedFile
from transforms.warping import Warping

__all__ = ["tell_file", "tell_inverse", "tell_uncovered"]

log = logging.getLogger(__name__)


def tell_file(file: WarpedFile, warping: Warping) -> None:
    """Says what a file became, and what is odd about it."""
    for warning in file.warnings:
        log.warning("%s: %s", file.source, warning)
    if file.points is not None:
        _tell_points(file, file.points)
        return
    log.info("%s: %s on the grid of %s", file.path, file.source.name, warping.grid.path.name)


def _tell_points(file: WarpedFile, points: PointsFigures) -> None:
    log.info("%s: %s", file.path, counted(points.number, "point"))
    sentences = (
        (points.outside, "outside the fixed image, moved as its border is"),
        (points.beyond, "came to lie outside the moving image"),
        (points.nowhere, "come from nowhere in the fixed image, written without a place"),
    )
    for names, what in sentences:
        if names:
            log.warning("%s: %s %s: %s", file.source, counted(len(names), "point"), what, first_few(names))


def tell_inverse(figures: InverseFigures, doubtful: Path | None) -> None:
    """Says how good an inverse is, and where there is none."""
    log.info(
        "inverse: residual at most %.4f voxel, 99 %% within %.4f voxel",
        figures.residual_max_vox,
        figures.residual_p99_vox,
    )
    if figures.missing:
        log.warning("%s have no inverse, written as background", counted(figures.missing, "voxel"))
    if figures.folded:
        log.warning(
            "%s have more than one: the field folds there, one of them was taken",
            counted(figures.folded, "voxel"),
        )
    if doubtful is not None:
        log.warning("%s shows where: 1 for none, 2 for several", doubtful)


def tell_uncovered(warping: Warping) -> None:
    """Says how much of the grid no field reaches."""
    share = warping.uncovered()
    if share > 0 and not warping.backwards:
        log.warning(
            "about %.1f %% of the grid lie outside the fixed image, moved as its border is",
            100 * share,
        )
    elif share > 0:
        log.info("%.1f %% of the grid come from outside the fixed image: background", 100 * share)
