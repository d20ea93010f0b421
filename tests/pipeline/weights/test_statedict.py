"""What keeps tensors from being loaded: all of it."""

import pytest
import torch

from pipeline.weights.statedict import state_faults

__all__: list[str] = []

EXPECTED = {"a.weight": torch.zeros(2, 3, device="meta"), "a.index": torch.zeros(2, dtype=torch.int64)}
STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.index": torch.tensor([1, 2])}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, []),
        ({"a.weight": torch.zeros(3, 2)}, ["a.weight of shape (3, 2) in place of (2, 3)"]),
        ({"a.weight": torch.full((2, 3), torch.inf)}, ["a.weight with NaN or infinity"]),
        ({"b": torch.zeros(1)}, ["a tensor b that the network does not have"]),
    ],
)
def test_a_fault_of_each_kind(change: dict[str, torch.Tensor], faults: list[str]) -> None:
    assert state_faults(STATE | change, EXPECTED) == faults


def test_the_networks_own_order() -> None:
    assert state_faults({}, EXPECTED) == ["no tensor a.weight", "no tensor a.index"]
