"""The memory of the machine, and of a container where it has less."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.errors import TooLittleMemory
from pipeline.machine import memorylimit
from pipeline.machine.memorylimit import held, memory_of, require_memory, require_room

__all__: list[str] = []

CPU = torch.device("cpu")
V1, V2 = "4:memory:/docker/abc\n", "0::/jobs/one\n"


@pytest.mark.parametrize(
    ("groups", "file", "text", "limit"),
    [
        (V2, "jobs/one/memory.max", "1048576\n", 2**20),
        (V2, "memory.max", "2097152\n", 2**21),
        (V2, "memory.max", "max\n", None),
        (V1, "memory/docker/abc/memory.limit_in_bytes", "1048576\n", 2**20),
        (V1, "memory/memory.limit_in_bytes", "9223372036854771712\n", None),
        (V2, "cpu.max", "1000 1000", None),
    ],
)
def test_the_limit_of_a_container_counts(
    tmp_path: Path, groups: str, file: str, text: str, limit: int | None
) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    path = tmp_path / "sys" / "fs" / "cgroup" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    machine = memory_of(CPU, tmp_path / "nowhere")
    assert machine > 2**28
    assert memory_of(CPU, tmp_path) == (machine if limit is None else limit)


def test_what_cannot_fit_is_told_with_its_size() -> None:
    require_memory(2**20, "two images")
    with pytest.raises(
        TooLittleMemory, match=r"for two images; expected about 1048576\.0 GiB, got .* GiB on"
    ):
        require_memory(2**50, "two images")


def test_what_was_given_back_is_not_held(tmp_path: Path) -> None:
    """So that a pair has the room that the one before it had."""
    before = held()
    array = np.ones(2**28, np.uint8)
    during = held()
    del array
    assert during - before > 2**27
    assert held() - before < 2**27
    # Without the kernel's word it is the peak.
    assert held(tmp_path) > during - 2**24


def test_room_is_for_what_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, str]] = []

    def ask(needed: int, what: str, device: torch.device = CPU) -> None:
        asked.append((needed, device.type))

    monkeypatch.setattr(memorylimit, "require_memory", ask)
    monkeypatch.setattr(memorylimit, "held", lambda: 1000)
    require_room(50, "a pair", CPU, beside=7, afterwards=20)
    require_room(50, "a pair", CPU, beside=7, afterwards=200)
    require_room(50, "a pair", torch.device("cuda"), beside=7, afterwards=20)
    assert asked == [(1057, "cpu"), (1207, "cpu"), (50, "cuda"), (1027, "cpu")]
