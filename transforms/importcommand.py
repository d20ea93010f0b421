"""`import --from TOOL --field F --fixed FIXED --profile P --out FILE` from the command line."""

import argparse
import logging
from pathlib import Path

from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.fields.profile import PROFILES, profile_of
from pairs.files.outputs import require_outputs
from transforms.field import import_field, require_name, write_field

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
    require_name(options.out, profile_of(options.profile))
    require_outputs([options.out], inputs=(options.field, options.affine, options.fixed, options.moving))
    field = import_field(options.field, options.tool, options.fixed, options.moving, affine=options.affine)
    stored = write_field(options.out, field, options.profile)
    log.info(
        "%s: %s, at most %.2g voxel from what %s holds",
        stored.path,
        stored.profile,
        stored.decode_error_max_vox,
        options.field.name,
    )
    return 0
