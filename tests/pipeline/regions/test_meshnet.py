"""MeshNet: the published layers, borders that look on nothing, and maps that are made in parts."""

import pytest
import torch
from torch import nn

from pipeline.config import SegmentorConfig
from pipeline.regions import meshnet
from pipeline.regions.config import MeshNetConfig
from pipeline.regions.meshnet import MeshNet
from pipeline.regions.networks import build_network, outline

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

DILATIONS = (1, 2, 3)


def network(activation: str = "elu") -> MeshNet:
    torch.manual_seed(0)
    settings = {"channels": 4, "dilations": DILATIONS, "activation": activation}
    return MeshNet(MeshNetConfig.model_validate(settings), 3).eval()


def plain(net: MeshNet, image: torch.Tensor) -> torch.Tensor:
    """The layers one after the other, as brainchop applies them."""
    with torch.no_grad():
        return nn.Sequential(*net.model)(image.clone())


def test_the_layers_have_the_published_names_and_shapes() -> None:
    config = SegmentorConfig(network="meshnet", meshnet=MeshNetConfig(activation="elu"))
    state = build_network(config, 18).state_dict()
    assert list(state) == [f"model.{2 * n}.{part}" for n in range(10) for part in ("weight", "bias")]
    assert state["model.0.weight"].shape == (30, 1, 3, 3, 3)
    assert state["model.10.weight"].shape == (30, 30, 3, 3, 3)
    assert state["model.18.weight"].shape == (18, 30, 1, 1, 1)
    assert all(tensor.is_meta for tensor in outline(config, 18).state_dict().values())


@pytest.mark.parametrize("activation", ["relu", "elu", "gelu"])
@pytest.mark.parametrize("slab", [3, 16])
def test_far_from_the_border_it_is_the_plain_chain(
    activation: str, slab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshnet, "_SLAB_VOX", slab)
    net, image = network(activation), torch.rand(1, 1, 20, 17, 16)
    seen = sum(DILATIONS)
    inside = (..., *(slice(seen, -seen),) * 3)
    with torch.no_grad():
        torch.testing.assert_close(net(image)[inside], plain(net, image)[inside])


def test_more_zeros_around_the_volume_change_nothing() -> None:
    """Zero padding of the features, as in the plain chain, would give another answer near the border."""
    net, content = network(), torch.rand(1, 1, 5, 6, 4)
    near, far = (nn.functional.pad(content, [by] * 6) for by in (6, 14))
    with torch.no_grad():
        found, expected = net(near), net(far)[..., 8:-8, 8:-8, 8:-8]
        other = plain(net, near)
    torch.testing.assert_close(found, expected)
    assert (other - expected).abs().max() > 0.01


def test_the_image_is_left_as_it_was() -> None:
    image = torch.rand(1, 1, 8, 8, 8)
    before = image.clone()
    network()(image)
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ({"channels": 10_000}, "channels"),
        ({"dilations": ()}, "dilations"),
        ({"dilations": (1,) * 40}, "dilations"),
        ({"dilations": (1, 4000)}, "dilations.1"),
    ],
)
def test_layers_without_end_are_refused(layers: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        SegmentorConfig.model_validate({"network": "meshnet", "meshnet": layers})


@pytest.mark.parametrize("section", [{"network": "meshnet"}, {"meshnet": {}}])
def test_layers_are_given_with_the_network_and_only_then(section: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="`meshnet` with the network 'meshnet', and with no other"):
        SegmentorConfig.model_validate(section)


def test_the_half_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="spacing_mm"):
        SegmentorConfig.model_validate({"network": "meshnet", "meshnet": {}, "grid": "half"})
