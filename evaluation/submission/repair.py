"""Repair: a copy of a set of fields in which everything is mended that needs no guess."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.scoring.case import read_grid
from evaluation.submission.checker import Check
from evaluation.submission.fields import FoundField, source_upsampling
from evaluation.submission.findings import Finding
from evaluation.submission.inverse import inverted
from evaluation.submission.names import accepted_names
from evaluation.submission.readings import AS_STORED, readings
from evaluation.submission.stored import load
from evaluation.submission.suspicions import SUSPICION
from evaluation.submission.values import full_field
from pairs.errors import DisplacementError, NothingToDo, OutputError, UsageError
from pairs.fields.displacement import field_name
from pairs.fields.encoding import encode
from pairs.fields.fieldfile import write_array
from pairs.fields.profile import NPZ_SUFFIX, container_suffix
from pairs.files.wholefile import probe_writable, whole_file, whole_folder

__all__ = ["Repair", "repair_fields"]

# What a change of name alone mends.
_NAMING = ("name", "nested")


@dataclass(frozen=True)
class Repair:
    """What was done with one file.

    Attributes:
        file: Its name in the folder of fields.
        written: Its name in the copy; None where it was left out.
        mended: Rules whose errors are gone; none where it was copied as it was.
        left: Why it was left out; empty where it was written.
    """

    file: str
    written: str | None
    mended: tuple[str, ...] = ()
    left: str = ""

    def __str__(self) -> str:
        """Returns what was done as one line."""
        if self.written is None:
            return f"left out: {self.file}: {self.left}"
        if not self.mended:
            return f"copied: {self.file}"
        return f"repaired: {self.file} -> {self.written} ({', '.join(self.mended)})"


def repair_fields(check: Check, fields: Path, out: Path) -> tuple[Repair, ...]:
    """Writes a repaired copy of the fields of a task's pairs; what would need a guess is left out of it.

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
            "the repaired copy needs a folder of its own", where=out, expected="a new or empty one"
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
        return Repair(name, None, left=f"another pair is named {target} too")
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
    return "; ".join(dict.fromkeys(one.what for one in hopeless)) or "the file cannot be understood"


def _target_name(found: FoundField, check: Check) -> str:
    """The accepted name in the container that the file has, else in the one that the profile writes."""
    accepted = accepted_names(found.pair, check.profile, short_names=check.short_names)
    kept = (name for name in accepted if _kept_container(found, name))
    default = field_name(found.pair, check.profile, short_names=check.short_names)
    return next(kept, default)


def _kept_container(found: FoundField, target: str) -> bool:
    wanted = "npz" if container_suffix(Path(target)) == NPZ_SUFFIX else "nifti-gz"
    return found.stored is not None and found.stored.kind == wanted


def _converted(found: FoundField, check: Check) -> NDArray[Any]:
    """Returns the array that the profile's host wants.

    Samples of a half grid are kept for a half-grid profile, unless they are read otherwise: they were made
    for the host that was named, in whichever container they lie.

    Raises:
        DisplacementError: If the file is damaged or the values do not fit the number type.
    """
    if found.stored is None or found.head is None or found.placement is None:
        raise DisplacementError("the file cannot be understood", where=found.entry.name)
    field = found.placement.as_field(load(found.stored, found.head))
    profile = check.profile
    if check.meant is not None or found.placement.half != profile.half:
        return encode(_as_meant(full_field(field, source_upsampling(found, profile)), found, check), profile)
    if profile.channel_first:
        field = np.moveaxis(field, -1, 0)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(field, dtype=profile.dtype)
    if not np.isfinite(array).all():
        raise DisplacementError("values do not fit", where=found.entry.name, expected=str(profile.dtype))
    return array


def _as_meant(field: NDArray[np.float32], found: FoundField, check: Check) -> NDArray[np.float32]:
    """Returns the displacement that a full field is meant to be; a zero field stands for itself."""
    if check.meant is None or not field.any():
        return field
    tried = readings(read_grid(found.pair.fixed))
    meant = next((one for one in tried if one.name == check.meant), AS_STORED)
    displacement = meant.displacement(field)
    return inverted(displacement) if meant.swapped else displacement
