"""Every rule on a minimal broken set, all faults of a set at once, and right sets without an error."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.submission.checker import check_fields
from pairs.fields.displacement import find_field, read_displacement
from pairs.fields.profile import PROFILES
from pairs.tasks.evaluation_config import read_evaluation_config
from pairs.tasks.task import read_task
from tests.evaluation.submission.conftest import FIRST, LONG, SECOND, THIRD, Known, check, told

__all__: list[str] = []

HALF = (8, 6, 10)


def half_field(fields: Path, name: str = FIRST) -> np.ndarray:
    with np.load(fields / name) as archive:
        return archive["arr_0"]


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_right_fields_have_no_finding(known: Known, tmp_path: Path, profile: str) -> None:
    folder = known.write(tmp_path / "fields", profile)
    (folder / "report.json").write_text("{}")
    (folder / ".segmentations").mkdir()
    outcome = check(known, folder, profile)
    assert outcome.findings == ()
    assert outcome.accepted
    if profile not in ("lumir2024", "psmareg2026", "l2r2020-full"):
        assert check(known, folder, None).profile.name == profile


def golden_dice(shared: Path, variant: str) -> dict[str, float]:
    """The mean Dice of each pair as the official evaluator has it."""
    document = json.loads((shared / "golden" / "expected" / f"v2.{variant}.json").read_text())
    return {name: case["DSC"]["mean"] for name, case in document["cases"].items()}


@pytest.mark.parametrize("variant", ["zero", "const", "smooth", "folding"])
@pytest.mark.parametrize(("kind", "profile"), [("full_nii", "l2r2022"), ("half", "l2r2021")])
def test_golden_fields_are_told_where_they_lower_the_official_dice(
    shared: Path, kind: str, profile: str, variant: str
) -> None:
    config_path = shared / "golden" / "Toy_VAL_evaluation_config.json"
    task = read_task(shared / "golden" / "data", pairs_file=config_path)
    expected = read_evaluation_config(config_path).expected_shape
    outcome = check_fields(task, shared / "golden" / kind / variant, expected_shape=expected)
    assert outcome.profile.name == profile
    telling = [name for name, dice in golden_dice(shared, "zero").items() if dice < 1]
    before, after = (
        np.mean([golden_dice(shared, one)[name] for name in telling]) for one in ("zero", variant)
    )
    assert told(outcome) == ([("suspicion", "")] if after < before else [])
    rule = {"zero": "zero", "folding": "folding"}.get(variant)
    assert rule is None or [one for one, _ in told(outcome, severity="warning")].count(rule) == 3


# Each change breaks the first field; then the rule that tells of it.
BROKEN: list[tuple[str, Callable[[Path], None], str]] = [
    ("missing", lambda path: path.unlink(), "missing"),
    ("empty", lambda path: path.write_bytes(b""), "empty"),
    ("truncated", lambda path: path.write_bytes(path.read_bytes()[:500]), "damaged"),
    ("text", lambda path: path.write_text("u" * 1000), "damaged"),
    ("key", lambda path: np.savez(path, flow=np.load(path)["arr_0"]), "key"),
    ("two arrays", lambda path: np.savez(path, np.load(path)["arr_0"], np.eye(3)), "arrays"),
    ("pickle", lambda path: np.savez(path, np.array([{}], dtype=object)), "pickle"),
    ("float32", lambda path: np.savez(path, np.load(path)["arr_0"].astype("f4")), "dtype"),
    ("big-endian", lambda path: np.savez(path, np.load(path)["arr_0"].astype(">f2")), "dtype"),
    ("channel", lambda path: np.savez(path, np.moveaxis(np.load(path)["arr_0"], 0, -1)), "channel"),
    ("axes", lambda path: np.savez(path, np.load(path)["arr_0"].transpose(0, 3, 2, 1)), "axes"),
    ("shape", lambda path: np.savez(path, np.load(path)["arr_0"][:, 1:]), "shape"),
    ("nan", lambda path: np.savez(path, np.full((3, *HALF), np.nan, "f2")), "finite"),
    ("full grid", lambda path: np.savez(path, np.ones((3, 16, 12, 20), "f2")), "grid"),
    ("long name", lambda path: path.rename(path.parent / "disp_0001_0000_0101_0000.npz"), "name"),
    ("capitals", lambda path: path.rename(path.with_suffix(".NPZ")), "name"),
    ("padding", lambda path: path.rename(path.parent / "disp_1_101.npz"), "name"),
    ("swapped name", lambda path: path.rename(path.parent / "disp_0101_0001.npz"), "name"),
    ("gzip in an npz", lambda path: path.write_bytes(gzip.compress(bytes(400))), "damaged"),
]


@pytest.mark.parametrize(("change", "rule"), [(c, r) for _, c, r in BROKEN], ids=[n for n, _, _ in BROKEN])
def test_each_fault_is_told_once_and_alone(known: Known, fields: Path, change: Callable, rule: str) -> None:
    change(fields / FIRST)
    outcome = check(known, fields)
    assert [one for one, _ in told(outcome)] == [rule]
    assert not outcome.accepted
    line = str(next(one for one in outcome.findings if one.severity == "error"))
    assert line.startswith("error: disp_")
    assert "\n" not in line


def test_values_beyond_float16(known: Known, fields: Path) -> None:
    large = half_field(fields).astype(np.float32)
    large[0, 0, 0, 0] = 1e5
    np.savez(fields / FIRST, large)
    assert told(check(known, fields)) == [("dtype", FIRST), ("range", FIRST)]


def test_warnings_leave_the_set_acceptable(known: Known, fields: Path) -> None:
    np.savez_compressed(fields / FIRST, np.zeros((3, *HALF), np.float16))
    shutil.copyfile(fields / SECOND, fields / THIRD)
    shutil.copyfile(fields / SECOND, fields / "disp_0002_0000_0102_0000.npz")
    shutil.copyfile(fields / SECOND, fields / "disp_0002_0101.npz")
    shutil.copyfile(fields / SECOND, fields / "disp_0777_0102.npz")
    shutil.copyfile(fields / SECOND, fields / "disp_0102_0002.npz")
    (fields / "notes.txt").write_text("x")
    outcome = check(known, fields)
    assert outcome.accepted
    assert sorted(told(outcome, severity="warning")) == [
        ("duplicate", SECOND),
        ("extra", "notes.txt"),
        ("second", "disp_0002_0000_0102_0000.npz"),
        ("unknown", "disp_0002_0101.npz"),
        ("unknown", "disp_0102_0002.npz"),
        ("unknown", "disp_0777_0102.npz"),
        ("zero", FIRST),
    ]
    assert "0777" in str(next(one for one in outcome.findings if one.file == "disp_0777_0102.npz"))


def test_folding_is_a_warning(known: Known, fields: Path) -> None:
    noise = 4 * np.random.default_rng(0).normal(size=(3, *HALF))
    np.savez_compressed(fields / FIRST, noise.astype(np.float16))
    outcome = check(known, fields)
    assert outcome.accepted
    assert ("folding", FIRST) in told(outcome, severity="warning")


def test_npz_keys_of_2022_are_a_warning(known: Known, tmp_path: Path) -> None:
    folder = known.write(tmp_path / "fields", "l2r2022")
    field = read_displacement(folder / LONG, (16, 12, 20)).displacement
    (folder / LONG).unlink()
    np.savez(folder / LONG.replace(".nii.gz", ".npz"), u=field)
    outcome = check(known, folder, None)
    assert outcome.accepted
    assert [rule for rule, _ in told(outcome, severity="warning")] == ["key"]


def test_a_pointer_in_place_of_a_field_has_one_remedy(known: Known, fields: Path) -> None:
    (fields / FIRST).write_text("version https://git-lfs.github.com/spec/v1\n")
    (found,) = [one for one in check(known, fields).findings if one.rule == "damaged"]
    assert (found.file, found.got) == (FIRST, "a Git LFS pointer")
    assert found.remedy == "fetch the file with `git lfs pull`"


def test_everything_is_told_at_once(known: Known, fields: Path) -> None:
    wrong = np.moveaxis(half_field(fields), 0, -1).astype(np.float32)
    wrong[0, 0, 0, 0] = np.inf
    np.savez(fields / "Disp_1_101.npz", u=wrong, v=np.ones(2))
    (fields / FIRST).unlink()
    (fields / SECOND).write_bytes(b"")
    (fields / THIRD).unlink()
    (fields / "notes\x1b[31m.txt").write_text("x")
    outcome = check(known, fields)
    assert sorted(told(outcome)) == [
        ("arrays", "Disp_1_101.npz"),
        ("channel", "Disp_1_101.npz"),
        ("dtype", "Disp_1_101.npz"),
        ("empty", SECOND),
        ("finite", "Disp_1_101.npz"),
        ("key", "Disp_1_101.npz"),
        ("missing", THIRD),
        ("name", "Disp_1_101.npz"),
    ]
    lines = [str(one) for one in outcome.findings]
    assert all(line.isprintable() for line in lines)
    assert [line.partition(":")[0] for line in lines] == ["error"] * 8 + ["warning"]


def test_what_is_accepted_is_read_as_the_same_profile(known: Known, fields: Path) -> None:
    assert check(known, fields).accepted
    for pair in known.task.pairs:
        read = read_displacement(find_field(fields, pair), (16, 12, 20))
        assert read.profile.name == "l2r2021"
        assert np.abs(read.displacement - known.truth[pair.name]).mean() < 0.3
