"""What the commands around the image ask of Docker, with a stand-in for its client."""

import csv
import os
import subprocess
from pathlib import Path

import pytest

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A client that notes its arguments beside its folder; it has BuildKit, an engine and every image."""
    client = tmp_path / "bin" / "docker"
    client.parent.mkdir()
    log = tmp_path / "log"
    client.write_text(
        f'#!/bin/sh\n[ "$1" = run ] || exit 0\nprintf "%s\\0" "$@" >"{log}"\n', encoding="utf-8"
    )
    client.chmod(0o755)
    (client.parent / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    (client.parent / "nvidia-smi").chmod(0o755)
    return tmp_path


def called(folder: Path, *arguments: str | Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Runs `run.sh docker` and returns what the client was asked for."""
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    command = [str(ROOT / "run.sh"), "docker", *map(str, arguments)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    log = folder / "log"
    words = log.read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1] if log.exists() else []
    return run, words


def mounts(words: list[str]) -> list[dict[str, str]]:
    """The mounts as Docker reads them: one line of CSV each, of keys and values."""
    values = [words[place + 1] for place, word in enumerate(words) if word == "--mount"]
    return [
        {
            key: value
            for key, _, value in (field.partition("=") for field in next(csv.reader([line], strict=True)))
        }
        for line in values
    ]


NAMES = ["plain", "a,b", "readonly,target=", 'a "quoted", name', "12:30", " b", "ä'$x`"]


@pytest.mark.parametrize("name", NAMES)
def test_folders_are_mounted_whatever_their_names(folder: Path, name: str) -> None:
    task, out = folder / name / "in", folder / name / "out"
    task.mkdir(parents=True)
    run, words = called(folder, "predict", task, out)
    assert run.returncode == 0, run.stderr
    assert mounts(words) == [
        {"type": "bind", "source": str(task), "target": str(task), "readonly": ""},
        {"type": "bind", "source": str(out), "target": str(out)},
    ]
    assert words[-3:] == ["predict", str(task), str(out)]


@pytest.mark.parametrize("name", NAMES)
def test_scores_go_beside_any_name(folder: Path, name: str) -> None:
    task, out = folder / name / "task", folder / name / "new" / "scores.json"
    task.mkdir(parents=True)
    run, words = called(folder, "evaluate", "--task", task, "--fields", task, "--json", out)
    assert run.returncode == 0, run.stderr
    assert [one["source"] for one in mounts(words)] == [str(task), str(out.parent)]
    assert "readonly" not in mounts(words)[1]


@pytest.mark.parametrize("name", NAMES)
def test_two_scans_are_mounted_with_what_belongs_to_them(folder: Path, name: str) -> None:
    files = [folder / name / part / "a.nii.gz" for part in ("fixed", "moving", "labels", "mask")]
    for path in files:
        path.parent.mkdir(parents=True)
        path.touch()
    fixed, moving, labels, mask = files
    out = folder / name / "out"
    words = ("--fixed-regions", labels, "--mask", mask, "--out", out, "--affine-only")
    run, asked = called(folder, "register", fixed, moving, *words)
    assert run.returncode == 0, run.stderr
    assert [(one["target"], "readonly" in one) for one in mounts(asked)] == [
        *((str(path.parent), True) for path in files),
        (str(out), False),
    ]
    assert asked[asked.index("register") :] == ["register", *map(str, (fixed, moving, *words))]
    _, asked = called(folder, "register", fixed, fixed, *words)
    assert len(mounts(asked)) == 4


def test_words_beside_the_scans_are_no_paths(folder: Path) -> None:
    for name in ("fixed", "moving"):
        (folder / name).touch()
    files, words = (
        (folder / "fixed", folder / "moving"),
        ("--modalities", "CT", "MR", "--out", folder / "out"),
    )
    for arguments in ((*files, *words), (*words, *files)):
        run, asked = called(folder, "register", *arguments)
        assert run.returncode == 0, run.stderr
        assert asked[asked.index("register") :] == ["register", *map(str, arguments)]
    run, _ = called(folder, "register", *files, "--modalities", "CT")
    assert (run.returncode, run.stderr) == (2, "error: --modalities takes two words\n")


def test_a_line_break_in_a_name_is_refused(folder: Path) -> None:
    task = folder / "a\nb"
    task.mkdir()
    run, words = called(folder, "predict", task, folder / "out")
    assert (run.returncode, words) == (2, [])
    assert run.stderr.startswith("error: a folder with a control character")
    assert run.stderr.count("\n") == 1


def test_an_output_that_cannot_be_made_is_told_with_its_code(folder: Path) -> None:
    (folder / "file").touch()
    run, words = called(folder, "predict", folder, folder / "file" / "out")
    assert (run.returncode, words) == (5, [])
    assert run.stderr == f"error: output not writable: {folder / 'file' / 'out'}\n"
