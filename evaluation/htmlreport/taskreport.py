"""A task and its fields as one page of HTML to look through, for the command line and for Python alike."""

import logging
from collections.abc import Sequence
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
from evaluation.taskarguments import read_scored_task
from pairs.errors import UsageError, require_choice
from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.files.outputs import require_outputs
from pairs.files.regularfile import is_regular
from pairs.files.wholefile import whole_file
from pairs.process.cores import thread_count
from pairs.process.counting import counted
from pairs.tasks.evaluation_config import EvaluationConfig
from pairs.tasks.task import Task, label_path

__all__ = ["PICTURES", "report"]

log = logging.getLogger(__name__)

PICTURES = 100
"""How many pairs have pictures where nobody says."""


def report(
    task: str | Path,
    fields: str | Path,
    out: str | Path,
    *,
    pairs: str | Path | None = None,
    config: str | Path | None = None,
    tool: str | None = None,
    segmentations: str | Path | None = None,
    pictures: int = PICTURES,
    follow_links: bool = False,
) -> Evaluation:
    """Scores and draws the fields of a task, and writes one page of HTML (docs/reading-a-report.md).

    Args:
        task: The task folder, or its dataset JSON.
        fields: Folder of displacement fields.
        out: The page, in `.html`.
        pairs: A pair list in place of the task's own.
        config: The official evaluation configuration.
        tool: What wrote the fields: ants, elastix, greedy, itk or npz; None for fields of the challenge.
        segmentations: Folder of label maps named as the images, for a task without labels.
        pictures: Pairs with pictures, the hardest ones; the others have numbers alone.
        follow_links: Whether images behind symlinks are read.

    Returns:
        The scores, as of `evaluate`.

    Raises:
        UsageError: If the output is no page or is also an input, there is no such tool, or a folder is none.
        OutputError: If the page cannot be written.
        KnownError: As `evaluate` says.
    """
    folder, page, own = Path(fields), Path(out), None if segmentations is None else Path(segmentations)
    if tool is not None:
        require_choice("tool", tool, FOREIGN_READERS)
    _require_places(page, folder, own, Path(task), [Path(one) for one in (pairs, config) if one is not None])
    read, settings = read_scored_task(task, pairs=pairs, config=config, follow_links=follow_links)
    run, fault = read_run(folder, read.name)
    if fault is not None:
        log.warning("%s", fault)
    scored = _scored(read)
    if own is not None and scored is read:
        log.warning("the task has label maps: those of %s are not used", own)
    foreign, jobs = None if tool is None else FOREIGN_READERS[tool], thread_count()
    evaluation = evaluate_task(scored, folder, settings, read_field=foreign, jobs=jobs)
    maps = region_maps(own, folder, run, read.label_names)
    reader = PairReader(read, folder, evaluation.methods, foreign, maps)
    collection = collect(evaluation, reader, run, pictures, jobs)
    names = partial(without_folders, folders=reader.folders)
    told = Report(
        evaluation=evaluation,
        run=run,
        run_fault=None if fault is None else names(fault),
        ranking=collection.ranking,
        pages=collection.pages,
        colours=outline_colours(collection.labels),
        warnings=[names(one) for one in _warnings(evaluation, run, read, settings)],
        remarks=_remarks(evaluation, reader, collection),
        failures={name: names(str(one)) for name, one in evaluation.failures.items()},
    )
    with whole_file(page) as temporary:
        temporary.write_text(page_html(told), encoding="utf-8", errors="backslashreplace")
    return evaluation


def _require_places(
    page: Path, fields: Path, segmentations: Path | None, task: Path, lists: Sequence[Path]
) -> None:
    """Refuses what cannot be read or written before the scoring, which takes minutes.

    Raises:
        UsageError: If the output is no page or is also an input, or a folder is none.
        OutputError: If the output cannot be written.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        got = page.suffix or "none"
        raise UsageError("the report is a page", where=page, expected="a name in .html", got=got)
    for folder, words in ((fields, "fields"), (segmentations, "label maps")):
        if folder is not None and not folder.is_dir():
            raise UsageError(f"no folder of {words}", where=folder)
    require_outputs((page,), tasks=(task,), inputs=(fields, *lists, segmentations))


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
