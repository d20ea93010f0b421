"""The memory of the machine, and of a container where it has less."""

from pathlib import Path

import pytest
import torch

from pairs.errors import TooLittleMemory
from pipeline.machine.memorylimit import memory_of, require_memory

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
