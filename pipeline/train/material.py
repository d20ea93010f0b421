"""What a segmentor learns from: scans with label maps, changed at random, or images drawn from label maps."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

import torch

from pairs.errors import UsageError
from pipeline.config import SegmentorConfig, SegmentorTraining, TaskConfig
from pipeline.regions.networks import padded_for
from pipeline.train.augment import Greys, augmented, regreyed
from pipeline.train.drawing.image import Look, draw
from pipeline.train.drawing.labelmaps import LabelMap, read_label_maps
from pipeline.train.drawing.palette import Palette, palette_of
from pipeline.train.job import Job
from pipeline.train.scanner import rescanned
from pipeline.train.subjects import Sample, halved_sample, load_samples, split_subjects

__all__ = ["Material", "drawn_material", "read_material", "scanned_material"]

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
    config = job.config
    maps = read_label_maps(job.label_maps, config.segmentor.spacing_mm)
    count = len(maps) - config.segmentor_training.held_out
    if count < 1:
        raise UsageError(
            "too few label maps", expected=f"more than {len(maps) - count}, which are held out", got=len(maps)
        )
    palette = palette_of(job.regions, job.task.label_names, config.drawing)
    return drawn_material(config, maps[:count], maps[count:], palette), count


def scanned_material(config: TaskConfig, training: Sequence[Sample], held_out: Sequence[Sample]) -> Material:
    """Scans with their label maps."""
    # On the half grid the network learns there: interpolated logits would cost more than the network.
    training, held_out = ([_placed(one, config.segmentor) for one in part] for part in (training, held_out))
    return Material(
        partial(_changed, training, config.segmentor_training), training[: len(held_out)], held_out
    )


def drawn_material(
    config: TaskConfig, training: Sequence[LabelMap], held_out: Sequence[LabelMap], palette: Palette
) -> Material:
    """Images drawn from label maps; those that are looked at are whole, and always the same."""
    settings, segmentor = config.segmentor_training, config.segmentor
    intensity = segmentor.intensity or config.intensity
    look = Look(palette, config.drawing, intensity, segmentor.grid == "half")

    def drawn(one: LabelMap, generator: torch.Generator, crop: tuple[int, int, int] | None) -> Sample:
        image, regions = draw(one.values, look, generator, settings.augmentation, crop)
        return _padded(Sample(one.name, image, regions), segmentor)

    def looked_at(maps: Sequence[LabelMap]) -> list[Sample]:
        return [drawn(one, torch.Generator().manual_seed(number), None) for number, one in enumerate(maps)]

    return Material(
        lambda generator: drawn(_any_of(training, generator), generator, settings.crop),
        looked_at(training[: len(held_out)]),
        looked_at(held_out),
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
