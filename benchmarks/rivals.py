"""Methods of others and our own on the same pairs of a task, in turn, as one Markdown table."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.methods.catalogue import METHODS
from benchmarks.methods.method import NotAtHand
from benchmarks.methods.table import Result, render
from benchmarks.methods.trial import Trial
from benchmarks.methods.trials import Trials
from pairs.errors import KnownError, UsageError, report_and_exit_code
from pairs.process.cores import thread_count
from pairs.process.counting import counted
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_pairs_option

__all__ = ["main"]


def _at_hand(names: Sequence[str], task: Task) -> dict[str, str]:
    """Version and settings of each method that can be used; says of the others why they are left out."""
    found = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = METHODS[name].made_by(task)
        except NotAtHand as error:
            _tell(f"{name} is left out: {error}")
    if not found:
        raise UsageError("no method is at hand", where="--methods", got=", ".join(names))
    return found


def _tell(progress: str) -> None:
    """Standard output is the table's."""
    print(progress, file=sys.stderr, flush=True)


def _try_all(trials: Trials, methods: Mapping[str, str]) -> dict[str, dict[str, Trial]]:
    """The trials of each method by pair; the methods take turns, so that all meet the same load."""
    found: dict[str, dict[str, Trial]] = {name: {} for name in methods}
    pairs = trials.task.pairs
    for number, pair in enumerate(pairs, 1):
        for name, trial in trials.of(pair, methods):
            found[name][pair.name] = trial
            _tell(f"{number}/{len(pairs)} {pair.name} {name}: {trial.failure or f'{trial.wall_s:.1f} s'}")
    return found


def _run(options: argparse.Namespace, work: Path) -> None:
    task = read_task(options.task, pairs_file=options.pairs)
    task = replace(task, pairs=task.pairs[: options.first])
    methods = _at_hand(options.methods, task)
    trials = Trials(options.task, task, work, options.limit_s)
    trials.begin()
    found = _try_all(trials, methods)
    results = [
        Result(name, METHODS[name].is_rival, made_by, trials.scores(name), found[name])
        for name, made_by in methods.items()
    ]
    head = f"{task.name}, {counted(len(task.pairs), 'pair')}, {counted(thread_count(), 'thread')}"
    print(f"{head}\n\n{render(results)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rivals", description=__doc__)
    parser.add_argument("--task", type=Path, required=True, help="task folder with labels")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all that are at hand"
    )
    add_pairs_option(parser)
    parser.add_argument("--first", type=int, metavar="N", help="take the first N pairs alone")
    parser.add_argument(
        "--limit-s", type=float, default=1800.0, metavar="S", help="end a method that takes longer for a pair"
    )
    parser.add_argument("--work", type=Path, help="folder to keep results in; what is done is not done again")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.first is not None and options.first < 1:
        parser.error("--first: expected at least one pair")
    if not options.limit_s > 0:
        parser.error("--limit-s: expected more than 0 seconds")
    try:
        with tempfile.TemporaryDirectory(prefix="rivals-") as temporary:
            _run(options, options.work or Path(temporary))
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
