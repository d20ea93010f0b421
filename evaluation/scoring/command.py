"""The verb `evaluate`: scores the fields of a task with the official numbers and the true ones."""

import argparse
import logging
from pathlib import Path

from cluster.options import add_cluster_options
from evaluation.reports.document import as_document
from evaluation.reports.spreadsheet import write_spreadsheet
from evaluation.reports.table import render, unread_note
from evaluation.scoring.evaluate import Evaluation
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.faults import log_failures
from evaluation.scoring.taskscores import evaluate
from evaluation.taskarguments import add_task_arguments
from pairs.errors import Stopped, UsageError
from pairs.fields.foreign.options import add_foreign_option
from pairs.files.outputs import require_outputs
from pairs.files.wholefile import write_json
from pairs.process.logline import one_line

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `evaluate`."""
    add_task_arguments(command)
    command.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")
    command.add_argument(
        "--evaluator",
        choices=list(EVALUATORS),
        help="official evaluator to follow (default: the one that reads the profile of the fields)",
    )
    command.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="write all scores to this file, in the layout of the evaluator; a stopped run can then continue",
    )
    command.add_argument(
        "--strict-json",
        action="store_true",
        help="write null in place of NaN and Infinity, which are not valid JSON",
    )
    command.add_argument(
        "--csv", type=Path, metavar="FILE", help="write one row per pair and structure to this file"
    )
    command.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        help="draw box plots per structure, before and after registration (.png, .pdf, .svg)",
    )
    add_foreign_option(command)
    command.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="number of threads (default: OMP_NUM_THREADS, or one per core)",
    )
    add_cluster_options(command)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Scores the fields; returns 0, or 1 where pairs could not be scored."""
    _require_outputs(arguments)
    evaluation = _score(arguments)
    for method in evaluation.methods:
        if not evaluation.evaluator.reports(method):
            where = f"evaluator {evaluation.evaluator.name} does not report {one_line(method.name)}"
            log.warning("%s; its scores are in the table, and in the JSON under the key true", where)
    if evaluation.unread:
        log.warning("%s", unread_note(evaluation))
    if arguments.json is not None:
        # Evaluator 2.0 writes NaN and Infinity as bare tokens, and its readers expect them.
        strict: bool = arguments.strict_json
        write_json(arguments.json, as_document(evaluation, strict=strict), strict=strict)
    if arguments.csv is not None:
        write_spreadsheet(evaluation, arguments.csv)
    print(render(evaluation), flush=True)
    # The picture comes last, so that a fault in it costs nothing else.
    if arguments.plot is not None:
        _draw(evaluation, arguments.plot)
    place = "--json FILE lists them" if arguments.json is None else f"all are listed in {arguments.json}"
    log_failures(evaluation.failures, len(evaluation.scores), place)
    if arguments.json is not None and not evaluation.failures:
        # Not before: a full disk or a kill would lose every score.
        _journal(arguments.json).unlink(missing_ok=True)
    return 1 if evaluation.failures else 0


def _journal(path: Path) -> Path:
    """Returns the path of the journal of the scores that go to `path`."""
    return path.with_suffix(".journal.jsonl")


def _draw(evaluation: Evaluation, path: Path) -> None:
    # matplotlib takes a second to load and everything else does without it.
    from evaluation.picture.boxplots import draw_boxplots

    draw_boxplots(evaluation, path)


def _require_outputs(arguments: argparse.Namespace) -> None:
    """Refuses outputs that cannot be written before the scoring, which takes minutes.

    Raises:
        UsageError: If an output is an input or another output, --strict-json has no file to go to, or --plot
            has no format for its name.
        OutputError: If an output cannot be written.
    """
    if arguments.strict_json and arguments.json is None:
        raise UsageError("--strict-json needs --json FILE")
    require_outputs(
        (arguments.json, arguments.csv, arguments.plot),
        tasks=(arguments.task,),
        inputs=(arguments.fields, arguments.pairs, arguments.config),
    )
    if arguments.plot is not None:
        # matplotlib takes a second to load and everything else does without it.
        from evaluation.picture.fileformat import require_format

        require_format(arguments.plot)


def _score(arguments: argparse.Namespace) -> Evaluation:
    journal = None if arguments.json is None else _journal(arguments.json)
    try:
        return evaluate(
            arguments.task,
            arguments.fields,
            pairs=arguments.pairs,
            config=arguments.config,
            tool=arguments.foreign,
            evaluator=arguments.evaluator,
            follow_links=arguments.follow_links,
            journal=journal,
            jobs=arguments.jobs,
            workers=arguments.workers,
            scheduler=arguments.scheduler,
        )
    except KeyboardInterrupt as error:
        remedy = None if journal is None else f"the same command continues from {journal}"
        raise Stopped("evaluation stopped", remedy=remedy) from error
