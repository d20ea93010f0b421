"""Names in every spelling, and the pairs that they mean."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.submission.assignment import assign
from evaluation.submission.folder import Entry
from evaluation.submission.names import accepted_names, match_pair, name_reasons, parse_field_name
from pairs.fields.displacement import field_name
from pairs.fields.profile import PROFILES
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair

numbers = st.integers(0, 9999)


def pair(
    fixed: int, moving: int, modalities: tuple[int, int] = (0, 0), visits: tuple[str, str] = ("", "")
) -> Pair:
    ids = [
        ImageId(f"{subject:04d}", f"{modality:04d}", visit)
        for subject, modality, visit in zip((fixed, moving), modalities, visits, strict=True)
    ]
    return Pair(Path("f"), Path("m"), *ids)


@given(numbers, numbers, st.sampled_from(sorted(PROFILES)), st.booleans())
def test_every_written_name_is_accepted_and_means_its_pair(
    fixed: int, moving: int, profile: str, short: bool
) -> None:
    one = pair(fixed, moving)
    name = field_name(one, PROFILES[profile], short_names=short)
    assert accepted_names(one, PROFILES[profile], short_names=short)[-1] == name
    parsed = parse_field_name(name)
    assert parsed is not None
    match = match_pair(parsed, [one])
    assert match is not None
    assert not match.swapped
    assert name_reasons(parsed, name, swapped=False) == ()


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("disp_0001_0002.NPZ", "suffix in capitals"),
        ("disp_0001_0002.nii.gz", "suffix .nii.gz"),
        ("disp_0001_0002", "suffix none"),
        ("disp_1_2.npz", "other zero padding"),
        ("disp_00001_00002.npz", "other zero padding"),
        ("disp_0001_0000_0002_0000.npz", "long name for short"),
        ("Disp_0001_0002.npz", "other spelling"),
        ("disp_0001-0002.npz", "other spelling"),
        ("flow_0001_0002.npz", "other spelling"),
    ],
)
def test_each_way_of_misspelling_is_named(name: str, reasons: str) -> None:
    parsed = parse_field_name(name)
    assert parsed is not None
    match = match_pair(parsed, [pair(2, 3), pair(1, 2)])
    assert match is not None
    assert (match.pair, match.swapped) == (pair(1, 2), False)
    assert ", ".join(name_reasons(parsed, "disp_0001_0002.npz", swapped=False)) == reasons


def test_several_reasons_are_told_together() -> None:
    parsed = parse_field_name("disp_2_0_1_0.NPZ")
    assert parsed is not None
    match = match_pair(parsed, [pair(1, 2)])
    assert match is not None
    assert match.swapped
    assert name_reasons(parsed, "disp_0001_0002.npz", swapped=True) == (
        "fixed and moving swapped in the name",
        "suffix in capitals",
        "long name for short",
        "other zero padding",
    )


def test_short_for_long() -> None:
    parsed = parse_field_name("disp_0001_0002.nii.gz")
    assert parsed is not None
    assert name_reasons(parsed, "disp_0001_0000_0002_0000.nii.gz", swapped=False) == ("short name for long",)


def test_a_name_that_is_right_for_one_pair_is_not_the_swapped_one_of_another() -> None:
    both = [pair(2, 1), pair(1, 2)]
    parsed = parse_field_name("disp_0001_0002.npz")
    assert parsed is not None
    match = match_pair(parsed, both)
    assert match is not None
    assert (match.pair, match.swapped) == (both[1], False)


def test_modalities_tell_pairs_of_the_same_subjects_apart() -> None:
    one, other = pair(11, 11, (1, 0)), pair(11, 11, (2, 0))
    parsed = parse_field_name("disp_0011_0002_0011_0000.nii.gz")
    assert parsed is not None
    match = match_pair(parsed, [one, other])
    assert match is not None
    assert match.pair == other


def test_wrong_modalities_still_mean_the_subjects() -> None:
    parsed = parse_field_name("disp_0001_0001_0002_0001.nii.gz")
    assert parsed is not None
    match = match_pair(parsed, [pair(1, 2)])
    assert match is not None
    assert not match.swapped


def test_visits() -> None:
    psma = pair(7, 7, visits=("00", "01"))
    assert accepted_names(psma, PROFILES["psmareg2026"]) == ("disp_0007_00_0007_01.nii.gz",)
    backward = parse_field_name("disp_0007_01_0007_00.nii.gz")
    assert backward is not None
    match = match_pair(backward, [psma])
    assert match is not None
    assert match.swapped


@pytest.mark.parametrize("name", ["report.txt", "disp.npz", "disp_1_2_3.npz", "0001_0002.txt", "1_2"])
def test_names_that_cannot_be_fields(name: str) -> None:
    assert parse_field_name(name) is None


def test_hosts_of_2022_take_the_short_name_of_two_modalities() -> None:
    profile = PROFILES["l2r2022"]
    assert accepted_names(pair(6, 6, (0, 1)), profile) == (
        "disp_0006_0000_0006_0001.npz",
        "disp_0006_0006.npz",
        "disp_0006_0000_0006_0001.nii.gz",
        "disp_0006_0006.nii.gz",
    )
    assert accepted_names(pair(1, 2), profile) == (
        "disp_0001_0000_0002_0000.npz",
        "disp_0001_0000_0002_0000.nii.gz",
    )
    assert accepted_names(pair(1, 2), profile, short_names=True) == (
        "disp_0001_0002.npz",
        "disp_0001_0002.nii.gz",
    )


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("disp_0001_0000_0002_0000.npy", "save it again as .nii.gz: renaming does not convert it"),
        ("disp_0001_0000_0002_0000.nii", "save it again as .nii.gz"),
        ("disp_0001_0000_0002_0000.NII.GZ", "rename it"),
        ("disp_1_2.nii.gz", "rename it"),
    ],
)
def test_a_field_in_another_format_is_not_to_be_renamed(name: str, remedy: str) -> None:
    found = assign([Entry(Path(name), name)], [pair(1, 2)], PROFILES["l2r2022"])
    (finding,) = found.findings
    assert remedy in str(finding)
    assert (remedy == "rename it") == ("rename it" in str(finding))
