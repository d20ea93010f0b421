"""`reproduce fig7` with a few steps: whole files, the same again, and clear words for bad input."""

import csv
from pathlib import Path

import pytest
import torch

from pipeline.config import LossConfig, RegistrationConfig, RegistrationTraining, TaskConfig
from studies import discontinuity, probetraining
from studies.jump import FIGURES, figures_of
from studies.probetraining import best_of_losses, displacement_of, trained, with_one_region
from studies.sliding import draw_sliding_pair
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.fixture
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discontinuity, "HELD_OUT", 2)
    monkeypatch.setattr(probetraining, "DESCENT_STEPS", 2)


@pytest.mark.usefixtures("_little_work")
def test_three_files_and_the_page_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    words = ["reproduce", "fig7", "--steps", "2", "--seeds", "1", "--out", str(out)]
    assert main(words) == 0
    told = capsys.readouterr().out
    page = (out / "fig7.md").read_text(encoding="utf-8")
    assert page in told
    for title in ("with filters", "without filters", "no registration", "best field of the losses"):
        assert f"| {title} " in page
    assert "The same as in the paper" in page
    with (out / "fig7.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 * 2
    assert set(rows[0]) == {"method", "seed", "pair", *FIGURES}
    assert (out / "fig7.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in (out / "runs").iterdir()) == [".jsonl"] * 2 + [".safetensors"] * 2

    # Once more: the trainings are finished and give the same page, without a single step.
    (logs,) = {path.stat().st_mtime_ns for path in (out / "runs").glob("text*.jsonl")}
    assert main(words) == 0
    assert (out / "fig7.md").read_text(encoding="utf-8") == page
    assert logs == next((out / "runs").glob("text*.jsonl")).stat().st_mtime_ns


def test_only_the_filters_see_the_mask(tmp_path: Path) -> None:
    pair = draw_sliding_pair(torch.Generator().manual_seed(0))
    changed = {}
    for head in ("text", "plain"):
        config = TaskConfig(
            task="sliding bodies",
            registration=RegistrationConfig(start_channels=2, head=head, mlp_width=8),
            registration_training=RegistrationTraining(steps=1),
        )
        net = trained(config, tmp_path)
        changed[head] = not torch.equal(
            displacement_of(net, pair), displacement_of(net, with_one_region(pair))
        )
    assert changed == {"text": True, "plain": False}


def test_without_smoothness_the_losses_keep_more_of_the_jump() -> None:
    pair = draw_sliding_pair(torch.Generator().manual_seed(0))
    kept = [
        figures_of(best_of_losses(pair, LossConfig(smoothness=weight)), pair)["jump at once"]
        for weight in (0.0, 1.0)
    ]
    assert kept[0] > kept[1] + 20


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--steps", "0"], "argument --steps; expected 1 or more, got 0"),
        (["--seeds", "0"], "argument --seeds; expected 1 or more, got 0"),
        (["--smoothness", "-1"], "argument --smoothness; expected 0 or more, got -1.0"),
        (["--smoothness", "nan"], "argument --smoothness; expected 0 or more, got nan"),
    ],
)
def test_a_number_out_of_range_is_told_in_one_line(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "fig7", "--out", str(tmp_path / "out"), *words]) == 2
    assert capsys.readouterr().err == f"error: {line}\n"
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    assert main(["reproduce", "fig7", "--out", str(tmp_path / "out")]) == 5
    (error,) = capsys.readouterr().err.splitlines()
    assert "output folder is not a folder" in error
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"
