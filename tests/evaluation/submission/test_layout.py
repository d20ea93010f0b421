"""Shapes on grids, and what is told of each deviation."""

from pathlib import Path

import numpy as np
import pytest

from evaluation.submission.layout import Placement, layout_findings, place
from evaluation.submission.stored import Head, Stored
from pairs.fields.profile import PROFILES

GRID = (8, 6, 10)
HALF = (4, 3, 5)


def rules(
    profile: str, shape: tuple[int, ...], dtype: str, key: str = "arr_0", *, extra: tuple[str, ...] = ()
) -> dict[str, bool]:
    """The rules that find something, and whether each is repairable."""
    suffix = PROFILES[profile].suffix
    kind = "npz" if suffix == ".npz" else "nifti-gz"
    stored = Stored(Path(f"a{suffix}"), kind, (Head(key, shape, np.dtype(dtype), dtype),), extra)
    found = layout_findings(stored, "a", GRID, PROFILES[profile])
    return {one.rule: one.repairable for one in found if one.severity == "error"}


@pytest.mark.parametrize(
    ("profile", "shape", "dtype"),
    [
        ("l2r2021", (3, *HALF), "<f2"),
        ("l2r2020-full", (3, *GRID), "<f2"),
        ("l2r2022", (*GRID, 3), "<f4"),
        ("l2r2022", (*GRID, 3), ">f8"),
        ("l2r2022", (*GRID, 3), "<i2"),
        ("lumir2024", (3, *GRID), "<f4"),
        ("psmareg2026", (*HALF, 3), "<f4"),
        ("psmareg2026", (3, *HALF), "<f4"),
    ],
)
def test_what_a_host_takes_has_no_error(profile: str, shape: tuple[int, ...], dtype: str) -> None:
    assert rules(profile, shape, dtype) == {}


@pytest.mark.parametrize(
    ("profile", "shape", "dtype", "expected"),
    [
        ("l2r2021", (3, *HALF), "<f4", {"dtype": True}),
        ("l2r2021", (3, *HALF), ">f2", {"dtype": True}),
        ("l2r2021", (3, *HALF), "<c8", {"dtype": False}),
        ("l2r2021", (*HALF, 3), "<f2", {"channel": True}),
        ("l2r2021", (3, *GRID), "<f2", {"grid": True}),
        ("l2r2021", (*GRID, 3), "<f8", {"grid": True, "channel": True, "dtype": True}),
        ("l2r2022", (3, *HALF), "<f4", {"grid": True, "channel": True}),
        ("l2r2022", (10, 6, 8, 3), "<f4", {"axes": False}),
        ("l2r2022", (3, 5, 3, 4), "<f4", {"axes": False, "channel": False, "grid": False}),
        ("l2r2022", (8, 6, 9, 3), "<f4", {"shape": False}),
        ("l2r2022", (8, 6, 10, 1, 3), "<f4", {"shape": False}),
        ("l2r2022", (1440,), "<f4", {"shape": False}),
    ],
)
def test_each_deviation(profile: str, shape: tuple[int, ...], dtype: str, expected: dict[str, bool]) -> None:
    assert rules(profile, shape, dtype) == expected


def test_keys() -> None:
    assert rules("l2r2021", (3, *HALF), "<f2", "flow") == {"key": True}
    assert rules("l2r2021", (3, *HALF), "<f2", extra=("notes.txt",)) == {"arrays": True}
    assert rules("l2r2021", (1,), "O") == {"pickle": False}


def test_one_field_among_several_arrays_is_found() -> None:
    heads = (
        Head("spacing", (3,), np.dtype("<f8"), "float64"),
        Head("u", (3, *HALF), np.dtype("<f2"), "float16"),
    )
    found = layout_findings(Stored(Path("a.npz"), "npz", heads), "a", GRID, PROFILES["l2r2021"])
    assert {one.rule: one.repairable for one in found} == {"arrays": True, "key": True}
    twice = Stored(Path("a.npz"), "npz", (heads[1], heads[1]))
    found = layout_findings(twice, "a", GRID, PROFILES["l2r2021"])
    assert {one.rule: one.repairable for one in found} == {"arrays": False}


def test_the_itk_vector_layout_is_named() -> None:
    stored = Stored(Path("a.nii.gz"), "nifti-gz", (Head("", (*GRID, 1, 3), np.dtype("<f4"), "float32"),))
    (found,) = layout_findings(stored, "a", GRID, PROFILES["l2r2022"])
    assert "ITK" in found.remedy


def test_an_odd_side_has_no_half_grid() -> None:
    stored = Stored(Path("a.npz"), "npz", (Head("arr_0", (3, 4, 3, 5), np.dtype("<f2"), "float16"),))
    (found,) = layout_findings(stored, "a", (9, 6, 10), PROFILES["l2r2021"])
    assert "odd side" in found.what


def test_content_that_does_not_match_the_name() -> None:
    stored = Stored(Path("a.nii.gz"), "nifti", (Head("", (*GRID, 3), np.dtype("<f4"), "float32"),))
    (found,) = layout_findings(stored, "a", GRID, PROFILES["l2r2022"])
    assert (found.rule, found.got, found.repairable) == ("container", "uncompressed NIfTI", True)


def test_a_placement_puts_the_axes_in_order() -> None:
    field = np.random.default_rng(0).normal(size=(*GRID, 3))
    for axes in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        turned = np.transpose(field, (*axes, 3))
        placement = place(turned.shape, GRID, PROFILES["l2r2022"])
        assert placement == Placement(half=False, channel_first=False, axes=axes)
        assert np.array_equal(placement.as_field(turned), field)
        first = np.moveaxis(turned, -1, 0)
        placement = place(first.shape, GRID, PROFILES["l2r2021"])
        assert placement is not None
        assert np.array_equal(placement.as_field(first), field)
