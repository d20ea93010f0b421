"""The verb `rank`: ranks methods by their results, as the challenge does."""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evaluation.ranking.agreement import common_pairs, in_common_names, require_same_initial
from evaluation.ranking.rank import rank_methods
from evaluation.ranking.report import as_document, render, write_csv
from evaluation.ranking.results import Entry, MethodResults, read_results
from evaluation.ranking.runtime import read_runtimes
from evaluation.ranking.samples import collect_samples
from evaluation.ranking.significance import TESTS
from pairs.errors import UsageError
from pairs.files.outputs import require_outputs
from pairs.files.wholefile import write_json
from pairs.process.counting import counted

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

# Of five differences the signed rank test gives at least p = 1/16.
_FEWEST_PAIRS = 6


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rank`."""
    command.add_argument(
        "metrics",
        type=Path,
        nargs="+",
        metavar="METRICS.json",
        help="results of at least two methods, one file each",
    )
    command.add_argument(
        "--names", nargs="+", metavar="NAME", help="names of the methods (default: those of the files)"
    )
    command.add_argument(
        "--test",
        choices=[*TESTS, "both"],
        default="both",
        help="documented: Wilcoxon signed rank; coded: rank sum, what the challenge's program computes",
    )
    command.add_argument(
        "--initial",
        type=Path,
        metavar="ZERO.json",
        help="results of zero fields, for Dice30; files of `evaluate --json` do not need it. If this file is "
        "also ranked, its SDlogJ is left out, as in the challenge",
    )
    command.add_argument(
        "--runtime",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=SECONDS|NAME=REPORT.json",
        help="seconds per pair of a method, or the report of predict (default: runtime is not ranked)",
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write the ranks to this JSON file")
    command.add_argument("--csv", type=Path, metavar="FILE", help="write the ranks to this CSV file")


def run(arguments: argparse.Namespace) -> int:
    """Ranks the methods; returns 0."""
    require_outputs((arguments.json, arguments.csv), inputs=_inputs(arguments))
    methods, initial = _read(arguments)
    names = [method.name for method in methods]
    pairs = common_pairs(methods)
    seconds = read_runtimes(arguments.runtime, names, pairs)
    samples = collect_samples(methods, pairs, initial, seconds)
    if not any(sample.title == "Dice30" for sample in samples) and samples[0].title == "Dice":
        log.warning(
            "Dice30 is left out: no file holds the Dice before registration; give --initial ZERO.json"
        )
    if arguments.test != "coded" and len(pairs) < _FEWEST_PAIRS:
        few = counted(len(pairs), "pair")
        log.warning("with %s the signed rank test cannot find a difference in SDlogJ or runtime", few)
    tests = list(TESTS) if arguments.test == "both" else [arguments.test]
    rankings = [rank_methods(names, samples, test) for test in tests]
    if arguments.json is not None:
        write_json(arguments.json, as_document(rankings))
    if arguments.csv is not None:
        write_csv(rankings, arguments.csv)
    print(render(rankings))
    return 0


def _inputs(arguments: argparse.Namespace) -> list[Path | None]:
    """Returns the files that are read; a runtime that is not a number is a report of `predict`."""
    reports = [Path(text.partition("=")[2]) for text in arguments.runtime]
    return [*arguments.metrics, arguments.initial, *reports]


def _names(paths: Sequence[Path], given: Sequence[str] | None) -> list[str]:
    """Names the methods as given, else after their files, with the folders where those are equal."""
    if len(paths) < 2:
        raise UsageError("too few results to rank", expected="at least two files", got=len(paths))
    names = list(given) if given is not None else [path.stem for path in paths]
    if given is None and len(set(names)) < len(names):
        names = [f"{path.resolve().parent.name}/{path.stem}" for path in paths]
    if len(names) != len(paths):
        raise UsageError("--names does not name every file", expected=f"{len(paths)} names", got=len(names))
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UsageError(
            "two methods have the same name", got=", ".join(twice), remedy="give others with --names"
        )
    return names


def _read(arguments: argparse.Namespace) -> tuple[list[MethodResults], Mapping[str, Entry]]:
    """Returns the methods, sorted by name, whatever the order of the files, and the initial Dice."""
    names = _names(arguments.metrics, arguments.names)
    methods = [read_results(path, name) for path, name in zip(arguments.metrics, names, strict=True)]
    methods.sort(key=lambda method: method.name)
    _warn(methods)
    if arguments.initial is None:
        methods = in_common_names(methods)
        return methods, require_same_initial(methods)
    *methods, zero = in_common_names([*methods, read_results(arguments.initial, "initial")])
    initial = {pair: entries["dice"] for pair, entries in zero.after.items() if "dice" in entries}
    if not initial:
        raise UsageError("the file has no Dice, which --initial needs", where=arguments.initial)
    same_file = arguments.initial.resolve()
    return [
        _without_smoothness(method) if method.path.resolve() == same_file else method for method in methods
    ], initial


def _without_smoothness(method: MethodResults) -> MethodResults:
    """Drops SDlogJ, as the challenge does for zero fields: their smoothness is no merit."""
    after = {
        pair: {metric: entry for metric, entry in entries.items() if metric != "sdlogj"}
        for pair, entries in method.after.items()
    }
    return replace(method, after=after)


def _warn(methods: Sequence[MethodResults]) -> None:
    unranked = sorted({name for method in methods for name in method.unranked})
    if unranked:
        log.warning("metrics that are not ranked: %s", ", ".join(unranked))
    tasks = sorted({method.task for method in methods if method.task is not None})
    if len(tasks) > 1:
        log.warning("the files name different tasks: %s", ", ".join(tasks))
    evaluators = sorted({method.evaluator for method in methods if method.evaluator is not None})
    if len(evaluators) > 1:
        log.warning(
            "the files come from different evaluators, whose numbers may differ: %s", ", ".join(evaluators)
        )
