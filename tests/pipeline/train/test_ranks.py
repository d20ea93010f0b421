"""Several processes take the step that one takes of the same batch."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.train.launch import launch
from pipeline.train.ranks import ALONE, Ranks
from tests.pipeline.train.onestep import BATCH, CASES, take_steps

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what one process, and one of three, has after a step of a batch of three."""
    out = tmp_path_factory.mktemp("steps") / "out"
    take_steps(out, ALONE)
    assert launch(BATCH, take_steps, (out,), torch.device("cpu"), out) == 0
    return out.parent


@pytest.mark.parametrize("case", CASES)
def test_the_gradients_are_those_of_one_process(taken: Path, case: str) -> None:
    expected, got = load_file(taken / f"{case}0of1"), load_file(taken / f"{case}0of3")
    assert expected.keys() == got.keys()
    gradients = [name for name in expected if name.startswith("gradient.")]
    for name in gradients:
        assert torch.allclose(got[name], expected[name], rtol=0, atol=1e-5), name
    # They were clipped together, not in each process.
    norm = torch.stack([got[name].norm() for name in gradients]).norm()
    assert norm.item() == pytest.approx(1, abs=1e-4)
    assert len(gradients) < len(expected) / 2 or case != "pyramid"


@pytest.mark.parametrize("case", CASES)
def test_all_processes_end_with_the_same_bytes(taken: Path, case: str) -> None:
    first = load_file(taken / f"{case}0of3")
    for rank in (1, 2):
        other = load_file(taken / f"{case}{rank}of3")
        assert all(torch.equal(other[name], value) for name, value in first.items())


def test_the_leader_alone_writes(taken: Path) -> None:
    logs = {path.name for path in taken.glob("*.metrics.jsonl")}
    assert logs == {f"{case}0of{count}.metrics.jsonl" for case in CASES for count in (1, 3)}


def test_every_item_is_taken_once() -> None:
    shares = [Ranks(rank, 3).share(range(6, 12)) for rank in range(3)]
    assert shares == [range(6, 12, 3), range(7, 13, 3), range(8, 14, 3)]
    assert sorted(item for share in shares for item in share) == list(range(6, 12))
