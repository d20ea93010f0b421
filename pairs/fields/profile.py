"""The named ways in which Learn2Reg has asked for displacement fields, and how to recognise them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from pairs.errors import require_choice

__all__ = [
    "NIFTI_SUFFIX",
    "NPZ_SUFFIX",
    "PROFILES",
    "Layout",
    "Profile",
    "Shape3",
    "container_suffix",
    "describe_profiles",
    "layouts_for",
    "profile_of",
]

NPZ_SUFFIX = ".npz"
NIFTI_SUFFIX = ".nii.gz"

Shape3 = tuple[int, int, int]


@dataclass(frozen=True)
class Profile:
    """One output format of the challenge (docs/conventions.md).

    Attributes:
        name: The name users type.
        suffixes: Containers the host reads; the first one is written.
        half: Whether the stored grid has half of the full sides.
        channel_first: Whether the array is written (3, x, y, z), else (x, y, z, 3).
        dtype: The number type written.
        upsampling: What the host does to reach the full grid.
        naming: Which of the challenge's file names is written: `short` disp_F_M, `long` disp_F_C_M_C,
            or `visits` disp_ID_00_ID_01.
        dtype_checked: Whether the host refuses every other number type.
        key: The only array name the host looks up in an npz, None where any name will do.
        either_order: Whether the host also reads the other place of the channel axis.
    """

    name: str
    suffixes: tuple[str, ...]
    half: bool
    channel_first: bool
    dtype: np.dtype[Any]
    upsampling: Literal["zoom2", "trilinear"] | None = None
    naming: Literal["short", "long", "visits"] = "short"
    dtype_checked: bool = False
    key: str | None = None
    either_order: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of the files this profile writes."""
        return self.suffixes[0]

    def stored_grid(self, shape: Shape3) -> Shape3 | None:
        """Returns the stored grid for the full grid `shape`, None where a half grid meets an odd side."""
        if not self.half:
            return shape
        if any(side % 2 or side < 2 for side in shape):
            return None
        return (shape[0] // 2, shape[1] // 2, shape[2] // 2)


@dataclass(frozen=True)
class Layout:
    """One array a host would accept: a profile, its array shape, and where the channel axis is."""

    profile: Profile
    array_shape: tuple[int, ...]
    channel_first: bool

    def accepts(self, array_shape: tuple[int, ...], dtype: np.dtype[Any], key: str | None) -> bool:
        """Says whether an array of this shape, number type and npz key has this layout."""
        dtype_fits = (
            dtype == self.profile.dtype
            if self.profile.dtype_checked
            else dtype.kind in "fiu" and dtype.itemsize <= 8
        )
        key_fits = key is None or self.profile.key is None or key == self.profile.key
        return array_shape == self.array_shape and dtype_fits and key_fits

    def __str__(self) -> str:
        """Describes the layout for an error sentence."""
        numbers = str(self.profile.dtype) if self.profile.dtype_checked else "any real type"
        key = f" key {self.profile.key}" if self.profile.key else ""
        return f"{self.profile.name} {self.array_shape} {numbers}{key}"


def layouts_for(suffix: str, shape: Shape3) -> tuple[Layout, ...]:
    """Returns the array layouts that a file with `suffix` may have for images of the full grid `shape`.

    `l2r2022` comes before `lumir2024`: the same file serves both, they differ only in the file names. The
    usual place of the channel axis comes before the other one, which decides the one case in which both fit,
    all stored sides equal to 3.
    """
    usual: list[Layout] = []
    other: list[Layout] = []
    for profile in PROFILES.values():
        grid = profile.stored_grid(shape)
        if grid is None or suffix not in profile.suffixes:
            continue
        usual.append(_layout(profile, grid, channel_first=profile.channel_first))
        if profile.either_order:
            other.append(_layout(profile, grid, channel_first=not profile.channel_first))
    return (*usual, *other)


def container_suffix(path: Path) -> str | None:
    """Returns which of the two containers a file name announces, None for neither."""
    return next((suffix for suffix in (NPZ_SUFFIX, NIFTI_SUFFIX) if path.name.endswith(suffix)), None)


def describe_profiles(shape: Shape3) -> str:
    """Lists, for an error sentence, what each profile asks for where images have the full grid `shape`."""
    return " | ".join(_describe(profile, shape) for profile in PROFILES.values())


def _describe(profile: Profile, shape: Shape3) -> str:
    containers = " or ".join(profile.suffixes)
    grid = profile.stored_grid(shape)
    if grid is None:
        return f"{profile.name} {containers} (no such field for {shape}: needs even sides)"
    return f"{containers} {_layout(profile, grid, channel_first=profile.channel_first)}"


def _layout(profile: Profile, grid: Shape3, *, channel_first: bool) -> Layout:
    return Layout(profile, (3, *grid) if channel_first else (*grid, 3), channel_first)


_FLOAT16 = np.dtype(np.float16)
_FLOAT32 = np.dtype(np.float32)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            Profile("l2r2021", (NPZ_SUFFIX,), True, True, _FLOAT16, "zoom2", dtype_checked=True, key="arr_0"),
            Profile("l2r2020-full", (NPZ_SUFFIX,), False, True, _FLOAT16, dtype_checked=True, key="arr_0"),
            Profile("l2r2022", (NIFTI_SUFFIX, NPZ_SUFFIX), False, False, _FLOAT32, naming="long"),
            Profile("lumir2024", (NIFTI_SUFFIX,), False, False, _FLOAT32, either_order=True),
            Profile(
                "psmareg2026",
                (NIFTI_SUFFIX,),
                True,
                False,
                _FLOAT32,
                "trilinear",
                naming="visits",
                either_order=True,
            ),
        )
    }
)


def profile_of(name: str) -> Profile:
    """Returns the profile of a name.

    Raises:
        UsageError: If there is none.
    """
    require_choice("profile", name, PROFILES)
    return PROFILES[name]
