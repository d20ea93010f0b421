"""`import --from TOOL --field F --fixed FIXED --profile P --out FILE` from the command line."""

import argparse
import logging
from pathlib import Path

from pairs.fields.foreign.readers import FOREIGN_READERS, read_foreign_field
from pairs.fields.profile import PROFILES
from pairs.files.outputs import require_outputs
from pairs.images.header import read_header
from transforms.field import require_name, write_field

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `import`."""
    parser.add_argument(
        "--from", dest="tool", required=True, choices=sorted(FOREIGN_READERS), help="what wrote the field"
    )
    parser.add_argument("--field", type=Path, required=True, help="its file, as `evaluate --from` reads it")
    parser.add_argument("--affine", type=Path, help="affine map that comes after it, of ANTs or greedy")
    parser.add_argument("--fixed", type=Path, required=True, help="fixed image of the field")
    parser.add_argument("--moving", type=Path, help="moving image (default: on the grid of the fixed one)")
    parser.add_argument("--profile", choices=list(PROFILES), default="l2r2022", help="default: l2r2022")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="field to write")


def run(options: argparse.Namespace) -> int:
    """Converts the field; returns 0.

    Raises:
        KnownError: As the parts say.
    """
    profile = PROFILES[options.profile]
    require_name(options.out, profile)
    fixed = read_header(options.fixed)
    moving = fixed if options.moving is None else read_header(options.moving)
    require_outputs([options.out], inputs=(options.field, options.affine, options.fixed, options.moving))
    read = read_foreign_field(options.tool, options.field, fixed, moving, options.affine)
    stored = write_field(options.out, read.displacement, profile)
    log.info(
        "%s: %s, at most %.2g voxel from what %s holds",
        stored.path,
        stored.profile,
        stored.decode_error_max_vox,
        options.field.name,
    )
    return 0
