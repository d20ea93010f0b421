"""Time, memory and repeatability of `predict` on a task, and times of parts beside named references."""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import KnownError, report_and_exit_code
from studies.markdown import markdown_table
from studies.process import NoFigure, Spent, run_module

__all__ = ["Run", "main"]


@dataclass(frozen=True)
class Run:
    """One call of `predict`.

    Attributes:
        spent: Of the process.
        device: What it ran on.
        pair_seconds: Of each pair, as the run report has them.
        pair_memory_mib: Peak of each pair, as the run report has it: of the GPU where one is used.
        digests: SHA-256 of each field by file name.
    """

    spent: Spent
    device: str
    pair_seconds: tuple[float, ...]
    pair_memory_mib: tuple[float, ...]
    digests: Mapping[str, str]


def _predict(options: argparse.Namespace, output: Path) -> Run:
    arguments: list[str | Path] = [options.task, output, "--device", options.device]
    if options.profile is not None:
        arguments += ["--profile", options.profile]
    if options.weights is not None:
        arguments += ["--weights", options.weights]
    if options.pairs is not None:
        arguments += ["--pairs", options.pairs]
    spent = run_module("textscf", "predict", *arguments)
    # Read as plain JSON: the report's own reader imports torch, which must not be loaded yet.
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    return Run(
        spent,
        report["device"],
        tuple(pair["seconds"] for pair in report["pairs"]),
        tuple(pair["peak_memory_mib"] for pair in report["pairs"]),
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(output.glob("disp_*"))},
    )


def _three_calls(options: argparse.Namespace) -> tuple[Run, Run, Run]:
    """Two calls into empty folders, and a second call into the first folder, which has nothing left to do."""
    with tempfile.TemporaryDirectory(prefix="speed-") as temporary:
        first, other = Path(temporary, "first"), Path(temporary, "other")
        cold, again, kept = (_predict(options, folder) for folder in (first, other, first))
    if kept.pair_seconds != cold.pair_seconds or kept.digests != cold.digests:
        raise NoFigure("the second call into one folder did not keep the finished fields")
    return cold, again, kept


def _whole_run_table(cold: Run, again: Run, kept: Run) -> str:
    rows = [
        ["pairs", str(len(cold.pair_seconds))],
        ["device", cold.device],
        ["first call, all pairs [s]", f"{cold.spent.wall_s:.1f}"],
        ["the same into another folder [s]", f"{again.spent.wall_s:.1f}"],
        ["second call into the first folder, everything kept [s]", f"{kept.spent.wall_s:.1f}"],
        ["one pair, median [s]", f"{statistics.median(cold.pair_seconds):.2f}"],
        ["one pair, max [s]", f"{max(cold.pair_seconds):.2f}"],
        ["peak resident memory [MiB]", f"{cold.spent.peak_mib:.0f}"],
    ]
    if cold.device.startswith("cuda"):
        rows.append(["peak GPU memory [MiB]", f"{max(cold.pair_memory_mib):.0f}"])
    rows.append(
        ["two independent runs give the same bytes", "yes" if cold.digests == again.digests else "no"]
    )
    return markdown_table(("predict", "figure"), rows)


def _ratio_table(options: argparse.Namespace) -> str:
    # Not before the processes have run: their peak would count this one's torch (see `run_module`).
    from benchmarks.ratios import measure_ratios
    from pipeline.machine.device import choose_device

    rows = []
    for ratio in measure_ratios(choose_device(options.device), options.repeats):
        low, median, high = ratio.speedup
        figures = [f"{ratio.ours_ms:.2f}", f"{median:.2f} [{low:.2f}, {high:.2f}]"]
        rows.append([ratio.what, ratio.reference, *figures])
    return markdown_table(("part", "reference", "ours [ms]", "times as fast [quartiles]"), rows)


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return f"{cores} cores, load {os.getloadavg()[0]:.1f} before the start, OMP_NUM_THREADS {threads}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="speed", description=__doc__)
    parser.add_argument("--task", type=Path, required=True, help="task folder")
    parser.add_argument("--weights", type=Path, help="bundle (default: the shipped one of the task)")
    parser.add_argument("--pairs", type=Path, help="pair list to use in place of the task's own")
    parser.add_argument("--profile", help="as for predict")
    parser.add_argument("--device", default="auto", help="as for predict")
    parser.add_argument("--repeats", type=int, default=15, help="of each part beside its reference")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints both tables; returns 0, or 1 where two runs differ."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.repeats < 1:
        parser.error("expected at least one repeat")
    machine = _machine()
    try:
        cold, again, kept = _three_calls(options)
        print(f"{machine}\n\n{_whole_run_table(cold, again, kept)}\n", flush=True)
        print(_ratio_table(options))
    except KnownError as error:
        return report_and_exit_code(error)
    return 0 if cold.digests == again.digests else 1


if __name__ == "__main__":
    sys.exit(main())
