"""Paths of a pair list stay in the task folder, whatever their text."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pairs.errors import TaskError
from pairs.tasks.pathrules import resolve_inside

HOSTILE = [
    "../x_0001_0000.nii.gz",
    "imagesTr/../../x_0001_0000.nii.gz",
    "./../x_0001_0000.nii.gz",
    "imagesTr/../imagesTr/x_0001_0000.nii.gz",
    "/etc/passwd",
    "//imagesTr/x_0001_0000.nii.gz",
    "/imagesTr",
    "/images/../../etc/passwd",
    "C:\\data\\x_0001_0000.nii.gz",
    "C:/data/x_0001_0000.nii.gz",
    "c:x_0001_0000.nii.gz",
    "imagesTr\\x_0001_0000.nii.gz",
    "\\\\server\\share\\x_0001_0000.nii.gz",
    "~/x_0001_0000.nii.gz",
    "~root/x_0001_0000.nii.gz",
    "imagesTr/x\0_0001_0000.nii.gz",
    "imagesTr/x\n_0001_0000.nii.gz",
    "imagesTr/x\r_0001_0000.nii.gz",
    "imagesTr/\x1b[31m_0001_0000.nii.gz",
    "imagesTr/\u2028_0001_0000.nii.gz",
    "imagesTr/\udc80_0001_0000.nii.gz",
    "",
    ".",
    "./",
    "/",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("follow_links", [False, True])
def test_hostile_path_is_refused(tmp_path: Path, text: str, follow_links: bool) -> None:
    with pytest.raises(TaskError) as caught:
        resolve_inside(tmp_path, text, follow_links=follow_links)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["./imagesTr/a.nii.gz", "imagesTr/a.nii.gz", "/imagesTr/a.nii.gz", "imagesTr//./a.nii.gz"]
)
def test_every_way_to_write_a_path_names_the_same_file(tmp_path: Path, text: str) -> None:
    assert resolve_inside(tmp_path, text) == tmp_path / "imagesTr" / "a.nii.gz"


def test_absolute_path_into_the_task_folder_is_taken(tmp_path: Path) -> None:
    inside = tmp_path / "imagesTr" / "a.nii.gz"
    assert resolve_inside(tmp_path, str(inside)) == inside


def test_sibling_folder_with_the_same_beginning_is_outside(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="absolute path outside"):
        resolve_inside(tmp_path / "task", str(tmp_path / "task2" / "a.nii.gz"))


def test_symlink_that_leaves_is_refused_unless_links_are_followed(tmp_path: Path) -> None:
    root = tmp_path / "task"
    (root / "imagesTr").mkdir(parents=True)
    (tmp_path / "secret.nii.gz").write_bytes(b"x")
    (root / "imagesTr" / "file.nii.gz").symlink_to(tmp_path / "secret.nii.gz")
    (root / "imagesTs").symlink_to(tmp_path)
    for text in ("imagesTr/file.nii.gz", "/imagesTr/file.nii.gz", "imagesTs/secret.nii.gz"):
        with pytest.raises(TaskError, match="symlink leaves"):
            resolve_inside(root, text)
        assert resolve_inside(root, text, follow_links=True).exists()


def test_symlink_that_stays_is_taken(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.nii.gz").write_bytes(b"x")
    (tmp_path / "imagesTr").symlink_to("store")
    assert resolve_inside(tmp_path, "imagesTr/a.nii.gz") == tmp_path / "imagesTr" / "a.nii.gz"


def test_symlink_loop_is_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(TaskError, match="cannot be resolved"):
        resolve_inside(tmp_path, "loop/a.nii.gz")


def test_task_folder_behind_a_symlink_is_itself_no_fault(tmp_path: Path) -> None:
    (tmp_path / "real" / "imagesTr").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "imagesTr" / "a.nii.gz").write_bytes(b"x")
    assert resolve_inside(tmp_path / "link", "imagesTr/a.nii.gz").exists()


PIECES = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "//",
        "~",
        "C:",
        "\\",
        "imagesTr",
        "out",
        "in",
        "a.nii.gz",
        "\0",
        "\n",
        " ",
        "…",
        "%2e%2e",
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES, max_size=8).map("/".join),
    st.text(st.characters(), max_size=40),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=TEXTS)
def test_no_text_leaves_the_task_folder(tmp_path: Path, text: str) -> None:
    root = tmp_path / "task"
    if not root.exists():
        (root / "imagesTr").mkdir(parents=True)
        (root / "out").symlink_to(tmp_path)
        (root / "in").symlink_to("imagesTr")
    try:
        path = resolve_inside(root, text)
    except TaskError:
        return
    assert path.resolve().is_relative_to(root.resolve())
    assert path.resolve() != root.resolve()
    assert os.path.normpath(path).startswith(str(root) + os.sep)
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in path.name)


@pytest.mark.parametrize("text", ["imagesTr/" + "a" * 300 + ".nii.gz", "a/" * 3000 + "a.nii.gz"])
def test_a_name_too_long_for_the_file_system_is_a_fault(tmp_path: Path, text: str) -> None:
    for follow_links in (False, True):
        with pytest.raises(TaskError, match="too long for the file system"):
            resolve_inside(tmp_path, text, follow_links=follow_links)
