"""Whether the files of several methods are about the same pairs, labels and images."""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from evaluation.ranking.results import Entry, MethodResults, Metric
from pairs.errors import UsageError
from pairs.process.counting import counted, first_few

__all__ = [
    "common_pairs",
    "in_common_names",
    "require_same_initial",
    "require_same_labels",
    "short_name",
    "values_per_pair",
]

log = logging.getLogger(__name__)

_TOLERANCE = 1e-6

_Value = TypeVar("_Value")


def short_name(pair: str) -> str:
    """Returns the name of a pair as the evaluators of 2020 and 2021 write it: without modalities."""
    return re.sub(r"_\d{4}(?=<--|$)", "", pair)


def _shortened(cases: Mapping[str, _Value]) -> Mapping[str, _Value]:
    short = {short_name(pair): case for pair, case in cases.items()}
    # If two pairs would get the same name, the file keeps its names, and the difference is an error.
    return short if len(short) == len(cases) else cases


def in_common_names(methods: Sequence[MethodResults]) -> list[MethodResults]:
    """Returns the methods with pairs named without modalities ("0001<--0002") as soon as one file does so."""
    if not any(pair == short_name(pair) for method in methods for pair in method.after):
        return list(methods)
    return [
        replace(method, after=_shortened(method.after), before=_shortened(method.before))
        for method in methods
    ]


def common_pairs(methods: Sequence[MethodResults]) -> tuple[str, ...]:
    """Returns the pairs that are ranked, sorted: those of the file with the most.

    A file may lack some of them: their values are filled in, with a warning.

    Raises:
        UsageError: If a file has a pair that the one with the most pairs has not.
    """
    fullest = max(methods, key=lambda method: (len(method.after), method.name))
    for method in methods:
        foreign = sorted(method.after.keys() - fullest.after.keys())
        lacking = sorted(fullest.after.keys() - method.after.keys())
        if foreign:
            raise UsageError(
                "the files have different pairs",
                where=method.path,
                expected=f"pairs of {fullest.path}, such as {first_few(lacking)}",
                got=f"{len(foreign)} that it does not have: {first_few(foreign)}",
                remedy="evaluate all methods on the same pairs",
            )
        if lacking:
            log.warning("%s lacks %s: %s", method.path, counted(len(lacking), "pair"), first_few(lacking))
    return tuple(sorted(fullest.after))


def require_same_labels(methods: Sequence[MethodResults]) -> None:
    """Compares the label ids of the files that have them.

    Raises:
        UsageError: If two files differ.
    """
    first: dict[Metric, MethodResults] = {}
    for method in methods:
        for metric, labels in method.labels.items():
            other = first.setdefault(metric, method)
            if labels != other.labels[metric]:
                raise UsageError(
                    f"the files have different labels ({metric})",
                    where=method.path,
                    expected=f"{list(other.labels[metric])} as in {other.path}",
                    got=list(labels),
                )


def values_per_pair(methods: Sequence[MethodResults], metric: Metric) -> int | None:
    """Returns how many values each pair has, one for each label, or None where only one value is common.

    None is for SDlogJ, and for all files as soon as one is in the layout of 2021, which has no more.

    Raises:
        UsageError: If the number differs within a file or between files.
    """
    first: tuple[MethodResults, int] | None = None
    for method in methods:
        for pair, entries in method.after.items():
            detailed = entries[metric].detailed if metric in entries else ()
            if detailed is None:
                return None
            if metric not in entries:
                continue
            first = first or (method, len(detailed))
            if len(detailed) != first[1]:
                raise UsageError(
                    f"the files have different labels ({metric})",
                    where=f"{method.path}, pair {pair}",
                    expected=f"{first[1]} values as in {first[0].path}",
                    got=len(detailed),
                )
    return None if first is None else first[1]


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other)) or abs(one - other) <= _TOLERANCE


def _agree(one: Entry, other: Entry) -> bool:
    if one.detailed is None or other.detailed is None:
        return _same(one.mean, other.mean)
    return len(one.detailed) == len(other.detailed) and all(map(_same, one.detailed, other.detailed))


def require_same_initial(methods: Sequence[MethodResults]) -> Mapping[str, Entry]:
    """Returns the Dice before registration of each pair for which a file has it.

    Raises:
        UsageError: If two files differ, which means that they were made with other images or label maps.
    """
    found: dict[str, tuple[Entry, MethodResults]] = {}
    for method in methods:
        for pair, entries in method.before.items():
            if "dice" not in entries:
                continue
            entry, source = found.setdefault(pair, (entries["dice"], method))
            if not _agree(entry, entries["dice"]):
                raise UsageError(
                    "Dice before registration differs between the files",
                    where=f"{method.path}, pair {pair}",
                    expected=f"{entry.mean:.6f} as in {source.path}",
                    got=f"{entries['dice'].mean:.6f}",
                    remedy="evaluate all methods with the same label maps",
                )
    return {pair: entry for pair, (entry, _) in found.items()}
