"""Training subjects with what is said of them without their labels, as a prediction will see them."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from pairs.images.volume import read_image
from pairs.tasks.task import Subject, Task
from pipeline.config import TaskConfig
from pipeline.network.halfgrid import halved_map
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import Masks
from pipeline.registration.preprocess import content_crop, pad_to_multiple
from pipeline.train.leftout import LeftOut
from pipeline.train.registrationnetwork import MaskedSample
from pipeline.train.subjects import Sample, halved_sample, load_samples, split_subjects

__all__ = ["halved", "load_masked", "with_masks"]


def load_masked(
    task: Task,
    config: TaskConfig,
    regions: Sequence[int],
    masks: Masks,
    sides: SideCheck,
    left_out: LeftOut,
) -> tuple[list[MaskedSample], list[MaskedSample]]:
    """Training and held-out subjects of a registration, on the grid of its network.

    Args:
        task: the subjects.
        config: which of them, and how they are read.
        regions: label value of each region index; the background alone needs no label maps.
        masks: regions and confidence of a whole volume.
        sides: looks at the true labels.
        left_out: takes the subjects that cannot be used.

    Raises:
        KnownError: see `split_subjects`, `load_samples` and `LeftOut.require_enough`.
    """
    settings = config.registration_training
    training, held_out = split_subjects(task, settings.held_out, config.split, labelled=len(regions) > 1)
    subjects = (*training, *held_out)
    # All of them before the first is segmented, which takes minutes where a label without a name takes none.
    samples = load_samples(subjects, regions, config.intensity, settings.crop, left_out)
    left_out.require_enough(training)
    usable = left_out.without(subjects)
    masked = with_masks(usable, samples, masks, settings.crop, left_out, regions, sides)
    left_out.require_enough(training)
    count = len(left_out.without(training))
    if config.registration.grid == "half":
        masked = [halved(one) for one in masked]
    return masked[:count], masked[count:]


def with_masks(
    subjects: Sequence[Subject],
    samples: Sequence[Sample],
    masks: Masks,
    crop: tuple[int, int, int] | None,
    left_out: LeftOut,
    regions: Sequence[int] = (0,),
    sides: SideCheck | None = None,
) -> list[MaskedSample]:
    """Segment every subject once; the network must learn from masks as faulty as those it will get.

    Args:
        subjects: the files.
        samples: the same read, normalised and cropped.
        masks: regions and confidence of a whole volume.
        crop: how the samples were cropped.
        left_out: takes the subjects whose segmentation cannot be used.
        regions: label value of each region index, for `sides`.
        sides: looks at the true labels.
    """

    def masked(sample: Sample, subject: Subject) -> MaskedSample:
        volume = read_image(subject.image)
        if sides is not None and not sides.settled:
            labels = np.asarray(regions)[sample.labels[0].numpy()]
            sides(labels, volume.header.affine, f"label map of {volume.header.path.name}")
        segmentation = masks(volume)
        box = content_crop(volume.array, crop) if crop else (slice(None),) * 3
        mask = torch.from_numpy(segmentation.labels[box].astype(np.int64))[None]
        confidence = torch.from_numpy(segmentation.confidence[box].astype(np.float32))[None]
        return MaskedSample(sample, mask, confidence)

    found = (
        left_out.attempt(subject, partial(masked, sample))
        for subject, sample in zip(subjects, samples, strict=True)
    )
    return [one for one in found if one is not None]


def halved(one: MaskedSample) -> MaskedSample:
    """The subject on the half grid; an odd side gets a voxel of background behind it, of which p = 0."""
    mask, confidence = (halved_map(pad_to_multiple(part[None], 2)[0]) for part in (one.mask, one.confidence))
    return MaskedSample(halved_sample(one.sample), mask, confidence)
