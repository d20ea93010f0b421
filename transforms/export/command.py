"""`export --field F --fixed FIXED --moving MOVING --to PROGRAM --out FOLDER` from the command line."""

import argparse
import logging
from pathlib import Path

from pairs.files.outputs import require_outputs
from pairs.files.wholefile import probe_writable
from pairs.images.header import read_header
from transforms.export.programs import PROGRAMS, export_field
from transforms.field import read_field

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `export`."""
    parser.add_argument("--field", type=Path, required=True, help="field of any profile or tool")
    parser.add_argument("--fixed", type=Path, required=True, help="fixed image of the field")
    parser.add_argument("--moving", type=Path, required=True, help="moving image of the field")
    parser.add_argument("--to", required=True, choices=list(PROGRAMS), help="the program that is to read it")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument(
        "--placed-by",
        choices=("headers", "voxels"),
        help="what places the moving image in this field, as for `warp`",
    )


def run(options: argparse.Namespace) -> int:
    """Writes the files; returns 0.

    Raises:
        KnownError: As the parts say.
    """
    program, folder = PROGRAMS[options.to], options.out
    fixed, moving = read_header(options.fixed), read_header(options.moving)
    probe_writable(folder)
    outputs = [folder / name for name in program.files]
    require_outputs(outputs, inputs=(options.field, options.fixed, options.moving))
    field = read_field(options.field, fixed, basis=options.placed_by)
    for header in (fixed, moving):
        for warning in header.warnings:
            log.warning("%s: %s", header.path, warning)
    for path in export_field(field, moving, options.to, folder):
        log.info("%s", path)
    log.info("next: %s", program.usage.format(folder=folder, fixed=options.fixed, moving=options.moving))
    return 0
