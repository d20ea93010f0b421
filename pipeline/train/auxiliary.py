"""Auxiliary tasks: subjects with other regions that join a training (textSCF, Table 4)."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pairs.errors import UsageError
from pairs.tasks.task import Task, read_task
from pipeline.config import TaskConfig
from pipeline.regions.source import read_segmentor, region_source
from pipeline.regions.table import JointRegions, joint_regions
from pipeline.train.leftout import LeftOut
from pipeline.train.pairing import pairing_of
from pipeline.train.pairs import Group
from pipeline.train.segmented import SegmentedSample, halved, with_regions
from pipeline.train.subjects import Sample, load_samples, region_table, split_subjects
from pipeline.weights.bundle import file_hash
from pipeline.weights.tensorfile import require_file

__all__ = ["Auxiliary", "AuxiliaryTask", "add_arguments", "load_auxiliary", "read_auxiliary"]


@dataclass(frozen=True)
class AuxiliaryTask:
    """One of them.

    Attributes:
        task: Its folder's description.
        segmentor: Bundle whose segmentor finds the regions; None takes the label maps, with p = 1.
    """

    task: Task
    segmentor: Path | None


@dataclass(frozen=True)
class Auxiliary:
    """All of them.

    Attributes:
        tasks: In the order of the command line.
        encoded: Whether their regions join the table; else they are background ("without extra encoding").
    """

    tasks: tuple[AuxiliaryTask, ...] = ()
    encoded: bool = True

    def joined(self, main: Task) -> JointRegions:
        """The table of the whole training, the main task's rows first."""
        others = [one.task.label_names for one in self.tasks] if self.encoded else []
        return joint_regions(main.label_names, others)

    def provenance(self) -> dict[str, Any]:
        """Returns names and sources of regions for fingerprint and bundle; nothing where there is no task."""
        tasks = [
            {"task": one.task.name, "regions": file_hash(one.segmentor) if one.segmentor else "label maps"}
            for one in self.tasks
        ]
        return {"auxiliary": tasks, "auxiliary_regions_encoded": self.encoded} if tasks else {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that name auxiliary tasks."""
    parser.add_argument(
        "--aux-task",
        type=Path,
        nargs="+",
        action="append",
        default=[],
        metavar=("DIR", "SEGMENTOR"),
        help="registration: task whose training subjects join, and the bundle that segments them (default: "
        "their label maps); may be given again",
    )
    parser.add_argument(
        "--aux-regions",
        choices=("encode", "background"),
        default="encode",
        help="registration: filters for the regions of auxiliary tasks, or take them for background",
    )


def read_auxiliary(options: argparse.Namespace) -> Auxiliary:
    """The tasks that were named.

    Raises:
        UsageError: more than a folder and a bundle for one task, or tasks for a training that takes none.
        WeightsError: a bundle is absent.
        TaskError: a task cannot be read.
    """
    if options.aux_task and options.network != "registration":
        raise UsageError("--aux-task is for the registration only", got=f"train {options.network}")
    tasks = []
    for folder, *bundles in options.aux_task:
        if len(bundles) > 1:
            got = f"{len(bundles)} bundles"
            raise UsageError(
                "too many bundles for one --aux-task", where=folder, expected="one bundle", got=got
            )
        for bundle in bundles:
            require_file(bundle, "give a bundle, or leave it out")
        task = read_task(folder, follow_links=options.follow_links)
        tasks.append(AuxiliaryTask(task, bundles[0] if bundles else None))
    return Auxiliary(tuple(tasks), options.aux_regions == "encode")


def load_auxiliary(
    auxiliary: Auxiliary,
    joint: JointRegions,
    config: TaskConfig,
    kept: Path,
    device: torch.device,
    left_out: LeftOut,
) -> list[Group]:
    """The subjects of every auxiliary task, scaled and cropped as the main task's, with rows of `joint`.

    Args:
        auxiliary: the tasks.
        joint: the table of the whole training.
        config: the main task's.
        kept: folder for the segmentors' results.
        device: where the segmentors run.
        left_out: takes the subjects that cannot be used.

    Raises:
        UsageError: a task has no labels, or fewer than two subjects to train on.
        WeightsError: a segmentor is for other labels.
        KnownError: see `load_samples`.
    """
    return [
        Group(_load(one, joint, config, kept, device, left_out), pairing_of("any", one.task))
        for one in auxiliary.tasks
    ]


def _load(
    one: AuxiliaryTask,
    joint: JointRegions,
    config: TaskConfig,
    kept: Path,
    device: torch.device,
    left_out: LeftOut,
) -> list[SegmentedSample]:
    regions, crop = region_table(one.task), config.registration_training.crop
    subjects, _ = split_subjects(one.task, held_out=0)
    samples = load_samples(subjects, regions, config.intensity, crop, left_out)
    left_out.require_enough(subjects)
    if one.segmentor is None:
        segmented = _certain(samples)
    else:
        bundle = read_segmentor(one.segmentor, regions, one.task.name)
        source = region_source(regions, one.task.label_names, None, bundle, kept, device)
        segmented = with_regions(left_out.without(subjects), samples, source, crop, left_out)
        left_out.require_enough(subjects)
    if config.registration.grid == "half":
        segmented = [halved(subject) for subject in segmented]
    rows = torch.tensor(joint.rows_of(one.task.label_names))
    return [
        replace(
            subject,
            sample=replace(subject.sample, labels=rows[subject.sample.labels]),
            regions=rows[subject.regions],
        )
        for subject in segmented
    ]


def _certain(samples: Sequence[Sample]) -> list[SegmentedSample]:
    """Takes the true labels as regions."""
    return [SegmentedSample(one, one.labels, torch.ones(one.labels.shape)) for one in samples]
