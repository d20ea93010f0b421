"""What the check knows before it reads a value: the profile of a set, and the grids of its images."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from evaluation.submission.checker import check_fields
from pairs.fields.profile import PROFILES
from pairs.images.volume import read_image, write_volume
from tests.evaluation.submission.conftest import FIRST, LONG, Known, check, told

__all__: list[str] = []


def test_another_profile_is_told_for_every_field(known: Known, tmp_path: Path) -> None:
    outcome = check(known, known.write(tmp_path / "fields", "l2r2022"), "l2r2021")
    assert sorted({rule for rule, _ in told(outcome)}) == ["channel", "dtype", "grid", "name"]
    assert len(told(outcome)) == 12
    (mixture,) = [one for one in outcome.findings if one.rule == "profile"]
    assert (mixture.file, mixture.got) == ("", "3 as l2r2022")


def test_a_mixed_folder_is_said_in_one_sentence(known: Known, fields: Path, tmp_path: Path) -> None:
    other = known.write(tmp_path / "other", "l2r2022")
    shutil.copyfile(other / LONG, fields / LONG)
    (fields / FIRST).unlink()
    outcome = check(known, fields, None)
    (mixture,) = [one for one in outcome.findings if one.rule == "profile"]
    assert mixture.what == "fields are not all stored as l2r2021"
    assert mixture.got == "2 as l2r2021, 1 as l2r2022"


def test_short_names_where_long_ones_are_wanted(known: Known, tmp_path: Path) -> None:
    folder = known.write(tmp_path / "fields", "lumir2024")
    outcome = check(known, folder, "l2r2022")
    assert [rule for rule, _ in told(outcome)] == ["name"] * 3
    assert "--short-names" in outcome.findings[0].remedy
    profile = PROFILES["l2r2022"]
    assert check_fields(known.task, folder, profile=profile, short_names=True).accepted


def test_the_configuration_counts(known: Known, fields: Path) -> None:
    outcome = check_fields(known.task, fields, expected_shape=(16, 20, 12))
    assert [rule for rule, _ in told(outcome)] == ["config"] * 3


def test_images_that_are_not_at_hand(make_known: Callable, tmp_path: Path) -> None:
    own = make_known(pairs=1, labels=False)
    folder = own.write(tmp_path / "fields", "l2r2021")
    own.task.pairs[0].fixed.unlink()
    outcome = check(own, folder)
    assert outcome.accepted
    assert [rule for rule, _ in told(outcome, severity="warning")] == ["image"]


def test_a_moving_image_that_is_stored_mirrored(make_known: Callable, tmp_path: Path) -> None:
    own = make_known(pairs=2)
    folder = own.write(tmp_path / "fields", "l2r2022")
    moving = own.task.pairs[0].moving
    mirrored = np.diag((-1.0, 1.0, 1.0, 1.0))
    mirrored[0, 3] = 15
    write_volume(moving, read_image(moving).array[::-1].copy(), mirrored)
    outcome = check(own, folder, None)
    (found,) = [one for one in outcome.findings if one.rule == "orientation"]
    assert (found.severity, found.file) == ("warning", own.task.pairs[0].name)
    assert "LAS" in found.what
    assert "hosts ignore affines" in found.what
