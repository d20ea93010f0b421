"""Threads follow affinity, quota and the user's word."""

import os
from pathlib import Path

import pytest

from pairs.process.cores import available_cores, limit_threads, thread_count

__all__: list[str] = []

CORES = 12
V2 = "0::/jobs/one\n"
V1 = "5:cpu,cpuacct:/docker/abc\n2:memory:/docker/abc\n0::/\n"


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of twelve cores, and no wish of the user's."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(CORES)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def machine(root: Path, groups: str, **files: str) -> Path:
    """A root folder with `/proc/self/cgroup` and files under `/sys/fs/cgroup`, `__` for a slash."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(groups, encoding="utf-8")
    for name, text in files.items():
        path = root / "sys" / "fs" / "cgroup" / name.replace("__", "/").replace("_max", ".max")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, CORES),
        ({"jobs__one__cpu_max": "100000 100000\n"}, 1),
        ({"jobs__one__cpu_max": "150000 100000\n"}, 2),
        ({"jobs__one__cpu_max": "20000 100000\n"}, 1),
        ({"jobs__one__cpu_max": "max 100000\n"}, CORES),
        ({"jobs__one__cpu_max": "6400000 100000\n"}, CORES),
        # The group above may be the tighter one.
        ({"jobs__one__cpu_max": "max 100000\n", "jobs__cpu_max": "300000 100000\n"}, 3),
        # In a container the group's own path is not mounted.
        ({"cpu_max": "200000 100000\n"}, 2),
        ({"jobs__one__cpu_max": "nonsense"}, CORES),
        ({"jobs__one__cpu_max": ""}, CORES),
        ({"pids_max": "64\n"}, 8),
        ({"pids_max": "max\n"}, CORES),
    ],
)
def test_quota_of_version_2(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert available_cores(machine(tmp_path, V2, **files)) == cores


@pytest.mark.parametrize("place", ["docker/abc", "."])
@pytest.mark.parametrize(("quota", "cores"), [("100000", 1), ("250000", 3), ("-1", CORES)])
def test_quota_of_version_1(tmp_path: Path, place: str, quota: str, cores: int) -> None:
    folder = machine(tmp_path, V1) / "sys" / "fs" / "cgroup" / "cpu,cpuacct" / place
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(quota + "\n", encoding="utf-8")
    (folder / "cpu.cfs_period_us").write_text("100000\n", encoding="utf-8")
    assert available_cores(tmp_path) == cores


def test_without_control_groups_the_cores_count(tmp_path: Path) -> None:
    assert available_cores(tmp_path) == CORES


def test_affinity_counts_where_it_is_less_than_the_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert available_cores(machine(tmp_path, V2, jobs__one__cpu_max="400000 100000")) == 1


@pytest.mark.parametrize(
    ("asked", "count"), [("3", 3), ("64", 64), ("4,2", 4), ("", CORES), ("0", CORES), ("many", CORES)]
)
def test_the_users_number_wins(monkeypatch: pytest.MonkeyPatch, asked: str, count: int) -> None:
    monkeypatch.setattr("pairs.process.cores.available_cores", lambda: CORES)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert thread_count() == count


@pytest.mark.parametrize(("before", "after"), [("2", "2"), ("", "5"), (None, "5")])
def test_the_limit_is_set_where_the_user_has_set_none(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    monkeypatch.setattr("pairs.process.cores.available_cores", lambda: 5)
    monkeypatch.setenv("OMP_NUM_THREADS", before or "")
    if before is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    limit_threads()
    assert os.environ["OMP_NUM_THREADS"] == after
