"""What a training is asked to do, checked before any image is loaded."""

import argparse
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from pairs.errors import UsageError
from pairs.files.outputs import require_outputs
from pairs.tasks.task import Task, read_task
from pipeline.config import SegmentorConfig, TaskConfig, read_config, shipped_config
from pipeline.configtypes import first_fault
from pipeline.machine.device import choose_device
from pipeline.network.backbones.registry import build_backbone
from pipeline.programversion import program_version
from pipeline.regions.config import LatticeConfig
from pipeline.regions.source import require_segmentations
from pipeline.regions.table import JointRegions
from pipeline.train.auxiliary import Auxiliary, read_auxiliary
from pipeline.train.checkpoint import fingerprint_of, require_own
from pipeline.train.datahash import data_hash, subjects_seen
from pipeline.train.drawing.labelmaps import label_map_files
from pipeline.train.launch import require_processes
from pipeline.train.leftout import LeftOut
from pipeline.train.loop import Plan
from pipeline.train.stages import stage_steps
from pipeline.train.start import read_start
from pipeline.train.subjects import region_table
from pipeline.weights.bundle import Bundle, file_hash, read_bundle

__all__ = ["Job", "prepare"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A training, ready to begin."""

    task: Task
    config: TaskConfig
    regions: tuple[int, ...]
    plan: Plan
    device: torch.device
    auxiliary: Auxiliary
    joint: JointRegions
    """Regions of the whole training; the first are the task's own."""
    label_maps: tuple[Path, ...] = ()
    """Files to draw training images from; none where the task's scans are used."""
    start: Bundle | None = None
    """Whose weights the training starts from."""
    left_out: LeftOut = field(default_factory=LeftOut)
    """Subjects whose files turn out not to be usable."""


def prepare(options: argparse.Namespace) -> Job:
    """The training that the arguments of `train` ask for; whatever can be refused now is.

    Raises:
        KnownError: a task, configuration or option is wrong, or the output is not writable.
    """
    task = read_task(options.task, follow_links=options.follow_links)
    others = read_auxiliary(options)
    config = read_config(options.config) if options.config else shipped_config(task.name)
    config = _with_overrides(_with_segmentor(config, options), options)
    if not task.label_names:
        task = replace(task, label_names=config.labels)
    device = choose_device(options.device)
    label_maps = () if options.label_maps is None else label_map_files(options.label_maps)
    require_segmentations(options.segmentations)
    _require_output_apart(options, others)
    settings = config.segmentor_training if options.network == "segmentor" else config.registration_training
    require_processes(options.processes, settings.batch, device)
    _require_trainable(config, options.network)
    where = options.config or task.name
    if label_maps:
        _require_grid_of_maps(config, options, where)
    elif options.network == "segmentor":
        _require_own_grid(config.segmentor, where)
    # Where images are drawn, no scan is looked at.
    seen = [] if label_maps else [*subjects_seen(task, config.split)]
    seen += [subject for other in others.tasks for subject in subjects_seen(other.task)]
    depends = [options.network, config.model_dump(mode="json"), task.name, others.provenance()]
    depends += [program_version(), data_hash(seen, options.segmentations)]
    read = (options.segmentor, options.embedding, options.start, *label_maps)
    depends += [file_hash(path) for path in read if path and path.is_file()]
    plan = Plan(
        out=options.out,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        power=settings.power,
        validate_every=settings.validate_every,
        fingerprint=fingerprint_of(*depends),
        schedule=settings.schedule,
        warm_up=settings.warm_up,
        average=settings.average,
    )
    require_own(plan.checkpoint, plan.fingerprint)
    log.info("training the %s of %s: %d steps on %s", options.network, task.name, plan.steps, device)
    can_do_without_labels = options.network == "registration" and config.registration_training.dice == 0
    regions = (0,) if can_do_without_labels and not task.label_names else region_table(task)
    start = read_start(options, config, regions)
    return Job(task, config, regions, plan, device, others, others.joined(task), label_maps, start)


def _require_output_apart(options: argparse.Namespace, others: Auxiliary) -> None:
    """Refuse an output that is also an input.

    Raises:
        UsageError: it is one.
        OutputError: it cannot be written.
    """
    bundles = (other.segmentor for other in others.tasks)
    given = (options.segmentor, options.segmentations, options.embedding, options.start)
    tasks = (options.task, *(other.task.root for other in others.tasks))
    require_outputs(
        (options.out,), tasks=tasks, inputs=(*given, options.config, options.label_maps, *bundles)
    )


def _require_trainable(config: TaskConfig, network: str) -> None:
    """Refuse a backbone that cannot be built, or stages that do not fit it, before any image is read.

    A segmentor too is trained for the registration that comes after it under the same configuration.

    Raises:
        UsageError: the backbone cannot be built, or its stages do not fit; or the segmentor is a MeshNet.
    """
    if network == "segmentor" and config.segmentor.meshnet is not None:
        remedy = "bring trained weights with `convert`, or take the network 'unet' or 'plainunet'"
        raise UsageError("a MeshNet is not trained here", where=config.task, remedy=remedy)
    with torch.device("meta"):
        backbone = build_backbone(config.registration)
    if network == "registration":
        stage_steps(backbone, config.registration_training, config.registration_training.steps)


def _require_own_grid(config: SegmentorConfig, where: object) -> None:
    """Refuse a segmentor whose grid or classes are not those of the scans that it would be trained on.

    Raises:
        UsageError: they are not.
    """
    if not config.is_on_the_image_grid:
        raise UsageError(
            "a segmentor with an orientation, spacing or classes of its own is not trained here",
            where=where,
            remedy="bring trained weights with `convert`, or leave these settings out of the configuration",
        )


def _require_grid_of_maps(config: TaskConfig, options: argparse.Namespace, where: object) -> None:
    """Refuse networks that would see scans on another grid than that of the images that are drawn.

    Raises:
        UsageError: one has no orientation or spacing, or the two differ; or options that come from scans.
    """
    networks: dict[str, LatticeConfig] = {"segmentor": config.segmentor}
    if options.network == "registration":
        networks["registration"] = config.registration
        for option, given in (("--aux-task", options.aux_task), ("--segmentations", options.segmentations)):
            if given:
                raise UsageError(f"--label-maps and {option} do not go together")
    for name, network in networks.items():
        # The maps are turned so, whatever the networks of others were trained on.
        if network.orientation != "RAS" or network.spacing_mm is None:
            raise UsageError(
                "scans are brought to the grid of the label maps that a network has learnt from",
                where=where,
                expected=f'`orientation: "RAS"` and `spacing_mm`, the maps\' voxel sizes, in `{name}`',
                got=f"orientation {network.orientation}, spacing_mm {network.spacing_mm}",
            )
    if options.network == "registration":
        _require_one_view(config, where)


def _require_one_view(config: TaskConfig, where: object) -> None:
    """Refuse a registration that sees drawn images in another way than its segmentor: one is drawn for both.

    Raises:
        UsageError: intensity, spacing or grid differ.
    """
    of_segmentor = (config.segmentor.intensity or config.intensity, config.segmentor.spacing_mm)
    if (config.intensity, config.registration.spacing_mm) != of_segmentor:
        raise UsageError(
            "both networks see the same drawn images",
            where=where,
            expected="`intensity` and `spacing_mm` of the segmentor as of the registration",
        )
    if config.segmentor.right_class_labels is not None:
        raise UsageError("no images are drawn for a segmentor whose classes have no sides", where=where)
    if (config.segmentor.grid, config.registration.grid) == ("half", "full"):
        raise UsageError(
            "both networks see the same drawn images, the registration more of them than the segmentor",
            where=where,
            expected="`grid` of the registration 'half', or another segmentor",
        )


def _with_segmentor(config: TaskConfig, options: argparse.Namespace) -> TaskConfig:
    """A shipped configuration goes with any segmentor: a converted one has a size of the user's choice."""
    if options.network != "registration" or options.segmentor is None or options.config is not None:
        return config
    return config.model_copy(update={"segmentor": read_bundle(options.segmentor).header.config.segmentor})


def _with_overrides(config: TaskConfig, options: argparse.Namespace) -> TaskConfig:
    section = f"{options.network}_training"
    changes: dict[str, Any] = {
        k: getattr(options, k) for k in ("steps", "batch", "seed") if getattr(options, k) is not None
    }
    document = config.model_dump()
    document[section] |= changes
    if options.head:
        document["registration"]["head"] = options.head
    try:
        return TaskConfig.model_validate(document)
    except ValidationError as error:
        fault = first_fault(error, TaskConfig)
        option = f"--{fault.field.rpartition('.')[2]}"
        raise UsageError(f"argument {option}", expected=fault.expected, got=fault.got) from error
