"""Networks that see blocks of voxels as channels, and say what each voxel of a block is."""

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.config import IntensityConfig, SegmentorConfig
from pipeline.regions.blocks import BLOCK, BlockGrid, BlockLogits, begun_from_half, in_blocks, out_of_blocks
from pipeline.regions.networks import HalfGrid, build_network
from pipeline.regions.segmentor import Segmentor

__all__: list[str] = []

REGIONS = 3
IMAGE = torch.rand(1, 1, 16, 8, 12, generator=torch.Generator().manual_seed(0))


def config(grid: str = "blocks", **changes: object) -> SegmentorConfig:
    settings = {"network": "plainunet", "channels": (4, 8), "roi": (16, 16, 16), "grid": grid}
    return SegmentorConfig.model_validate(settings | changes)


def network() -> BlockGrid:
    torch.manual_seed(0)
    built = build_network(config(), REGIONS).eval()
    assert isinstance(built, BlockGrid)
    return built


def test_each_voxel_of_a_block_is_a_channel() -> None:
    blocks = in_blocks(IMAGE)
    assert blocks.shape == (1, BLOCK, 8, 4, 6)
    assert torch.equal(blocks[:, 5, None], IMAGE[..., 1::2, ::2, 1::2])
    assert torch.equal(out_of_blocks(blocks), IMAGE)


def test_channels_of_a_voxel_come_back_one_after_the_other() -> None:
    channels = torch.rand(2, 3, 4, 6, 2)
    assert torch.equal(out_of_blocks(in_blocks(channels)), channels)


@torch.no_grad()
def test_every_voxel_of_the_image_has_logits_of_its_own() -> None:
    built = network()
    logits = built(IMAGE)
    assert logits.shape == (1, REGIONS, 16, 8, 12)
    # Two voxels of one block differ, which an interpolated half grid could not say.
    assert not torch.allclose(logits[..., ::2, :, :], logits[..., 1::2, :, :])


@torch.no_grad()
@pytest.mark.parametrize("voxel", range(BLOCK))
def test_in_training_one_voxel_of_each_block_speaks(voxel: int) -> None:
    built = network()
    finest = built.levels(IMAGE, voxel)[0]
    x, y, z = voxel // 4, voxel // 2 % 2, voxel % 2
    torch.testing.assert_close(finest, built(IMAGE)[..., x::2, y::2, z::2])


@torch.no_grad()
def test_slabs_of_odd_sides_are_parts_of_the_whole() -> None:
    built, shape = network(), (37, 9, 11)
    image = torch.rand(1, 1, 40, 12, 12)
    whole = built(image)[0, :, :37, :9, :11]
    logits = BlockLogits(built.features(in_blocks(image)), built.classifier, shape)
    parts = list(logits.slabs())
    assert len(parts) > 1
    assert [part.stop for part, _ in parts][-1] == 37
    torch.testing.assert_close(torch.cat([slab for _, slab in parts], dim=1), whole)
    for number in range(REGIONS):
        torch.testing.assert_close(logits.of(number), whole[number])


@torch.no_grad()
def test_windows_are_averaged_before_the_last_layer_as_behind_it() -> None:
    """The last layer sees one place alone and is linear."""
    from monai.inferers import sliding_window_inference

    built = network()
    settings = config(roi=(8, 8, 8))
    image = np.random.default_rng(0).random((16, 12, 20), np.float32)
    found = Segmentor(built, settings, torch.device("cpu"), IntensityConfig(), range(REGIONS)).logits(
        torch.from_numpy(image)[None, None]
    )
    blocks = in_blocks(torch.from_numpy(image)[None, None])
    logits = sliding_window_inference(
        blocks, (4, 4, 4), sw_batch_size=1, predictor=built.core, overlap=0.5, mode="gaussian"
    )
    assert isinstance(logits, torch.Tensor)
    torch.testing.assert_close(torch.cat([slab for _, slab in found.slabs()], 1), out_of_blocks(logits)[0])


@torch.no_grad()
def test_begun_from_a_network_of_means_it_says_the_same_of_each_block() -> None:
    torch.manual_seed(1)
    half = build_network(config("half"), REGIONS).eval()
    assert isinstance(half, HalfGrid)
    built = network()
    built.load_state_dict(begun_from_half(built.state_dict(), half.state_dict()))
    logits = built(IMAGE)
    for voxel in range(BLOCK):
        x, y, z = voxel // 4, voxel // 2 % 2, voxel % 2
        found = logits[..., x::2, y::2, z::2]
        torch.testing.assert_close(found, half.core(nn.functional.avg_pool3d(IMAGE, 2)), rtol=1e-4, atol=1e-5)


def test_blocks_are_for_the_plain_unet_and_double_the_stride() -> None:
    assert config().total_stride == config("half").total_stride == 2 * config("full").total_stride
    with pytest.raises(ValueError, match="grid 'blocks' with the network 'plainunet'"):
        config(network="unet")
    with pytest.raises(ValueError, match="grid 'full'"):
        config(network="swinunetr-tiny", roi=(64, 64, 64))
