"""Files of displacement fields as the challenge's hosts read them: named, written, found and read."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.encoding import decode, encode
from pairs.fields.fieldfile import read_stored_field, write_array
from pairs.fields.profile import NIFTI_SUFFIX, NPZ_SUFFIX, PROFILES, Profile, Shape3
from pairs.files.wholefile import whole_file
from pairs.tasks.task import Pair

__all__ = [
    "PROFILES",
    "Profile",
    "ReadField",
    "WrittenField",
    "field_name",
    "find_field",
    "present_fields",
    "read_displacement",
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
