"""The training subjects of a task in memory: normalised image and region indices, held-out ones apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pairs.errors import TaskError, UsageError
from pairs.task import Subject, Task
from pairs.volume import read_image, read_labels, require_same_grid
from pipeline.config import IntensityConfig
from pipeline.preprocess import content_crop, normalise, pad_to_multiple
from pipeline.typing import Float, Int, Tensor

__all__ = ["Sample", "load_samples", "padded", "region_table", "split_subjects"]


@dataclass(frozen=True)
class Sample:
    """One subject ready for training.

    Attributes:
        name: subject id.
        image: (1, 1, X, Y, Z) float32 in 0..1.
        labels: (1, X, Y, Z) int64 region indices.
    """

    name: str
    image: Float[Tensor, "1 1 X Y Z"]
    labels: Int[Tensor, "1 X Y Z"]


def region_table(task: Task) -> tuple[int, ...]:
    """Label value of each region index: background, then the task's labels in ascending order.

    Raises:
        UsageError: the task names no labels.
    """
    if not task.label_names:
        raise UsageError(
            "the task names no labels", where=task.name, remedy="fill `labels` in the dataset JSON"
        )
    return (0, *sorted(task.label_names))


def split_subjects(task: Task, held_out: int) -> tuple[tuple[Subject, ...], tuple[Subject, ...]]:
    """Training and held-out subjects; subjects of the task's pairs are in neither.

    Raises:
        UsageError: fewer than two subjects would be left to train on.
    """
    subjects = task.training_subjects()
    if len(subjects) - held_out < 2:
        raise UsageError(
            "too few labelled training subjects",
            where=task.name,
            expected=f"at least {held_out + 2}, {held_out} of them held out",
            got=len(subjects),
        )
    cut = len(subjects) - held_out
    return subjects[:cut], subjects[cut:]


def load_samples(
    subjects: Sequence[Subject],
    regions: Sequence[int],
    intensity: IntensityConfig,
    crop: tuple[int, int, int] | None,
) -> list[Sample]:
    """Read, normalise and crop the subjects.

    Raises:
        UsageError: a subject has no label map.
        VolumeError: an image or label map is unreadable or they differ in grid.
        TaskError: a label map holds values that the task does not name, all subjects told at once.
    """
    faults: list[str] = []
    samples = [_load(subject, regions, intensity, crop, faults) for subject in subjects]
    if faults:
        raise TaskError.collect("the training label maps", faults)
    return samples


def padded(sample: Sample, multiple: int) -> Sample:
    """The sample with zeros and background behind it until every side divides by `multiple`."""
    labels = pad_to_multiple(sample.labels[None], multiple)[0]
    return Sample(sample.name, pad_to_multiple(sample.image, multiple), labels)


def _load(
    subject: Subject,
    regions: Sequence[int],
    intensity: IntensityConfig,
    crop: tuple[int, int, int] | None,
    faults: list[str],
) -> Sample:
    if subject.label is None:
        raise UsageError("training subject without a label map", where=subject.image)
    image, labels = read_image(subject.image), read_labels(subject.label)
    require_same_grid(image.header, labels.header)
    indices = np.searchsorted(regions, labels.array)
    known = np.isin(labels.array, regions)
    if not known.all():
        unknown = sorted(int(v) for v in np.unique(labels.array[~known]))
        faults.append(f"{labels.header.path.name} holds labels {unknown} that the task does not name")
    indices[~known] = 0
    box = content_crop(image.array, crop) if crop else (slice(None),) * 3
    return Sample(
        name=subject.id.subject,
        image=torch.from_numpy(normalise(image.array, intensity)[box].copy())[None, None],
        labels=torch.from_numpy(indices[box].astype(np.int64))[None],
    )
