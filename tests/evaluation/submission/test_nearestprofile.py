"""The profile that was meant, and what the editions of a task have asked for."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.submission.checker import edition_findings
from evaluation.submission.names import parse_field_name
from evaluation.submission.nearestprofile import Sample, nearest_profile
from evaluation.submission.stored import Head, Stored
from pairs.fields.profile import PROFILES
from pairs.tasks.editions import known_profiles

GRID, HALF = (8, 6, 10), (4, 3, 5)


def sample(name: str, shape: tuple[int, ...], dtype: str) -> Sample:
    parsed = parse_field_name(name)
    kind = "npz" if name.endswith(".npz") else "nifti-gz"
    assert parsed is not None
    return Sample(parsed, Stored(Path(name), kind, (Head("", shape, np.dtype(dtype), dtype),)), GRID)


@pytest.mark.parametrize(
    ("task", "name", "shape", "dtype", "profile"),
    [
        ("Own", "disp_0001_0002.npz", (3, *HALF), "f2", "l2r2021"),
        ("Own", "disp_0001_0002.npz", (3, *HALF), "f4", "l2r2021"),
        ("Own", "disp_0001_0002.npz", (*HALF, 3), "f4", "l2r2021"),
        ("Own", "disp_0001_0000_0002_0000.nii.gz", (*GRID, 3), "f4", "l2r2022"),
        ("Own", "disp_0001_0002.nii.gz", (*GRID, 3), "f4", "l2r2022"),
        ("Own", "disp_0001_0000_0002_0000.npz", (3, *GRID), "f4", "l2r2022"),
        ("HippocampusMR", "disp_0001_0002.npz", (3, *GRID), "f2", "l2r2020-full"),
        ("LUMIR", "disp_0001_0002.nii.gz", (*GRID, 3), "f4", "lumir2024"),
        ("PSMAReg", "disp_0001_00_0001_01.nii.gz", (*HALF, 3), "f4", "psmareg2026"),
    ],
)
def test_one_field_tells_its_profile(
    task: str, name: str, shape: tuple[int, ...], dtype: str, profile: str
) -> None:
    assert nearest_profile([sample(name, shape, dtype)], task).name == profile


def test_most_fields_decide() -> None:
    old = sample("disp_0001_0002.npz", (3, *HALF), "f2")
    new = sample("disp_0001_0000_0002_0000.nii.gz", (*GRID, 3), "f4")
    assert nearest_profile([old, new, new], "Own").name == "l2r2022"
    assert nearest_profile([old, old, new], "Own").name == "l2r2021"


def test_without_fields_the_task_decides() -> None:
    assert nearest_profile([], "LUMIR").name == "lumir2024"
    assert nearest_profile([], "Own").name == "l2r2022"


def test_unreadable_fields_tell_by_their_names() -> None:
    parsed = parse_field_name("disp_0001_0000_0002_0000.nii.gz")
    assert parsed is not None
    assert nearest_profile([Sample(parsed, None, None)], "Own").name == "l2r2022"


def test_damaged_fields_neither_outvote_a_readable_one_nor_leave_the_editions_of_the_task() -> None:
    parsed = parse_field_name("disp_0001_0002.npz")
    assert parsed is not None
    damaged = Sample(parsed, None, None)
    sound = sample("disp_0001_0000_0002_0000.nii.gz", (*GRID, 3), "f4")
    assert nearest_profile([damaged, damaged, sound], "Own").name == "l2r2022"
    assert nearest_profile([damaged], "Own").name == "l2r2021"
    assert nearest_profile([damaged], "HippocampusMR").name in known_profiles("HippocampusMR")


def test_a_profile_that_no_edition_has_asked_for() -> None:
    (found,) = edition_findings("NLST", (224, 192, 224), PROFILES["l2r2021"])
    assert (found.severity, found.expected) == ("error", "l2r2022 (2022 on)")
    assert "predict --profile l2r2022" in found.remedy
    assert edition_findings("NLST", (224, 192, 224), PROFILES["l2r2022"]) == []
    assert edition_findings("Own", GRID, PROFILES["l2r2021"]) == []


def test_the_year_of_oasis_is_told_by_its_axes() -> None:
    assert edition_findings("OASIS", (160, 192, 224), PROFILES["l2r2021"]) == []
    assert edition_findings("OASIS", (160, 224, 192), PROFILES["l2r2022"]) == []
    assert len(edition_findings("OASIS", (160, 224, 192), PROFILES["l2r2021"])) == 1
    assert len(edition_findings("OASIS", (160, 192, 224), PROFILES["l2r2022"])) == 1
