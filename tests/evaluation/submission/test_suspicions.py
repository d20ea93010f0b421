"""Wrong units, axes and directions are suspected with their numbers; right fields never are."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from evaluation.scoring.warp import warp_labels
from evaluation.submission.conventions import CONVENTIONS
from evaluation.submission.findings import Finding
from evaluation.submission.repair import inverted
from evaluation.submission.suspicions import judge as judge_trials
from evaluation.submission.trial import Evidence, Likeness, Trial, try_field
from pairs.images.volume import Header

pytestmark = pytest.mark.slow

CUBE = (20, 20, 20)
ITK = np.float32((-2, -2, 2))
PLACES = np.stack(np.meshgrid(*map(np.arange, CUBE), indexing="ij"), axis=-1)
SPACING = (2.5, 2.0, 3.0)

Pairs = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
Change = Callable[[np.ndarray], np.ndarray]


def grid(shape: tuple[int, int, int] = CUBE, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Header:
    return Header(Path("fixed.nii.gz"), shape, spacing, np.diag((*spacing, 1.0)), np.dtype("u1"))


def judge(
    data: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    changes: Sequence[Change],
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> list[Finding]:
    header = grid(CUBE, spacing)
    trials = [
        try_field(
            f"field {number}",
            np.ascontiguousarray(change(u), dtype=np.float32),
            Evidence((Likeness("mean Dice", fixed, moving),), header),
        )
        for number, ((fixed, moving, u), change) in enumerate(zip(data, changes, strict=True))
    ]
    return list(judge_trials(trials).findings)


def cubes(registered_pair: Pairs, count: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [registered_pair(CUBE, seed) for seed in range(count)]


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), SPACING])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_right_fields_are_not_suspected(registered_pair: Pairs, spacing: tuple, count: int) -> None:
    assert judge(cubes(registered_pair, count), [lambda u: u] * count, spacing) == []


@pytest.mark.parametrize("share", [0.5, 0.7, 1.2])
def test_fields_that_do_a_part_of_the_work_are_no_error(registered_pair: Pairs, share: float) -> None:
    found = judge(cubes(registered_pair, 5), [lambda u: share * u] * 5, SPACING)
    assert [one for one in found if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("rival", "meant"), [(0.75, None), (0.2, "components in the order (2, 1, 0) (reversed)")]
)
def test_a_mistake_is_certain_only_where_no_other_one_explains_as_much(
    rival: float, meant: str | None
) -> None:
    gains = {"components in the order (2, 1, 0) (reversed)": 0.8, "sign of the x component reversed": rival}
    after = np.array([[gains.get(one.name, 0.2) for one in CONVENTIONS]])
    trial = Trial("field", ("mean Dice",), grid(), np.array([0.2]), after)
    found = judge_trials([trial]).meant
    assert (found and found.name) == meant


def test_noise_is_no_error(registered_pair: Pairs) -> None:
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=(3, *CUBE))
        smooth = np.stack([8 * ndimage.gaussian_filter(one, 3) for one in noise], axis=-1)
        found = judge(cubes(registered_pair, 3), [lambda u, smooth=smooth: smooth] * 3)
        assert [one for one in found if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("name", "change", "spacing"),
    [
        ("direction reversed (sign)", lambda u: -u, (1.0, 1.0, 1.0)),
        ("components in the order (2, 1, 0) (reversed)", lambda u: u[..., ::-1], SPACING),
        ("components in the order (1, 2, 0)", lambda u: u[..., [1, 2, 0]], SPACING),
        ("components in the order (1, 0, 2)", lambda u: u[..., [1, 0, 2]], SPACING),
        (
            "spatial axes in the order (2, 1, 0), components too",
            lambda u: u.transpose(2, 1, 0, 3)[..., ::-1],
            SPACING,
        ),
        (
            "spatial axes in the order (1, 2, 0), components too",
            lambda u: u.transpose(1, 2, 0, 3)[..., [1, 2, 0]],
            SPACING,
        ),
        (
            "spatial axes in the order (1, 0, 2), components not",
            lambda u: u.transpose(1, 0, 2, 3),
            SPACING,
        ),
        ("normalised units (-1 to 1)", lambda u: u * 2 / 19, SPACING),
        (
            "components in the order (2, 1, 0) (reversed) and normalised units (-1 to 1)",
            lambda u: u[..., ::-1] * 2 / 19,
            SPACING,
        ),
        ("absolute positions in place of displacements", lambda u: u + PLACES, SPACING),
        (
            "sampling grid of torch: absolute positions from -1 to 1, components reversed",
            lambda u: ((u + PLACES) * 2 / 19 - 1)[..., ::-1],
            SPACING,
        ),
        ("sign of the y component reversed", lambda u: u * (1, -1, 1), SPACING),
        (
            "components in the order (2, 1, 0) (reversed) and direction reversed (sign)",
            lambda u: -u[..., ::-1],
            SPACING,
        ),
        (
            "sign of the x component reversed and fixed and moving swapped",
            lambda u: inverted(u.astype(np.float32)) * (-1, 1, 1),
            SPACING,
        ),
        (
            "components in the order (2, 1, 0) (reversed) and millimetres along the array axes",
            lambda u: (u * SPACING)[..., ::-1],
            SPACING,
        ),
        (
            "array reversed along z, components too",
            lambda u: u[:, :, ::-1] * (1, 1, -1),
            SPACING,
        ),
        ("millimetres along the array axes", lambda u: u * np.float32(SPACING), SPACING),
        ("millimetres in LPS world axes, as ITK writes", lambda u: u * ITK, (2.0, 2.0, 2.0)),
    ],
)
def test_a_mistake_of_all_fields_is_an_error_with_its_numbers(
    registered_pair: Pairs, name: str, change: Change, spacing: tuple
) -> None:
    (found,) = judge(cubes(registered_pair, 5), [change] * 5, spacing)
    assert (found.severity, found.rule, found.file) == ("error", "suspicion", "")
    assert found.what == f"suspected: {name}"
    for words in ("mean Dice", "without displacement", "as stored", "better in 5 of 5 pairs"):
        assert words in found.got
    assert found.remedy


def test_fixed_and_moving_swapped(registered_pair: Pairs) -> None:
    forward = cubes(registered_pair, 4)
    # The displacement brings `moving` onto `fixed`; the task asks for the other way round.
    data = [(moving, fixed, u) for fixed, moving, u in forward]
    (found,) = judge(data, [lambda u: u] * 4)
    assert (found.severity, found.what) == ("error", "suspected: fixed and moving swapped")


def test_halved_values_are_a_warning(registered_pair: Pairs) -> None:
    (found,) = judge(cubes(registered_pair, 5), [lambda u: u / 2] * 5)
    assert (found.severity, found.what) == (
        "warning",
        "suspected: values halved, as voxels of the half grid",
    )


def test_one_wrong_field_among_right_ones_is_a_warning_of_its_own(registered_pair: Pairs) -> None:
    changes: list[Change] = [lambda u: u] * 5
    changes[3] = lambda u: -u
    (found,) = judge(cubes(registered_pair, 5), changes)
    assert (found.severity, found.file) == ("warning", "field 3")
    assert "direction reversed" in found.what


def test_a_weak_gain_in_two_pairs_names_no_mistake_for_certain(registered_pair: Pairs) -> None:
    data = cubes(registered_pair, 2)
    assert [one.severity for one in judge(data, [lambda u: -u] * 2)] == ["error"]
    # A weaker gain, as two synthetic fields may have by chance.
    weak = [(warp_labels(moving, 0.4 * u), moving, u) for _, moving, u in data]
    (found,) = judge(weak, [lambda u: -0.2 * u] * 2)
    assert (found.severity, found.repairable) == ("error", False)
    assert "worse than no displacement" in found.what


def test_a_pair_of_one_image_tells_nothing(registered_pair: Pairs) -> None:
    data = [(moving, moving, u) for _, moving, u in cubes(registered_pair, 4)]
    assert judge(data, [lambda u: u] * 4) == []


def test_a_pair_of_one_image_does_not_hide_the_others(registered_pair: Pairs) -> None:
    data = cubes(registered_pair, 2)
    same = data[0][1]
    changes: list[Change] = [lambda u: -u, lambda u: -u, lambda u: u]
    (found,) = judge([*data, (same, same, data[0][2])], changes)
    assert "direction reversed" in found.what
    assert "better in 2 of 2 pairs" in found.got


def test_no_trials_no_suspicion() -> None:
    assert judge_trials([]).findings == ()


def test_fields_that_make_it_worse_are_an_error_whatever_they_are(registered_pair: Pairs) -> None:
    noise = np.random.default_rng(5).normal(size=(3, *CUBE))
    smooth = np.stack([100 * ndimage.gaussian_filter(one, 3) for one in noise], axis=-1)
    (found,) = judge(cubes(registered_pair, 3), [lambda u: smooth] * 3)
    assert (found.severity, found.rule, found.file, found.repairable) == ("error", "suspicion", "", False)
    assert found.what == "the fields align the pairs worse than no displacement"


def test_one_field_that_makes_it_worse_among_right_ones(registered_pair: Pairs) -> None:
    changes: list[Change] = [lambda u: u] * 6
    changes[2] = lambda u: 3 * u[::-1]
    (found,) = judge(cubes(registered_pair, 6), changes)
    assert (found.severity, found.file) == ("warning", "field 2")
    assert found.what == "the field aligns its pair worse than no displacement"


@pytest.mark.parametrize("amplitude_vox", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_fields_near_identity_are_not_suspected(
    registered_pair: Pairs, amplitude_vox: float, count: int
) -> None:
    noise = np.random.default_rng(7).normal(size=(3, *CUBE))
    smooth = np.stack([ndimage.gaussian_filter(one, 3) for one in noise], axis=-1)
    weak = smooth / np.abs(smooth).max() * amplitude_vox
    assert judge(cubes(registered_pair, count), [lambda u: weak] * count, SPACING) == []


def test_pairs_of_other_grids_are_judged_together(registered_pair: Pairs) -> None:
    trials = []
    for seed, shape in enumerate([(20, 20, 20), (16, 20, 20), (16, 18, 20), (20, 18, 16)]):
        fixed, moving, u = registered_pair(shape, seed)
        evidence = Evidence((Likeness("mean Dice", fixed, moving),), grid(shape))
        trials.append(try_field(f"{shape}", (-u[..., ::-1]).copy(), evidence))
    meant = judge_trials(trials).meant
    assert meant is not None
    assert meant.name == "components in the order (2, 1, 0) (reversed) and direction reversed (sign)"


def test_pairs_with_and_without_labels_are_not_mixed(registered_pair: Pairs) -> None:
    trials = []
    for number, (fixed, moving, u) in enumerate(cubes(registered_pair, 4)):
        measure = "image correlation" if number == 0 else "mean Dice"
        evidence = Evidence((Likeness(measure, fixed, moving),), grid())
        trials.append(try_field(f"field {number}", -u, evidence))
    verdict = judge_trials(trials)
    assert verdict.findings[0].what == "suspected: direction reversed (sign)"
    assert "better in 3 of 3 pairs" in verdict.findings[0].got
