"""Clock, language, home and temporary folder of the process change no byte of a field."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

__all__: list[str] = []

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
# As on a host whose temporary folder is full, or takes folders only.
FULL = """
def refuse(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
for name in ("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory"):
    setattr(tempfile, name, refuse)
"""
ABSENT = """
tempfile.tempdir = "/proc/no-such-folder"
"""


KERNELS = ("ATEN_", "ONEDNN_", "OPENBLAS_CORETYPE", "MKL_")


def fields(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in output.glob("disp_*")}


def report(output: Path) -> dict[str, object]:
    """The report without what is measured."""
    document = json.loads((output / "report.json").read_text(encoding="ascii"))
    for record in document["pairs"]:
        del record["seconds"], record["peak_memory_mib"]
    return document


def in_a_process(
    surroundings: str, *arguments: object, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`python -m textscf` with no other environment variables, its surroundings spoilt by a script.

    What chooses the kernels of the processor stays: equal bytes are promised for the same ones only.
    """
    start = "runpy.run_module('textscf', run_name='__main__', alter_sys=True)"
    kernels = {name: value for name, value in os.environ.items() if name.startswith(KERNELS)}
    script = f"import errno, os, runpy, tempfile\n{surroundings}\n{start}"
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **kernels, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_bare_environment(
    predict: Callable[..., int], tiny_task: Path, output: Path, weights: Path, tmp_path: Path
) -> None:
    """Language C as it is, another time zone, no HOME, no USER, a full temporary folder."""
    assert predict("--device", "cpu") == 0
    task, other, temporary = (
        tiny_task.rename(tmp_path / "Prüfung"),
        tmp_path / "Läufe",
        tmp_path / "temporary",
    )
    temporary.mkdir()
    done = in_a_process(
        FULL,
        *(task, other, "--weights", weights, "--device", "cpu", "--profile", "l2r2021"),
        LC_ALL="C",
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
        TZ="Pacific/Kiritimati",
        TMPDIR=str(temporary),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert fields(other) == fields(output)
    assert report(other) == report(output)
    # Empty folders of PyTorch at most: nothing takes room there, and nothing is there to be executed.
    assert [path for path in temporary.rglob("*") if path.is_file()] == []


def test_no_temporary_folder_at_all(tiny_task: Path, output: Path, weights: Path) -> None:
    done = in_a_process(ABSENT, tiny_task, output, "--weights", weights, "--device", "cpu")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "/proc/no-such-folder" in line
    assert fields(output) == {}


@pytest.mark.parametrize("now", [0.0, 4e9])
def test_a_clock_that_is_wrong(
    predict: Callable[..., int], output: Path, monkeypatch: pytest.MonkeyPatch, now: float
) -> None:
    assert predict() == 0
    right = fields(output), report(output)
    shutil.rmtree(output)
    monkeypatch.setattr(time, "time", lambda: now)
    assert predict() == 0
    assert (fields(output), report(output)) == right
