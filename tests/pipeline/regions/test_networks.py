"""SwinUNETR beside the U-Net: sizes, strides, and the patch merging of old weights."""

import pytest
import torch
from torch import nn

from pipeline.config import SegmentorConfig
from pipeline.regions.merging import SUB_GRIDS, LegacyPatchMerging
from pipeline.regions.networks import SWIN_FEATURES, HalfGrid, build_network, padded_for

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")


def swin(merging: str = "current", **more: object) -> SegmentorConfig:
    return SegmentorConfig.model_validate({"network": "swinunetr-tiny", "merging": merging, **more})


@pytest.fixture(scope="module")
def pair() -> tuple[nn.Module, nn.Module]:
    """The tiny network with current and with legacy merging, of the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        current, legacy = (build_network(swin(merging), 14).eval() for merging in ("current", "legacy"))
    legacy.load_state_dict(current.state_dict())
    return current, legacy


@pytest.mark.parametrize(("size", "parameters"), [("small", 15_703_304), ("tiny", 4_078_220)])
def test_sizes_are_the_published_ones(size: str, parameters: int) -> None:
    network = build_network(SegmentorConfig(network=f"swinunetr-{size}"), 14)  # type: ignore[arg-type]
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_the_base_is_the_largest() -> None:
    """Its 62,187,296 parameters take seconds to draw; width is all that tells the sizes apart."""
    assert SWIN_FEATURES == {"base": 48, "small": 24, "tiny": 12}


def test_classes_are_the_regions_or_what_the_configuration_says(pair: tuple[nn.Module, nn.Module]) -> None:
    assert pair[0].state_dict()["out.conv.conv.bias"].shape == (14,)
    seven = build_network(swin(class_labels=(0, 1, 2, 0, 0, 3, 4)), 5)
    assert seven.state_dict()["out.conv.conv.bias"].shape == (7,)


@pytest.mark.slow
def test_weights_of_one_merging_load_into_the_other_and_mean_something_else(
    pair: tuple[nn.Module, nn.Module],
) -> None:
    current, legacy = pair
    assert list(current.state_dict()) == list(legacy.state_dict())
    image = torch.rand(1, 1, 64, 32, 32, generator=torch.Generator(torch.get_default_device()).manual_seed(1))
    with torch.no_grad():
        one, other = current(image), legacy(image)
    assert one.shape == other.shape == (1, 14, 64, 32, 32)
    assert ((one - other).abs().max() / one.std()).item() > 0.1


def test_legacy_merging_sees_two_sub_grids_twice_and_two_never() -> None:
    merging = LegacyPatchMerging(1)
    merging.norm, merging.reduction = nn.Identity(), nn.Identity()
    # The value of each voxel says where it is, in three binary digits.
    x, y, z = torch.meshgrid(torch.arange(4), torch.arange(2), torch.arange(6), indexing="ij")
    image = (100 * (x % 2) + 10 * (y % 2) + z % 2)[None, ..., None].float()
    merged = merging(image)
    assert merged.shape == (1, 2, 1, 3, 8)
    assert merged[0, 0, 0, 0].tolist() == [0, 100, 10, 1, 101, 10, 1, 111]
    assert {(1, 1, 0), (0, 1, 1)} & set(SUB_GRIDS) == set()


def test_legacy_merging_pads_odd_sides() -> None:
    assert LegacyPatchMerging(2)(torch.rand(1, 3, 4, 5, 2)).shape == (1, 2, 2, 3, 4)


def test_strides() -> None:
    assert SegmentorConfig(channels=(2, 4, 8)).total_stride == 4
    assert swin().total_stride == 32


@pytest.mark.parametrize(
    ("shape", "padded"),
    [((4, 8, 12), (4, 8, 12)), ((5, 3, 1), (8, 4, 4)), ((4, 4, 4), (4, 4, 8)), ((1, 1, 1), (4, 4, 8))],
)
def test_volumes_are_padded_until_the_network_can_normalise_its_bottom(
    shape: tuple[int, int, int], padded: tuple[int, int, int]
) -> None:
    config = SegmentorConfig(channels=(2, 4, 8), residual_units=1)
    volume = padded_for(config, torch.rand(1, 1, *shape))
    assert volume.shape[2:] == padded
    assert build_network(config, 2)(volume).isfinite().all()


@pytest.mark.parametrize("roi", [(8, 8, 6), (4, 4, 4), (6, 8, 8)])
def test_windows_that_the_unet_cannot_take_are_refused(roi: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 4, and not all just 4"):
        SegmentorConfig(channels=(2, 4, 8), roi=roi)


@pytest.mark.parametrize("roi", [(96, 96, 80), (32, 64, 64)])
def test_windows_that_the_network_cannot_take_are_refused(roi: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="multiples of 32, from 64 on"):
        swin(roi=roi)


def half(network: str = "unet") -> SegmentorConfig:
    return SegmentorConfig.model_validate({"network": network, "channels": (4, 8), "grid": "half"})


def test_on_the_half_grid_the_network_sees_means_and_its_logits_lie_on_the_image() -> None:
    network = build_network(half(), 2)
    assert isinstance(network, HalfGrid)
    network.core = nn.Conv3d(1, 2, 1, bias=False)
    ramp = torch.arange(16.0).view(1, 1, 16, 1, 1).expand(1, 1, 16, 8, 8)
    logits = network(ramp)
    assert logits.shape == (1, 2, 16, 8, 8)
    # It has learnt the region of the first voxel of each mean: there its logits lie, linear in between.
    weight = network.core.weight[:, 0, 0, 0, 0].view(2, 1, 1, 1)
    torch.testing.assert_close(logits[0, :, :-1], weight * (ramp[0, :, :-1] + 0.5))


def test_the_half_grid_doubles_the_stride_and_is_for_the_unet_only() -> None:
    assert half().total_stride == 2 * SegmentorConfig(channels=(4, 8)).total_stride
    with pytest.raises(ValueError, match="spacing_mm"):
        half("swinunetr-tiny")
