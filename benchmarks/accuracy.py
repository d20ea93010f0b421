"""Accuracy of one or more weights bundles on the labelled pairs of a task, as one Markdown table."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import KnownError, UsageError, report_and_exit_code
from pairs.files.wholefile import probe_writable
from studies.markdown import markdown_table
from studies.paired import bootstrap_interval, paired_differences
from studies.process import run_module
from studies.scores import Scores, read_scores

__all__ = ["Accuracy", "main", "render"]

FULL_PROFILE, HALF_PROFILE = "l2r2022", "l2r2021"
HEADER = (
    "weights",
    "pairs",
    "Dice before",
    "Dice",
    "HD95 [voxels]",
    "SDlogJ official",
    "SDlogJ plain",
    "folds [%]",
    "Dice half resolution",
    "loss by it",
)


@dataclass(frozen=True)
class Accuracy:
    """One bundle: its file name with the start of its hash, and its scores in both profiles."""

    weights: str
    full: Scores
    half: Scores


def render(results: Sequence[Accuracy]) -> str:
    """The table; with several bundles, a last column compares their Dice, pair by pair, with the first's."""
    rows = [_cells(result) for result in results]
    if len(results) == 1:
        return markdown_table(HEADER, rows)
    rows[0].append("reference")
    for row, result in zip(rows[1:], results[1:], strict=True):
        interval = bootstrap_interval(paired_differences(result.full.pair_dice, results[0].full.pair_dice))
        row.append(f"{interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]")
    return markdown_table((*HEADER, "Dice against the first [95 % interval]"), rows)


def _cells(result: Accuracy) -> list[str]:
    full, half = result.full, result.half
    return [
        result.weights,
        str(len(full.pair_dice)),
        f"{full.dice_before:.4f}",
        f"{full.dice:.4f}",
        f"{full.hd95_vox:.3f}",
        f"{full.sdlogj:.4f}",
        f"{full.sdlogj_plain:.4f}",
        f"{100 * full.fold_fraction:.4f}",
        f"{half.dice:.4f}",
        f"{full.dice - half.dice:+.4f}",
    ]


def _measure(options: argparse.Namespace, weights: Path | None, work: Path) -> Accuracy:
    probe_writable(work)
    full, half = (
        _score(options, weights, work / profile, profile) for profile in (FULL_PROFILE, HALF_PROFILE)
    )
    report = json.loads((work / FULL_PROFILE / "report.json").read_text(encoding="utf-8"))
    return Accuracy(f"{report['weights']} ({report['weights_sha256'][:8]})", full, half)


def _score(options: argparse.Namespace, weights: Path | None, fields: Path, profile: str) -> Scores:
    predict: list[str | Path] = ["--profile", profile, "--device", options.device]
    # Both profiles by one evaluator, or their scores could not be compared.
    evaluate: list[str | Path] = ["--task", options.task, "--fields", fields, "--evaluator", "2.0"]
    if weights is not None:
        predict += ["--weights", weights]
    if options.pairs is not None:
        predict += ["--pairs", options.pairs]
        evaluate += ["--pairs", options.pairs]
    scores = fields.with_suffix(".json")
    run_module("textscf", "predict", options.task, fields, *predict)
    run_module("textscf", "evaluate", *evaluate, "--json", scores)
    return read_scores(scores)


def _run(options: argparse.Namespace) -> None:
    bundles: list[Path | None] = list(options.weights) or [None]
    names = ["shipped" if path is None else path.stem for path in bundles]
    if len(set(names)) < len(names):
        raise UsageError("bundles need distinct file names", where="--weights", got=", ".join(names))
    with tempfile.TemporaryDirectory(prefix="accuracy-") as temporary:
        work = options.work or Path(temporary)
        named = zip(names, bundles, strict=True)
        results = [_measure(options, weights, work / name) for name, weights in named]
    print(render(results))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="accuracy", description=__doc__)
    parser.add_argument("--task", type=Path, required=True, help="task folder with labels")
    parser.add_argument(
        "--weights", type=Path, nargs="+", default=[], help="bundles (default: the shipped one of the task)"
    )
    parser.add_argument("--pairs", type=Path, help="pair list to use in place of the task's own")
    parser.add_argument("--work", type=Path, help="folder to keep fields and scores in; finished fields stay")
    parser.add_argument("--device", default="auto", help="as for predict")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
