"""What the trainings learn from: scans with label maps, changed at random, or drawn images."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from pipeline.config import SegmentorConfig, SegmentorTraining, TaskConfig
from pipeline.regions.networks import padded_for
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import region_source
from pipeline.train.augment import Greys, augmented, regreyed
from pipeline.train.auxiliary import load_auxiliary
from pipeline.train.drawing.heads import Heads, read_heads
from pipeline.train.drawing.image import Look, draw, random_window
from pipeline.train.drawing.labelmaps import LabelMap
from pipeline.train.drawing.pairs import drawn_pairs
from pipeline.train.drawing.palette import palette_of
from pipeline.train.job import Job
from pipeline.train.pairing import pairing_of
from pipeline.train.pairs import Group, PairMaterial, scanned_pairs
from pipeline.train.scanner import rescanned
from pipeline.train.segmented import load_segmented
from pipeline.train.subjects import Sample, halved_sample, load_samples, split_subjects
from pipeline.weights.bundle import Bundle

__all__ = ["Material", "drawn_material", "heads_of", "read_material", "read_pairs", "scanned_material"]

_One = TypeVar("_One")
_GREYS: dict[str, Greys] = {"smooth": regreyed, "scanner": rescanned}


class Material(NamedTuple):
    """Subjects on the grid of the network that learns, padded as it needs them."""

    draw: Callable[[torch.Generator], Sample]
    """A subject to learn from."""
    seen: Sequence[Sample]
    """Some that were learnt from, as they are."""
    held_out: Sequence[Sample]
    """Some that were not."""


def heads_of(job: Job, held_out: int, least: int) -> Heads | None:
    """The label maps that a training draws from; None where it has scans.

    Args:
        job: the training.
        held_out: how many maps are held out.
        least: how many must be left.

    Raises:
        KnownError: see `read_heads`.
    """
    spacing_mm = job.config.segmentor.spacing_mm
    if not job.label_maps or spacing_mm is None:
        return None
    palette = palette_of(job.regions, job.task.label_names, job.config.drawing)
    return read_heads(job.label_maps, spacing_mm, palette, held_out, least)


def read_material(job: Job, heads: Heads | None) -> tuple[Material, int]:
    """What a segmentor is asked to learn from, and how many subjects are trained on.

    Raises:
        UsageError: there are too few of them.
        KnownError: see `load_samples`.
    """
    if heads is not None:
        return drawn_material(job.config, heads), len(heads.training)
    return _read_scans(job)


def _read_scans(job: Job) -> tuple[Material, int]:
    settings = job.config.segmentor_training
    intensity = job.config.segmentor.intensity or job.config.intensity
    training, held_out = split_subjects(job.task, settings.held_out, job.config.split)
    samples = load_samples((*training, *held_out), job.regions, intensity, settings.crop, job.left_out)
    job.left_out.require_enough(training)
    count = len(job.left_out.without(training))
    return scanned_material(job.config, samples[:count], samples[count:]), count


def read_pairs(
    job: Job, heads: Heads | None, segmentor: Bundle | None, segmentations: Path | None, kept: Path
) -> tuple[PairMaterial, int]:
    """What a registration is asked to learn from, and how many subjects are trained on.

    Args:
        job: the training.
        heads: label maps to draw from; None where scans are used.
        segmentor: bundle that finds the regions.
        segmentations: the user's label maps, in its place.
        kept: folder for the segmentor's results on scans.

    Raises:
        UsageError: there are too few subjects, or no two of them make a pair.
        KnownError: see `load_segmented` and `load_auxiliary`.
    """
    if heads is not None and segmentor is not None:
        finder = segmentor.build_segmentor(job.device)
        return drawn_pairs(job.config, heads, finder), len(heads.training)
    names = {label: job.task.label_names[label] for label in job.regions[1:]}
    source = region_source(job.regions, names, segmentations, segmentor, kept, job.device)
    sides = SideCheck(names, job.regions)
    subjects, others = load_segmented(job.task, job.config, job.regions, source, sides, job.left_out)
    auxiliary = load_auxiliary(job.auxiliary, job.joint, job.config, kept, job.device, job.left_out)
    own = Group(subjects, pairing_of(job.config.registration_training.pairs, job.task))
    return scanned_pairs([own, *auxiliary], others, job.config), len(subjects)


def scanned_material(config: TaskConfig, training: Sequence[Sample], held_out: Sequence[Sample]) -> Material:
    """Scans with their label maps."""
    # On the half grid the network learns there: interpolated logits would cost more than the network.
    training, held_out = ([_placed(one, config.segmentor) for one in part] for part in (training, held_out))
    return Material(
        partial(_changed, training, config.segmentor_training), training[: len(held_out)], held_out
    )


def drawn_material(config: TaskConfig, heads: Heads) -> Material:
    """Images drawn from label maps; those that are looked at are whole, and always the same."""
    settings, segmentor = config.segmentor_training, config.segmentor
    intensity = segmentor.intensity or config.intensity
    look = Look(heads.palette, config.drawing, intensity, segmentor.grid == "half")

    def drawn(one: LabelMap, generator: torch.Generator, crop: tuple[int, int, int] | None) -> Sample:
        window = None if crop is None else random_window(one.values, crop, generator)
        image, regions = draw(one.values, look, generator, settings.augmentation, window)
        return _padded(Sample(one.name, image, regions), segmentor)

    def looked_at(maps: Sequence[LabelMap]) -> list[Sample]:
        return [drawn(one, torch.Generator().manual_seed(number), None) for number, one in enumerate(maps)]

    return Material(
        lambda generator: drawn(_any_of(heads.training, generator), generator, settings.crop),
        looked_at(heads.training[: len(heads.held_out)]),
        looked_at(heads.held_out),
    )


def _changed(training: Sequence[Sample], settings: SegmentorTraining, generator: torch.Generator) -> Sample:
    one = _any_of(training, generator)
    return augmented(one, generator, settings.augmentation, _GREYS[settings.greys])


def _any_of(subjects: Sequence[_One], generator: torch.Generator) -> _One:
    return subjects[int(torch.randint(len(subjects), (), generator=generator))]


def _placed(sample: Sample, config: SegmentorConfig) -> Sample:
    padded = _padded(sample, config)
    return halved_sample(padded) if config.grid == "half" else padded


def _padded(sample: Sample, config: SegmentorConfig) -> Sample:
    image, labels = (padded_for(config, part) for part in (sample.image, sample.labels[None]))
    return replace(sample, image=image, labels=labels[0])
