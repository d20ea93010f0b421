"""Which subjects the registration network sees as pairs, and which cannot be one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pairs.errors import GridMismatch
from pipeline.network.model import RegistrationNet
from pipeline.train import registrationnetwork as registration
from pipeline.train.pairing import any_two
from pipeline.train.registrationnetwork import Group, SegmentedSample, train_registration
from tests.pipeline.train.cubes import CUBES, cube, plan_of, toy_config

__all__: list[str] = []

pytestmark = pytest.mark.slow


def test_pairs_are_ordered_and_never_of_one_subject(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = []

    def note(
        net: RegistrationNet, moving: SegmentedSample, fixed: SegmentedSample, *_: object
    ) -> dict[str, torch.Tensor]:
        pairs.append((moving.sample.name, fixed.sample.name))
        return {"none": torch.stack([p.sum() * 0 for p in net.parameters()]).sum()}

    monkeypatch.setattr(registration, "pair_losses", note)
    trained(tmp_path / "a", steps=60)
    assert set(pairs) == {(a, b) for a in "012" for b in "012" if a != b}


def test_pairs_stay_within_a_task_and_tasks_come_by_their_subjects(
    device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = []

    def note(
        net: RegistrationNet, moving: SegmentedSample, fixed: SegmentedSample, *_: object
    ) -> dict[str, torch.Tensor]:
        assert moving.sample.image.shape == fixed.sample.image.shape
        pairs.append((moving.sample.name, fixed.sample.name))
        return {"none": torch.stack([p.sum() * 0 for p in net.parameters()]).sum()}

    monkeypatch.setattr(registration, "pair_losses", note)
    # The other task's grid differs; only pairs within it need one shape.
    others = Group([cube(number, (16, 20, 32)) for number in (5, 6)], any_two)
    vectors = torch.randn(3, 5)
    settings = plan_of(tmp_path / "a", 120)
    train_registration(toy_config(), CUBES[:4], [], vectors, 3, settings, device, auxiliary=[others])
    assert {pair for pair in pairs if "5" in pair or "6" in pair} == {("5", "6"), ("6", "5")}
    assert set(pairs) > {(a, b) for a in "0123" for b in "0123" if a != b}
    # Two of six subjects: a third of the steps, 40 +- 5.2.
    assert 22 < sum("5" in pair for pair in pairs) < 58


def test_subjects_of_an_auxiliary_task_must_fit_each_other(device: torch.device, tmp_path: Path) -> None:
    others = Group([cube(5), cube(6, (16, 16, 32))], any_two)
    with pytest.raises(GridMismatch, match="`crop`"):
        train_registration(
            toy_config(),
            CUBES[:2],
            [],
            torch.randn(3, 5),
            3,
            plan_of(tmp_path / "a", 1),
            device,
            auxiliary=[others],
        )


def test_subjects_of_different_shape_are_refused(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    with pytest.raises(GridMismatch, match="`crop`"):
        trained(tmp_path / "a", [*CUBES[:2], cube(3, (16, 16, 32))])
