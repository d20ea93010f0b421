"""Parity with the official evaluators: every number of the golden files, NaN and infinity included."""

import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from evaluation.reports.document import as_document
from evaluation.scoring.evaluate import evaluate_task
from evaluation.scoring.evaluator import EVALUATORS
from pairs.tasks.evaluation_config import read_evaluation_config
from pairs.tasks.task import read_task

_TOLERANCE = 1e-6
_CONFIG = "Toy_VAL_evaluation_config.json"
_MASKED_CONFIG = "Toy_VAL_evaluation_config_masked.json"
_OFFICIAL_KEYS = ("name", "aggregates", "cases", "eval_version")
_VARIANTS = ("zero", "const", "smooth", "folding")
_EARLY_METRICS = ("LogJacDetStd", "DiceCoefficient", "HausdorffDistance95")


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


def _document(
    golden: Path, fields: str, config_name: str | None = _CONFIG, evaluator: str | None = None
) -> dict[str, object]:
    """Scores a folder of golden fields; without a configuration, the structures that the task names."""
    config_path = None if config_name is None else golden / config_name
    evaluation = evaluate_task(
        read_task(golden / "data", pairs_file=config_path),
        golden / fields,
        None if config_path is None else read_evaluation_config(config_path),
        evaluator=None if evaluator is None else EVALUATORS[evaluator],
    )
    return as_document(evaluation)


def _expected(golden: Path, name: str) -> dict[str, object]:
    document = json.loads((golden / "expected" / name).read_text())
    assert isinstance(document, dict)
    return document


def _part(document: dict[str, object], *keys: str) -> dict[str, object]:
    part: object = document
    for key in keys:
        assert isinstance(part, dict)
        part = part[key]
    assert isinstance(part, dict)
    return part


def _number(document: dict[str, object], *keys: str) -> float:
    number = _part(document, *keys[:-1])[keys[-1]]
    assert isinstance(number, float)
    return number


@pytest.mark.parametrize(
    ("expected", "config", "variant"),
    [
        *((f"v2.{variant}.json", _CONFIG, variant) for variant in _VARIANTS),
        ("v2_masked.smooth.json", _MASKED_CONFIG, "smooth"),
    ],
)
def test_every_number_of_2_0_is_met(shared: Path, expected: str, config: str, variant: str) -> None:
    golden = shared / "golden"
    document = _document(golden, f"full_nii/{variant}", config)
    assert _differences(_expected(golden, expected), {key: document[key] for key in _OFFICIAL_KEYS}, "") == []
    assert list(document) == [*_OFFICIAL_KEYS, "true"]


@pytest.mark.parametrize("config", [_CONFIG, _MASKED_CONFIG, None])
@pytest.mark.parametrize("variant", _VARIANTS)
def test_every_number_of_2021_is_met(shared: Path, variant: str, config: str | None) -> None:
    """The evaluator is chosen by the profile of the fields, and its names by the evaluator."""
    golden = shared / "golden"
    expected = _expected(golden, f"half2021.{variant}.json")
    document = _document(golden, f"half/{variant}", config)
    assert document["evaluator"] == expected["evaluator"]
    wanted = {name: _in_our_order(case) for name, case in _part(expected, "cases").items()}
    assert _differences(wanted, document["cases"], "cases") == []
    assert list(document) == [*expected, "aggregates", "true"]


def _in_our_order(case: object) -> dict[str, object]:
    assert isinstance(case, dict)
    assert set(case) == set(_EARLY_METRICS)
    return {name: case[name] for name in _EARLY_METRICS}


def test_aggregates_of_2021_are_those_of_pandas(shared: Path) -> None:
    golden = shared / "golden"
    expected = _expected(golden, "half2021.smooth.json")
    aggregates = _part(_document(golden, "half/smooth"), "aggregates")
    assert list(aggregates) == list(_EARLY_METRICS)
    for name in _EARLY_METRICS:
        values = [_number(expected, "cases", case, name) for case in _part(expected, "cases")]
        summary = {
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values),
            "30": float(np.quantile(values, 0.3)),
        }
        assert _differences(summary, aggregates[name], name) == []


def test_2020_differs_by_the_offset_of_the_logarithm(shared: Path) -> None:
    golden = shared / "golden"
    early = _part(_document(golden, "half/smooth", evaluator="2020"), "cases")
    later = _part(_document(golden, "half/smooth", evaluator="2021"), "cases")
    assert _part(early, "0001<--0002")["LogJacDetStd"] == pytest.approx(0.0254, abs=5e-5)
    assert _part(later, "0001<--0002")["LogJacDetStd"] == pytest.approx(0.1014, abs=5e-5)
    for name in later:
        for metric in ("DiceCoefficient", "HausdorffDistance95"):
            assert _part(early, name)[metric] == _part(later, name)[metric]


def test_quantiles_change_sides_with_the_version(shared: Path) -> None:
    golden = shared / "golden"
    official = _expected(golden, "v2.smooth.json")
    document = _document(golden, "full_nii/smooth", evaluator="2023")
    assert _differences(official["cases"], document["cases"], "cases") == []
    for name, newest in {"LogJacDetStd": 0.7, "DSC": 0.3, "HD95": 0.3, "TRE_kp": 0.7}.items():
        values = [_number(official, "cases", case, name, "mean") for case in _part(official, "cases")]
        found = [_number(one, "aggregates", name, "30") for one in (official, document)]
        assert found == pytest.approx(np.quantile(values, [newest, 0.3]), abs=_TOLERANCE)


def test_folding_is_seen_by_the_true_numbers_only(shared: Path) -> None:
    document = _document(shared / "golden", "full_nii/folding")
    cases = document["cases"]
    true = document["true"]
    assert isinstance(cases, dict)
    assert isinstance(true, dict)
    assert all(case["num_foldings"]["mean"] == 0.0 for case in cases.values())
    assert max(case["fold_fraction"] for case in true["cases"].values()) > 0.1
    assert true["aggregates"]["fold_fraction"]["mean"] > 0.1


def test_scores_before_registration_are_those_of_a_zero_field(shared: Path) -> None:
    golden = shared / "golden"
    official = _expected(golden, "v2.zero.json")
    true = _part(_document(golden, "full_nii/folding"), "true")
    for name in ("DSC", "HD95", "TRE_kp"):
        wanted = _part(official, "aggregates", name)
        assert _differences(wanted, _part(true, "aggregates", "before", name), name) == []
    for key in _part(official, "cases"):
        wanted = _part(official, "cases", key, "HD95")
        assert _differences(wanted, _part(true, "cases", key, "before", "HD95"), key) == []


def test_distances_in_mm_are_those_in_voxels_times_the_spacing(shared: Path) -> None:
    document = _document(shared / "golden", "full_nii/smooth")
    for key in _part(document, "cases"):
        voxels = np.array(_part(document, "cases", key, "HD95")["detailed"])
        true = _part(document, "true", "cases", key)
        structures = true["structures"]
        assert isinstance(structures, list)
        np.testing.assert_allclose([one["hd95_mm"] for one in structures], 2 * voxels)
        assert all(0 < one["assd_mm"] < one["hd95_mm"] for one in structures if one["presence"] == "both")
