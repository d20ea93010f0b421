"""The output folder: at most one field per pair, all of one profile, none left over from an earlier run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pairs.errors import OutputError, UsageError
from pairs.fields.displacement import PROFILES, Profile, WrittenField, field_name, write_displacement
from pairs.fields.encoding import require_storable
from pairs.tasks.pair import Pair
from pipeline.predict.pairrecord import PairRecord
from pipeline.weights.bundle import file_hash

__all__ = ["FieldFolder", "is_as_written"]


@dataclass(frozen=True)
class FieldFolder:
    """A folder of displacement fields.

    Attributes:
        path: the folder.
        profile: what the fields are written as.
        short_names: `disp_FFFF_MMMM` where the profile has long names.
    """

    path: Path
    profile: Profile
    short_names: bool = False

    def name(self, pair: Pair) -> str:
        """The file name of the pair's field."""
        return field_name(pair, self.profile, short_names=self.short_names)

    def require_distinct_names(self, pairs: Sequence[Pair]) -> None:
        """Refuse pairs that this profile would write to one file.

        Raises:
            UsageError: two pairs share a name; ThoraxCBCT has such pairs under short names.
        """
        first: dict[str, Pair] = {}
        for pair in pairs:
            other = first.setdefault(self.name(pair), pair)
            if other is not pair:
                raise UsageError(
                    "two pairs would be written to one file",
                    where=self.name(pair),
                    got=f"{other.name} and {pair.name} in profile {self.profile.name}",
                    remedy="use --profile l2r2022 without --short-names",
                )

    def require_storable(self, shape: tuple[int, int, int]) -> None:
        """Refuse a grid that the profile cannot store.

        Raises:
            DisplacementError: the profile stores a half grid and a side is odd.
        """
        require_storable(shape, self.profile)

    def write(self, pair: Pair, displacement: np.ndarray) -> WrittenField:
        """Write the pair's field, (X, Y, Z, 3) in voxels.

        Raises:
            DisplacementError: it is not finite or does not fit the profile; nothing is written then.
            OutputError: it cannot be written.
        """
        return write_displacement(self.path, pair, displacement, self.profile, short_names=self.short_names)

    def clear(self, pair: Pair, earlier: PairRecord | None, keep: str | None) -> None:
        """Remove the fields that earlier runs left for the pair, so that no scorer takes them for this run's.

        Args:
            pair: the pair.
            earlier: its record of an earlier run, which may have had another profile.
            keep: name of this run's field.

        Raises:
            OutputError: a field cannot be removed.
        """
        old = {self.name(pair)}
        # The report is a file that anybody may have edited: it cannot name anything but a field of the pair.
        if earlier and earlier.file in _names_in_any_profile(pair):
            old.add(earlier.file)
        for name in old - {keep}:
            try:
                (self.path / name).unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(
                    "cannot remove a field of an earlier run", where=self.path / name, got=error.strerror
                ) from error


def is_as_written(folder: Path, record: PairRecord) -> bool:
    """Whether the record's file is in the folder, with the bytes that were written."""
    if record.file is None:
        return False
    try:
        return file_hash(folder / record.file) == record.file_sha256
    except OSError:
        return False


def _names_in_any_profile(pair: Pair) -> set[str]:
    return {
        field_name(pair, profile, short_names=short)
        for profile in PROFILES.values()
        for short in (True, False)
    }
