"""Checkpoints: module and optimizer come back exactly, damage and foreign ones are refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pairs.errors import WeightsError
from pipeline.train.average import Average
from pipeline.train.checkpoint import HEADER_KEY, Checkpoint, fingerprint_of, load_checkpoint, save_checkpoint
from pipeline.weights.tensorfile import read_own, read_tensors, write_tensors

__all__: list[str] = []


def fresh(seed: int = 0, width: int = 3) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(width, 2), nn.PReLU())
    return module, torch.optim.Adam(module.parameters(), lr=0.1, amsgrad=True)


def advance(module: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for step in range(steps):
        random = torch.Generator().manual_seed(step)
        optimizer.zero_grad()
        module(torch.randn(4, 3, generator=random)).square().sum().backward()
        optimizer.step()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    module, optimizer = fresh()
    advance(module, optimizer, 3)
    path = tmp_path / "a.checkpoint.safetensors"
    save_checkpoint(path, module, optimizer, Checkpoint(3, 1.25), "mine")
    return path


def refuse(path: Path, match: str, width: int = 3, fingerprint: str = "mine") -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        load_checkpoint(path, *fresh(width=width), fingerprint)
    assert caught.value.exit_code == 4


def test_everything_comes_back(saved: Path) -> None:
    module, optimizer = fresh()
    advance(module, optimizer, 3)
    other, other_optimizer = fresh(seed=9)
    assert load_checkpoint(saved, other, other_optimizer, "mine") == Checkpoint(3, 1.25)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), other.parameters(), strict=True))
    before, after = optimizer.state_dict(), other_optimizer.state_dict()
    assert before["param_groups"] == after["param_groups"]
    for index, state in before["state"].items():
        assert state.keys() == after["state"][index].keys() >= {"step", "exp_avg", "max_exp_avg_sq"}
        assert all(torch.equal(state[key], after["state"][index][key]) for key in state)


def test_training_goes_on_as_if_never_interrupted(saved: Path) -> None:
    unbroken, optimizer = fresh()
    advance(unbroken, optimizer, 3)
    advance(unbroken, optimizer, 5)
    resumed, optimizer = fresh(seed=9)
    load_checkpoint(saved, resumed, optimizer, "mine")
    advance(resumed, optimizer, 5)
    assert all(torch.equal(a, b) for a, b in zip(unbroken.parameters(), resumed.parameters(), strict=True))


def test_optimizer_state_matters_for_that(saved: Path) -> None:
    """Without the moments the next steps differ; so the test above can fail."""
    unbroken, optimizer = fresh()
    advance(unbroken, optimizer, 8)
    resumed, optimizer = fresh(seed=9)
    load_checkpoint(saved, resumed, optimizer, "mine")
    advance(resumed, torch.optim.Adam(resumed.parameters(), lr=0.1, amsgrad=True), 5)
    assert not all(
        torch.equal(a, b) for a, b in zip(unbroken.parameters(), resumed.parameters(), strict=True)
    )


def test_a_checkpoint_of_another_configuration(saved: Path) -> None:
    refuse(
        saved,
        "another training or configuration.*expected theirs, got mine",
        fingerprint="theirs",
    )


def test_a_refused_checkpoint_leaves_the_module_alone(saved: Path) -> None:
    module, optimizer = fresh(seed=5)
    before = [p.clone() for p in module.parameters()]
    with pytest.raises(WeightsError):
        load_checkpoint(saved, module, optimizer, "theirs")
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


@pytest.mark.parametrize("size", [0, 5, 50, -1])
def test_a_truncated_checkpoint(saved: Path, size: int) -> None:
    saved.write_bytes(saved.read_bytes()[:size])
    refuse(saved, "cannot read")


def test_a_checkpoint_of_another_network(saved: Path) -> None:
    refuse(saved, r"does not fit the network.*0.weight of shape \(2, 3\) in place of \(2, 4\)", width=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("0.exp_avg", torch.zeros(3, 2)), ("0.step", torch.zeros(2)), ("9.exp_avg", torch.zeros(2, 3))],
)
def test_moments_of_other_weights(saved: Path, name: str, value: torch.Tensor) -> None:
    file = read_own(saved, HEADER_KEY)
    tensors = file.tensors | {f"optimizer.{name}": value}
    write_tensors(saved, tensors, HEADER_KEY, json.loads(file.header))
    refuse(saved, f"optimizer.{name} of shape")


@pytest.mark.parametrize("key", ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"])
def test_moments_that_lack_one(saved: Path, key: str) -> None:
    file = read_own(saved, HEADER_KEY)
    tensors = {name: value for name, value in file.tensors.items() if name != f"optimizer.0.{key}"}
    write_tensors(saved, tensors, HEADER_KEY, json.loads(file.header))
    refuse(saved, f"no optimizer.0.{key}")


@pytest.mark.parametrize(
    "header",
    [
        {"fingerprint": "mine"},
        {"fingerprint": "mine", "step": "x", "seconds": 0},
        {"fingerprint": "mine", "step": [], "seconds": 0},
        {"fingerprint": "mine", "step": -1, "seconds": 0},
        {"fingerprint": "mine", "step": float("inf"), "seconds": 0},
        {"fingerprint": "mine", "step": 1, "seconds": float("nan")},
    ],
)
def test_a_checkpoint_with_a_damaged_header(saved: Path, header: dict[str, object]) -> None:
    write_tensors(saved, read_tensors(saved).tensors, HEADER_KEY, header)
    refuse(saved, "does not fit the network")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"fingerprint": 1}'])
def test_a_checkpoint_without_a_header(saved: Path, text: str) -> None:
    save_file(read_tensors(saved).tensors, saved, metadata={HEADER_KEY: text})
    refuse(saved, "another training or configuration.*got no checkpoint")


def test_the_average_comes_back_and_must_fit(tmp_path: Path, saved: Path) -> None:
    module, optimizer = fresh()
    average = Average(module, 0.9)
    average.values["0.weight"].fill_(2.0)
    path = tmp_path / "b.checkpoint.safetensors"
    save_checkpoint(path, module, optimizer, Checkpoint(3, 1.25), "mine", average)
    other, other_optimizer = fresh(seed=9)
    back = Average(other, 0.9)
    load_checkpoint(path, other, other_optimizer, "mine", back)
    assert back.values["0.weight"].eq(2.0).all()
    with pytest.raises(WeightsError, match=r"no tensor 0\.weight"):
        load_checkpoint(saved, other, other_optimizer, "mine", back)


def test_fingerprints_differ_in_every_part_and_not_in_the_order_of_keys() -> None:
    assert fingerprint_of("a", {"x": 1, "y": 2}) == fingerprint_of("a", {"y": 2, "x": 1})
    prints = {
        fingerprint_of(*parts) for parts in (("a", 1), ("a", 2), ("b", 1), ("a",), (1, "a"), ("a", "1"))
    }
    assert len(prints) == 6


def test_losses_that_are_not_finite_come_back(tmp_path: Path) -> None:
    module, optimizer = fresh()
    advance(module, optimizer, 3)
    path = tmp_path / "a.checkpoint.safetensors"
    losses = {"similarity": float("inf"), "dice": float("nan")}
    save_checkpoint(path, module, optimizer, Checkpoint(3, 1.25, losses), "mine")
    back = load_checkpoint(path, *fresh(), "mine")
    assert str(back.losses) == str(losses)
