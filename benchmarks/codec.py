"""What each output profile loses of a smooth displacement field, beside two common ways to halve a field."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from pairs.fields.displacement import PROFILES, Profile
from pairs.fields.encoding import decode, encode
from studies.markdown import markdown_table

__all__ = ["main", "mean_pool", "smooth_field", "zoom_half"]

Array = NDArray[Any]
Encoder = Callable[[Array, Profile], Array]

HEADER = (
    "profile",
    "encoder",
    "mean error [voxels]",
    "RMS error [voxels]",
    "max error [voxels]",
    "encode [s]",
)


def smooth_field(shape: tuple[int, int, int], amplitude_vox: float) -> NDArray[np.float32]:
    """A displacement (X, Y, Z, 3) of half to one period along each axis; the test suite uses the same.

    Args:
        shape: (X, Y, Z).
        amplitude_vox: Largest value that a component can reach, in voxels.
    """
    x, y, z = np.meshgrid(*(np.linspace(0, 1, side) for side in shape), indexing="ij", sparse=True)
    waves = [
        np.sin(2 * np.pi * a + b) * np.cos(2 * np.pi * b) * np.cos(np.pi * c)
        for a, b, c in ((x, y, z), (y, z, x), (z, x, y))
    ]
    return (amplitude_vox * np.stack(waves, axis=-1)).astype(np.float32)


def zoom_half(field: Array, profile: Profile) -> Array:
    """`scipy.ndimage.zoom(c, 0.5, order=2)` of each component, in the layout of `profile`."""
    return _stored([zoom(field[..., component], 0.5, order=2) for component in range(3)], profile)


def mean_pool(field: Array, profile: Profile) -> Array:
    """The mean of each 2x2x2 block, in the layout of `profile`."""
    x, y, z = (side // 2 for side in field.shape[:3])
    pooled = field.reshape(x, 2, y, 2, z, 2, 3).mean(axis=(1, 3, 5))
    return _stored([pooled[..., component] for component in range(3)], profile)


def _stored(components: Sequence[Array], profile: Profile) -> Array:
    return np.stack(components, axis=0 if profile.channel_first else -1).astype(profile.dtype)


def _row(name: str, encoder: Encoder, field: Array, profile: Profile, repeats: int) -> list[str]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        array = encoder(field, profile)
        seconds.append(time.perf_counter() - start)
    # `decode` is the host's own rule, scipy's zoom to the last place.
    error = np.abs(decode(array, profile) - field)
    mean, mean_square = error.mean(dtype=np.float64), np.square(error).mean(dtype=np.float64)
    errors = [f"{mean:.5f}", f"{mean_square**0.5:.5f}", f"{error.max():.4f}"]
    return [profile.name, name, *errors, f"{statistics.median(seconds):.2f}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="codec", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(160, 192, 224), metavar=("X", "Y", "Z"))
    parser.add_argument("--amplitude", type=float, default=13.0, help="of each component, in voxels")
    parser.add_argument("--repeats", type=int, default=3, help="encodings; their median time is shown")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.repeats < 1 or any(side < 2 or side % 2 for side in options.shape):
        parser.error("expected even sides and at least one repeat")
    field = smooth_field(tuple(options.shape), options.amplitude)
    references = {"zoom(0.5, order=2)": zoom_half, "2x2x2 mean": mean_pool}
    rows = []
    for profile in PROFILES.values():
        encoders: dict[str, Encoder] = {"this project": encode, **(references if profile.half else {})}
        rows += [_row(name, encoder, field, profile, options.repeats) for name, encoder in encoders.items()]
    print(markdown_table(HEADER, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
