"""Warping: the coordinate order and scale of `grid_sample`, against rolls of arrays and SciPy."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from pipeline.network.warp import compose, identity_grid, sample, upsample_displacement, warp

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (5, 7, 9)


def random_volume(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 1, *shape, generator=torch.Generator(torch.get_default_device()).manual_seed(seed))


def constant_displacement(vector: tuple[float, float, float], shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.tensor(vector).view(1, 3, 1, 1, 1).expand(1, 3, *shape).contiguous()


def test_identity_grid_counts_voxels_along_each_array_axis() -> None:
    grid = identity_grid(random_volume())
    assert grid.shape == (1, 3, *SHAPE)
    for position in ((0, 0, 0), (1, 2, 3), (4, 6, 8)):
        assert grid[(0, slice(None), *position)].tolist() == list(position)


def test_zero_displacement_changes_nothing() -> None:
    volume = random_volume()
    assert torch.allclose(warp(volume, torch.zeros(1, 3, *SHAPE)), volume, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("steps", [-2, 1, 3])
def test_a_shift_along_one_axis_is_a_roll_of_that_axis(axis: int, steps: int) -> None:
    volume = random_volume()
    vector = [0.0, 0.0, 0.0]
    vector[axis] = float(steps)
    warped = warp(volume, constant_displacement((vector[0], vector[1], vector[2]), SHAPE))
    expected = volume.roll(-steps, axis + 2)
    # What rolls around the end comes from outside and is zero in a warp.
    side = SHAPE[axis]
    outside = torch.arange(side).add(steps).lt(0) | torch.arange(side).add(steps).ge(side)
    expected.index_fill_(axis + 2, outside.nonzero()[:, 0], 0.0)
    assert torch.allclose(warped, expected, atol=1e-5)


def test_integer_translation_in_all_axes_at_once() -> None:
    volume = random_volume()
    warped = warp(volume, constant_displacement((1.0, 2.0, -3.0), SHAPE))
    assert torch.allclose(warped[0, 0, :-1, :-2, 3:], volume[0, 0, 1:, 2:, :-3], atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 7, 9), (9, 5, 7), (2, 3, 17)])
def test_agrees_with_scipy_on_a_non_cubic_volume(shape: tuple[int, int, int]) -> None:
    random = np.random.default_rng(1)
    volume = random.random(shape).astype(np.float32)
    positions = np.stack([random.uniform(0, side - 1, shape) for side in shape]).astype(np.float32)
    displacement = torch.tensor(positions)[None] - identity_grid(torch.zeros(1, 1, *shape))
    warped = warp(torch.tensor(volume)[None, None], displacement)[0, 0].cpu().numpy()
    assert np.allclose(warped, map_coordinates(volume, positions, order=1), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.floats(-4, 4, width=32)] * 3))
def test_linear_ramps_are_read_at_the_displaced_position(vector: tuple[float, float, float]) -> None:
    shape = (10, 11, 13)
    ramps = identity_grid(torch.zeros(1, 1, *shape))
    warped = warp(ramps, constant_displacement(vector, shape), padding="border")
    inside = (slice(None), slice(None), slice(4, -4), slice(4, -4), slice(4, -4))
    expected = ramps + torch.tensor(vector).view(1, 3, 1, 1, 1)
    assert torch.allclose(warped[inside], expected[inside], atol=1e-4)


def test_every_voxel_is_hit_from_every_other() -> None:
    """A single bright voxel is found again at any target, so neither order nor scale can be wrong."""
    shape = (2, 3, 4)
    corners = list(product(*(range(side) for side in shape)))
    for source in corners:
        volume = torch.zeros(1, 1, *shape)
        volume[(0, 0, *source)] = 1
        for target in corners[:: len(corners) - 1]:
            vector = tuple(float(s - t) for s, t in zip(source, target, strict=True))
            warped = warp(volume, constant_displacement((vector[0], vector[1], vector[2]), shape))
            assert warped[(0, 0, *target)].item() == pytest.approx(1, abs=1e-5)


def test_outside_is_zero_or_the_border() -> None:
    volume = torch.ones(1, 1, *SHAPE)
    far = constant_displacement((100.0, 0.0, 0.0), SHAPE)
    assert warp(volume, far).abs().max() == 0
    assert torch.equal(warp(volume, far, padding="border"), volume)


def test_nearest_keeps_label_values() -> None:
    labels = torch.randint(
        0, 5, (1, 1, *SHAPE), generator=torch.Generator(torch.get_default_device()).manual_seed(0)
    ).float()
    warped = warp(labels, torch.full((1, 3, *SHAPE), 0.4), mode="nearest")
    assert torch.equal(warped, labels)


def test_a_displacement_may_live_on_another_grid_than_the_volume() -> None:
    volume = random_volume((6, 7, 8))
    small = warp(volume, torch.zeros(1, 3, 2, 3, 4))
    assert torch.allclose(small, volume[:, :, :2, :3, :4], atol=1e-6)


def test_an_axis_of_one_voxel_is_no_division_by_zero() -> None:
    volume = random_volume((1, 4, 5))
    assert torch.allclose(warp(volume, torch.zeros(1, 3, 1, 4, 5)), volume, atol=1e-6)


def test_sample_takes_absolute_positions() -> None:
    volume = random_volume()
    deformation = identity_grid(volume)
    assert torch.allclose(sample(volume, deformation), volume, atol=1e-6)
    assert sample(volume, torch.zeros(1, 3, 2, 2, 2)).unique().tolist() == [volume[0, 0, 0, 0, 0].item()]


def test_gradients_reach_volume_and_displacement() -> None:
    volume = random_volume().requires_grad_()
    displacement = torch.full((1, 3, *SHAPE), 0.3, requires_grad=True)
    warp(volume, displacement).square().sum().backward()
    for tensor in (volume, displacement):
        assert tensor.grad is not None
        assert tensor.grad.abs().max() > 0


def test_upsampling_keeps_values_of_a_constant() -> None:
    half = constant_displacement((1.0, -2.0, 3.0), (3, 4, 5))
    full = upsample_displacement(half, (6, 8, 10))
    assert torch.allclose(full, constant_displacement((1.0, -2.0, 3.0), (6, 8, 10)))


def test_upsampling_has_the_geometry_of_voxel_edges() -> None:
    """With `align_corners=False` the mean of each 2x2x2 block of a linear field is the coarse value."""
    half = identity_grid(torch.zeros(1, 1, 6, 5, 7))
    full = upsample_displacement(half, (12, 10, 14))
    means = torch.nn.functional.avg_pool3d(full, 2)
    assert torch.allclose(means[..., 1:-1, 1:-1, 1:-1], half[..., 1:-1, 1:-1, 1:-1], atol=1e-5)


def test_upsampling_to_the_same_grid_returns_the_field_itself() -> None:
    field = torch.rand(1, 3, 2, 3, 4)
    assert upsample_displacement(field, (2, 3, 4)) is field


def test_composition_warps_as_one_after_the_other() -> None:
    shape = (12, 14, 16)
    volume = random_volume(shape)
    first, then = (
        constant_displacement((1.0, 2.0, 0.0), shape),
        constant_displacement((0.0, -1.0, 1.0), shape),
    )
    # Not constant, so that the order of the two matters.
    then[:, 0] = (identity_grid(volume)[:, 1] > 6).float()
    together, apart = warp(volume, compose(first, then)), warp(warp(volume, first), then)
    inside = (..., slice(3, -3), slice(3, -3), slice(4, -4))
    assert torch.allclose(together[inside], apart[inside], atol=1e-5)
    assert not torch.allclose(warp(volume, compose(then, first))[inside], apart[inside], atol=1e-2)
