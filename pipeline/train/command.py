"""`train segmentor` and `train registration` from the command line."""

import argparse
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from pairs.errors import OutputError, UsageError, WeightsError
from pairs.task import Task, read_task
from pairs.wholefile import probe_writable
from pipeline.bundle import Bundle, BundleHeader, file_hash, read_bundle, write_bundle
from pipeline.config import TaskConfig, read_config, shipped_config
from pipeline.device import DEVICES, choose_device
from pipeline.model import freeze
from pipeline.predict.keptmasks import CACHE_NAME
from pipeline.segment.sides import SideCheck
from pipeline.text.table import BACKGROUND_PROMPT, EmbeddingTable, make_table, read_table
from pipeline.train.checkpoint import fingerprint_of
from pipeline.train.loop import Plan
from pipeline.train.masked import load_masked
from pipeline.train.masksource import mask_source
from pipeline.train.pairing import pairing_of
from pipeline.train.registration import train_registration
from pipeline.train.segmentor import train_segmentor
from pipeline.train.subjects import load_samples, region_table, split_subjects

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of both trainings; those of one network only are named so."""
    parser.add_argument("network", choices=("segmentor", "registration"))
    parser.add_argument(
        "--task", type=Path, required=True, help="task folder; its validation subjects are left out"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="bundle to write; the checkpoint lies beside it"
    )
    parser.add_argument(
        "--config", type=Path, help="task configuration (default: the shipped one of the task)"
    )
    parser.add_argument("--steps", type=int, help="optimizer steps, in place of the configuration's")
    parser.add_argument("--seed", type=int, help="random seed, in place of the configuration's")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--segmentor", type=Path, help="registration: bundle with the trained segmentor")
    parser.add_argument(
        "--segmentations", type=Path, help="registration: label maps or probabilities in place of a segmentor"
    )
    parser.add_argument("--embedding", type=Path, help="registration: table written by `embed`")
    parser.add_argument(
        "--head", choices=("text", "plain"), help="registration: plain trains without filters"
    )
    parser.add_argument("--licence", default="", help="licence of the training data, kept in the bundle")


def run(options: argparse.Namespace) -> int:
    """Train and write the bundle; returns 0."""
    job = _prepare(options)
    bundle = _segmentor(job, options) if options.network == "segmentor" else _registration(job, options)
    write_bundle(options.out, bundle)
    job.plan.checkpoint.unlink(missing_ok=True)
    log.info("wrote %s", options.out)
    return 0


@dataclass(frozen=True)
class _Job:
    task: Task
    config: TaskConfig
    regions: tuple[int, ...]
    plan: Plan
    device: torch.device


def _prepare(options: argparse.Namespace) -> _Job:
    task = read_task(options.task)
    config = read_config(options.config) if options.config else shipped_config(task.name)
    config = _with_overrides(_with_segmentor(config, options), options)
    if not task.label_names:
        task = replace(task, label_names=config.labels)
    device = choose_device(options.device)
    probe_writable(options.out.parent)
    if options.out.is_dir():
        raise OutputError("--out is a folder", where=options.out, expected="the name of a file")
    settings = config.segmentor_training if options.network == "segmentor" else config.registration_training
    depends = [options.network, config.model_dump(mode="json"), task.name]
    depends += [str(options.segmentations)] if options.segmentations else []
    depends += [file_hash(path) for path in (options.segmentor, options.embedding) if path and path.is_file()]
    plan = Plan(
        out=options.out,
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        power=settings.power,
        validate_every=settings.validate_every,
        fingerprint=fingerprint_of(*depends),
    )
    log.info("training the %s of %s: %d steps on %s", options.network, task.name, plan.steps, device)
    can_do_without_labels = options.network == "registration" and config.registration_training.dice == 0
    regions = (0,) if can_do_without_labels and not task.label_names else region_table(task)
    return _Job(task, config, regions, plan, device)


def _with_segmentor(config: TaskConfig, options: argparse.Namespace) -> TaskConfig:
    """A shipped configuration goes with any segmentor: a converted one has a size of the user's choice."""
    if options.network != "registration" or options.segmentor is None or options.config is not None:
        return config
    return config.model_copy(update={"segmentor": read_bundle(options.segmentor).header.config.segmentor})


def _with_overrides(config: TaskConfig, options: argparse.Namespace) -> TaskConfig:
    section = f"{options.network}_training"
    changes: dict[str, Any] = {
        k: getattr(options, k) for k in ("steps", "seed") if getattr(options, k) is not None
    }
    document = config.model_dump()
    document[section] |= changes
    if options.head:
        document["registration"]["head"] = options.head
    try:
        return TaskConfig.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"--{first['loc'][-1]}", got=first["input"], expected=first["msg"]) from error


def _segmentor(job: _Job, options: argparse.Namespace) -> Bundle:
    settings = job.config.segmentor_training
    if not job.config.segmentor.is_on_the_image_grid:
        raise UsageError(
            "a segmentor with an orientation, spacing or classes of its own is not trained here",
            where=options.config or job.task.name,
            remedy="bring trained weights with `convert`, or leave these settings out of the configuration",
        )
    intensity = job.config.segmentor.intensity or job.config.intensity
    training, held_out = (
        load_samples(part, job.regions, intensity, settings.crop)
        for part in split_subjects(job.task, settings.held_out, job.config.split)
    )
    network = train_segmentor(job.config, training, held_out, len(job.regions), job.plan, job.device)
    provenance = {"segmentor": _provenance(job, options, settings.seed, len(training))}
    return Bundle(_header(job, provenance), segmentor=network.state_dict())


def _registration(job: _Job, options: argparse.Namespace) -> Bundle:
    settings = job.config.registration_training
    segmentor_bundle = None
    if options.segmentor is not None or (len(job.regions) > 1 and options.segmentations is None):
        segmentor_bundle = _segmentor_bundle(job, options.segmentor)
    table = _embedding_table(job, options.embedding)
    names = {label: job.task.label_names[label] for label in job.regions[1:]}
    kept = options.out.parent / CACHE_NAME
    masks = mask_source(job.regions, names, options.segmentations, segmentor_bundle, kept, job.device)
    training, held_out = load_masked(job.task, job.config, job.regions, masks, SideCheck(names))
    vectors = table.vectors if table else None
    pairing = pairing_of(settings.pairs, job.task)
    net = train_registration(
        job.config, training, held_out, vectors, len(job.regions), job.plan, job.device, pairing
    )
    provenance = dict(segmentor_bundle.header.training) if segmentor_bundle else {}
    provenance["registration"] = _provenance(job, options, settings.seed, len(training))
    return Bundle(
        _header(job, provenance, table),
        segmentor=segmentor_bundle.segmentor if segmentor_bundle else {},
        registration=freeze(net).state_dict(),
        text={"vectors": table.vectors} if table else {},
    )


def _segmentor_bundle(job: _Job, path: Path | None) -> Bundle:
    if path is None:
        raise UsageError(
            "no segmentor given",
            remedy="train one first, or convert one, then give --segmentor FILE; or give --segmentations DIR",
        )
    bundle = read_bundle(path)
    if bundle.header.regions != job.regions:
        raise WeightsError(
            "the segmentor is for other labels", where=path, expected=job.regions, got=bundle.header.regions
        )
    # The new bundle holds this segmentor beside this configuration, so both must agree.
    for section in ("segmentor",) if job.config.segmentor.intensity else ("intensity", "segmentor"):
        expected, got = getattr(job.config, section), getattr(bundle.header.config, section)
        if got != expected:
            raise WeightsError(
                f"the segmentor was trained under another configuration of '{section}'",
                where=path,
                expected=expected.model_dump_json(),
                got=got.model_dump_json(),
                remedy="give --config with the segmentor's own settings",
            )
    return bundle


def _embedding_table(job: _Job, path: Path | None) -> EmbeddingTable | None:
    if job.config.registration.head == "plain":
        return None
    if len(job.regions) == 1:
        # One region has one filter, whatever its vector.
        return make_table(torch.ones(1, 1), (BACKGROUND_PROMPT,), (0,), "one-hot", "onehot")
    if path is None:
        raise UsageError(
            "no text vectors given", remedy="write them with `embed`, then give --embedding FILE"
        )
    table = read_table(path)
    if table.labels != job.regions:
        raise WeightsError(
            "the text vectors are for other labels", where=path, expected=job.regions, got=table.labels
        )
    return table


def _header(job: _Job, training: dict[str, Any], table: EmbeddingTable | None = None) -> BundleHeader:
    names = tuple(job.task.label_names[label] for label in job.regions[1:])
    return BundleHeader(
        task=job.task.name,
        modality=job.task.modality,
        regions=job.regions,
        region_names=("background", *names),
        config=job.config,
        prompts=table.prompts if table else (),
        embedder=table.embedder if table else None,
        background=table.background if table else None,
        embedding_sha256=table.sha256 if table else None,
        training=training,
    )


def _provenance(job: _Job, options: argparse.Namespace, seed: int, subjects: int) -> dict[str, Any]:
    return {
        "task": job.task.name,
        "subjects": subjects,
        "licence": options.licence,
        "steps": job.plan.steps,
        "seed": seed,
        "device": str(job.device),
        "torch": torch.__version__,
    }
