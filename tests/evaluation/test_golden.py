"""Parity with evaluator 2.0: every number of the golden files, NaN and infinity included."""

import json
import math
from pathlib import Path

import pytest

from evaluation.reports.aggregate import as_document
from evaluation.scoring.evaluate import evaluate_task
from pairs.evaluation_config import read_evaluation_config
from pairs.task import read_task

_TOLERANCE = 1e-6
_OFFICIAL_KEYS = ("name", "aggregates", "cases", "eval_version")


def _differences(expected: object, got: object, where: str) -> list[str]:
    """Names every place in which two JSON documents differ."""
    if isinstance(expected, dict) and isinstance(got, dict):
        wrong_keys = (
            [f"{where}: keys {list(got)}, expected {list(expected)}"] if list(expected) != list(got) else []
        )
        shared_keys = expected.keys() & got.keys()
        return wrong_keys + [
            d for key in shared_keys for d in _differences(expected[key], got[key], f"{where}/{key}")
        ]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return [d for index, (one, other) in pairs for d in _differences(one, other, f"{where}/{index}")]
    if isinstance(expected, float | int) and isinstance(got, float | int):
        same = (math.isnan(expected) and math.isnan(got)) or math.isclose(
            expected, got, rel_tol=0, abs_tol=_TOLERANCE
        )
        return [] if same else [f"{where}: {got}, expected {expected}"]
    return [] if expected == got else [f"{where}: {got!r}, expected {expected!r}"]


def _document(golden: Path, config_name: str, variant: str) -> dict[str, object]:
    config_path = golden / config_name
    task = read_task(golden / "data", pairs_file=config_path)
    evaluation = evaluate_task(task, golden / "full_nii" / variant, read_evaluation_config(config_path))
    return as_document(evaluation)


@pytest.mark.parametrize(
    ("expected", "config", "variant"),
    [
        ("v2.zero.json", "Toy_VAL_evaluation_config.json", "zero"),
        ("v2.const.json", "Toy_VAL_evaluation_config.json", "const"),
        ("v2.smooth.json", "Toy_VAL_evaluation_config.json", "smooth"),
        ("v2.folding.json", "Toy_VAL_evaluation_config.json", "folding"),
        ("v2_masked.smooth.json", "Toy_VAL_evaluation_config_masked.json", "smooth"),
    ],
)
def test_every_official_number_is_met(shared: Path, expected: str, config: str, variant: str) -> None:
    golden = shared / "golden"
    official = json.loads((golden / "expected" / expected).read_text())
    document = _document(golden, config, variant)
    assert _differences(official, {key: document[key] for key in _OFFICIAL_KEYS}, "") == []
    assert list(document) == [*_OFFICIAL_KEYS, "true"]


def test_folding_is_seen_by_the_true_numbers_only(shared: Path) -> None:
    document = _document(shared / "golden", "Toy_VAL_evaluation_config.json", "folding")
    cases = document["cases"]
    true = document["true"]
    assert isinstance(cases, dict)
    assert isinstance(true, dict)
    assert all(case["num_foldings"]["mean"] == 0.0 for case in cases.values())
    assert max(case["fold_fraction"] for case in true["cases"].values()) > 0.1
    assert true["aggregates"]["fold_fraction"]["mean"] > 0.1


def test_scores_before_registration_are_those_of_a_zero_field(shared: Path) -> None:
    golden = shared / "golden"
    official = json.loads((golden / "expected" / "v2.zero.json").read_text())
    true = _document(golden, "Toy_VAL_evaluation_config.json", "folding")["true"]
    assert isinstance(true, dict)
    for name in ("DSC", "HD95", "TRE_kp"):
        assert _differences(official["aggregates"][name], true["aggregates"]["before"][name], name) == []
    for key, case in official["cases"].items():
        assert _differences(case["HD95"], true["cases"][key]["before"]["HD95"], key) == []
