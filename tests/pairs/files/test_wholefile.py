"""Files are whole or absent."""

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import CorruptVolume, OutputError
from pairs.files.wholefile import probe_file, probe_writable, whole_file, whole_folder, write_json


def test_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "disp.npz"
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, np.zeros(3))
        assert not path.exists()
        assert temporary.parent == tmp_path
        assert temporary.name.startswith(".")
    assert [entry.name for entry in tmp_path.iterdir()] == ["disp.npz"]
    with np.load(path) as archive:
        assert archive["arr_0"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.nii.gz", ".nii.gz"), ("disp_0.5.nii.gz", ".nii.gz"), ("a.npz", ".npz"), ("a.b.json", ".json")],
)
def test_temporary_name_keeps_the_suffix_writers_go_by(tmp_path: Path, name: str, suffix: str) -> None:
    with whole_file(tmp_path / name) as temporary:
        assert temporary.name.endswith(suffix)
        assert len(temporary.name) < 40


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, CorruptVolume("x")])
def test_failure_leaves_the_old_file_and_no_temporary(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")

    def write_half() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises((KeyboardInterrupt, ValueError, CorruptVolume)):
        write_half()
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_an_output_error(tmp_path: Path, number: int) -> None:
    with pytest.raises(OutputError, match=os.strerror(number)), whole_file(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    assert not list(tmp_path.iterdir())


def test_absent_folder_and_folder_in_the_way_are_output_errors(tmp_path: Path) -> None:
    with pytest.raises(OutputError), whole_file(tmp_path / "no" / "a"):
        pass
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError), whole_file(tmp_path / "taken"):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]


def test_symlink_is_replaced_and_its_target_untouched(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(target)
    with whole_file(link) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "precious"
    assert not link.is_symlink()
    assert link.read_text() == "new"


def test_umask_decides_who_may_read(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == 0o644


def test_json_keeps_order_and_refuses_nan_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"z": 1, "a": [1.5, None], "name": "é\udc80"})
    assert list(json.loads(path.read_text())) == ["z", "a", "name"]
    assert path.read_text().startswith('{\n  "z": 1')
    with pytest.raises(OutputError, match=r"a\.json"):
        write_json(path, {"x": float("nan")})
    assert list(json.loads(path.read_text())) == ["z", "a", "name"]
    write_json(path, {"x": float("nan")}, strict=False)
    assert "NaN" in path.read_text()


def test_probe_creates_the_folder_and_leaves_it_empty(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    probe_writable(folder)
    probe_writable(folder)
    assert not list(folder.iterdir())


def test_probe_refuses_what_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        probe_writable(tmp_path / "file")
    with pytest.raises(OutputError):
        probe_writable(tmp_path / "file" / "below")


def test_probe_removes_what_a_killed_run_left(tmp_path: Path, left_behind: Callable[[Path], Path]) -> None:
    leftover = left_behind(tmp_path)
    probe_writable(tmp_path)
    assert not leftover.exists()


def test_folder_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "copy"
    path.mkdir()
    with whole_folder(path) as temporary:
        (temporary / "a").write_text("a")
        assert not list(path.iterdir())
    assert [entry.name for entry in tmp_path.rglob("*")] == ["copy", "a"]


def test_failure_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left"), whole_folder(tmp_path / "copy"):
        raise OSError(28, "No space left on device")
    with pytest.raises(OutputError), whole_folder(tmp_path / "no" / "copy"):
        pass
    assert not list(tmp_path.iterdir())


def test_folder_that_is_taken_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "precious").touch()
    with pytest.raises(OutputError), whole_folder(tmp_path / "copy"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["copy", "precious"]


@pytest.mark.parametrize("name", ["taken", "x" * 300, "file/below", "file/far/below"])
def test_a_file_that_cannot_be_written_is_told_before(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        probe_file(tmp_path / name)
    assert {path.name for path in tmp_path.rglob("*")} == {"taken", "file"}


def test_the_folder_of_a_file_is_made(tmp_path: Path) -> None:
    probe_file(tmp_path / "a" / "b.json")
    assert [path.name for path in tmp_path.rglob("*")] == ["a"]


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link_to_a_device(path: Path) -> None:
    path.symlink_to(os.devnull)


def make_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


@pytest.mark.parametrize("make", [make_pipe, make_link_to_a_device, make_link_to_a_pipe])
def test_devices_and_pipes_are_never_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "out.csv"
    make(path)
    before = path.lstat()
    with pytest.raises(OutputError, match=r"output is not a regular file: .*; got a (device|named pipe)"):
        probe_file(path)
    with pytest.raises(OutputError, match="output is not a regular file"), whole_file(path):
        pass
    assert path.lstat() == before


@pytest.mark.parametrize(
    "name", ["/dev/null", "/dev/stdout", "/dev/new", "/proc/self/fd/1", "/dev/../dev/fd/1"]
)
def test_names_of_devices_and_open_streams_are_refused(name: str) -> None:
    for check in (probe_file, lambda path: whole_file(path).__enter__()):
        with pytest.raises(OutputError, match="output is not a regular file"):
            check(Path(name))


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    probe_file(tmp_path / "link")
    with whole_file(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").read_text() == "new"


def test_a_file_in_place_of_the_output_folder_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    for name, got in (("file", "a file"), ("file/below", "a file"), ("gone", "a link that leads nowhere")):
        with pytest.raises(
            OutputError, match=f"output folder is not a folder: .*; got {got}, .*; give the name"
        ):
            probe_writable(tmp_path / name)
