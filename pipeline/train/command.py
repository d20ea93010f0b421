"""`train segmentor` and `train registration` from the command line."""

import argparse
import logging
from pathlib import Path
from typing import Any

import torch

from pairs.errors import UsageError, WeightsError
from pairs.tasks.taskoptions import add_link_option
from pipeline.machine.device import DEVICES
from pipeline.machine.memory import shortage_reported
from pipeline.machine.stopping import interruptible
from pipeline.network.model import freeze
from pipeline.regions.kept import CACHE_NAME
from pipeline.regions.source import read_segmentor
from pipeline.regions.volumes import VolumeRange
from pipeline.text.table import BACKGROUND_PROMPT, EmbeddingTable, make_table, read_table
from pipeline.train import auxiliary
from pipeline.train.footprint import require_memory
from pipeline.train.job import Job, prepare
from pipeline.train.launch import launch
from pipeline.train.material import heads_of, read_material, read_pairs
from pipeline.train.ranks import ALONE, Ranks
from pipeline.train.registrationnetwork import train_registration
from pipeline.train.segmentor import train_segmentor
from pipeline.weights.bundle import Bundle, BundleHeader, write_bundle

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of both trainings; those of one network only are named so."""
    parser.add_argument("network", choices=("segmentor", "registration"))
    parser.add_argument(
        "--task", type=Path, required=True, help="task folder; its validation subjects are left out"
    )
    add_link_option(parser)
    parser.add_argument(
        "--out", type=Path, required=True, help="bundle to write; the checkpoint lies beside it"
    )
    parser.add_argument(
        "--config", type=Path, help="task configuration (default: the shipped one of the task)"
    )
    parser.add_argument("--steps", type=int, help="optimizer steps, in place of the configuration's")
    parser.add_argument("--batch", type=int, help="pairs or subjects a step, in place of the configuration's")
    parser.add_argument("--seed", type=int, help="random seed, in place of the configuration's")
    parser.add_argument(
        "--processes",
        type=int,
        default=1,
        help="processes that share the batch and the cores, with a GPU each where there are any (default: 1)",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    _add_inputs(parser)
    parser.add_argument(
        "--head",
        choices=("text", "coordinates", "plain"),
        help="registration: filters a region, filters a voxel from its place, or none",
    )
    parser.epilog = (
        "exit code: 0 when the bundle is written; 1 also when it is written, but without subjects whose "
        "files could not be used: the last line names them"
    )
    auxiliary.add_arguments(parser)
    parser.add_argument("--licence", default="", help="licence of the training data, kept in the bundle")


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    """What a training reads besides the task."""
    parser.add_argument(
        "--from",
        type=Path,
        dest="start",
        metavar="FILE",
        help="segmentor: bundle whose weights the training starts from, in place of random ones",
    )
    parser.add_argument("--segmentor", type=Path, help="registration: bundle with the trained segmentor")
    parser.add_argument(
        "--segmentations", type=Path, help="registration: label maps or probabilities in place of a segmentor"
    )
    parser.add_argument(
        "--label-maps",
        type=Path,
        metavar="DIR",
        help="draw the training images from these label maps, in place of the task's scans",
    )
    parser.add_argument("--embedding", type=Path, help="registration: table written by `embed`")


def run(options: argparse.Namespace) -> int:
    """Train and write the bundle; returns 0, or 1 where subjects had to be left out."""
    job = prepare(options)
    if options.processes == 1:
        return _trained(job, options, ALONE)
    return launch(options.processes, _trained, (job, options), job.device, job.plan.checkpoint)


def _trained(job: Job, options: argparse.Namespace, ranks: Ranks) -> int:
    """One process's part in the training; the leader's includes all that is written."""
    remedy = "make the crop or the network smaller, or free some memory"
    with shortage_reported("the training", options.out, remedy):
        train = _segmentor if options.network == "segmentor" else _registration
        bundle = train(job, options, ranks)
    if not ranks.leads:
        return 0
    write_bundle(options.out, bundle)
    job.plan.checkpoint.unlink(missing_ok=True)
    log.info("wrote %s", options.out)
    if job.left_out.faults:
        log.warning("%s is complete; %s; the exit code is 1", options.out, job.left_out)
    return 1 if job.left_out.faults else 0


def _segmentor(job: Job, options: argparse.Namespace, ranks: Ranks) -> Bundle:
    settings = job.config.segmentor_training
    with interruptible(), ranks.leader_first():
        heads = heads_of(job, settings.held_out, least=1)
        material, subjects = read_material(job, heads)
    start = job.start.segmentor if job.start else None
    network = train_segmentor(job.config, material, len(job.regions), job.plan, job.device, ranks, start)
    provenance = {"segmentor": _provenance(job, options, settings.seed, subjects)}
    if job.start:
        before = job.start.header.training.get("segmentor", {})
        provenance["segmentor"]["started_from"] = {"sha256": job.start.sha256, **before}
    volumes = heads.volumes_ml() if heads else ()
    return Bundle(_header(job, provenance, volumes), segmentor=network.state_dict())


def _registration(job: Job, options: argparse.Namespace, ranks: Ranks) -> Bundle:
    settings = job.config.registration_training
    segmentor_bundle = None
    if options.segmentor is not None or (len(job.regions) > 1 and options.segmentations is None):
        segmentor_bundle = _segmentor_bundle(job, options.segmentor)
    table = _embedding_table(job, options.embedding)
    vectors = table.vectors if table else None
    require_memory(job.config.registration, vectors, job.device, ranks.count)
    # Segmenting every subject takes minutes; those that are done are kept.
    kept = options.out.parent / CACHE_NAME
    with interruptible(), ranks.leader_first():
        heads = heads_of(job, settings.held_out, least=2)
        material, subjects = read_pairs(job, heads, segmentor_bundle, options.segmentations, kept)
    regions = len(job.joint.labels)
    net = train_registration(job.config, material, vectors, regions, job.plan, job.device, ranks)
    provenance = dict(segmentor_bundle.header.training) if segmentor_bundle else {}
    volumes = segmentor_bundle.header.volumes_ml if segmentor_bundle else ()
    volumes = heads.volumes_ml() if heads else volumes
    provenance["registration"] = _provenance(job, options, settings.seed, subjects)
    provenance["registration"] |= job.auxiliary.provenance()
    return Bundle(
        _header(job, provenance, volumes, table),
        segmentor=segmentor_bundle.segmentor if segmentor_bundle else {},
        # The bundle is for the task alone: what the others taught is in the weights, not in their rows.
        registration=freeze(net, len(job.regions)).state_dict(),
        text={"vectors": table.vectors[: len(job.regions)]} if table else {},
    )


def _segmentor_bundle(job: Job, path: Path | None) -> Bundle:
    if path is None:
        raise UsageError(
            "no segmentor given",
            remedy="train one first, or convert one, then give --segmentor FILE; or give --segmentations DIR",
        )
    bundle = read_segmentor(path, job.regions, job.task.name)
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


def _embedding_table(job: Job, path: Path | None) -> EmbeddingTable | None:
    if job.config.registration.head != "text":
        return None
    if len(job.regions) == 1:
        # One region has one filter, whatever its vector.
        return make_table(torch.ones(1, 1), (BACKGROUND_PROMPT,), (0,), "one-hot", "onehot")
    if path is None:
        raise UsageError(
            "no text vectors given", remedy="write them with `embed`, then give --embedding FILE"
        )
    table = read_table(path)
    if table.labels != job.joint.labels:
        raise WeightsError(
            "the text vectors are for other labels",
            where=path,
            expected=job.joint.labels,
            got=table.labels,
            remedy="write them with `embed` for this task, its --aux-task the same as here",
        )
    return table


def _header(
    job: Job,
    training: dict[str, Any],
    volumes_ml: tuple[VolumeRange, ...],
    table: EmbeddingTable | None = None,
) -> BundleHeader:
    names = tuple(job.task.label_names[label] for label in job.regions[1:])
    return BundleHeader(
        task=job.task.name,
        modality=job.task.modality,
        regions=job.regions,
        region_names=("background", *names),
        volumes_ml=volumes_ml,
        config=job.config,
        prompts=table.prompts[: len(job.regions)] if table else (),
        embedder=table.embedder if table else None,
        background=table.background if table else None,
        embedding_sha256=table.sha256 if table else None,
        training=training,
    )


def _provenance(job: Job, options: argparse.Namespace, seed: int, subjects: int) -> dict[str, Any]:
    return {
        "task": job.task.name,
        "subjects": subjects,
        "licence": options.licence,
        "steps": job.plan.steps,
        "seed": seed,
        "device": str(job.device),
        "torch": torch.__version__,
    }
