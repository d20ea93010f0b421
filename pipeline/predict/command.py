"""`predict INPUT OUTPUT` from the command line."""

import argparse
import logging
from pathlib import Path

from pairs.displacement import PROFILES
from pairs.errors import UsageError, WeightsError
from pairs.profile import DEFAULT_PROFILE
from pairs.task import Task, read_task
from pairs.wholefile import probe_writable, sweep_temporaries
from pipeline.bundle import Bundle, read_bundle
from pipeline.device import DEVICES, choose_device
from pipeline.predict.masks import FileMasks, Masks, SegmentorMasks
from pipeline.predict.registrar import Registrar
from pipeline.predict.report import RunReport
from pipeline.predict.run import Settings, run_pairs
from pipeline.stopping import listen_for_signals

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "weights"
CACHE_NAME = ".segmentations"


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
    task = read_task(options.input, pairs_file=options.pairs)
    weights = options.weights or WEIGHTS_FOLDER / f"{task.name}.safetensors"
    bundle = read_bundle(weights)
    _require_fit(bundle, task, weights)
    device = choose_device(options.device)
    registrar = Registrar(bundle, device)
    probe_writable(options.output)
    sweep_temporaries(options.output)
    masks = _masks(options, bundle, registrar)
    log.info("%s: %d pairs, weights %s, on %s", task.name, len(task.pairs), weights.name, device)
    for warning in task.warnings:
        log.warning("%s", warning)
    listen_for_signals()
    settings = Settings(options.output, PROFILES[options.profile], options.short_names, options.on_error)
    return _summary(run_pairs(task, bundle, weights, registrar, masks, settings), options.output)


def _require_fit(bundle: Bundle, task: Task, weights: Path) -> None:
    """Weights for other labels or another modality are refused by name."""
    header = bundle.header
    if task.label_names and tuple(sorted(task.label_names)) != header.regions[1:]:
        raise WeightsError(
            "the weights are for other labels",
            where=weights,
            expected=f"labels {sorted(task.label_names)} of {task.name}",
            got=f"labels {list(header.regions[1:])} of {header.task}",
        )
    if task.modality and task.modality.split()[0] != header.modality.split()[0]:
        raise WeightsError(
            "the weights are for another modality", where=weights, expected=task.modality, got=header.modality
        )


def _masks(options: argparse.Namespace, bundle: Bundle, registrar: Registrar) -> Masks:
    if options.segmentations is None:
        cache = options.output / CACHE_NAME
        probe_writable(cache)
        segmentor = bundle.build_segmentor(registrar.device)
        return SegmentorMasks(segmentor, bundle.header.config.intensity, bundle.sha256, cache)
    if not options.segmentations.is_dir():
        raise UsageError("no folder of segmentations", where=options.segmentations)
    return FileMasks(options.segmentations, bundle.header.regions)


def _summary(report: RunReport, output: Path) -> int:
    failed = [record for record in report.pairs if record.status != "done"]
    done = len(report.pairs) - len(failed)
    log.info("%d of %d pairs done, report in %s", done, len(report.pairs), output / "report.json")
    if failed:
        log.error("%d pairs failed: %s", len(failed), ", ".join(record.pair for record in failed))
    return 1 if failed else 0
