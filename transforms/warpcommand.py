"""`warp --field F --fixed FIXED ... --out FOLDER` from the command line."""

import argparse
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pairs.errors import UsageError
from pairs.fields.field import Field
from pairs.fields.foreign.affinefile import read_affine
from pairs.images.header import Header, read_header
from transforms.field import read_field
from transforms.pathway import Step
from transforms.resampling import LabelRule
from transforms.unitcheck import unit_suspicion
from transforms.warpedfiles import ToWarp, require_places, warp_files
from transforms.warping import warp
from transforms.warpmessages import tell_file, tell_inverse, tell_uncovered

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

_DIRECTIONS = (
    "Images go against points: the field says for each voxel of the fixed image where to look in the moving "
    "one. So --image and --labels are of the moving image and come out on the fixed grid, and --points are "
    "of the fixed image and come out in the moving one. --inverse turns both round. docs/using-fields.md "
    "has a picture"
)


class _InOrder(argparse.Action):
    """Keeps options of different names in the order in which they are typed."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Appends the option and its values."""
        del parser
        listed = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*listed, (option_string, values)])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `warp`."""
    parser.epilog = _DIRECTIONS
    parser.add_argument("--fixed", type=Path, required=True, help="fixed image of the field")
    parser.add_argument("--out", type=Path, required=True, help="folder for images/, labels/ and points/")
    steps = parser.add_argument_group("what a point of the fixed image goes through, in the order given")
    steps.add_argument(
        "--field",
        dest="steps",
        action=_InOrder,
        type=Path,
        metavar="FIELD",
        help="field of the fixed image, of any profile or tool",
    )
    steps.add_argument(
        "--compose",
        dest="steps",
        action=_InOrder,
        nargs=2,
        type=Path,
        metavar=("FIELD", "FIXED"),
        help="a further field that goes on from there, and its fixed image; images are still sampled once",
    )
    steps.add_argument(
        "--affine",
        dest="steps",
        action=_InOrder,
        type=Path,
        metavar="FILE",
        help="affine map of points towards the moving image, as ANTs and greedy write it: .mat, .tfm, or "
        "four lines of four numbers in RAS millimetres; not that of FSL",
    )
    _add_what(parser)
    _add_where(parser)


def _add_what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what is warped")
    named: dict[str, Any] = {"action": "extend", "nargs": "+", "type": Path, "default": [], "metavar": "FILE"}
    what.add_argument("--image", **named, help="images, sampled linearly; one or more frames")
    what.add_argument("--labels", **named, help="label maps, at the nearest voxel")
    what.add_argument("--points", **named, help="points in .csv, .tsv, .txt, or Slicer's .fcsv, .mrk.json")
    what.add_argument(
        "--vote",
        action="store_true",
        help="label maps by the vote of the eight voxels around, which smooths outlines",
    )
    what.add_argument(
        "--points-in",
        choices=("voxels", "ras", "lps"),
        default="voxels",
        help="what a table of points holds: voxels, as the challenge's do (default), or millimetres",
    )


def _add_where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("direction and grid")
    where.add_argument(
        "--inverse",
        action="store_true",
        help="the other way: images of the fixed space to the grid of --moving, points of the moving image",
    )
    where.add_argument(
        "--moving",
        type=Path,
        help="moving image, for its grid with --inverse and for points in its voxels (default: as --fixed)",
    )
    where.add_argument("--like", type=Path, metavar="IMAGE", help="put the results on the grid of this image")
    where.add_argument(
        "--placed-by",
        choices=("headers", "voxels"),
        help="what places the moving image: the headers of both, or voxels one to one as on the challenge's "
        "hosts (default: voxels for the challenge's files, else headers)",
    )


def run(options: argparse.Namespace) -> int:
    """Warps the files; returns 0.

    Raises:
        KnownError: As the parts say.
    """
    if not options.steps:
        raise UsageError("no field", remedy="give --field, --compose or --affine")
    rule: LabelRule = "vote" if options.vote else "nearest"
    wanted = ToWarp(
        tuple(options.image), tuple(options.labels), tuple(options.points), rule, options.points_in
    )
    fixed = read_header(options.fixed)
    moving, like = (None if path is None else read_header(path) for path in (options.moving, options.like))
    for header in (one for one in (fixed, moving, like) if one is not None):
        for warning in header.warnings:
            log.warning("%s: %s", header.path, warning)
    require_places(wanted, options.out, _inputs(options))
    steps = [_step(option, value, fixed, options.placed_by) for option, value in options.steps]
    warping = warp(*steps, fixed=fixed, moving=moving, like=like, inverse=options.inverse)
    # The suspicion needs a second image, which is read while the first is warped.
    with ThreadPoolExecutor(1) as pool:
        suspicion = pool.submit(_suspicion, steps[0], wanted, backwards=options.inverse)
        found = warp_files(warping, wanted, options.out)
    if (sentence := suspicion.result()) is not None:
        log.warning("%s", sentence)
    for file in found.files:
        tell_file(file, warping)
    if found.inverse is not None:
        tell_inverse(found.inverse, found.doubtful)
    if wanted.images or wanted.labels:
        tell_uncovered(warping)
    return 0


def _inputs(options: argparse.Namespace) -> list[Path]:
    values = [value if isinstance(value, list) else [value] for _, value in options.steps]
    named = [options.fixed, options.moving, options.like, *(path for paths in values for path in paths)]
    return [path for path in named if path is not None]


def _step(option: str, value: Any, fixed: Header, placed_by: Any) -> Step:  # noqa: ANN401
    if option == "--affine":
        return read_affine(value)
    path, grid = (value[0], read_header(value[1])) if option == "--compose" else (value, fixed)
    return read_field(path, grid, basis=placed_by)


def _suspicion(step: Step, wanted: ToWarp, *, backwards: bool) -> str | None:
    if not isinstance(step, Field) or not wanted.images or backwards:
        return None
    return unit_suspicion(step, wanted.images[0])
