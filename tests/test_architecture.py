"""The tree keeps its rules, each of which finds what breaks it."""

from pathlib import Path

import pytest

from tests.treerules import (
    CHECKS,
    MAX_FILE_LINES,
    MAX_FUNCTION_LINES,
    Check,
    citations_can_be_opened,
    dependencies_have_one_door,
    files_come_in_through_one_door,
    files_stand_where_they_may,
    imports_cross_no_border,
    imports_make_no_circle,
    modules_introduce_themselves,
    nothing_asserts,
    sizes_are_kept,
)

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_tree_keeps_the_rule(check: Check) -> None:
    assert check(ROOT) == []


VIOLATIONS = [
    (imports_cross_no_border, "pipeline/a.py", "import evaluation.score"),
    (imports_cross_no_border, "evaluation/a.py", "def late():\n    from pipeline.network.warp import warp"),
    (imports_cross_no_border, "evaluation/a.py", "import importlib\nimportlib.import_module('torch')"),
    (imports_cross_no_border, "pairs/a.py", "import torch.nn"),
    (imports_cross_no_border, "pairs/a.py", "from evaluation import score"),
    (imports_cross_no_border, "pairs/a.py", "import tqdm"),
    (imports_cross_no_border, "pipeline/predict/a.py", "def late():\n    import nibabel as nib"),
    (dependencies_have_one_door, "pipeline/text_maker.py", "import open_clip"),
    (
        dependencies_have_one_door,
        "pipeline/network/model.py",
        "from monai.networks import nets",
    ),
    (dependencies_have_one_door, "evaluation/score.py", "import matplotlib.pyplot as plt"),
    (dependencies_have_one_door, "pipeline/train/loop.py", "import matplotlib.pyplot as plt"),
    (files_stand_where_they_may, "docker/smoke.py", ""),
    (files_stand_where_they_may, "tests/pairs/__init__.py", ""),
    (files_stand_where_they_may, "pairs/utils.py", ""),
    (files_stand_where_they_may, "pipeline/common/a.py", ""),
    (modules_introduce_themselves, "pairs/a.py", "__all__ = []"),
    (modules_introduce_themselves, "pairs/a.py", '"""A docstring only."""'),
    (modules_introduce_themselves, "pairs/__init__.py", '"""Words."""\nfrom pairs import a'),
    (files_come_in_through_one_door, "pairs/a.py", "text = path.read_text()"),
    (files_come_in_through_one_door, "pipeline/a.py", "content = (folder / name).read_bytes()"),
    (files_come_in_through_one_door, "evaluation/a.py", "with path.open('rb') as raw:\n    pass"),
    (files_come_in_through_one_door, "evaluation/a.py", "with path.open() as raw:\n    pass"),
    (files_come_in_through_one_door, "evaluation/a.py", "raw = gzip.open(path)"),
    (files_come_in_through_one_door, "pairs/a.py", "raw = open(path)"),
    (files_come_in_through_one_door, "pairs/a.py", "array = np.load(path)"),
    (nothing_asserts, "evaluation/a.py", "def late(x):\n    assert x"),
    (citations_can_be_opened, "pairs/a.py", '"""A noun (see notes/absent.md)."""'),
    (citations_can_be_opened, "evaluation/a.py", "x = 1  # docs/absent.md"),
    (sizes_are_kept, "pairs/a.py", "\n" * (MAX_FILE_LINES + 1)),
    (sizes_are_kept, "pairs/a.py", "def long():\n" + "    x = 1\n" * MAX_FUNCTION_LINES),
]


@pytest.mark.parametrize(("check", "file", "source"), VIOLATIONS)
def test_check_finds_a_violation(tmp_path: Path, check: Check, file: str, source: str) -> None:
    _write(tmp_path, file, source)
    assert len(check(tmp_path)) == 1


def test_a_circle_of_imports_is_found(tmp_path: Path) -> None:
    _write(tmp_path, "pairs/a.py", "def late():\n    from pairs import b")
    _write(tmp_path, "pairs/b.py", "from pairs.c import x")
    _write(tmp_path, "pairs/c.py", "import pairs.a")
    _write(tmp_path, "pairs/d.py", "import pairs.a")
    assert imports_make_no_circle(tmp_path) == ["in a circle of imports: pairs.a, pairs.b, pairs.c"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_check_accepts_what_is_allowed(tmp_path: Path, check: Check) -> None:
    introduced = '"""A noun."""\n__all__ = ["late"]\n'
    short = "def late() -> None:\n" + '    """Says\n' + "\n" * 30 + '    much."""\n' + "    x = 1\n" * 40
    _write(tmp_path, "pairs/a.py", introduced + "import json\nimport nibabel\nfrom . import b\n")
    _write(tmp_path, "pipeline/text/a.py", introduced + "import open_clip, torch, pairs.tasks.task\n" + short)
    _write(tmp_path, "pipeline/__main__.py", '"""Starts."""\n')
    _write(tmp_path, "evaluation/__init__.py", '"""Scores."""\n')
    _write(
        tmp_path,
        "evaluation/picture.py",
        introduced + "import matplotlib.pyplot\nfrom pairs.tasks.task import read_task\n",
    )
    assert check(tmp_path) == []


def _write(root: Path, file: str, source: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
