"""The examples run on the demo task as they stand, and the notebook prints what is stored in it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import textscf
from pairs.images.volume import read_image, read_labels
from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template
from tests.notebookcells import outputs_of

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
NOTEBOOK = "one_pair.ipynb"
IMAGE = "demo/task/imagesTr/HippocampusMR_900{}_0000.nii.gz"
NUMBER = re.compile(r"-?\d+\.\d+")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the checkout is after the demo, but for the fields."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "weights").symlink_to(ROOT / "weights")
    # The images of the demo: their number does not change them.
    write_task(folder / "demo" / "task", read_template(DEFAULT_TEMPLATE), 3, 0)
    return folder


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own, as users do."""
    return subprocess.run(
        [sys.executable, "-P", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_two_images_are_registered(folder: Path) -> None:
    labels = IMAGE.format(2).replace("imagesTr", "labelsTr")
    done = run(folder, EXAMPLES / "register_two.py", IMAGE.format(1), IMAGE.format(2), labels, "pair")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("displacement.nii.gz: (64, 64, 64) voxels, profile l2r2022\nSDlogJ 0.")
    fixed, moving, warped = (
        read_image(folder / name).array for name in (IMAGE.format(1), IMAGE.format(2), "pair/warped.nii.gz")
    )
    assert np.corrcoef(fixed.ravel(), warped.ravel())[0, 1] > np.corrcoef(fixed.ravel(), moving.ravel())[0, 1]
    assert np.unique(read_labels(folder / "pair" / "labels.nii.gz").array).tolist() == [0, 1, 2]


@pytest.mark.slow
def test_the_hardest_pairs_come_first(folder: Path) -> None:
    done = run(folder, EXAMPLES / "hardest_pairs.py", "demo/task", "demo/fields", 2)
    assert done.returncode == 0, done.stderr
    *hardest, last = done.stdout.splitlines()
    assert last == "3 pairs, page: demo/fields/report.html"
    scores = [float(NUMBER.findall(line)[0]) for line in hardest]
    assert len(scores) == 2
    assert scores == sorted(scores)
    assert all("least for hippocampus" in line for line in hardest)
    assert (folder / "demo" / "fields" / "report.html").is_file()


@pytest.mark.slow
def test_fields_of_another_tool_are_scored(folder: Path) -> None:
    fixed, moving = folder / IMAGE.format(1), folder / IMAGE.format(2)
    still = textscf.field_from_array(np.zeros((64, 64, 64, 3), np.float32), fixed)
    (written,) = textscf.export_field(still, moving, "itk", folder / "theirs")
    written.rename(folder / "theirs" / "9001_9002_warp.nii.gz")
    done = run(folder, EXAMPLES / "score_other_tool.py", "demo/task", "theirs", "itk")
    assert done.returncode == 0, done.stderr
    _, scored, *missing = done.stdout.splitlines()
    before, after, sdlogj = NUMBER.findall(scored)[:3]
    assert (before, sdlogj) == (after, "0.000")
    assert 0 < float(after) < 1
    assert len(missing) == 2
    assert all("not scored: " in line for line in missing)


@pytest.mark.slow
def test_the_notebook_prints_what_is_stored_in_it(folder: Path) -> None:
    stored = json.loads((EXAMPLES / NOTEBOOK).read_text(encoding="utf-8"))
    copy = folder / NOTEBOOK
    copy.write_text(json.dumps(stored), encoding="utf-8")
    done = run(folder, ROOT / "tests" / "notebookcells.py", copy)
    assert (done.returncode, done.stderr) == (0, "")
    told, found = outputs_of(stored), outputs_of(json.loads(copy.read_text(encoding="utf-8")))
    assert [NUMBER.sub("#", text) for text in told] == [NUMBER.sub("#", text) for text in found]
    # Another processor may change a last digit.
    numbers = [
        [float(number) for text in texts for number in NUMBER.findall(text)] for texts in (told, found)
    ]
    assert len(numbers[0]) > 10
    assert numbers[0] == pytest.approx(numbers[1], abs=0.11)


def test_no_output_of_the_notebook_is_a_picture_or_a_path_of_a_machine() -> None:
    text = (EXAMPLES / NOTEBOOK).read_text(encoding="utf-8")
    assert len(text) < 20_000
    assert "image/png" not in text
    assert all(outputs_of(json.loads(text)))
    assert not re.search(r'[" ]/\w+/', text)


@pytest.mark.parametrize("script", ["register_two.py", "score_other_tool.py", "hardest_pairs.py"])
def test_called_wrongly_they_say_how(tmp_path: Path, script: str) -> None:
    done = run(tmp_path, EXAMPLES / script)
    assert done.returncode == 1
    assert f"python examples/{script}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_known_error_is_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, EXAMPLES / "score_other_tool.py", "none", "fields", "itk")
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*none.*\n", done.stderr)
