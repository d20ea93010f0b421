"""Files that are warped: each read, warped, and written in its own form on the new grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairs.errors import UsageError
from pairs.files.outputs import require_outputs
from pairs.files.wholefile import probe_writable
from pairs.images.frames import read_frames, read_frames_header
from pairs.images.header import Header, read_header
from pairs.images.volume import read_labels, write_volume
from transforms.inverse import Inverse, InverseFigures
from transforms.points.pointfile import read_points, write_points
from transforms.points.pointset import CoordinateSystem, PointSet
from transforms.resampling import LabelRule
from transforms.warping import MovedPoints, Warping

__all__ = ["PointsFigures", "ToWarp", "WarpedFile", "WarpedFiles", "require_places", "warp_files"]

_DOUBTFUL = "no_inverse.nii.gz"


@dataclass(frozen=True)
class ToWarp:
    """What is to be warped.

    Attributes:
        images: Sampled linearly.
        labels: Label maps, by the rule.
        points: Files of points.
        rule: How a label between voxels is found.
        system: What the coordinates of tables of points are.
    """

    images: tuple[Path, ...] = ()
    labels: tuple[Path, ...] = ()
    points: tuple[Path, ...] = ()
    rule: LabelRule = "nearest"
    system: CoordinateSystem = "voxels"


@dataclass(frozen=True)
class PointsFigures:
    """What became of the points of a file, by their names.

    Attributes:
        number: Of all.
        outside: Those that the field does not reach.
        beyond: Those that came to lie outside the moving image.
        nowhere: Those that have no place in the fixed image.
    """

    number: int
    outside: tuple[str, ...]
    beyond: tuple[str, ...]
    nowhere: tuple[str, ...]


@dataclass(frozen=True)
class WarpedFile:
    """A file and what it became.

    Attributes:
        source: What was read.
        path: What was written.
        warnings: One sentence for each oddity of the source.
        points: Of a file of points; None of any other.
    """

    source: Path
    path: Path
    warnings: tuple[str, ...] = ()
    points: PointsFigures | None = None


@dataclass(frozen=True)
class WarpedFiles:
    """All that was written.

    Attributes:
        files: In the order label maps, images, points.
        inverse: How good the inverse is; None where none was needed.
        doubtful: The file that says where there is no inverse, or none alone; None where it is everywhere.
    """

    files: tuple[WarpedFile, ...]
    inverse: InverseFigures | None = None
    doubtful: Path | None = None


def require_places(wanted: ToWarp, out: Path, inputs: Sequence[Path]) -> None:
    """Refuses a folder in which results would replace inputs or each other, and makes an absent one.

    Args:
        wanted: What is to be warped.
        out: The folder.
        inputs: All else that is read.

    Raises:
        UsageError: If nothing is to be warped, or two results would have one name.
        OutputError: If it cannot be written to.
    """
    named = [*wanted.images, *wanted.labels, *wanted.points]
    if not named:
        raise UsageError("nothing to warp", remedy="give --image, --labels or --points")
    outputs = [_target(out, kind, path) for kind, path in _listed(wanted)]
    for number, output in enumerate(outputs):
        if output in outputs[:number]:
            raise UsageError(
                "two results of one name", where=output, remedy="warp them one at a time, into two folders"
            )
    probe_writable(out)
    require_outputs([*outputs, out / _DOUBTFUL], inputs=[*named, *inputs])


def warp_files(warping: Warping, wanted: ToWarp, out: Path) -> WarpedFiles:
    """Warps files into `out/images`, `out/labels` and `out/points`, under their own names.

    Args:
        warping: The way and the grid.
        wanted: The files.
        out: A folder that `require_places` has seen.

    Raises:
        VolumeError: If an image or label map cannot be used.
        BadLabels: If a label map holds other values than whole numbers.
        BadPoints: If points cannot be read.
        OutputError: If a file cannot be written.
    """
    # What can be wrong with a file is found before the first result, as far as headers say it.
    points = [read_points(path, wanted.system) for path in wanted.points]
    for path in wanted.images:
        read_frames_header(path)
    for path in wanted.labels:
        read_header(path)
    files = [_labels(warping, path, out, wanted.rule) for path in wanted.labels]
    files += [_image(warping, path, out) for path in wanted.images]
    files += [_points(warping, one, out) for one in points]
    if not warping.backwards or not (wanted.images or wanted.labels):
        return WarpedFiles(tuple(files))
    return WarpedFiles(tuple(files), warping.inverse.figures, _tell_doubtful(warping.inverse, out))


def _tell_doubtful(inverse: Inverse, out: Path) -> Path | None:
    """Writes where there is no inverse, or several; removes what an earlier run has left."""
    path = out / _DOUBTFUL
    if inverse.figures.missing or inverse.figures.folded:
        _write(path, inverse.doubtful, inverse.grid)
        return path
    path.unlink(missing_ok=True)
    return None


def _listed(wanted: ToWarp) -> list[tuple[str, Path]]:
    kinds = (("images", wanted.images), ("labels", wanted.labels), ("points", wanted.points))
    return [(kind, path) for kind, paths in kinds for path in paths]


def _target(out: Path, kind: str, path: Path) -> Path:
    return out / kind / path.name


def _image(warping: Warping, path: Path, out: Path) -> WarpedFile:
    image = read_frames(path)
    target = _target(out, "images", path)
    _write(target, warping.image(image), warping.grid)
    return WarpedFile(path, target, image.header.warnings)


def _labels(warping: Warping, path: Path, out: Path, rule: LabelRule) -> WarpedFile:
    labels = read_labels(path)
    target = _target(out, "labels", path)
    _write(target, warping.labels(labels, rule), warping.grid)
    return WarpedFile(path, target, labels.header.warnings)


def _points(warping: Warping, points: PointSet, out: Path) -> WarpedFile:
    moved = warping.points(points.coordinates, points.system)
    target = _target(out, "points", points.path)
    write_points(target, points, moved.coordinates)
    return WarpedFile(points.path, target, points=_figures(points, moved))


def _figures(points: PointSet, moved: MovedPoints) -> PointsFigures:
    def named(chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(points.names[number] for number in np.flatnonzero(chosen))

    nowhere = np.asarray(np.isnan(moved.coordinates).any(axis=1))
    return PointsFigures(
        len(points.names), named(moved.outside & ~nowhere), named(moved.beyond), named(nowhere)
    )


def _write(path: Path, array: np.ndarray, grid: Header) -> None:
    write_volume(path, array, grid.affine, placed=grid.placed, forms=grid.forms)
