"""Means over cubes and Gaussian means, beside slow sums."""

import pytest
import torch
import torch.nn.functional as F

from pipeline.network.separable import along_axes, box_mean, box_mean_transposed, gaussian_mean

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (5, 7, 6)


def noise(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator(torch.get_default_device()).manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def test_a_matrix_is_applied_along_each_axis() -> None:
    volume = noise(0, 2, 3, *SHAPE)
    matrices = [noise(i, side + i, side) for i, side in enumerate(SHAPE, start=1)]
    expected = torch.einsum("bcxyz,ux,vy,wz->bcuvw", volume, *matrices)
    assert torch.allclose(along_axes(volume, matrices), expected)


@pytest.mark.parametrize("window", [1, 3, 7, 15])
def test_a_box_mean_is_over_the_part_that_lies_in_the_volume(window: int) -> None:
    volume = noise(0, 2, 3, *SHAPE)
    half = window // 2
    part = F.pad(torch.ones(1, 1, *SHAPE, dtype=volume.dtype), [half] * 6)
    total, voxels = (F.avg_pool3d(one, window, stride=1) for one in (F.pad(volume, [half] * 6), part))
    assert torch.allclose(box_mean(volume, window), total / voxels)
    other = noise(1, 2, 3, *SHAPE)
    transposed = (box_mean_transposed(other, window) * volume).sum()
    assert torch.allclose(transposed, (other * box_mean(volume, window)).sum())


def test_a_gaussian_mean_keeps_constants_and_spreads_a_point_evenly() -> None:
    assert torch.allclose(gaussian_mean(torch.full((1, 3, *SHAPE), 2.5), 1.3), torch.tensor(2.5))
    point = torch.zeros(1, 1, 21, 21, 21)
    point[0, 0, 10, 10, 10] = 1
    spread = gaussian_mean(point, 1.5)[0, 0]
    assert spread.sum().item() == pytest.approx(1, abs=1e-5)
    along = spread.sum((1, 2))
    # Nothing beyond four times sigma, not even a number too small to be quick.
    assert along[[3, 17]].tolist() == [0, 0]
    assert along[[4, 16]].min() > 0
    variance = (along * (torch.arange(21.0) - 10) ** 2).sum().item()
    assert variance == pytest.approx(1.5**2, rel=1e-3)
