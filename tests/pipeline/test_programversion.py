"""The version of the program: its sources and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pairs.process.sources import version_of
from pipeline.programversion import PACKAGES, program_version

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources elsewhere, as in an image: without tests, pages and byte code."""
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("pairs", "pipeline"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    return tmp_path


def test_the_same_sources_have_one_version_wherever_they_lie(copy: Path) -> None:
    assert version_of(copy, PACKAGES) == version_of(ROOT, PACKAGES) == program_version()
    call = "from pipeline.programversion import program_version; print(program_version())"
    there = subprocess.run(
        [sys.executable, "-c", call], cwd="/", env={"PYTHONPATH": str(copy)}, capture_output=True, text=True
    )
    assert there.stdout.strip() == program_version()


def test_any_source_counts_and_nothing_else_does(copy: Path) -> None:
    before = version_of(copy, PACKAGES)
    (copy / "pipeline" / "__pycache__").mkdir(exist_ok=True)
    (copy / "pipeline" / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"code")
    (copy / "pipeline" / "notes.md").write_text("a page", encoding="utf-8")
    assert version_of(copy, PACKAGES) == before
    seen = {before}
    for name in ("pipeline/network/model.py", "pairs/fields/resampling.py", "pipeline/new.py"):
        with (copy / name).open("a", encoding="utf-8") as file:
            file.write("\n# changed\n")
        seen.add(version_of(copy, PACKAGES))
    (copy / "pipeline" / "new.py").rename(copy / "pipeline" / "renamed.py")
    assert len(seen | {version_of(copy, PACKAGES)}) == 5
