"""Which profile each edition of a task has asked for, and the one that a task gets unasked."""

from pathlib import Path

import pytest

from pairs.fields.profile import PROFILES
from pairs.tasks.editions import OWN_TASK_PROFILE, choose_profile, editions_of, known_profiles, profile_fault
from pairs.tasks.official import official_names

NEW, OLD = [Path("imagesTr/Task_0001_0000.nii.gz")], [Path("imagesTr/img0001.nii.gz")]
NEW_TOO = [Path("imagesTr/imgTask_0001_0000.nii.gz")]


@pytest.mark.parametrize("name", [*official_names(), "PSMAReg", "OncoReg", "Hippocampus"])
def test_every_task_of_the_challenge_has_profiles_that_exist(name: str) -> None:
    assert known_profiles(name)
    assert set(known_profiles(name)) <= set(PROFILES)


@pytest.mark.parametrize(
    ("task", "grid", "names", "profile"),
    [
        ("HippocampusMR", (64, 64, 64), NEW, "l2r2022"),
        ("HippocampusMR", (35, 51, 35), NEW, "l2r2022"),
        ("HippocampusMR", (64, 64, 64), OLD, "l2r2020-full"),
        ("HippocampusMR", (64, 64, 64), NEW_TOO, "l2r2022"),
        ("OASIS", (160, 192, 224), NEW, "l2r2021"),
        ("OASIS", (160, 224, 192), NEW, "l2r2022"),
        ("OASIS", (160, 192, 224), OLD, "l2r2021"),
        ("OASIS", None, OLD, "l2r2021"),
        ("OASIS", None, NEW, "l2r2022"),
        ("AbdomenCTCT", (192, 160, 256), NEW, "l2r2022"),
        ("AbdomenCTCT", (192, 160, 256), OLD, "l2r2021"),
        ("abdomenmrct", (192, 160, 192), OLD, "l2r2021"),
        ("NLST", (224, 192, 224), NEW, "l2r2022"),
        ("NLST", (224, 192, 224), OLD, "l2r2022"),
        ("LUMIR", (160, 224, 192), NEW, "lumir2024"),
        ("PSMAReg", (192, 192, 288), NEW, "psmareg2026"),
        ("Own", (5, 7, 9), NEW, "l2r2022"),
    ],
)
def test_a_task_gets_what_its_edition_asks_for(
    task: str, grid: tuple[int, int, int] | None, names: list[Path], profile: str
) -> None:
    choice = choose_profile(task, grid, names)
    assert choice.profile.name == profile
    assert choice.profile.name in known_profiles(task) or not editions_of(task)


def test_the_reason_names_task_edition_and_evidence() -> None:
    assert choose_profile("HippocampusMR", (64, 64, 64), NEW).reason == (
        "the HippocampusMR of 2022 on asks for it, by the names of the images"
    )
    assert "OASIS of 2021 asks for it, by the grid (160, 192, 224)" in (
        choose_profile("OASIS", (160, 192, 224), NEW).reason
    )
    assert choose_profile("NLST", None, NEW).reason == "the NLST of 2022 on asks for it"
    assert "Own is no task of the challenge" in choose_profile("Own", None, NEW).reason


def test_the_table_of_the_manual() -> None:
    page = (Path(__file__).parents[3] / "docs" / "conventions.md").read_text(encoding="utf-8")
    table = page.partition("| task | edition | profile |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    told = {
        task: profiles.replace("`", "").split("; ")
        for tasks, _, profiles in rows
        for task in tasks.split(", ")
    }
    assert told.pop("your own")[0].startswith(OWN_TASK_PROFILE)
    assert {task: list(known_profiles(task)) for task in told} == told
    assert set(told) >= set(official_names())


@pytest.mark.parametrize(
    ("task", "grid", "profile", "expected"),
    [
        ("HippocampusMR", None, "l2r2021", "l2r2020-full (2020) or l2r2022 (2022 on)"),
        ("OASIS", (160, 192, 224), "l2r2022", "l2r2021 (2021)"),
        ("OASIS", (160, 224, 192), "l2r2022", None),
        ("OASIS", None, "l2r2022", None),
        ("Own", (5, 7, 9), "l2r2021", None),
    ],
)
def test_a_profile_that_the_host_of_these_images_does_not_read(
    task: str, grid: tuple[int, int, int] | None, profile: str, expected: str | None
) -> None:
    fault = profile_fault(task, grid, PROFILES[profile])
    assert (fault and fault.expected) == expected
