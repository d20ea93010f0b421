"""The run over a task folder: what is asked for, checked and planned, and its pairs registered."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from pairs.errors import VolumeError, require_choice
from pairs.fields.profile import profile_of
from pairs.files.outputs import require_output_folder
from pairs.files.wholefile import probe_writable
from pairs.images.header import read_header
from pairs.process.counting import counted
from pairs.process.version import VERSION
from pairs.tasks.editions import ProfileChoice, choose_profile, profile_fault
from pairs.tasks.task import Task, read_task
from pipeline.machine.device import choose_device
from pipeline.machine.stopping import interruptible
from pipeline.predict.choice import METHODS, Asked, Choice, choose_method
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.fit import require_own_folder, weights_warnings
from pipeline.predict.masks import TaskMasks
from pipeline.predict.onepair import PairRegistration
from pipeline.predict.plan import Plan, make_plan
from pipeline.predict.report import PairRecord, RunReport, read_report
from pipeline.predict.run import Register, run_pairs
from pipeline.programversion import program_version
from pipeline.regions.kept import CACHE_NAME
from pipeline.regions.source import require_segmentations

__all__ = ["ON_ERROR", "predict"]

log = logging.getLogger(__name__)

ON_ERROR = ("fail", "identity")
"""What is done for a pair that fails: nothing, or a zero field in its place."""


@dataclass(frozen=True)
class _Run:
    """What is asked for, read and checked."""

    task: Task
    fields: FieldFolder
    earlier: RunReport | None
    method: Choice
    device: torch.device
    report: RunReport
    masks: TaskMasks | None
    identity_on_error: bool


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
    folder, list_file, own = Path(out), _path(pairs), _path(segmentations)
    with interruptible():
        place = choose_device(device)
        read = read_task(Path(task), pairs_file=list_file, follow_links=follow_links)
        images = {image.parent for pair in read.pairs for image in (pair.fixed, pair.moving)}
        require_output_folder(folder, read.root, (*images, *([] if own is None else [own])))
        form = _profile(profile, read)
        fields = FieldFolder(folder, form.profile, short_names)
        fields.require_distinct_names(read.pairs)
        earlier = read_report(folder)
        require_own_folder(earlier, read, folder)
        require_segmentations(own)
        chosen = choose_method(Asked(method, _path(weights), own), read)
    probe_writable(folder)
    report = _report(read, form, place, chosen)
    masks = TaskMasks(read.root, follow_links) if chosen.uses_masks else None
    return _registered(
        _Run(read, fields, earlier, chosen, place, report, masks, identity_on_error=on_error == "identity")
    )


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


def _registered(run: _Run) -> tuple[PairRecord, ...]:
    """Plans what is left to do, and does it."""
    task, fields, method, masks = run.task, run.fields, run.method, run.masks
    for warning in run.report.warnings:
        log.warning("%s", warning)
    fingerprints = Fingerprints(method.sha256, method.segmentations, fields, masks)
    with interruptible():
        plan = make_plan(task.pairs, run.earlier, fingerprints, fields)
    _log_start(run.report, plan, method)
    if masks is not None and any(masks.file(pair) is not None for pair in plan.todo):
        log.info("the images are compared within the masks of the task")

    def prepare() -> Register:
        with interruptible():
            registration = method.registration(run.device, fields.profile, fields.path / CACHE_NAME)
        return PairRegistration(
            registration, fields, fingerprints, masks, task.root, task.shape, run.identity_on_error
        )

    return run_pairs(plan, prepare, run.report, fields.path)


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
    log.info(
        "%s: %s%s, %s, profile %s (%s), on %s",
        report.task,
        counted(len(plan.pairs), "pair"),
        f", {kept} of them finished before" if kept else "",
        method,
        report.profile,
        report.profile_reason,
        report.device,
    )
