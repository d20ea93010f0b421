"""Command line: `python -m evaluation evaluate` scores the fields of a task, `picture` draws one pair."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.reports.aggregate import as_document
from evaluation.reports.table import render
from evaluation.scoring.evaluate import evaluate_task
from pairs.errors import KnownError, report_and_exit_code
from pairs.evaluation_config import read_evaluation_config
from pairs.task import read_task
from pairs.wholefile import probe_writable, write_json

__all__ = ["main"]

_logger = logging.getLogger(__name__)


def _evaluate(arguments: argparse.Namespace) -> int:
    if arguments.json is not None:
        # Scoring takes minutes; a folder that cannot be written to is told before, not after.
        probe_writable(arguments.json.absolute().parent)
    task = read_task(arguments.task, pairs_file=arguments.config)
    config = None if arguments.config is None else read_evaluation_config(arguments.config)
    for warning in (*task.warnings, *(config.warnings if config is not None else ())):
        _logger.warning("%s", warning)
    evaluation = evaluate_task(task, arguments.fields, config)
    if arguments.json is not None:
        # Not strict: evaluator 2.0 writes NaN and Infinity as bare tokens, and its readers expect them.
        write_json(arguments.json, as_document(evaluation), strict=False)
    print(render(evaluation))
    return 0


def _picture(arguments: argparse.Namespace) -> int:
    # matplotlib takes a second to load and the other commands do without it.
    from evaluation.picture.draw import draw_pair

    draw_pair(read_task(arguments.task), arguments.fields, arguments.out, pair_number=arguments.pair)
    return 0


def _add_sources(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", type=Path, required=True, help="task folder, or its dataset JSON")
    command.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    evaluate = commands.add_parser("evaluate", help="score the fields of all pairs")
    _add_sources(evaluate)
    evaluate.add_argument(
        "--config", type=Path, help="official evaluation configuration (metrics, labels, pairs)"
    )
    evaluate.add_argument("--json", type=Path, help="write all scores here, in the layout of evaluator 2.0")
    evaluate.set_defaults(run=_evaluate)
    picture = commands.add_parser("picture", help="draw one pair before and after registration")
    _add_sources(picture)
    picture.add_argument("--out", type=Path, required=True, help="PNG file to write")
    picture.add_argument("--pair", type=int, default=1, metavar="N", help="which pair of the task, from 1")
    picture.set_defaults(run=_picture)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code; known errors become one line on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stderr)
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.run(parsed)
    except KnownError as error:
        return report_and_exit_code(error)
    return code


if __name__ == "__main__":
    sys.exit(main())
