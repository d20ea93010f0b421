"""`warp` as a user types it: seconds and memory of the whole process, and the residual of the inverse."""

import argparse
import math
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pairs.fields.profile import PROFILES
from studies.markdown import markdown_table
from studies.process import run_module

__all__ = ["main"]

_PROFILES = ("l2r2022", "l2r2021")
_RESIDUAL = re.compile(r"inverse: residual at most ([\d.]+) voxel, 99 % within ([\d.]+)")
_HEADER = (
    "field",
    "what is warped",
    "seconds",
    "peak MiB",
    "over the image",
    "largest residual",
    "99 % within",
)


def _row(folder: Path, profile: str, what: str, words: Sequence[str], image_mib: float) -> list[str]:
    log = folder / f"{profile}-{what}.log"
    field = folder / f"{profile}{PROFILES[profile].suffix}"
    named = ("--field", field, "--fixed", folder / "fixed.nii.gz", "--out", folder / what)
    spent = run_module("textscf", "warp", *named, *words, log=log)
    found = _RESIDUAL.search(log.read_text(encoding="utf-8"))
    residual = found.groups() if found is not None else ("", "")
    memory = [f"{spent.peak_mib:.0f}", f"{spent.peak_mib - image_mib:.0f}"]
    return [profile, what, f"{spent.wall_s:.1f}", *memory, *residual]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="warping", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(160, 192, 224), metavar=("X", "Y", "Z"))
    parser.add_argument("--amplitude", type=float, default=13.0, help="of each component, in voxels")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Its memory would count as that of every later process.
        run_module("benchmarks.warpedpair", folder, *map(str, options.shape), str(options.amplitude))
        image = ["--image", str(folder / "moving.nii.gz")]
        rest = ["--labels", str(folder / "moving_labels.nii.gz"), "--points", str(folder / "points.csv")]
        back = ["--inverse", "--image", str(folder / "fixed.nii.gz")]
        calls = {"image": image, "image, labels, points": [*image, *rest], "image, inverse": back}
        image_mib = math.prod(options.shape) * 4 / 2**20
        rows = [
            _row(folder, profile, what, words, image_mib)
            for profile in _PROFILES
            for what, words in calls.items()
        ]
    print(f"an image of {'x'.join(map(str, options.shape))}, {image_mib:.0f} MiB as float32\n")
    print(markdown_table(_HEADER, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
