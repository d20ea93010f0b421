"""Training steps a second of several processes beside those of one, which takes the same batch alone."""

import argparse
import logging
import statistics
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from benchmarks.gpuphantom import bundle_for, phantom_subjects, shrunk
from benchmarks.gputraining import SIZES, seconds_halfway_and_at_end
from pairs.errors import KnownError, UsageError, report_and_exit_code
from pairs.process.cores import thread_count
from pipeline.machine.device import choose_device
from pipeline.train.launch import launch, require_processes
from pipeline.train.ranks import ALONE, Ranks
from studies.markdown import markdown_table

__all__ = ["main", "take_steps"]

HEADER = ("processes", "threads each", "steps/s [all runs]", "against one")
_SUBJECTS = 4


def take_steps(
    task: str, shrink: int, batch: int, steps: int, device: torch.device, out: Path, ranks: Ranks
) -> int:
    """A process's part in a training; the leader writes down the seconds of the second half of its steps."""
    # Its lines would stand between those of the table.
    logging.getLogger("pipeline").setLevel(logging.WARNING)
    header = bundle_for(task, shrink).header
    regions = len(header.regions)
    settings = header.config.registration_training.model_copy(update={"batch": batch, "stages": None})
    config = header.config.model_copy(update={"registration_training": settings})
    subjects = phantom_subjects(config, shrunk(dict(SIZES)[task], shrink), regions, _SUBJECTS)
    # One process exchanges nothing, as in a training without --processes.
    ranks = ranks if ranks.count > 1 else ALONE
    found = seconds_halfway_and_at_end(config, subjects, regions, device, 2 * steps, ranks)
    if found:
        halfway, end = found
        out.write_text(str(end - halfway), encoding="utf-8")
    return 0


def _pace(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """Steps a second of `count` processes, from their start apart."""
    with tempfile.TemporaryDirectory(prefix="pace-") as folder:
        out = Path(folder, "seconds")
        arguments = (options.task, options.shrink, options.batch, options.steps, device, out)
        code = launch(count, take_steps, arguments, device, out)
        if code:
            raise SystemExit(code)
        seconds = float(out.read_text(encoding="utf-8"))
    if seconds == 0:
        # The log of a training has tenths of a second.
        raise UsageError("too few steps to be timed", where=f"--steps {options.steps}", remedy="give more")
    return options.steps / seconds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="training", description=__doc__)
    parser.add_argument("--task", choices=[name for name, _ in SIZES], default=SIZES[0][0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2, help="pairs a step, in all processes together")
    parser.add_argument("--steps", type=int, default=15, help="that are timed, after as many that are not")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shrink", type=int, default=1, help="sides and channels so many times smaller")
    parser.add_argument("--device", default="auto", help="as for train")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if min(options.batch, options.steps, options.repeats, options.shrink) < 1:
        parser.error("expected a positive batch, steps, repeats and shrink")
    counts = sorted({1, options.processes})
    try:
        device = choose_device(options.device)
        require_processes(options.processes, options.batch, device)
        measured = partial(_pace, options=options, device=device)
        # In turn, so that a machine that slows down for a while slows both.
        rounds = [[measured(count) for count in counts] for _ in range(options.repeats)]
    except KnownError as error:
        return report_and_exit_code(error)
    rows = []
    for count, paces in zip(counts, zip(*rounds, strict=True), strict=True):
        against = statistics.median(own / one[0] for own, one in zip(paces, rounds, strict=True))
        runs = ", ".join(f"{one:.3g}" for one in sorted(paces))
        threads = max(1, thread_count() // count)
        rows.append([str(count), str(threads), f"{statistics.median(paces):.3g} [{runs}]", f"{against:.2f}"])
    size = "x".join(map(str, shrunk(dict(SIZES)[options.task], options.shrink)))
    print(f"{options.task}, {size}, batch {options.batch}, {device}\n")
    print(markdown_table(HEADER, rows))
    return 0
