"""Repair: a copy of a set of fields, with every fault corrected that needs no guess."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.scoring.groundtruth import read_grid
from evaluation.submission.checker import Check
from evaluation.submission.fields import FoundField, source_upsampling
from evaluation.submission.findings import Finding
from evaluation.submission.names import accepted_names
from evaluation.submission.stored import load
from evaluation.submission.suspicions import SUSPICION
from evaluation.submission.values import full_field
from pairs.errors import DisplacementError, NothingToDo, OutputError, UsageError
from pairs.fields.displacement import field_name
from pairs.fields.encoding import encode
from pairs.fields.fieldfile import write_array
from pairs.fields.profile import NPZ_SUFFIX, container_suffix
from pairs.files.wholefile import probe_writable, whole_file, whole_folder

__all__ = ["Repair", "inverted", "repair_fields"]

# Faults that another name alone corrects.
_NAMING = ("name", "nested")
# Of the fixed-point iteration: its most rounds, and the change at which it ends.
_ROUNDS = 20
_CLOSE_VOX = 0.01


@dataclass(frozen=True)
class Repair:
    """What was done with one file.

    Attributes:
        file: Its name in the folder of fields.
        written: Its name in the copy; None where it was left out.
        rules: Rules whose errors are corrected; none if the file is an exact copy.
        left: Why it was left out; empty where it was written.
    """

    file: str
    written: str | None
    rules: tuple[str, ...] = ()
    left: str = ""

    def __str__(self) -> str:
        """Returns what was done as one line."""
        if self.written is None:
            return f"left out: {self.file}: {self.left}"
        if not self.rules:
            return f"copied: {self.file}"
        return f"repaired: {self.file} -> {self.written} ({', '.join(self.rules)})"


def repair_fields(check: Check, fields: Path, out: Path) -> tuple[Repair, ...]:
    """Writes a repaired copy of the fields of a task; fields that would need a guess are left out.

    Args:
        check: The outcome for the folder `fields`.
        fields: The folder that was checked.
        out: An empty or new folder outside of `fields`.

    Raises:
        UsageError: If `out` holds files or lies in `fields`.
        NothingToDo: If no field can be written; `out` is then left as it is.
        OutputError: If it cannot be written.
    """
    _require_new(out, fields)
    probe_writable(out.absolute().parent)
    with whole_folder(out) as staging:
        repairs = tuple(_repair(found, check, staging) for found in check.fields)
        if not any(repair.written for repair in repairs):
            raise NothingToDo("no field can be repaired", where=fields, remedy="register the pairs again")
    return repairs


def _require_new(out: Path, fields: Path) -> None:
    if out.resolve().is_relative_to(fields.resolve()):
        raise UsageError("the repaired copy cannot lie in the folder of fields", where=out)
    try:
        is_new = not out.is_symlink() and (not out.exists() or (out.is_dir() and not any(out.iterdir())))
    except OSError as error:
        raise OutputError("cannot write", where=out, got=error.strerror) from error
    if not is_new:
        raise UsageError(
            "the repaired copy needs a folder of its own", where=out, expected="a new or empty folder"
        )


def _repair(found: FoundField, check: Check, folder: Path) -> Repair:
    name = found.entry.name
    errors = [one for one in check.findings if one.file == name and one.severity == "error"]
    hopeless = [one for one in errors if not one.repairable]
    if hopeless or found.stored is None:
        return Repair(name, None, left=_reasons(hopeless))
    rules = tuple(dict.fromkeys(one.rule for one in errors))
    rules += (SUSPICION,) if check.meant is not None else ()
    target = _target_name(found, check)
    if (folder / target).exists():
        return Repair(name, None, left=f"another pair has the name {target} too")
    try:
        with whole_file(folder / target) as temporary:
            if set(rules) <= set(_NAMING) and _kept_container(found, target):
                shutil.copyfile(found.entry.path, temporary)
            else:
                write_array(temporary, _converted(found, check))
    except DisplacementError as fault:
        return Repair(name, None, left=str(fault))
    return Repair(name, target, rules)


def _reasons(hopeless: Sequence[Finding]) -> str:
    return "; ".join(dict.fromkeys(one.what for one in hopeless)) or "no field can be found in the file"


def _target_name(found: FoundField, check: Check) -> str:
    """Returns an accepted name with the container of the file, else the name that the profile writes."""
    accepted = accepted_names(found.pair, check.profile, short_names=check.short_names)
    kept = (name for name in accepted if _kept_container(found, name))
    default = field_name(found.pair, check.profile, short_names=check.short_names)
    return next(kept, default)


def _kept_container(found: FoundField, target: str) -> bool:
    wanted = "npz" if container_suffix(Path(target)) == NPZ_SUFFIX else "nifti-gz"
    return found.stored is not None and found.stored.kind == wanted


def _converted(found: FoundField, check: Check) -> NDArray[Any]:
    """Returns the array as the profile stores it.

    Samples of a half grid stay as they are for a half-grid profile, unless another convention is certain:
    they were made for that host, in whichever container they are.

    Raises:
        DisplacementError: If the file is damaged or the values do not fit the number type.
    """
    if found.stored is None or found.head is None or found.placement is None:
        raise DisplacementError("no field can be found in the file", where=found.entry.name)
    field = found.placement.as_field(load(found.stored, found.head))
    profile = check.profile
    if check.meant is not None or found.placement.half != profile.half:
        return encode(
            _in_our_convention(full_field(field, source_upsampling(found, profile)), found, check), profile
        )
    if profile.channel_first:
        field = np.moveaxis(field, -1, 0)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(field, dtype=profile.dtype)
    if not np.isfinite(array).all():
        raise DisplacementError(
            "values are too large for the number type", where=found.entry.name, expected=str(profile.dtype)
        )
    return array


def _in_our_convention(field: NDArray[np.float32], found: FoundField, check: Check) -> NDArray[np.float32]:
    """Returns the displacement of a full field in the challenge's convention; a zero field stays zero."""
    if check.meant is None or not field.any():
        return field
    header = read_grid(found.pair.fixed)
    if not check.meant.fits(header.shape):
        raise DisplacementError("axes of different lengths cannot be exchanged", where=found.entry.name)
    displacement = check.meant.displacement(field, header)
    return inverted(displacement) if check.meant.swapped else displacement


def inverted(displacement: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns v with v(x) = -u(x + v(x)), by fixed-point iteration; exact where u is invertible and smooth.

    Args:
        displacement: u, (X, Y, Z, 3), voxels; beyond the border it is continued by its last values.
    """
    grid = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in displacement.shape[:3]), indexing="ij")
    parts = np.moveaxis(displacement, -1, 0)
    inverse = -parts
    for _ in range(_ROUNDS):
        places = np.stack(grid) + inverse
        new = np.stack([-ndimage.map_coordinates(part, places, order=1, mode="nearest") for part in parts])
        change = float(np.abs(new - inverse).max())
        inverse = new
        if change < _CLOSE_VOX:
            break
    return np.ascontiguousarray(np.moveaxis(inverse, 0, -1), dtype=np.float32)
