"""The plain U-Net: levels in training, one map of logits in use, on the grid of the image."""

import subprocess
import sys

import pytest
import torch

from pipeline.config import SegmentorConfig
from pipeline.regions.networks import build_network, outline, padded_for

__all__: list[str] = []

CONFIG = SegmentorConfig(network="plainunet", channels=(2, 4, 8), roi=(8, 8, 8))
IMAGE = torch.rand(1, 1, 8, 12, 16, generator=torch.Generator().manual_seed(0))


def test_in_training_every_level_but_the_coarsest_speaks() -> None:
    levels = build_network(CONFIG, 3).train()(IMAGE)
    assert [tuple(level.shape) for level in levels] == [(1, 3, 8, 12, 16), (1, 3, 4, 6, 8)]


def test_in_use_the_finest_level_speaks_alone_and_says_the_same() -> None:
    network = build_network(CONFIG, 3)
    in_training = network.train()(IMAGE)
    assert torch.equal(network.eval()(IMAGE), in_training[0])


def test_its_first_level_sees_every_voxel() -> None:
    """A voxel next to another changes what is said of itself: nothing is averaged before it is seen."""
    network = build_network(CONFIG, 3).eval()
    first = network.down[0].conv1.conv
    assert first.stride == (1, 1, 1)
    assert first.weight.shape == (2, 1, 3, 3, 3)


@pytest.mark.parametrize("shape", [(5, 9, 4), (4, 4, 4), (8, 8, 8)])
def test_volumes_of_any_size_are_padded_as_for_the_other_unet(shape: tuple[int, int, int]) -> None:
    volume = padded_for(CONFIG, torch.rand(1, 1, *shape))
    assert all(side % 4 == 0 for side in volume.shape[2:])
    assert build_network(CONFIG, 2).eval()(volume).isfinite().all()


def test_windows_that_it_cannot_take_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        SegmentorConfig(network="plainunet", channels=(2, 4, 8), roi=(8, 8, 6))


def test_a_block_is_that_of_monai_under_the_same_names() -> None:
    from monai.networks.blocks.dynunet_block import UnetUpBlock

    theirs = UnetUpBlock(3, 8, 4, 3, 1, 2, norm_name=("instance", {"affine": True}))
    ours = build_network(CONFIG, 3).up[1]
    assert ours.load_state_dict(theirs.state_dict()).missing_keys == []
    coarse, skip = torch.rand(1, 8, 3, 2, 4), torch.rand(1, 4, 6, 4, 8)
    assert torch.equal(ours(coarse, skip), theirs(coarse, skip))


def test_a_volume_that_is_seen_whole_goes_without_monai() -> None:
    """Its import would be most of the time of a short run."""
    code = (
        "import sys, numpy, torch\n"
        "from pipeline.weights.bundle import read_bundle\n"
        "from pipeline.weights.folders import bundle_of\n"
        "segmentor = read_bundle(bundle_of('HippocampusMR')).build_segmentor(torch.device('cpu'))\n"
        "segmentor.segment(numpy.random.default_rng(0).random((64, 64, 64), numpy.float32))\n"
        "sys.exit('monai' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_outline_takes_no_memory_and_has_the_shapes() -> None:
    drawn, built = outline(CONFIG, 3).state_dict(), build_network(CONFIG, 3).state_dict()
    assert {value.device.type for value in drawn.values()} == {"meta"}
    assert {name: value.shape for name, value in drawn.items()} == {n: v.shape for n, v in built.items()}
