"""A drawn pair for the benchmark of `warp`: FOLDER X Y Z AMPLITUDE, in a process of its own."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.codec import smooth_field
from benchmarks.phantom import cell_labels
from pairs.fields.profile import PROFILES
from pairs.images.volume import write_volume
from transforms.field import write_field

__all__ = ["draw_pair", "main"]


def draw_pair(folder: Path, shape: tuple[int, int, int], amplitude_vox: float) -> None:
    """Draws two images with label maps, points of the fixed one, and a smooth field in two profiles.

    Args:
        folder: Where they go.
        shape: Of both images.
        amplitude_vox: Largest value that a component of the field can reach.
    """
    affine = np.diag([-1.0, 1.0, 1.0, 1.0])
    for name, shift in (("fixed", 0.0), ("moving", 0.1)):
        labels = cell_labels(shape, 20, shift)
        noise = np.random.default_rng(0).normal(size=shape)
        write_volume(folder / f"{name}.nii.gz", (10 * labels + noise).astype(np.float32), affine)
        write_volume(folder / f"{name}_labels.nii.gz", labels, affine)
    points = np.random.default_rng(0).uniform(0, np.array(shape) - 1, (1000, 3))
    np.savetxt(folder / "points.csv", points, delimiter=",", fmt="%.3f")
    u = smooth_field(shape, amplitude_vox)
    for profile in ("l2r2022", "l2r2021"):
        write_field(folder / f"{profile}{PROFILES[profile].suffix}", u, profile)


def main(arguments: Sequence[str]) -> int:
    """Draws the pair; returns the exit code."""
    folder, x, y, z, amplitude = arguments
    draw_pair(Path(folder), (int(x), int(y), int(z)), float(amplitude))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
