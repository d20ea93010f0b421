"""What a segmentor learns from: scans with label maps, changed at random, or images drawn from label maps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch

from pairs.errors import UsageError
from pipeline.config import SegmentorConfig, SegmentorTraining, TaskConfig
from pipeline.regions.networks import padded_for
from pipeline.train.augment import Greys, augmented, regreyed
from pipeline.train.drawing.image import draw
from pipeline.train.drawing.labelmaps import LabelMap, read_label_maps
from pipeline.train.drawing.palette import Palette, palette_of
from pipeline.train.job import Job
from pipeline.train.scanner import rescanned
from pipeline.train.subjects import Sample, halved_sample, load_samples, split_subjects

__all__ = ["Material", "drawn_material", "read_material", "scanned_material"]

_GREYS: dict[str, Greys] = {"smooth": regreyed, "scanner": rescanned}


class Material(NamedTuple):
    """Subjects on the grid of the network that learns, padded as it needs them."""

    draw: Callable[[torch.Generator], Sample]
    """A subject to learn from."""
    seen: Sequence[Sample]
    """Some that were learnt from, as they are."""
    held_out: Sequence[Sample]
    """Some that were not."""


def read_material(job: Job) -> tuple[Material, int]:
    """What a training is asked to learn from, and how many subjects are trained on.

    Raises:
        UsageError: there are too few of them.
        KnownError: see `load_samples` and `read_label_maps`.
    """
    return _read_maps(job) if job.label_maps else _read_scans(job)


def _read_scans(job: Job) -> tuple[Material, int]:
    settings = job.config.segmentor_training
    intensity = job.config.segmentor.intensity or job.config.intensity
    training, held_out = split_subjects(job.task, settings.held_out, job.config.split)
    samples = load_samples((*training, *held_out), job.regions, intensity, settings.crop, job.left_out)
    job.left_out.require_enough(training)
    count = len(job.left_out.without(training))
    return scanned_material(job.config, samples[:count], samples[count:]), count


def _read_maps(job: Job) -> tuple[Material, int]:
    maps = read_label_maps(job.label_maps, job.config.segmentor.spacing_mm)
    palette = palette_of(job.regions, job.task.label_names, job.config.drawing)
    count = len(maps) - job.config.segmentor_training.held_out
    if count < 1:
        raise UsageError(
            "too few label maps", expected=f"more than {len(maps) - count}, which are held out", got=len(maps)
        )
    return drawn_material(job.config, maps, palette), count


def scanned_material(config: TaskConfig, training: Sequence[Sample], held_out: Sequence[Sample]) -> Material:
    """Scans with their label maps."""
    # On the half grid the network learns there: interpolated logits would cost more than the network.
    training, held_out = ([_placed(one, config.segmentor) for one in part] for part in (training, held_out))
    return Material(
        partial(_changed, training, config.segmentor_training), training[: len(held_out)], held_out
    )


def drawn_material(config: TaskConfig, maps: Sequence[LabelMap], palette: Palette) -> Material:
    """Images drawn from label maps, of which the last `held_out` are held out."""
    count = len(maps) - config.segmentor_training.held_out
    training, held_out = maps[:count], maps[count:]
    seen, unseen = (
        [_drawn(config, palette, one, _fixed(number), whole=True) for number, one in enumerate(part)]
        for part in (training[: len(held_out)], held_out)
    )
    return Material(partial(_drawn_from, config, palette, training), seen, unseen)


def _fixed(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def _changed(training: Sequence[Sample], settings: SegmentorTraining, generator: torch.Generator) -> Sample:
    one = training[int(torch.randint(len(training), (), generator=generator))]
    return augmented(one, generator, settings.augmentation, _GREYS[settings.greys])


def _drawn_from(
    config: TaskConfig, palette: Palette, maps: Sequence[LabelMap], generator: torch.Generator
) -> Sample:
    one = maps[int(torch.randint(len(maps), (), generator=generator))]
    return _drawn(config, palette, one, generator)


def _drawn(
    config: TaskConfig, palette: Palette, one: LabelMap, generator: torch.Generator, whole: bool = False
) -> Sample:
    settings, halved = config.segmentor_training, config.segmentor.grid == "half"
    crop = None if whole else settings.crop
    image, regions = draw(one.values, palette, config.drawing, generator, settings.augmentation, crop, halved)
    return _padded(Sample(one.name, image, regions), config.segmentor)


def _placed(sample: Sample, config: SegmentorConfig) -> Sample:
    padded = _padded(sample, config)
    return halved_sample(padded) if config.grid == "half" else padded


def _padded(sample: Sample, config: SegmentorConfig) -> Sample:
    image, labels = (padded_for(config, part) for part in (sample.image, sample.labels[None]))
    return replace(sample, image=image, labels=labels[0])
