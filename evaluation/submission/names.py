"""Names of fields: which names each host reads, and which pair a misspelt name belongs to."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pairs.fields.displacement import field_name
from pairs.fields.profile import NIFTI_SUFFIX, NPZ_SUFFIX, Profile
from pairs.tasks.pair import Pair

__all__ = ["FieldName", "Match", "accepted_names", "match_pair", "name_reasons", "parse_field_name"]

_SPLIT = re.compile(r"(?P<stem>.*?)(?P<suffix>(?:\.[A-Za-z][A-Za-z0-9]*)*)")
_NUMBER = re.compile(r"[0-9]+")
_FIELD_SUFFIXES = (NPZ_SUFFIX, NIFTI_SUFFIX, ".nii", ".npy", ".mha", ".mhd", ".nrrd", ".h5", ".zip")
_FORMS = {"short": (4, 4), "long": (4, 4, 4, 4), "visits": (4, 2, 4, 2)}
# Evaluators of 2022 and later read the short name only if fixed and moving have these modalities.
_SHORT_MODALITIES = ("0000", "0001")


@dataclass(frozen=True)
class FieldName:
    """The parts of a file name.

    Attributes:
        stem: The name before the suffix.
        suffix: All suffixes, as spelt.
        numbers: The numbers of the stem, as spelt.
    """

    stem: str
    suffix: str
    numbers: tuple[str, ...]

    @property
    def form(self) -> str | None:
        """The form of the official names that it has: "short", "long" or "visits"; None for any other."""
        widths = tuple(map(len, self.numbers))
        plain = "_".join(("disp", *self.numbers)) == self.stem
        return next((form for form, wanted in _FORMS.items() if plain and widths == wanted), None)


@dataclass(frozen=True)
class Match:
    """The pair that a name belongs to, and whether fixed and moving are swapped in the name."""

    pair: Pair
    swapped: bool


def parse_field_name(name: str) -> FieldName | None:
    """Splits a name into its parts; returns None if it cannot be the name of a field."""
    split = _SPLIT.fullmatch(PurePosixPath(name).name)
    if split is None:
        return None
    numbers = tuple(_NUMBER.findall(split["stem"]))
    suffixed = split["suffix"].lower().endswith(_FIELD_SUFFIXES)
    named = split["stem"].lower().startswith("disp")
    if len(numbers) not in (2, 4) or not (suffixed or named):
        return None
    return FieldName(split["stem"], split["suffix"], numbers)


def accepted_names(pair: Pair, profile: Profile, *, short_names: bool = False) -> tuple[str, ...]:
    """Lists the names under which a host finds the field of a pair, in the order in which it tries them.

    Args:
        pair: The pair.
        profile: The host's profile.
        short_names: Whether the host reads short names; without effect on profiles with only one form.
    """
    written = field_name(pair, profile, short_names=short_names).removesuffix(profile.suffix)
    long = field_name(pair, profile).removesuffix(profile.suffix)
    short = field_name(pair, profile, short_names=True).removesuffix(profile.suffix)
    modalities = (pair.fixed_id.modality, pair.moving_id.modality)
    stems = [written]
    if profile.naming == "long" and not short_names and modalities == _SHORT_MODALITIES:
        stems.append(short)
    if short_names and modalities[0] != modalities[1]:
        stems.append(long)
    # Evaluator 2.0 opens the npz where there are both.
    suffixes = sorted(profile.suffixes, key=lambda suffix: suffix != NPZ_SUFFIX)
    return tuple(dict.fromkeys(stem + suffix for suffix in suffixes for stem in stems))


def match_pair(name: FieldName, pairs: Sequence[Pair]) -> Match | None:
    """Finds the pair that a name belongs to, by its numbers alone; an exact name comes first."""
    given = tuple(map(int, name.numbers))
    for swapped in (False, True):
        for exact in (True, False):
            for pair in pairs:
                if given in _spellings(pair, swapped=swapped, exact=exact):
                    return Match(pair, swapped)
    if len(given) == 4:
        # Modalities that the pair does not have.
        return match_pair(FieldName(name.stem, name.suffix, name.numbers[::2]), pairs)
    return None


def name_reasons(name: FieldName, expected: str, *, swapped: bool) -> tuple[str, ...]:
    """Lists how a name differs from the expected one."""
    wanted = parse_field_name(expected)
    if wanted is None:
        return ("other name",)
    reasons: list[str] = []
    order = _swap(name.numbers) if swapped else name.numbers
    if swapped:
        reasons.append("fixed and moving swapped in the name")
    if name.suffix != wanted.suffix:
        same = name.suffix.lower() == wanted.suffix
        reasons.append("suffix in capitals" if same else f"suffix {name.suffix or 'none'}")
    if len(order) > len(wanted.numbers):
        reasons.append("long name for short")
    elif len(order) < len(wanted.numbers):
        reasons.append("short name for long")
    elif tuple(map(int, order)) != tuple(map(int, wanted.numbers)):
        reasons.append("other numbers")
    if tuple(map(len, name.numbers)) not in _FORMS.values():
        reasons.append("other zero padding")
    if "_".join(("disp", *name.numbers)) != name.stem:
        reasons.append("other spelling")
    return tuple(reasons)


def _spellings(pair: Pair, *, swapped: bool, exact: bool) -> list[tuple[int, ...]]:
    first, second = (pair.moving_id, pair.fixed_id) if swapped else (pair.fixed_id, pair.moving_id)
    one, other = int(first.subject), int(second.subject)
    if not exact:
        return [(one, other)]
    visits = (int(first.visit or swapped), int(second.visit or not swapped))
    return [(one, int(first.modality), other, int(second.modality)), (one, visits[0], other, visits[1])]


def _swap(numbers: tuple[str, ...]) -> tuple[str, ...]:
    half = len(numbers) // 2
    return numbers[half:] + numbers[:half]
