"""Registration in the locked-down container: the same bytes as outside, and nothing else anywhere."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]
STOP_S = 10


def outside(*arguments: str | Path) -> None:
    """The same program without a container, with as many threads."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(os.cpu_count())}
    command = [sys.executable, "-m", "textscf", *map(str, arguments)]
    subprocess.run(command, env=environment, check=True, capture_output=True)


def written(folder: Path) -> dict[str, bytes]:
    """The fields of a folder by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("disp_*"))}


@pytest.fixture(scope="module")
def hippocampus(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The real task, and a list of two of its pairs."""
    task = shared / "data" / "HippocampusMR"
    document = json.loads((task / "HippocampusMR_dataset.json").read_text(encoding="utf-8"))
    pairs = tmp_path_factory.mktemp("pairs") / "two.csv"
    with pairs.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["fixed", "moving"])
        rows.writerows([pair["fixed"], pair["moving"]] for pair in document["registration_val"][:2])
    pairs.chmod(0o644)
    return task, pairs


def test_demo_task_gives_the_same_bytes_in_a_locked_container(
    contained: Callable, demo_task: Path, fields: Path, tmp_path: Path
) -> None:
    outside("predict", demo_task, tmp_path / "outside", "--device", "cpu")
    done = contained("/input", "/output", mounts={demo_task: "/input:ro", fields: "/output"})
    assert (done.code, done.err) == (0, "")
    assert written(fields) == written(tmp_path / "outside")
    assert len(written(fields)) == 3
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in fields.rglob("*")}
    assert owners == {(12345, 0)}


@pytest.mark.parametrize(
    ("profile", "told"), [("l2r2021", "warning: no edition of HippocampusMR"), ("l2r2022", "")]
)
def test_real_pairs_give_the_same_bytes_and_nothing_else_is_written(
    contained: Callable,
    hippocampus: tuple[Path, Path],
    fields: Path,
    tmp_path: Path,
    profile: str,
    told: str,
) -> None:
    task, pairs = hippocampus
    outside("predict", task, tmp_path / "outside", "--pairs", pairs, "--profile", profile, "--device", "cpu")
    done = contained(
        *("/input", "/output", "--pairs", "/pairs.csv", "--profile", profile),
        mounts={task: "/input:ro", fields: "/output", pairs: "/pairs.csv:ro"},
        # A root file system that could be written shows what is.
        read_only=False,
    )
    assert done.code == 0
    assert done.err.startswith(told)
    assert done.err.count("\n") == len(told[:1])
    assert written(fields) == written(tmp_path / "outside")
    assert len(written(fields)) == 2
    assert set(done.changed) <= {"/input", "/output", "/pairs.csv"}


def test_stop_leaves_a_run_that_the_next_one_finishes(
    started: Callable[..., Container], contained: Callable, demo_task: Path, fields: Path
) -> None:
    mounts = {demo_task: "/input:ro", fields: "/output"}
    container = started("/input", "/output", mounts=mounts)
    # Asked again and again, since the SDK leaves the socket of a log stream open.
    while b"disp_" not in container.logs():
        time.sleep(0.1)
    # Longer than allowed would end in a kill, and in 137.
    container.stop(timeout=STOP_S)
    assert container.wait()["StatusCode"] == 75
    assert container.logs(stdout=False).startswith(b"error: stopped by a signal")
    kept = {name: (fields / name).stat().st_mtime_ns for name in written(fields)}
    assert 1 <= len(kept) < 3
    done = contained("/input", "/output", mounts=mounts)
    assert (done.code, done.err) == (0, "")
    assert len(written(fields)) == 3
    assert {name: (fields / name).stat().st_mtime_ns for name in kept} == kept


def test_two_builds_of_a_commit_make_the_same_fields(
    contained: Callable,
    build: Callable[..., str],
    engine: docker.DockerClient,
    demo_task: Path,
    tmp_path: Path,
) -> None:
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
        folder.chmod(0o777)
    again = build("textscf-l2r:again", "--no-cache")
    mounts = [{demo_task: "/input:ro", folder: "/output"} for folder in folders]
    assert contained("/input", "/output", mounts=mounts[0]).code == 0
    assert contained("/input", "/output", mounts=mounts[1], image=again).code == 0
    engine.images.remove(again, force=True)
    assert written(folders[0]) == written(folders[1])
