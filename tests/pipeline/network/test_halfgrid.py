"""The half grid: means of images, picked regions, and displacements that mean the same on the full grid."""

import pytest
import torch
import torch.nn.functional as F

from pipeline.network.halfgrid import halved_image, halved_map, on_full_grid
from pipeline.network.model import RegistrationOutput
from pipeline.network.warp import identity_grid, sample, warp

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")


def test_the_mean_is_trilinear_interpolation_to_half_the_size() -> None:
    image = torch.rand(1, 1, 8, 6, 10, generator=torch.Generator(torch.get_default_device()).manual_seed(0))
    half = F.interpolate(image, scale_factor=0.5, mode="trilinear", align_corners=False)
    assert torch.allclose(halved_image(image), half, atol=1e-6)


def test_labels_and_confidence_are_picked_at_the_same_voxels() -> None:
    labels = torch.arange(4 * 4 * 2).view(1, 4, 4, 2)
    assert halved_map(labels).flatten().tolist() == [0, 4, 16, 20]


def test_a_constant_displacement_doubles() -> None:
    half = torch.tensor([1.0, -0.5, 2.0]).view(1, 3, 1, 1, 1).expand(1, 3, 4, 3, 5).contiguous()
    output = on_full_grid(RegistrationOutput(half, half), (8, 6, 10))
    assert output.displacement.shape == (1, 3, 8, 6, 10)
    assert output.displacement[0, :, 3, 2, 5].tolist() == [2, -1, 4]
    assert (output.displacement == output.displacement[:, :, :1, :1, :1]).all()
    assert output.regularised is half


def test_warping_and_halving_commute_for_linear_images() -> None:
    """A displacement that grows linearly, in half voxels, moves what is seen on both grids alike."""
    shape = (16, 12, 20)
    grid = identity_grid(torch.empty(1, 1, *shape))
    image = (grid * torch.tensor([1.0, 2.0, -1.0]).view(1, 3, 1, 1, 1)).sum(1, keepdim=True)
    coarse = identity_grid(torch.empty(1, 1, 8, 6, 10))
    half = 0.1 * (coarse - 3)
    full = on_full_grid(RegistrationOutput(half, half), shape).displacement
    on_half = warp(halved_image(image), half)
    on_full = halved_image(warp(image, full))
    middle = (..., slice(2, -2), slice(2, -2), slice(2, -2))
    assert torch.allclose(on_half[middle], on_full[middle], atol=1e-4)
    # The place of half voxel i is 2 i + 0.5.
    places = sample(full, 2 * coarse + 0.5)
    assert torch.allclose(places[middle], 2 * half[middle], atol=1e-5)
