"""Leftovers of killed writers are known by the lock that nobody holds any more."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.files import temporary
from pairs.files.temporary import locked_temporary, sweep_temporaries

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[3]
DAY_S = 24 * 3600


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def dated(path: Path, age_s: float) -> Path:
    path.touch()
    os.utime(path, (time.time() - age_s,) * 2)
    return path


@pytest.mark.parametrize("is_folder", [False, True])
def test_it_is_there_in_the_block_only(tmp_path: Path, is_folder: bool) -> None:
    with locked_temporary(tmp_path, ".nii.gz", is_folder=is_folder) as path:
        assert names(tmp_path) == {path.name}
        assert path.is_dir() == is_folder
        if is_folder:
            (path / "a").touch()
    assert names(tmp_path) == set()


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_writer_at_work_is_left_alone_however_old_the_file(tmp_path: Path, is_folder: bool) -> None:
    with locked_temporary(tmp_path, "", is_folder=is_folder) as path:
        os.utime(path, (0, 0))
        sweep_temporaries(tmp_path)
        assert names(tmp_path) == {path.name}


def test_a_writer_in_another_process_is_left_alone_until_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from pairs.files.temporary import locked_temporary as new\n"
        "folder = Path(sys.argv[1])\nwith new(folder, '.npz'), new(folder, '', is_folder=True):\n"
        "    print(flush=True)\n    time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        sweep_temporaries(tmp_path)
        assert len(names(tmp_path)) == 2
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        sweep_temporaries(tmp_path)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("age_s", [0, 2 * DAY_S, -2 * DAY_S])
def test_a_leftover_of_this_machine_goes_whatever_its_date(
    tmp_path: Path, left_behind: Callable[[Path], Path], age_s: float
) -> None:
    dated(left_behind(tmp_path), age_s)
    sweep_temporaries(tmp_path)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("age_s", [0, -0.9 * DAY_S, 0.9 * DAY_S, -1.1 * DAY_S, 1.1 * DAY_S])
@pytest.mark.parametrize("name", [".partial-00000000-0123456789ab.npz", ".partial-0123456789abcdef.npz"])
def test_another_machines_file_goes_after_a_day(tmp_path: Path, name: str, age_s: float) -> None:
    dated(tmp_path / name, age_s)
    sweep_temporaries(tmp_path)
    assert names(tmp_path) == ({name} if abs(age_s) < DAY_S else set())


def test_without_locks_a_day_decides(
    tmp_path: Path, left_behind: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with locked_temporary(tmp_path, "") as path:
        sweep_temporaries(tmp_path)
        assert names(tmp_path) == {path.name}
    dated(left_behind(tmp_path), 2 * DAY_S)
    sweep_temporaries(tmp_path)
    assert names(tmp_path) == set()


def test_files_of_other_names_and_kinds_are_never_touched(
    tmp_path: Path, left_behind: Callable[[Path], Path]
) -> None:
    for name in ("result.npz", ".partial-abc.npz", ".hidden", "x.partial-00000000-0123456789ab.npz"):
        dated(tmp_path / name, 2 * DAY_S)
    prefix = left_behind(tmp_path).name[:-12]
    target = dated(tmp_path / "target", 2 * DAY_S)
    (tmp_path / f"{prefix}{1:012x}").symlink_to(target)
    os.mkfifo(tmp_path / f"{prefix}{2:012x}")
    before = names(tmp_path) - {f"{prefix}{0:012x}"}
    sweep_temporaries(tmp_path)
    sweep_temporaries(tmp_path / "absent")
    sweep_temporaries(target)
    assert names(tmp_path) == before


def test_one_that_is_swept_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, swept = fcntl.flock, []

    def flock(descriptor: int, operation: int) -> None:
        if not swept:
            (path,) = tmp_path.iterdir()
            swept.append(path)
            path.unlink()
        original(descriptor, operation)

    monkeypatch.setattr(temporary.fcntl, "flock", flock)
    with locked_temporary(tmp_path, "") as path:
        assert path.exists()
        assert path != swept[0]
