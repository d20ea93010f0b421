"""Assignment: which file is the field of which pair, and which files belong to no pair."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.submission.findings import Finding, error, warning
from evaluation.submission.folder import Entry
from evaluation.submission.names import (
    FieldName,
    Match,
    accepted_names,
    match_pair,
    name_reasons,
    parse_field_name,
)
from pairs.fields.displacement import field_name
from pairs.fields.profile import Profile
from pairs.tasks.pair import Pair

__all__ = ["Assignment", "assign"]


@dataclass(frozen=True)
class Assignment:
    """The pairs and their files.

    Attributes:
        fields: The file of each pair that has one, by pair name.
        findings: What is wrong with the names.
    """

    fields: Mapping[str, Entry]
    findings: tuple[Finding, ...]


def assign(
    entries: Sequence[Entry],
    pairs: Sequence[Pair],
    profile: Profile,
    *,
    short_names: bool = False,
    left_out: Sequence[Pair] = (),
) -> Assignment:
    """Finds the field of every pair: a name that the host reads comes before a misspelt one.

    Args:
        entries: The files of the folder, those at its root first.
        pairs: The pairs of the task.
        profile: The host's profile.
        short_names: See `accepted_names`.
        left_out: Other pairs of the task; their fields are not checked and not reported.
    """
    rest = {entry.name: entry for entry in entries}
    fields: dict[str, Entry] = {}
    findings: list[Finding] = []
    for pair in pairs:
        found = [
            rest[name] for name in accepted_names(pair, profile, short_names=short_names) if name in rest
        ]
        if found:
            fields[pair.name] = found[0]
        for entry in found:
            del rest[entry.name]
        findings += [_second(entry, found[0], pair) for entry in found[1:]]
    for pair in left_out:
        for accepted in accepted_names(pair, profile, short_names=short_names):
            rest.pop(accepted, None)
    named = [(entry, parse_field_name(entry.name)) for entry in rest.values()]
    matches = [(e, n, m) for e, n in named if n is not None and (m := match_pair(n, pairs)) is not None]
    for entry, name, match in sorted(matches, key=lambda one: (one[2].swapped, one[0].nested, one[0].name)):
        if match.pair.name in fields:
            if not match.swapped:
                del rest[entry.name]
                findings.append(_second(entry, fields[match.pair.name], match.pair))
            continue
        del rest[entry.name]
        fields[match.pair.name] = entry
        findings += _misnamed(entry, name, match, profile, short_names)
    findings += [_missing(pair, profile, short_names) for pair in pairs if pair.name not in fields]
    return Assignment(fields, (*findings, *(_unknown(entry, pairs) for entry in rest.values())))


def _second(entry: Entry, taken: Entry, pair: Pair) -> Finding:
    what = f"second file for pair {pair.name}, which the host does not read"
    return warning("second", entry.name, what, got=f"{taken.name} as well", remedy="remove one of the two")


def _missing(pair: Pair, profile: Profile, short_names: bool) -> Finding:
    expected = field_name(pair, profile, short_names=short_names)
    remedy = (
        "a host refuses a set with a missing field: run predict again; "
        "--on-error identity writes a zero field where registration fails"
    )
    return error("missing", expected, f"no field for pair {pair.name}", remedy=remedy)


def _misnamed(
    entry: Entry, name: FieldName, match: Match, profile: Profile, short_names: bool
) -> list[Finding]:
    accepted = accepted_names(match.pair, profile, short_names=short_names)
    expected = next((one for one in accepted if one.endswith(name.suffix.lower())), None)
    expected = expected or field_name(match.pair, profile, short_names=short_names)
    found: list[Finding] = []
    if entry.nested:
        what = "field is in a subfolder, which the host does not read"
        found.append(
            error(
                "nested",
                entry.name,
                what,
                expected=expected,
                remedy="give the subfolder as --fields, or move the files up",
                repairable=True,
            )
        )
    reasons = name_reasons(name, expected, swapped=match.swapped)
    if entry.base == expected or not reasons:
        return found
    remedy = "rename it"
    if match.swapped:
        remedy = (
            "the fixed subject comes first: rename it if it was made for this pair, else register the pair"
        )
    elif name.suffix and not name.suffix.lower().endswith(profile.suffixes):
        remedy = f"save it again as {profile.suffix}: renaming does not convert it, check --fix does"
    elif reasons == ("short name for long",):
        remedy = "rename it, or give --short-names if the host is a copy from before 2025"
    what = f"misnamed for pair {match.pair.name} ({', '.join(reasons)})"
    repairable = not match.swapped
    got = entry.base
    return [
        *found,
        error("name", entry.name, what, expected=expected, got=got, remedy=remedy, repairable=repairable),
    ]


def _unknown(entry: Entry, pairs: Sequence[Pair]) -> Finding:
    remedy = "remove it; submit leaves it out"
    name = parse_field_name(entry.name)
    if name is None:
        return warning("extra", entry.name, "file is not a field of the task", remedy=remedy)
    subjects = {int(id_.subject) for pair in pairs for id_ in (pair.fixed_id, pair.moving_id)}
    named = [int(number) for number in (name.numbers[::2] if len(name.numbers) == 4 else name.numbers)]
    unknown = sorted(set(named) - subjects)
    if unknown:
        listed = ", ".join(f"{number:04d}" for number in unknown)
        what, got = "field of subjects that are in no pair of the task", listed
    else:
        what, got = "field of a pair that the task does not have", " and ".join(f"{n:04d}" for n in named)
    return warning("unknown", entry.name, what, got=got, remedy=remedy)
