"""The coordinates' head: filters follow the place alone, and the parts of a volume fit together."""

import pytest
import torch

from pipeline.network.filters import coordinates
from pipeline.network.filters.coordinates import CoordinatesHead, normalised_coordinates

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (4, 5, 6)
CHANNELS = 6


def trained_head(mlp: str = "shared") -> CoordinatesHead:
    torch.manual_seed(0)
    head = CoordinatesHead(CHANNELS, 8, mlp)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head


def inputs(batch: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    features = torch.randn(
        batch, CHANNELS, *SHAPE, generator=torch.Generator(torch.get_default_device()).manual_seed(1)
    )
    return features, torch.zeros(batch, *SHAPE, dtype=torch.int64), torch.ones(batch, *SHAPE)


def test_coordinates_run_from_minus_one_to_one_in_array_order() -> None:
    places = normalised_coordinates(torch.empty(1, 1, 3, 2, 5)).view(3, 2, 5, 3)
    assert places[0, 0, 0].tolist() == [-1, -1, -1]
    assert places[1, 1, 3].tolist() == [0, 1, 0.5]
    assert places[2, 0, 4].tolist() == [1, -1, 1]


@pytest.mark.parametrize("mlp", ["shared", "per_axis"])
def test_each_voxel_is_filtered_by_phi_of_its_place(mlp: str) -> None:
    head = trained_head(mlp)
    features, *regions = inputs(2)
    filters = head.mlp(normalised_coordinates(features)).view(*SHAPE, CHANNELS, 3)
    expected = torch.einsum("xyzcd,bcxyz->bdxyz", filters, features)
    assert torch.allclose(head(features, *regions), expected, rtol=1e-5, atol=1e-4)


def test_labels_and_confidence_do_not_count() -> None:
    features, labels, confidence = inputs()
    head = trained_head()
    assert torch.equal(head(features, labels, confidence), head(features, labels + 1, confidence * 0))


@pytest.mark.parametrize("grad", [False, True])
def test_working_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch, grad: bool) -> None:
    head = trained_head()
    results = []
    for size in (10**6, 7):
        monkeypatch.setattr(coordinates, "VOXELS_AT_ONCE", size)
        with torch.set_grad_enabled(grad):
            u = head(*inputs())
        results.append([u, *(torch.autograd.grad(u.square().sum(), list(head.parameters())) if grad else ())])
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-4 * one.detach().abs().max().item())


def test_it_has_no_other_parameters_than_phi() -> None:
    with torch.device("meta"):
        head = CoordinatesHead(64, 2048)
    expected = 4 * 2048 + 2049 * 4096 + 4097 * 64 * 3
    assert sum(p.numel() for p in head.parameters()) == expected
