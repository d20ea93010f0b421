"""The 2021 host's upsampling against scipy's zoom, and what a label warp makes of the difference."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from pairs.fields.zooming import zoom_displacement


def _zoomed(half: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.stack([ndimage.zoom(half[..., c], 2, order=2) for c in range(3)], axis=-1)


def _warped(displacement: NDArray[np.float32]) -> NDArray[np.int32]:
    """A volume in which every voxel has a number of its own, warped as the host does."""
    shape = displacement.shape[:3]
    moving = np.arange(1, np.prod(shape) + 1, dtype=np.float64).reshape(shape)
    positions = np.indices(shape) + np.moveaxis(displacement, -1, 0)
    return ndimage.map_coordinates(moving, positions, output=np.int32, order=0)


def _half(sides: tuple[int, int, int], kind: str, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    field = rng.normal(scale=3, size=(*sides, 3))
    if kind == "halves":
        field = np.rint(2 * field) / 2
    elif kind == "border":
        # Zero at every face, as fields of B-splines are: rounding alone decides what is outside.
        field[[0, -1]] = field[:, [0, -1]] = field[:, :, [0, -1]] = 0
    elif kind == "constant":
        field[...] = np.rint(2 * field[0, 0, 0]) / 2
    return field.astype(np.float16).astype(np.float32)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(*[st.integers(2, 12)] * 3),
    st.sampled_from(["normal", "halves", "border", "constant"]),
    st.integers(0, 1000),
)
@example((9, 8, 7), "border", 0)
@example((9, 8, 7), "halves", 0)
def test_it_is_scipys_zoom_to_the_last_place_and_warps_labels_alike(
    sides: tuple[int, int, int], kind: str, seed: int
) -> None:
    half = _half(sides, kind, seed)
    full, expected = zoom_displacement(half), _zoomed(half)
    assert full.dtype == np.float32
    assert np.allclose(full, expected, rtol=1.2e-7, atol=1e-12)
    assert np.array_equal(_warped(full), _warped(expected))


@pytest.mark.parametrize("value", [0.0, 0.5, -1.5, 3.0])
def test_a_constant_stays_exactly_constant(value: float) -> None:
    half = np.full((5, 4, 6, 3), value, dtype=np.float32)
    assert np.array_equal(zoom_displacement(half), np.full((10, 8, 12, 3), value, dtype=np.float32))


def test_components_are_contiguous() -> None:
    assert zoom_displacement(_half((3, 4, 5), "normal", 0))[..., 1].flags.c_contiguous
