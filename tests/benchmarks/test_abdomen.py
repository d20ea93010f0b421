"""The abdomen benchmark on small images: random weights of full size would take minutes."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import abdomen
from pairs.images.volume import write_volume
from studies.process import Spent

__all__: list[str] = []


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A folder named and filled as the task, of two images."""
    root = tmp_path / "AbdomenCTCT"
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
        for number in (1, 4):
            path = root / folder / f"AbdomenCTCT_{number:04d}_0000.nii.gz"
            write_volume(path, np.zeros((8, 8, 8), np.uint8), np.eye(4))
    return root


def test_each_source_has_a_row(
    task: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def run(*arguments: str | Path) -> Spent:
        words = [str(word) for word in arguments]
        calls.append(words)
        if "--pairs" in words:
            (pair,) = json.loads(Path(words[words.index("--pairs") + 1]).read_text())
            assert (task / pair["fixed"]).is_file()
            assert (task / pair["moving"]).is_file()
            output = Path(words[3] if words[1] == "predict" else words[2])
            output.mkdir()
            (output / "report.json").write_text(json.dumps({"pairs": [{"seconds": 90.0}]}))
        return Spent(120.0, 2048.0)

    monkeypatch.setattr(abdomen, "run_module", run)
    assert abdomen.main(["--task", str(task), "--sources", "labels", "small"]) == 0
    table = capsys.readouterr().out
    assert "| label maps given |        1.5 |           2.0 |       2.00 |" in table
    assert "SwinUNETR small" in table
    sizes = [words[words.index("--size") + 1] for words in calls if "--size" in words]
    assert sizes == ["tiny", "small"]
    given = [words for words in calls if "--segmentations" in words]
    assert [words[words.index("--segmentations") + 1] for words in given] == [str(task / "labelsTr")]


def test_a_folder_without_a_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert abdomen.main(["--task", str(tmp_path)]) == 2
    assert "no task found" in capsys.readouterr().err
