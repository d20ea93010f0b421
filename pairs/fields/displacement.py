"""Displacement fields as the challenge's hosts read them: encoded, named, written, found and decoded."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.fieldfile import read_stored_field, write_array
from pairs.fields.profile import NIFTI_SUFFIX, NPZ_SUFFIX, PROFILES, Profile, Shape3
from pairs.fields.resampling import downsample, upsample
from pairs.fields.zooming import zoom_displacement
from pairs.files.wholefile import whole_file
from pairs.tasks.task import Pair

__all__ = [
    "PROFILES",
    "Profile",
    "ReadField",
    "WrittenField",
    "decode",
    "encode",
    "field_name",
    "find_field",
    "present_fields",
    "read_displacement",
    "require_storable",
    "write_displacement",
]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WrittenField:
    """A finished file and how far the host's decoding of it is from the displacement that was asked for.

    Attributes:
        path: The file.
        decode_error_mean_vox: Mean absolute difference over all voxels and components, in voxels.
        decode_error_max_vox: Largest absolute difference of a component, in voxels.
    """

    path: Path
    decode_error_mean_vox: float
    decode_error_max_vox: float


@dataclass(frozen=True)
class ReadField:
    """A displacement as the host sees it: (X, Y, Z, 3) float32 in voxels of the full grid."""

    path: Path
    profile: Profile
    displacement: NDArray[np.float32]


def encode(displacement: NDArray[Any], profile: Profile) -> NDArray[Any]:
    """Turns a displacement into the array of a profile.

    Half-grid profiles get the array whose upsampling by the host is closest to `displacement` in the sum of
    squares; values stay in voxels of the full grid.

    Args:
        displacement: (X, Y, Z, 3), voxels of the full grid.
        profile: What to encode for.

    Returns:
        A contiguous array of the profile's shape and number type.

    Raises:
        NonFiniteDisplacement: If a component is NaN or infinite.
        DisplacementError: If the array is not (X, Y, Z, 3), has an odd side where the profile stores a half
            grid, or holds values beyond the profile's number type.
    """
    _require_encodable(displacement, profile)
    with np.errstate(over="ignore", invalid="ignore"):
        field: NDArray[Any] = displacement
        if profile.upsampling is not None:
            field = downsample(displacement, profile.upsampling)
        if profile.channel_first:
            field = np.moveaxis(field, -1, 0)
        array = np.ascontiguousarray(field, dtype=profile.dtype)
    if not np.isfinite(array).all():
        raise DisplacementError(
            f"displacement too large for profile {profile.name}",
            expected=f"at most {np.finfo(profile.dtype).max:g} voxels in {profile.dtype}",
            got=f"{np.abs(displacement).max():g}",
        )
    return array


def decode(array: NDArray[Any], profile: Profile) -> NDArray[np.float32]:
    """Turns the array of a profile into the displacement that the profile's host computes from it.

    For `l2r2021` this is `scipy.ndimage.zoom(c, 2, order=2)` of each float32 component, to the last place of
    float32 and without any difference for the labels it warps (`pairs.fields.zooming`).

    Args:
        array: An array in the profile's own axis order, such as `encode` returns.
        profile: What it was encoded for.

    Returns:
        (X, Y, Z, 3) float32, voxels of the full grid; in memory component by component.

    Raises:
        DisplacementError: If the array has not three components at the profile's place.
    """
    axis = 0 if profile.channel_first else -1
    if array.ndim != 4 or array.shape[axis] != 3:
        expected = "(3, x, y, z)" if profile.channel_first else "(x, y, z, 3)"
        raise DisplacementError(f"not an array of profile {profile.name}", expected=expected, got=array.shape)
    # NaN and infinity go through, for the caller to find.
    with np.errstate(over="ignore", invalid="ignore"):
        field = np.moveaxis(_by_component(np.moveaxis(array, axis, 0)), 0, -1)
        if profile.upsampling == "zoom2":
            return zoom_displacement(field)
        return field if profile.upsampling is None else upsample(field, profile.upsampling)


def require_storable(shape: Shape3, profile: Profile) -> None:
    """Refuses a full grid that the profile cannot store, so that a run can stop before it computes.

    Raises:
        DisplacementError: If the profile stores a half grid and a side is odd.
    """
    if profile.stored_grid(shape) is None:
        raise DisplacementError(
            f"profile {profile.name} stores half of the grid",
            expected="even sides, since the host doubles each stored side",
            got=shape,
            remedy="choose a full-grid profile, such as l2r2022",
        )


def field_name(pair: Pair, profile: Profile, *, short_names: bool = False) -> str:
    """Names the file of a pair, fixed first.

    Args:
        pair: The pair.
        profile: Decides the form and the suffix.
        short_names: Asks for disp_F_M where the profile has long names; without effect on the others.
    """
    naming = "short" if short_names and profile.naming == "long" else profile.naming
    return _stems(pair)[naming] + profile.suffix


def write_displacement(
    folder: Path, pair: Pair, displacement: NDArray[Any], profile: Profile, *, short_names: bool = False
) -> WrittenField:
    """Encodes and writes the displacement of a pair; the same input gives the same bytes.

    Args:
        folder: An existing folder.
        pair: Gives the file name.
        displacement: (X, Y, Z, 3), voxels of the full grid.
        profile: What to write.
        short_names: See `field_name`.

    Raises:
        DisplacementError: See `encode`; nothing is written then.
        OutputError: If the file cannot be written.
    """
    array = encode(displacement, profile)
    path = folder / field_name(pair, profile, short_names=short_names)
    with whole_file(path) as temporary:
        write_array(temporary, array)
    error = np.abs(decode(array, profile) - displacement)
    return WrittenField(path, float(error.mean(dtype=np.float64)), float(error.max()))


def present_fields(folder: Path, pair: Pair) -> tuple[Path, ...]:
    """Lists the fields of a pair under all names that a host accepts: npz before NIfTI, long before short."""
    return tuple(path for name in _names(pair) if (path := folder / name).is_file())


def find_field(folder: Path, pair: Pair) -> Path:
    """Finds the first of the fields of a pair that `present_fields` lists.

    Raises:
        DisplacementError: If there is none; it lists the names tried.
    """
    if not (present := present_fields(folder, pair)):
        tried = f"one of {', '.join(_names(pair))}"
        raise DisplacementError(f"displacement field of {pair.name} missing", where=folder, expected=tried)
    if len(present) > 1:
        log.warning("several fields of %s: %s; taking the first", pair.name, ", ".join(map(str, present)))
    return present[0]


def read_displacement(path: Path, shape: Shape3) -> ReadField:
    """Reads a field of any profile and decodes it as the profile's host does.

    The profile is recognised from container, array shape and number type. A full-grid NIfTI (X, Y, Z, 3) is
    read as `l2r2022`; `lumir2024` decodes it alike.

    Args:
        path: A file in .npz or .nii.gz.
        shape: Full grid of the fixed image.

    Raises:
        NonFiniteDisplacement: If the field holds NaN or infinity.
        DisplacementError: If it is missing, unreadable or of no known layout.
    """
    stored = read_stored_field(path, shape)
    profile = stored.layout.profile
    displacement = decode(stored.array, profile)
    if not np.isfinite(displacement).all():
        raise NonFiniteDisplacement("displacement field holds NaN or infinity", where=path)
    return ReadField(path, profile, displacement)


def _names(pair: Pair) -> list[str]:
    stems = dict.fromkeys(_stems(pair).values())
    return [stem + suffix for suffix in (NPZ_SUFFIX, NIFTI_SUFFIX) for stem in stems]


def _stems(pair: Pair) -> dict[str, str]:
    fixed, moving = pair.fixed_id, pair.moving_id
    return {
        "long": f"disp_{fixed.subject}_{fixed.modality}_{moving.subject}_{moving.modality}",
        "short": f"disp_{fixed.subject}_{moving.subject}",
        # In the 2026 names visit 00 is the baseline (fixed) and 01 the follow-up (moving).
        "visits": f"disp_{fixed.subject}_{fixed.visit or '00'}_{moving.subject}_{moving.visit or '01'}",
    }


def _require_encodable(displacement: NDArray[Any], profile: Profile) -> None:
    shape = displacement.shape
    if len(shape) != 4 or shape[3] != 3 or 0 in shape:
        raise DisplacementError("not a displacement field", expected="an array (X, Y, Z, 3)", got=shape)
    require_storable(shape[:3], profile)
    bad = displacement.size - int(np.isfinite(displacement).sum())
    if bad:
        raise NonFiniteDisplacement(
            "displacement holds NaN or infinity", got=f"{bad} of {displacement.size} values"
        )


def _by_component(array: NDArray[Any]) -> NDArray[np.float32]:
    """Copies (3, X, Y, Z) of any memory order into a float32 array with Z fastest."""
    result = np.empty(array.shape, dtype=np.float32)
    for source, target in zip(array, result, strict=True):
        # NIfTI has X fastest: turned plane by plane, both sides of the copy stay in the cache.
        for row in range(source.shape[1]):
            target[:, row] = source[:, row]
    return result
