"""Time and memory of scoring one pair, beside the official steps in plain SciPy on the same data."""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.officialsteps import OfficialNumbers
from benchmarks.onepair import OnePair, read_one_pair
from pairs.errors import KnownError, report_and_exit_code
from studies.markdown import markdown_table
from studies.process import NoFigure, run_module

__all__ = ["Comparison", "largest_difference", "main", "render"]

SIZES = ((160, 192, 224, 35), (192, 160, 256, 13))
SIDES = ("official", "ours")
HEADER = (
    "pair",
    "official steps [s]",
    "ours [s]",
    "times as fast [quartiles]",
    "of CPU time",
    "official peak [MiB]",
    "our peak [MiB]",
    "largest difference",
)


@dataclass(frozen=True)
class Comparison:
    """Both sides on one pair.

    Attributes:
        what: The pair.
        runs: Runs of the official steps and of ours, one right after the other.
        peaks_mib: Peak resident memory of each run's process, likewise.
    """

    what: str
    runs: tuple[tuple[OnePair, OnePair], ...]
    peaks_mib: tuple[tuple[float, float], ...]


def largest_difference(first: OfficialNumbers, second: OfficialNumbers) -> float:
    """Returns the largest absolute difference; NaN and infinity must stand in the same places.

    Raises:
        NoFigure: If they do not.
    """
    one, other = (np.array([side.sdlogj, *side.dice, *side.hd95]) for side in (first, second))
    finite = np.isfinite(one)
    if one.shape != other.shape or not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        raise NoFigure("the two sides disagree on what is absent or infinite")
    return float(np.abs(one[finite] - other[finite]).max())


def render(comparisons: Sequence[Comparison]) -> str:
    """The table, one row for each pair."""
    return markdown_table(HEADER, [_cells(comparison) for comparison in comparisons])


def _cells(comparison: Comparison) -> list[str]:
    runs = comparison.runs
    low, middle, high = np.quantile([a.wall_s / b.wall_s for a, b in runs], [0.25, 0.5, 0.75])
    cpu = statistics.median(a.cpu_s / b.cpu_s for a, b in runs)
    differences = [largest_difference(a.numbers, b.numbers) for a, b in runs]
    return [
        comparison.what,
        *(f"{statistics.median(run[side].wall_s for run in runs):.2f}" for side in (0, 1)),
        f"{middle:.1f} [{low:.1f}, {high:.1f}]",
        f"{cpu:.1f}",
        *(f"{max(peak[side] for peak in comparison.peaks_mib):.0f}" for side in (0, 1)),
        f"{max(differences):.1e}",
    ]


def _compare(size: Sequence[int], repeats: int, work: Path) -> Comparison:
    folder = work / "x".join(map(str, size))
    # In processes of their own, so that the memory of neither side counts what the other or this one holds.
    run_module("benchmarks.phantom", folder, *map(str, size))
    runs, peaks = [], []
    for _ in range(repeats):
        outs = {side: folder / f"{side}.json" for side in SIDES}
        spent = {side: run_module("benchmarks.onepair", side, folder, outs[side]) for side in SIDES}
        runs.append((read_one_pair(outs["official"]), read_one_pair(outs["ours"])))
        peaks.append((spent["official"].peak_mib, spent["ours"].peak_mib))
    what = f"{size[0]}x{size[1]}x{size[2]}, {size[3]} labels"
    return Comparison(what, tuple(runs), tuple(peaks))


def _sizes(options: argparse.Namespace) -> Iterator[Sequence[int]]:
    yield from SIZES if options.size is None else [options.size]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluation", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each side, in turn")
    parser.add_argument(
        "--size", type=int, nargs=4, metavar=("X", "Y", "Z", "LABELS"), help="one pair of this size instead"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.repeats < 1 or any(side < 12 or side % 2 for side in (options.size or ())[:3]):
        parser.error("expected at least one repeat, and even sides of at least 12")
    print(
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} before the start\n", flush=True
    )
    try:
        with tempfile.TemporaryDirectory(prefix="evaluation-") as temporary:
            print(render([_compare(size, options.repeats, Path(temporary)) for size in _sizes(options)]))
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
