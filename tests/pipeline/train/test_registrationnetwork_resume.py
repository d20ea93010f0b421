"""A training of the registration network that is stopped goes on without a trace in its weights."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pairs.errors import Stopped
from pipeline.config import RegistrationConfig
from pipeline.network.filters.heads import PlainHead, TextHead
from pipeline.network.model import RegistrationNet
from pipeline.train import loop
from tests.pipeline.train.conftest import equal
from tests.pipeline.train.cubes import CUBES, toy_config

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("head", "kind"), [("text", TextHead), ("plain", PlainHead)])
def test_an_interrupted_training_ends_with_the_same_weights(
    trained: Callable[..., RegistrationNet],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    head: str,
    kind: type,
) -> None:
    unbroken = trained(tmp_path / "unbroken", CUBES[:3], CUBES[2:], steps=4, head=head)
    assert isinstance(unbroken.head, kind)
    with monkeypatch.context() as during:
        asked = iter([False, False, True, True])
        during.setattr(loop, "stop_requested", lambda: next(asked))
        with pytest.raises(Stopped):
            trained(tmp_path / "broken", CUBES[:3], CUBES[2:], steps=4, head=head)
    torch.manual_seed(99)
    resumed = trained(tmp_path / "broken", CUBES[:3], CUBES[2:], steps=4, head=head)
    assert equal(resumed, unbroken)


def test_an_interrupted_training_in_bfloat16(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = toy_config(precision="bfloat16")
    unbroken = trained(tmp_path / "unbroken", settings=settings)
    assert unbroken.precision == torch.bfloat16
    assert not equal(unbroken, trained(tmp_path / "float32"))
    with monkeypatch.context() as during:
        during.setattr(loop, "stop_requested", lambda: True)
        with pytest.raises(Stopped):
            trained(tmp_path / "broken", settings=settings)
    assert equal(trained(tmp_path / "broken", settings=settings), unbroken)


def test_an_interrupted_training_with_stochastic_depth(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TransMorph leaves out branches at random; every step must leave out the same ones again."""
    network = RegistrationConfig(backbone="transmorph-tiny", window=(2, 2, 2), mlp_width=4)
    settings = toy_config().model_copy(update={"registration": network})
    unbroken = trained(tmp_path / "unbroken", settings=settings)
    with monkeypatch.context() as during:
        asked = iter([False, False, True, True])
        during.setattr(loop, "stop_requested", lambda: next(asked))
        with pytest.raises(Stopped):
            trained(tmp_path / "broken", settings=settings)
    assert equal(trained(tmp_path / "broken", settings=settings), unbroken)
