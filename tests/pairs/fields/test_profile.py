"""The profile table and the layouts that tell files apart."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from pairs.fields.profile import (
    NIFTI_SUFFIX,
    NPZ_SUFFIX,
    PROFILES,
    container_suffix,
    describe_profiles,
    layouts_for,
)

OASIS_2021 = (160, 192, 224)


@pytest.mark.parametrize(
    ("name", "suffix", "array_shape", "dtype", "upsampling"),
    [
        ("l2r2021", ".npz", (3, 80, 96, 112), "float16", "zoom2"),
        ("l2r2020-full", ".npz", (3, 160, 192, 224), "float16", None),
        ("l2r2022", ".nii.gz", (160, 192, 224, 3), "float32", None),
        ("lumir2024", ".nii.gz", (160, 192, 224, 3), "float32", None),
        ("psmareg2026", ".nii.gz", (80, 96, 112, 3), "float32", "trilinear"),
    ],
)
def test_table_of_the_design(
    name: str, suffix: str, array_shape: tuple[int, ...], dtype: str, upsampling: str | None
) -> None:
    profile = PROFILES[name]
    assert profile.name == name
    assert profile.suffix == suffix
    assert profile.dtype == np.dtype(dtype)
    assert profile.upsampling == upsampling
    layouts = {
        layout.profile.name: layout.array_shape for layout in reversed(layouts_for(suffix, OASIS_2021))
    }
    assert layouts[name] == array_shape


def test_there_are_five_profiles_and_the_default_is_one_of_them() -> None:
    assert len(PROFILES) == 5


def test_half_grids_need_even_sides() -> None:
    assert PROFILES["l2r2021"].stored_grid((64, 62, 2)) == (32, 31, 1)
    assert PROFILES["l2r2021"].stored_grid((64, 35, 64)) is None
    assert PROFILES["l2r2022"].stored_grid((64, 35, 64)) == (64, 35, 64)
    assert {layout.profile.name for layout in layouts_for(NPZ_SUFFIX, (13, 8, 8))} == {
        "l2r2020-full",
        "l2r2022",
    }


@pytest.mark.parametrize("suffix", [NPZ_SUFFIX, NIFTI_SUFFIX])
@pytest.mark.parametrize("shape", [OASIS_2021, (64, 64, 64), (8, 6, 10), (12, 6, 4), (2, 2, 2)])
def test_no_two_layouts_of_a_container_share_a_shape(suffix: str, shape: tuple[int, int, int]) -> None:
    for one, two in combinations(layouts_for(suffix, shape), 2):
        if {one.profile.name, two.profile.name} != {"l2r2022", "lumir2024"}:
            assert one.array_shape != two.array_shape


@pytest.mark.parametrize(
    ("dtype", "key", "accepted"),
    [
        ("float16", "arr_0", True),
        ("float32", "arr_0", False),
        ("float16", "u", False),
        (">f2", "arr_0", False),
    ],
)
def test_2021_host_checks_number_type_and_key(dtype: str, key: str, accepted: bool) -> None:
    layout = layouts_for(NPZ_SUFFIX, (8, 6, 10))[0]
    assert layout.accepts((3, 4, 3, 5), np.dtype(dtype), key) is accepted


@pytest.mark.parametrize(
    ("dtype", "accepted"),
    [
        ("float64", True),
        ("float16", True),
        ("int16", True),
        ("O", False),
        ("c8", False),
        ("?", False),
        ("U4", False),
    ],
)
def test_2022_host_reads_any_real_number_type_and_key(dtype: str, accepted: bool) -> None:
    layout = next(one for one in layouts_for(NPZ_SUFFIX, (8, 6, 10)) if one.profile.name == "l2r2022")
    assert layout.accepts((8, 6, 10, 3), np.dtype(dtype), "displacement") is accepted


def test_container_goes_by_the_end_of_the_name() -> None:
    assert container_suffix(Path("a.b/disp_0001_0002.npz")) == NPZ_SUFFIX
    assert container_suffix(Path("disp_0001_0002.nii.gz")) == NIFTI_SUFFIX
    assert container_suffix(Path("disp_0001_0002.nii")) is None
    assert container_suffix(Path("disp.npz/readme.txt")) is None


def test_description_names_every_profile_and_its_shape() -> None:
    text = describe_profiles((8, 6, 10))
    assert all(name in text for name in PROFILES)
    assert "(3, 4, 3, 5) float16 key arr_0" in text
    assert "needs even sides" in describe_profiles((9, 6, 10))
