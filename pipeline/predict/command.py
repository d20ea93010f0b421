"""`predict INPUT OUTPUT` from the command line."""

import argparse
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from cluster.options import add_cluster_options, opened_engine, require_cluster
from pairs.errors import UsageError, VolumeError
from pairs.fields.displacement import PROFILES
from pairs.files.outputs import require_output_folder
from pairs.files.reportnames import REPORT_NAME
from pairs.files.wholefile import probe_writable
from pairs.images.header import read_header
from pairs.process.counting import counted, first_few
from pairs.process.version import VERSION
from pairs.tasks.editions import ProfileChoice, choose_profile, profile_fault
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task, read_task
from pairs.tasks.taskoptions import add_link_option, add_pairs_option
from pipeline.machine.device import DEVICES, choose_device
from pipeline.machine.stopping import interruptible
from pipeline.predict.byworkers import by_workers
from pipeline.predict.choice import METHODS, Asked, Choice, choose_method
from pipeline.predict.earlier import read_earlier
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.fit import require_own_folder, weights_warnings
from pipeline.predict.masks import TaskMasks
from pipeline.predict.means import Means
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.plan import Plan, make_plan
from pipeline.predict.report import RunReport, ShardPart
from pipeline.predict.reportfile import ReportFile
from pipeline.predict.run import RegisterAll, one_after_another, run_pairs
from pipeline.predict.shard import Shard, shard_of
from pipeline.programversion import program_version
from pipeline.regions.source import require_segmentations

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `predict`."""
    parser.add_argument("input", type=Path, help="task folder, its dataset JSON, or a pair list inside it")
    parser.add_argument("output", type=Path, help="folder for the fields and report.json")
    parser.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        help="form of the fields (default: what the edition of the task asks for)",
    )
    parser.add_argument("--short-names", action="store_true", help="disp_FFFF_MMMM in place of long names")
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="auto",
        help="networks, the general method that needs no weights, or (auto) networks where weights fit",
    )
    parser.add_argument("--weights", type=Path, help="bundle (default: the shipped one of the task)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    add_pairs_option(parser)
    parser.add_argument(
        "--segmentations", type=Path, help="own label maps or probabilities, named as the images"
    )
    add_link_option(parser)
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="the I-th of N parts of the pairs, or slurm in a job array; merge joins their reports",
    )
    add_cluster_options(parser)
    parser.add_argument("--on-error", choices=("fail", "identity"), default="fail")


def run(options: argparse.Namespace) -> int:
    """Register the task's pairs; returns 0, or 1 where pairs failed."""
    with interruptible():
        shard = _asked_shard(options)
        _make_absolute(options)
        device = choose_device(options.device)
        task = read_task(options.input, pairs_file=options.pairs, follow_links=options.follow_links)
        read = {image.parent for pair in task.pairs for image in (pair.fixed, pair.moving)}
        own = () if options.segmentations is None else (options.segmentations,)
        require_output_folder(options.output, task.root, (*read, *own))
        choice = _profile(options.profile, task)
        fields = FieldFolder(options.output, choice.profile, options.short_names)
        fields.require_distinct_names(task.pairs)
        earlier = read_earlier(options.output, REPORT_NAME if shard is None else shard.report_name)
        require_own_folder(earlier.reports, task, options.output)
        require_segmentations(options.segmentations)
        method = choose_method(Asked(options.method, options.weights, options.segmentations), task)
    probe_writable(options.output)
    pairs = task.pairs if shard is None else shard.part_of(task.pairs)
    report = _report(task, choice, device, method)
    if shard is not None:
        report = report.model_copy(update={"part": _part(shard, pairs, task)})
    for warning in report.warnings:
        log.warning("%s", warning)
    masks = TaskMasks(task.root, options.follow_links) if method.uses_masks else None
    fingerprints = Fingerprints(method.sha256, options.segmentations, fields, masks)
    with interruptible():
        plan = make_plan(pairs, earlier, fingerprints, fields)
    _log_start(report, plan, method)
    if masks is not None and any(masks.file(pair) is not None for pair in plan.todo):
        log.info("the images are compared within the masks of the task")
    identity = options.on_error == "identity"
    means = Means(method, options.weights, device, fields, masks, fingerprints, identity)
    asked = [pair.name for pair in pairs]
    file = ReportFile(options.output, report, asked, plan.records, earlier.own, earlier.name)
    records = run_pairs(plan, _register_all(options, means), file)
    if shard is None:
        earlier.forget(asked)
    return _summary(records, options.output / file.name)


def _asked_shard(options: argparse.Namespace) -> Shard | None:
    """The shard, and what goes with it and with several processes.

    Raises:
        UsageError: options that do not go together, or no such shard.
    """
    require_cluster(options.workers, options.scheduler)
    if options.shard is None:
        return None
    if options.scheduler is not None:
        raise UsageError(
            "both --shard and --scheduler",
            expected="one of them: a scheduler shares the pairs out by itself",
        )
    return shard_of(options.shard, os.environ)


def _make_absolute(options: argparse.Namespace) -> None:
    """Workers have working folders of their own."""
    if options.workers is not None or options.scheduler is not None:
        for name in ("input", "output", "weights", "segmentations", "pairs"):
            path: Path | None = getattr(options, name)
            setattr(options, name, None if path is None else path.absolute())


def _register_all(options: argparse.Namespace, means: Means) -> RegisterAll:
    if options.workers is None and options.scheduler is None:
        return one_after_another(means.registration)
    gpus = torch.cuda.device_count() if means.device.type == "cuda" else 0
    engine = partial(opened_engine, options.workers, options.scheduler, gpus)
    return by_workers(engine, means.recipe, means.method.segmented)


def _part(shard: Shard, pairs: Sequence[Pair], task: Task) -> ShardPart:
    own = {pair.name for pair in pairs}
    places = {pair.name: place for place, pair in enumerate(task.pairs) if pair.name in own}
    return ShardPart(shard=shard.index, of=shard.count, places=places, total=len(task.pairs))


def _profile(asked: str | None, task: Task) -> ProfileChoice:
    if asked is not None:
        return ProfileChoice(PROFILES[asked], "asked for with --profile")
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
    of_all = (
        ""
        if report.part is None
        else f" of {report.part.total} in shard {report.part.shard}/{report.part.of}"
    )
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


def _summary(records: Sequence[PairRecord], report: Path) -> int:
    """Counts the pairs that were asked for; the report may hold more."""
    failed = [record.pair for record in records if record.status != "done"]
    done = len(records) - len(failed)
    log.info("%d of %s done, report in %s", done, counted(len(records), "pair"), report)
    if failed:
        log.error("%s failed: %s", counted(len(failed), "pair"), first_few(failed))
    return 1 if failed else 0
