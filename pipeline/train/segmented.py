"""Training subjects with the regions that are found without their labels, as a prediction will see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from pairs.images.volume import read_image
from pairs.tasks.task import Subject, Task
from pipeline.config import TaskConfig
from pipeline.network.halfgrid import halved_map
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import RegionSource
from pipeline.registration.preprocess import content_crop, pad_to_multiple
from pipeline.train.leftout import LeftOut
from pipeline.train.subjects import Sample, halved_sample, load_samples, padded, split_subjects
from pipeline.typing import Float, Int, Tensor

__all__ = ["SegmentedSample", "halved", "load_segmented", "with_regions"]


@dataclass(frozen=True)
class SegmentedSample:
    """A training subject with what the segmentor says of it.

    Attributes:
        sample: image and true labels; the labels serve the Dice loss only.
        regions: (1, X, Y, Z) int64 region indices from the segmentor, J of textSCF.
        confidence: (1, X, Y, Z) float32, p of Eq. 4.
    """

    sample: Sample
    regions: Int[Tensor, "1 X Y Z"]
    confidence: Float[Tensor, "1 X Y Z"]

    def padded(self, multiple: int) -> "SegmentedSample":
        """Padded behind; the segmentor says nothing there, so p = 0 as in a prediction."""
        regions, confidence = (
            pad_to_multiple(part[None], multiple)[0] for part in (self.regions, self.confidence)
        )
        return SegmentedSample(padded(self.sample, multiple), regions, confidence)


def load_segmented(
    task: Task,
    config: TaskConfig,
    regions: Sequence[int],
    source: RegionSource,
    sides: SideCheck,
    left_out: LeftOut,
) -> tuple[list[SegmentedSample], list[SegmentedSample]]:
    """Training and held-out subjects of a registration, on the grid of its network.

    Args:
        task: the subjects.
        config: which of them, and how they are read.
        regions: label value of each region index; the background alone needs no label maps.
        source: regions and confidence of a whole volume.
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
    segmented = with_regions(usable, samples, source, settings.crop, left_out, sides)
    left_out.require_enough(training)
    count = len(left_out.without(training))
    if config.registration.grid == "half":
        segmented = [halved(one) for one in segmented]
    return segmented[:count], segmented[count:]


def with_regions(
    subjects: Sequence[Subject],
    samples: Sequence[Sample],
    source: RegionSource,
    crop: tuple[int, int, int] | None,
    left_out: LeftOut,
    sides: SideCheck | None = None,
) -> list[SegmentedSample]:
    """Finds the regions of every subject once; the network must learn from regions as faulty as in use.

    Args:
        subjects: the files.
        samples: the same read, normalised and cropped.
        source: regions and confidence of a whole volume.
        crop: how the samples were cropped.
        left_out: takes the subjects whose segmentation cannot be used.
        sides: looks at the true labels.
    """

    def segmented(sample: Sample, subject: Subject) -> SegmentedSample:
        volume = read_image(subject.image)
        if sides is not None:
            true, header = sample.labels[0].numpy(), volume.header
            sides(true, header.affine, f"label map of {header.path.name}")
        segmentation = source(volume)
        box = content_crop(volume.array, crop) if crop else (slice(None),) * 3
        regions = torch.from_numpy(segmentation.labels[box].astype(np.int64))[None]
        confidence = torch.from_numpy(segmentation.confidence[box].astype(np.float32))[None]
        return SegmentedSample(sample, regions, confidence)

    found = (
        left_out.attempt(subject, partial(segmented, sample))
        for subject, sample in zip(subjects, samples, strict=True)
    )
    return [one for one in found if one is not None]


def halved(one: SegmentedSample) -> SegmentedSample:
    """The subject on the half grid; an odd side gets a voxel of background behind it, of which p = 0."""
    regions, confidence = (
        halved_map(pad_to_multiple(part[None], 2)[0]) for part in (one.regions, one.confidence)
    )
    return SegmentedSample(halved_sample(one.sample), regions, confidence)
