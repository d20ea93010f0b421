"""Where the files of a pair lie that another tool has written, under the names people give them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import DisplacementError
from pairs.fields.displacement import field_name
from pairs.fields.profile import PROFILES
from pairs.tasks.pair import Pair

__all__ = ["Ending", "FoundFiles", "find_files", "stems"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """How a file name goes on after the stem of a pair; a slash makes the stem a folder.

    Attributes:
        warp: Of the displacement field, "1Warp.nii.gz".
        affine: Of the affine map that belongs to it, "0GenericAffine.mat"; None for none.
        affine_expected: Whether the lack of the affine map is worth a warning.
    """

    warp: str
    affine: str | None = None
    affine_expected: bool = False


@dataclass(frozen=True)
class FoundFiles:
    """The displacement field of a pair and, where there is one, the affine map after it."""

    warp: Path
    affine: Path | None


def stems(pair: Pair) -> tuple[str, ...]:
    """Lists what the names of a pair may begin with: the challenge's names, then those without `disp_`."""
    named = [
        field_name(pair, PROFILES[profile]).removesuffix(PROFILES[profile].suffix)
        for profile in ("l2r2022", "lumir2024", "psmareg2026")
    ]
    bare = [name.removeprefix("disp_") for name in named]
    return tuple(dict.fromkeys([*named, *bare]))


def find_files(folder: Path, pair: Pair, endings: Sequence[Ending]) -> FoundFiles:
    """Finds the field of a pair; earlier stems and endings come first.

    Raises:
        DisplacementError: If there is none; the message lists the names that were tried.
    """
    names = stems(pair)
    present = [
        (stem, ending) for stem in names for ending in endings if (folder / (stem + ending.warp)).is_file()
    ]
    if not present:
        begins, goes_on = ", ".join(names), ", ".join(ending.warp for ending in endings)
        raise DisplacementError(
            f"displacement field of {pair.name} missing",
            where=folder,
            expected=f"one of {begins} followed by one of {goes_on}",
        )
    if len(present) > 1:
        listed = ", ".join(stem + ending.warp for stem, ending in present)
        _LOG.warning("several fields of %s in %s: %s; taking the first", pair.name, folder, listed)
    stem, ending = present[0]
    return FoundFiles(folder / (stem + ending.warp), _affine(folder, stem, ending))


def _affine(folder: Path, stem: str, ending: Ending) -> Path | None:
    if ending.affine is None:
        return None
    path = folder / (stem + ending.affine)
    if path.is_file():
        return path
    if ending.affine_expected:
        _LOG.warning("%s does not exist; the warp is taken to need no affine map", path)
    return None
