"""The verb `report`: a task and its fields as one page of HTML to look through."""

import argparse
import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

from evaluation.htmlreport.appearance import PairReader
from evaluation.htmlreport.collection import Collection, collect
from evaluation.htmlreport.folders import without_folders
from evaluation.htmlreport.page import Report, page_html
from evaluation.htmlreport.regionmaps import region_maps
from evaluation.htmlreport.runrecord import Run, read_run
from evaluation.picture.outlines import outline_colours
from evaluation.reports.table import unread_note
from evaluation.scoring.evaluate import Evaluation, evaluate_task
from evaluation.scoring.faults import log_failures
from evaluation.taskarguments import add_task_arguments, read_task_arguments
from pairs.errors import Stopped, UsageError
from pairs.fields.foreign.options import add_foreign_option
from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.files.outputs import require_outputs
from pairs.files.regularfile import is_regular
from pairs.files.wholefile import whole_file
from pairs.process.cores import thread_count
from pairs.process.counting import counted
from pairs.tasks.evaluation_config import EvaluationConfig
from pairs.tasks.task import Task, label_path

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

_PICTURES = 100


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Adds the arguments of `report`."""
    add_task_arguments(command)
    command.add_argument("--fields", type=Path, required=True, help="folder of displacement fields")
    command.add_argument("--out", type=Path, required=True, help="page to write: .html")
    add_foreign_option(command)
    command.add_argument(
        "--segmentations",
        type=Path,
        metavar="DIR",
        help="label maps named as the images, for a task without labels; shown as regions, no ground truth",
    )
    command.add_argument(
        "--pictures",
        type=_count,
        default=_PICTURES,
        metavar="N",
        help=f"pairs with pictures, the hardest ones; the others have numbers alone (default: {_PICTURES})",
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Scores, draws and writes; returns 0, or 1 where pairs could not be scored."""
    _require_arguments(arguments)
    task, config = read_task_arguments(arguments)
    run, fault = read_run(arguments.fields, task.name)
    if fault is not None:
        log.warning("%s", fault)
    scored = _scored(task)
    if arguments.segmentations is not None and scored is task:
        log.warning("the task has label maps: those of %s are not used", arguments.segmentations)
    foreign = None if arguments.foreign is None else FOREIGN_READERS[arguments.foreign]
    jobs = thread_count()
    try:
        evaluation = evaluate_task(scored, arguments.fields, config, read_field=foreign, jobs=jobs)
        maps = region_maps(arguments.segmentations, arguments.fields, run, task.label_names)
        reader = PairReader(task, arguments.fields, evaluation.methods, foreign, maps)
        collection = collect(evaluation, reader, run, arguments.pictures, jobs)
    except KeyboardInterrupt as error:
        raise Stopped("report stopped; nothing is written") from error
    names = partial(without_folders, folders=reader.folders)
    report = Report(
        evaluation=evaluation,
        run=run,
        run_fault=None if fault is None else names(fault),
        ranking=collection.ranking,
        pages=collection.pages,
        colours=outline_colours(collection.labels),
        warnings=[names(one) for one in _warnings(evaluation, run, task, config)],
        remarks=_remarks(evaluation, reader, collection),
        failures={name: names(str(one)) for name, one in evaluation.failures.items()},
    )
    with whole_file(arguments.out) as temporary:
        temporary.write_text(page_html(report), encoding="utf-8", errors="backslashreplace")
    log.info("%s: %s", arguments.out, counted(len(evaluation.scores), "pair"))
    log_failures(evaluation.failures, len(evaluation.scores), f"all are listed in {arguments.out}")
    return 1 if evaluation.failures else 0


def _require_arguments(arguments: argparse.Namespace) -> None:
    """Refuses what cannot be read or written before the scoring, which takes minutes.

    Raises:
        UsageError: If the output is no page or is also an input, or a folder is none.
        OutputError: If the output cannot be written.
    """
    if arguments.out.suffix.lower() not in (".html", ".htm"):
        got = arguments.out.suffix or "none"
        raise UsageError("the report is a page", where=arguments.out, expected="a name in .html", got=got)
    for folder, words in ((arguments.fields, "fields"), (arguments.segmentations, "label maps")):
        if folder is not None and not folder.is_dir():
            raise UsageError(f"no folder of {words}", where=folder)
    inputs = (arguments.fields, arguments.pairs, arguments.config, arguments.segmentations)
    require_outputs((arguments.out,), tasks=(arguments.task,), inputs=inputs)


def _scored(task: Task) -> Task:
    """Returns the task as it can be scored: hosts keep the label maps of what they score to themselves."""
    images = {image for pair in task.pairs for image in (pair.fixed, pair.moving)}
    has_labels = any(is_regular(label_path(image)) for image in images)
    return task if has_labels else replace(task, label_names={})


def _warnings(
    evaluation: Evaluation, run: Run | None, task: Task, config: EvaluationConfig | None
) -> list[str]:
    """Those of the task and the run; those of a pair stand with it."""
    told = [
        *task.warnings,
        *(() if config is None else config.warnings),
        *(() if run is None else run.warnings),
    ]
    if evaluation.unread:
        told.append(unread_note(evaluation))
    if evaluation.failures:
        told.append(f"{counted(len(evaluation.failures), 'pair')} could not be scored, and are in no mean")
    return list(dict.fromkeys(told))


def _remarks(evaluation: Evaluation, reader: PairReader, collection: Collection) -> list[str]:
    """What has to be known to read the scores."""
    if any(method.labels for method in evaluation.methods):
        return []
    told = "The task has no labels: what is said here rests on the images and the fields alone."
    if reader.maps is None or all(page.numbers.region_dice is None for page in collection.pages):
        return [told]
    return [
        f"The task has no labels. Dice and outlines are of {reader.maps.origin}. They are no ground truth, "
        "and regions that guided a registration fit by construction: do not report this Dice as a score."
    ]
