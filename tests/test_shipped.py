"""What ships: the bundled weights, their card, and the demo task from its drawing to its picture."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.config import read_config
from pipeline.weights.bundle import read_bundle
from pipeline.weights.folders import bundle_of

__all__: list[str] = []

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = sorted((ROOT / "weights").glob("*.safetensors"))
MAX_MIB = 24
LICENCES = {"HippocampusMR": "CC BY-SA 4.0", "OASIS": "Apache-2.0"}
DATA = {"HippocampusMR": "Medical Segmentation Decathlon", "OASIS": "SynthSeg"}


def run(*arguments: str | Path) -> str:
    """A command of the checkout as `run.sh` gives it; returns its standard output."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "textscf", *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_weights_ship() -> None:
    assert [path.stem for path in WEIGHTS] == ["HippocampusMR", "OASIS"]
    assert bundle_of("LUMIR").stem == "OASIS"


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_bundle_is_small_and_has_a_segmentor(path: Path) -> None:
    bundle = read_bundle(path)
    assert path.stat().st_size <= MAX_MIB * 2**20
    assert bundle.header.task == path.stem
    assert bundle.segmentor
    for part in bundle.header.training.values():
        assert part["licence"] == LICENCES[path.stem]


def test_the_networks_of_the_hippocampus_are_complete() -> None:
    bundle = read_bundle(bundle_of("HippocampusMR"))
    assert bundle.registration
    assert bundle.text["vectors"].shape[0] == len(bundle.header.regions) == len(bundle.header.prompts)
    assert bundle.header.embedder


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_card_names_data_licence_seed_and_commands(path: Path) -> None:
    card = path.with_suffix(".md").read_text()
    for words in (LICENCES[path.stem], DATA[path.stem], "seed 0", "./run.sh train segmentor"):
        assert words in card


def test_the_settings_beside_the_brains_are_those_of_their_training() -> None:
    path = bundle_of("OASIS")
    stated, kept = read_config(path.with_suffix(".json")), read_bundle(path).header.config
    for section in ("labels", "intensity", "drawing", "segmentor", "segmentor_training"):
        assert getattr(stated, section) == getattr(kept, section), section


def test_demo_task_is_registered_scored_and_drawn(tmp_path: Path) -> None:
    task, fields = tmp_path / "task", tmp_path / "fields"
    run("demo-task", task, "--subjects", "3")
    run(task, fields)
    scoring = ("evaluate", "--task", task, "--fields", fields, "--evaluator", "2.0")
    run(*scoring, "--json", tmp_path / "scores.json")
    scores = json.loads((tmp_path / "scores.json").read_text())
    before = scores["true"]["aggregates"]["before"]["DSC"]["mean"]
    # Untrained filters, a wrong axis order or a wrong sign all leave the Dice where it was or lower it.
    assert scores["aggregates"]["DSC"]["mean"] > before + 0.1
    assert scores["aggregates"]["LogJacDetStd"]["mean"] < 0.1
    run("picture", "--task", task, "--fields", fields, "--out", tmp_path / "pair.png")
    assert (tmp_path / "pair.png").read_bytes().startswith(b"\x89PNG")


def test_real_pairs_come_close(shared: Path, tmp_path: Path) -> None:
    task = shared / "data" / "HippocampusMR"
    listed = json.loads((task / "HippocampusMR_VAL_evaluation_config.json").read_text())
    listed["eval_pairs"] = listed["eval_pairs"][:3]
    config = tmp_path / "three.json"
    config.write_text(json.dumps(listed))
    run(task, tmp_path / "fields", "--pairs", config)
    scores = tmp_path / "scores.json"
    run(
        "evaluate",
        "--task",
        task,
        "--fields",
        tmp_path / "fields",
        "--config",
        config,
        "--evaluator",
        "2.0",
        "--json",
        scores,
    )
    aggregates = json.loads(scores.read_text())["aggregates"]
    assert aggregates["DSC"]["mean"] > 0.75
    assert aggregates["LogJacDetStd"]["mean"] < 0.12


def test_a_real_brain_is_registered_with_the_regions_of_the_shipped_segmentor(
    shared: Path, tmp_path: Path
) -> None:
    task, fields, scores = shared / "data" / "OASISManual", tmp_path / "fields", tmp_path / "scores.json"
    listed = json.loads((task / "OASIS_VAL_evaluation_config.json").read_text())
    listed["eval_pairs"] = listed["eval_pairs"][:1]
    config = tmp_path / "one.json"
    config.write_text(json.dumps(listed))
    run(task, fields, "--pairs", config)
    assert json.loads((fields / "report.json").read_text())["weights"] == "OASIS.safetensors"
    scoring = ("evaluate", "--task", task, "--fields", fields, "--config", config)
    run(*scoring, "--evaluator", "2.0", "--json", scores)
    aggregates = json.loads(scores.read_text())["aggregates"]
    assert aggregates["DSC"]["mean"] > 0.74
    assert aggregates["LogJacDetStd"]["mean"] < 0.08
