"""Eq. 4: what region filters, the region-free filter and the confidence do to the displacement."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.network.filters.response import blend_responses, region_response, to_feature_grid

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (4, 5, 6)
REGIONS = 4
CHANNELS = 6


class Case:
    """Random features, filters, labels and confidence."""

    def __init__(self, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> None:
        random = torch.Generator(torch.get_default_device()).manual_seed(seed)
        self.features = torch.randn(2, CHANNELS, *shape, generator=random)
        self.filters = torch.randn(REGIONS, CHANNELS, 3, generator=random)
        self.free = torch.randn(CHANNELS, 3, generator=random)
        self.labels = torch.randint(0, REGIONS, (2, *shape), generator=random)
        self.confidence = torch.rand(2, *shape, generator=random)

    def blend(self, confidence: torch.Tensor | None = None) -> torch.Tensor:
        p = self.confidence if confidence is None else confidence
        return blend_responses(self.features, self.filters, self.free, self.labels, p)

    def blended_filters(self) -> torch.Tensor:
        """The definition: a filter for every voxel, applied there."""
        p = self.confidence[..., None, None]
        per_voxel = p * self.filters[self.labels] + (1 - p) * self.free
        return torch.einsum("bxyzcd,bcxyz->bdxyz", per_voxel, self.features)

    def everywhere(self, p: float) -> torch.Tensor:
        return torch.full_like(self.confidence, p)


def applied(features: torch.Tensor, filter_: torch.Tensor) -> torch.Tensor:
    """One filter (C, 3) for all voxels."""
    return torch.einsum("bcxyz,cd->bdxyz", features, filter_)


def test_equals_the_blended_filter_at_every_voxel() -> None:
    case = Case()
    assert torch.allclose(case.blend(), case.blended_filters(), rtol=1e-5, atol=1e-5)


def test_volumes_of_several_blocks_equal_the_blended_filter() -> None:
    case = Case(shape=(33, 32, 31))
    assert torch.allclose(case.blend(), case.blended_filters(), rtol=1e-5, atol=1e-5)


def test_without_confidence_only_the_free_filter_acts() -> None:
    case = Case()
    expected = applied(case.features, case.free)
    assert torch.allclose(case.blend(case.everywhere(0)), expected, atol=1e-6)
    case.filters = case.filters + 7
    case.labels = (case.labels + 1) % REGIONS
    assert torch.allclose(case.blend(case.everywhere(0)), expected, atol=1e-6)


def test_with_full_confidence_the_free_filter_is_silent() -> None:
    case = Case()
    expected = region_response(case.features, case.filters, case.labels)
    assert torch.allclose(case.blend(case.everywhere(1)), expected, atol=1e-6)
    case.free = case.free * 100
    assert torch.allclose(case.blend(case.everywhere(1)), expected, atol=1e-6)


def test_region_response_picks_the_filter_of_the_label() -> None:
    case = Case()
    response = region_response(case.features, case.filters, case.labels)
    for region in range(REGIONS):
        alone = applied(case.features, case.filters[region])
        inside = (case.labels == region)[:, None].expand_as(response)
        assert torch.allclose(response[inside], alone[inside], atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1, width=32))
def test_displacement_is_affine_in_the_confidence(seed: int, p: float) -> None:
    case = Case(seed)
    ends = [case.blend(case.everywhere(end)) for end in (0, 1)]
    expected = (1 - p) * ends[0] + p * ends[1]
    assert torch.allclose(case.blend(case.everywhere(p)), expected, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(REGIONS)))
def test_renumbering_labels_and_rows_together_changes_nothing(order: list[int]) -> None:
    case = Case()
    before = case.blend()
    renumbered = torch.empty(REGIONS, dtype=torch.int64)
    renumbered[torch.tensor(order)] = torch.arange(REGIONS)
    case.filters = case.filters[torch.tensor(order)]
    case.labels = renumbered[case.labels]
    assert torch.allclose(case.blend(), before, atol=1e-6)


def test_renumbering_labels_alone_changes_the_displacement() -> None:
    case = Case()
    before = case.blend()
    case.labels = (case.labels + 1) % REGIONS
    assert not torch.allclose(case.blend(), before)


def test_regions_with_equal_rows_cannot_be_told_apart() -> None:
    case = Case()
    case.filters[2] = case.filters[1]
    before = case.blend()
    case.labels = torch.where(case.labels == 2, 1, case.labels)
    assert torch.allclose(case.blend(), before, atol=1e-6)


def test_all_rows_equal_is_one_1x1x1_convolution() -> None:
    case = Case()
    case.filters = case.filters[:1].expand(REGIONS, -1, -1).contiguous()
    kernel = case.filters[0].T[:, :, None, None, None]
    expected = torch.nn.functional.conv3d(case.features, kernel)
    assert torch.allclose(case.blend(case.everywhere(1)), expected, atol=1e-5)


def test_constant_features_give_one_displacement_a_region() -> None:
    case = Case()
    case.features = torch.randn(CHANNELS).view(1, CHANNELS, 1, 1, 1).expand(2, -1, *SHAPE).contiguous()
    displacement = case.blend(case.everywhere(0.6)).movedim(1, -1)
    for region in range(REGIONS):
        inside = displacement[case.labels == region]
        assert torch.allclose(inside, inside[:1].expand_as(inside), atol=1e-6)


def test_full_confidence_gives_the_free_filter_no_gradient() -> None:
    case = Case()
    case.free.requires_grad_()
    case.filters.requires_grad_()
    case.blend(case.everywhere(1)).square().sum().backward()
    assert case.free.grad is not None
    assert case.free.grad.abs().max() == 0
    assert case.filters.grad is not None
    assert (case.filters.grad.abs().amax((1, 2)) > 0).all()


def test_absent_labels_get_no_gradient() -> None:
    case = Case()
    case.labels = torch.where(case.labels == 3, 1, case.labels)
    case.filters.requires_grad_()
    case.blend().square().sum().backward()
    assert case.filters.grad is not None
    assert case.filters.grad[3].abs().max() == 0
    assert (case.filters.grad[:3].abs().amax((1, 2)) > 0).all()


def test_batch_members_do_not_mix() -> None:
    case = Case()
    both = case.blend()
    for i in range(2):
        alone = blend_responses(
            case.features[i : i + 1],
            case.filters,
            case.free,
            case.labels[i : i + 1],
            case.confidence[i : i + 1],
        )
        assert torch.allclose(alone, both[i : i + 1], atol=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_feature_grid_takes_whole_voxels_of_labels_and_confidence_alike(stride: int) -> None:
    labels = torch.arange(4 * 8 * 8).view(1, 4, 8, 8)
    coarse = to_feature_grid(labels, stride)
    assert coarse.shape == (1, 4 // stride, 8 // stride, 8 // stride)
    assert torch.equal(to_feature_grid(labels.float(), stride), coarse.float())
    assert coarse[0, 0, 1, 0] == labels[0, 0, stride, 0]
