"""The picture of a pair: a PNG whose plane shows the structures, written whole or not at all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.metrics.regions import box_labels
from evaluation.picture.slices import Plane, best_plane, body_view
from pairs.tasks.task import Task
from textscf.program import main

_PNG = b"\x89PNG\r\n\x1a\n"


def test_command_writes_a_png(
    tiny_task: Task, fields_of: Callable[[Task, float], Path], tmp_path: Path
) -> None:
    out = tmp_path / "pair.png"
    fields = fields_of(tiny_task, 1.0)
    command = [
        "picture",
        "--task",
        str(tiny_task.root),
        "--fields",
        str(fields),
        "--out",
        str(out),
        "--pair",
        "2",
    ]
    assert main(command) == 0
    data = out.read_bytes()
    assert data.startswith(_PNG)
    width, height = (int.from_bytes(data[start : start + 4]) for start in (16, 20))
    assert 800 < width < 3000
    assert 500 < height < 3000


def test_a_picture_replaces_no_input(
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fields, pairs = fields_of(tiny_task, 0.0), tmp_path / "pairs.csv"
    pairs.write_text("fixed,moving\n1,2\n")
    sources = ("--task", tiny_task.root, "--fields", fields, "--pairs", pairs)
    in_task = [tiny_task.root / name for name in ("Tiny_dataset.json", "labelsTr/Tiny_0001_0000.nii.gz")]
    for path in (pairs, next(fields.glob("disp_*")), *in_task):
        before = path.read_bytes()
        assert main(["picture", *map(str, (*sources, "--out", path))]) == 2
        assert "also an input" in capsys.readouterr().err
        assert path.read_bytes() == before


def test_a_pair_that_does_not_exist_is_bad_usage(
    tiny_task: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pair.png"
    command = [
        "picture",
        "--task",
        str(tiny_task.root),
        "--fields",
        str(tmp_path),
        "--out",
        str(out),
        "--pair",
        "4",
    ]
    assert main(command) == 2
    assert "1 to 3" in capsys.readouterr().err
    assert not out.exists()


def test_the_plane_shows_both_structures_at_their_largest() -> None:
    labels = np.zeros((10, 11, 12), dtype=np.uint8)
    labels[2, 1:9, 1:4] = 1
    labels[2, 1:9, 6:11] = 2
    labels[7, 5, 5] = 1
    assert best_plane(box_labels(labels, (1, 2))) == Plane(0, 2)
    assert best_plane(box_labels(0 * labels, (1, 2))) == Plane(2, 6)


def test_a_cut_has_rows_upwards() -> None:
    volume = np.arange(24).reshape(2, 3, 4)
    cut = Plane(1, 2).cut(volume)
    assert cut.shape == (4, 2)
    assert cut[3, 1] == volume[1, 2, 3]


def test_the_view_holds_the_body_with_a_margin() -> None:
    image = np.zeros((20, 30), dtype=np.float32)
    image[5:10, 12:20] = 1
    view = body_view([image, np.zeros_like(image)])
    assert view.up == (2.5, 11.5)
    assert view.right == (9.5, 21.5)


def test_scoring_does_not_load_matplotlib() -> None:
    program = "import sys, evaluation.scoring.command; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
