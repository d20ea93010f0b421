"""`predict INPUT OUTPUT` from the command line."""

import argparse
import logging
from pathlib import Path

import torch

from pairs.displacement import PROFILES
from pairs.errors import UsageError, WeightsError
from pairs.profile import DEFAULT_PROFILE
from pairs.task import Task, read_task
from pairs.wholefile import probe_writable
from pipeline.bundle import Bundle, read_bundle
from pipeline.device import DEVICES, choose_device
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.fit import require_fit, require_own_folder, weights_warnings
from pipeline.predict.keptmasks import CACHE_NAME, KeptSegmentations
from pipeline.predict.masks import (
    FileMasks,
    Masks,
    SegmentorMasks,
    SideCheckedMasks,
    background_everywhere,
)
from pipeline.predict.plan import Plan, make_plan
from pipeline.predict.registrar import Registrar
from pipeline.predict.registration import PairRegistration
from pipeline.predict.report import REPORT_NAME, RunReport, read_report
from pipeline.predict.run import Register, run_pairs
from pipeline.stopping import interruptible, uninterrupted
from pipeline.weightfolders import bundle_of

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

_PAIRS_TOLD = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `predict`."""
    parser.add_argument("input", type=Path, help="task folder, its dataset JSON, or a pair list inside it")
    parser.add_argument("output", type=Path, help="folder for the fields and report.json")
    parser.add_argument("--profile", choices=sorted(PROFILES), default=DEFAULT_PROFILE)
    parser.add_argument("--short-names", action="store_true", help="disp_FFFF_MMMM in place of long names")
    parser.add_argument("--weights", type=Path, help="bundle (default: the shipped one of the task)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--pairs", type=Path, help="pair list to use in place of the task's own")
    parser.add_argument(
        "--segmentations", type=Path, help="own label maps or probabilities, named as the images"
    )
    parser.add_argument("--on-error", choices=("fail", "identity"), default="fail")


def run(options: argparse.Namespace) -> int:
    """Register the task's pairs; returns 0, or 1 where pairs failed."""
    with interruptible():
        fields = FieldFolder(options.output, PROFILES[options.profile], options.short_names)
        device = choose_device(options.device)
        task = read_task(options.input, pairs_file=options.pairs)
        fields.require_distinct_names(task.pairs)
        earlier = read_report(options.output)
        require_own_folder(earlier, task, options.output)
        weights, bundle = _weights(options, task)
        _require_segmentations(options.segmentations)
    probe_writable(options.output)
    report = _report(task, fields, device, weights, bundle)
    for warning in report.warnings:
        log.warning("%s", warning)
    fingerprints = Fingerprints(bundle.sha256, options.segmentations, fields)
    with interruptible():
        plan = make_plan(task.pairs, earlier, fingerprints, fields)
    _log_start(report, plan)

    def prepare() -> Register:
        with interruptible():
            registrar = Registrar(bundle, device, fields.profile.upsampling)
            masks = _masks(options, bundle, device)
        identity = options.on_error == "identity"
        return PairRegistration(registrar, masks, fields, fingerprints, task.root, task.shape, identity)

    return _summary(run_pairs(plan, prepare, report, options.output), options.output)


def _weights(options: argparse.Namespace, task: Task) -> tuple[Path, Bundle]:
    path = options.weights or bundle_of(task.name)
    if options.weights is None and not path.exists():
        got = f"no weights are shipped for {task.name}"
        raise WeightsError("no weights file", where=path, got=got, remedy="give --weights FILE")
    bundle = read_bundle(path)
    require_fit(bundle.header, task, path)
    return path, bundle


def _require_segmentations(folder: Path | None) -> None:
    if folder is not None and not folder.is_dir():
        raise UsageError("no folder of segmentations", where=folder)


def _report(
    task: Task, fields: FieldFolder, device: torch.device, weights: Path, bundle: Bundle
) -> RunReport:
    return RunReport(
        task=task.name,
        profile=fields.profile.name,
        device=str(device),
        torch=torch.__version__,
        weights=weights.name,
        weights_sha256=bundle.sha256,
        training=bundle.header.training,
        config=bundle.header.config,
        warnings=(*task.warnings, *weights_warnings(bundle.header, task)),
    )


def _masks(options: argparse.Namespace, bundle: Bundle, device: torch.device) -> Masks:
    header = bundle.header
    names = dict(zip(header.regions[1:], header.region_names[1:], strict=True))
    if options.segmentations is not None:
        own = FileMasks(options.segmentations, header.regions)
        return SideCheckedMasks(own, header.regions, names)
    if not names:
        return background_everywhere
    segmentor = bundle.build_volume_segmentor(device)
    folder = options.output / CACHE_NAME
    with uninterrupted():
        probe_writable(folder)
    kept = KeptSegmentations(folder, f"{bundle.sha256} {device.type}", len(header.regions))
    return SideCheckedMasks(SegmentorMasks(segmentor, kept), header.regions, names)


def _log_start(report: RunReport, plan: Plan) -> None:
    kept = len(plan.pairs) - len(plan.todo)
    log.info(
        "%s: %d pairs%s, weights %s, profile %s, on %s",
        report.task,
        len(plan.pairs),
        f", {kept} of them finished before" if kept else "",
        report.weights,
        report.profile,
        report.device,
    )


def _summary(report: RunReport, output: Path) -> int:
    failed = [record.pair for record in report.pairs if record.status != "done"]
    done = len(report.pairs) - len(failed)
    log.info("%d of %d pairs done, report in %s", done, len(report.pairs), output / REPORT_NAME)
    if failed:
        more = f" and {len(failed) - _PAIRS_TOLD} more" if len(failed) > _PAIRS_TOLD else ""
        log.error("%d pairs failed: %s%s", len(failed), ", ".join(failed[:_PAIRS_TOLD]), more)
    return 1 if failed else 0
