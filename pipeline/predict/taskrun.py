"""The run over a task folder: what is asked for, checked and planned, and its pairs registered."""

import logging
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from cluster.options import opened_engine, require_cluster
from pairs.errors import UsageError, VolumeError, require_choice
from pairs.fields.profile import profile_of
from pairs.files.outputs import require_output_folder
from pairs.files.reportnames import REPORT_NAME
from pairs.files.wholefile import probe_writable
from pairs.images.header import read_header
from pairs.process.counting import counted
from pairs.process.version import VERSION
from pairs.tasks.editions import ProfileChoice, choose_profile, profile_fault
from pairs.tasks.task import Task, read_task
from pipeline.machine.device import choose_device
from pipeline.machine.stopping import interruptible
from pipeline.predict.byworkers import by_workers
from pipeline.predict.choice import METHODS, Asked, Choice, choose_method
from pipeline.predict.earlier import EarlierRuns, read_earlier
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.fit import require_own_folder, weights_warnings
from pipeline.predict.masks import TaskMasks
from pipeline.predict.means import Means
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.plan import Plan, make_plan
from pipeline.predict.report import RunReport
from pipeline.predict.reportfile import ReportFile
from pipeline.predict.run import RegisterAll, one_after_another, run_pairs
from pipeline.predict.shard import Shard, shard_of
from pipeline.programversion import program_version
from pipeline.regions.source import require_segmentations

__all__ = ["ON_ERROR", "predict"]

log = logging.getLogger(__name__)

ON_ERROR = ("fail", "identity")
"""What is done for a pair that fails: nothing, or a zero field in its place."""


@dataclass(frozen=True)
class _Run:
    """What is asked for, read and checked."""

    task: Task
    shard: Shard | None
    earlier: EarlierRuns
    means: Means
    report: RunReport


def predict(
    task: str | Path,
    out: str | Path,
    *,
    weights: str | Path | None = None,
    method: str = "auto",
    profile: str | None = None,
    short_names: bool = False,
    device: str = "auto",
    pairs: str | Path | None = None,
    segmentations: str | Path | None = None,
    follow_links: bool = False,
    on_error: str = "fail",
    shard: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> tuple[PairRecord, ...]:
    """Registers every pair of a task folder; a pair that fails does not stop the others.

    Pairs that an earlier run finished are kept as long as images, weights, settings and program are the same.

    Args:
        task: The task folder, its dataset JSON, or a pair list inside it; never written to.
        out: Folder for the fields and `report.json`.
        weights: A weights file; None takes the one that ships for the task, if there is one.
        method: `network`, `general`, or `auto` for networks where weights fit.
        profile: Form of the fields; None takes what the edition of the task asks for.
        short_names: Whether files are named disp_FFFF_MMMM.
        device: `auto`, `cpu` or `cuda`.
        pairs: A pair list in place of the task's own.
        segmentations: Folder of your label maps or probabilities, named as the images.
        follow_links: Whether images behind symlinks are read.
        on_error: `fail`, or `identity` for a zero field in the place of one that failed.
        shard: `I/N` for the I-th of N parts of the pairs, which has a report of its own, or `slurm`.
        workers: Number of processes of this machine that share the pairs. They import the script that asks
            for them, whose work must be behind `if __name__ == "__main__"`.
        scheduler: Address of a Dask scheduler, whose workers share the pairs.

    Returns:
        The record of each pair, in the order of the task: `pair`, `status` ("done", "failed" or "identity"),
        `file`, `seconds`, `error`, and what else `report.json` has of it (docs/formats.md).

    Raises:
        TaskError: If the task cannot be used.
        NothingToDo: If it has no pairs.
        UsageError: If there is no such method, profile or device, or fields would be written into the task.
        WeightsError: If the weights are missing, altered or for another task.
        OutputError: If the folder cannot be written to.
        Stopped: If a signal arrived and the program listens for signals; finished pairs are kept.

    Examples:
        With the demo task (`./run.sh demo`) in the folder where you are:

        >>> records = predict("demo/task", "demo/fields")
        >>> len(records), records[0].status, records[0].file
        (6, 'done', 'disp_9001_0000_9002_0000.nii.gz')
    """
    require_choice("method", method, METHODS)
    require_choice("way with errors", on_error, ON_ERROR)
    part = _shard(shard, workers, scheduler)
    # Workers have working folders of their own.
    path = Path if workers is None and scheduler is None else _absolute
    root, folder = path(task), path(out)
    list_file, own, bundle = (None if one is None else path(one) for one in (pairs, segmentations, weights))
    with interruptible():
        place = choose_device(device)
        read = read_task(root, pairs_file=list_file, follow_links=follow_links)
        images = {image.parent for pair in read.pairs for image in (pair.fixed, pair.moving)}
        require_output_folder(folder, read.root, (*images, *([] if own is None else [own])))
        form = _profile(profile, read)
        fields = FieldFolder(folder, form.profile, short_names)
        fields.require_distinct_names(read.pairs)
        earlier = read_earlier(folder, REPORT_NAME if part is None else part.report_name)
        require_own_folder(earlier.reports, read, folder)
        require_segmentations(own)
        chosen = choose_method(Asked(method, bundle, own), read)
    probe_writable(folder)
    masks = TaskMasks(read.root, follow_links) if chosen.uses_masks else None
    fingerprints = Fingerprints(chosen.sha256, own, fields, masks)
    means = Means(chosen, bundle, place, fields, masks, fingerprints, on_error == "identity")
    run = _Run(read, part, earlier, means, _report(read, form, place, chosen))
    return _registered(run, _register_all(means, workers, scheduler))


def _absolute(given: str | Path) -> Path:
    return Path(given).absolute()


def _shard(text: str | None, workers: int | None, scheduler: str | None) -> Shard | None:
    """The shard that is asked for, and all of several processes that can be told at once.

    Raises:
        UsageError: There is no such shard, or the options exclude each other.
    """
    require_cluster(workers, scheduler)
    if text is None:
        return None
    if scheduler is not None:
        expected = "one of them: a scheduler shares the pairs out by itself"
        raise UsageError("both --shard and --scheduler", expected=expected)
    return shard_of(text, os.environ)


def _register_all(means: Means, workers: int | None, scheduler: str | None) -> RegisterAll:
    if workers is None and scheduler is None:
        return one_after_another(means.registration)
    gpus = torch.cuda.device_count() if means.device.type == "cuda" else 0
    engine = partial(opened_engine, workers, scheduler, gpus)
    return by_workers(engine, means.recipe, means.method.segmented)


def _registered(run: _Run, register: RegisterAll) -> tuple[PairRecord, ...]:
    """Plans what is left to do, and does it."""
    task, shard, fields, masks = run.task, run.shard, run.means.fields, run.means.masks
    for warning in run.report.warnings:
        log.warning("%s", warning)
    pairs = task.pairs if shard is None else shard.part_of(task.pairs)
    report = run.report
    if shard is not None:
        report = report.model_copy(update={"part": shard.described(task.pairs)})
    with interruptible():
        plan = make_plan(pairs, run.earlier, run.means.fingerprints, fields)
    _log_start(report, plan, run.means.method)
    if masks is not None and any(masks.file(pair) is not None for pair in plan.todo):
        log.info("the images are compared within the masks of the task")
    asked = [pair.name for pair in pairs]
    file = ReportFile(fields.path, report, asked, plan.records, run.earlier.own, run.earlier.name)
    records = run_pairs(plan, register, file)
    if shard is None:
        run.earlier.forget(asked)
    return records


def _profile(asked: str | None, task: Task) -> ProfileChoice:
    if asked is not None:
        return ProfileChoice(profile_of(asked), "asked for with --profile")
    return choose_profile(task.name, _grid(task), [pair.fixed for pair in task.pairs])


def _grid(task: Task) -> tuple[int, int, int] | None:
    """That of the first fixed image; the task's word where it cannot be read."""
    try:
        return read_header(task.pairs[0].fixed).shape
    except VolumeError:
        return task.shape


def _report(task: Task, choice: ProfileChoice, device: torch.device, method: Choice) -> RunReport:
    fault = profile_fault(task.name, _grid(task), choice.profile)
    mismatches = () if method.bundle is None else weights_warnings(method.bundle.header, task)
    odd = (f"{fault.what}; its hosts read {fault.expected}",) if fault else ()
    return RunReport(
        task=task.name,
        profile=choice.profile.name,
        profile_reason=choice.reason,
        device=str(device),
        torch=torch.__version__,
        version=VERSION,
        program=program_version(),
        method=method.name,
        weights="" if method.weights is None else method.weights.name,
        weights_sha256="" if method.bundle is None else method.sha256,
        region_names=() if method.bundle is None else method.bundle.header.region_names,
        training={} if method.bundle is None else method.bundle.header.training,
        config=method.config,
        warnings=(*task.warnings, *mismatches, *odd),
    )


def _log_start(report: RunReport, plan: Plan, method: Choice) -> None:
    kept = len(plan.pairs) - len(plan.todo)
    part = report.part
    of_all = "" if part is None else f" of {part.total} in shard {part.shard}/{part.of}"
    log.info(
        "%s: %s%s%s, %s, profile %s (%s), on %s",
        report.task,
        counted(len(plan.pairs), "pair"),
        of_all,
        f", {kept} of them finished before" if kept else "",
        method,
        report.profile,
        report.profile_reason,
        report.device,
    )
