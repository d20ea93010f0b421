"""The training subjects of a task in memory: normalised image and region indices, held-out ones apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pairs.errors import TaskError, UsageError
from pairs.grid import require_same_grid
from pairs.task import Subject, Task
from pairs.volume import Volume, read_image, read_labels
from pipeline.config import IntensityConfig, SplitConfig
from pipeline.halfgrid import halved_image, halved_map
from pipeline.preprocess import content_crop, normalise, pad_to_multiple
from pipeline.typing import Float, Int, Tensor

__all__ = ["Sample", "halved_sample", "load_samples", "padded", "region_table", "split_subjects"]


@dataclass(frozen=True)
class Sample:
    """One subject ready for training.

    Attributes:
        name: subject id.
        image: (1, 1, X, Y, Z) float32 in 0..1.
        labels: (1, X, Y, Z) int64 region indices.
        modality: four digits of the file name; images of one subject differ in it.
    """

    name: str
    image: Float[Tensor, "1 1 X Y Z"]
    labels: Int[Tensor, "1 X Y Z"]
    modality: str = "0000"


def region_table(task: Task) -> tuple[int, ...]:
    """Label value of each region index: background, then the task's labels in ascending order.

    Raises:
        UsageError: the task names no labels.
    """
    if not task.label_names:
        raise UsageError(
            "the task names no labels",
            where=task.name,
            remedy="fill `labels` in the dataset JSON or the configuration; a registration can be trained"
            " without labels once `dice` is 0 in registration_training",
        )
    return (0, *sorted(task.label_names))


def split_subjects(
    task: Task, held_out: int, split: SplitConfig | None = None, *, labelled: bool = True
) -> tuple[tuple[Subject, ...], tuple[Subject, ...]]:
    """Images of training and of held-out subjects.

    Args:
        task: subjects of its pairs are in neither part, unless `split` says otherwise.
        held_out: how many subjects, the last ones, are held out; not looked at where `split` is given.
        split: the two parts by subject number.
        labelled: whether images without a label map are left out.

    Raises:
        UsageError: fewer than two subjects would be left to train on, or one of `split` is not there.
    """
    if split is not None:
        known = tuple(one for one in task.subjects if one.label is not None or not labelled)
        return _listed(task, known, split.training), _listed(task, known, split.held_out)
    images = task.training_subjects(labelled=labelled)
    subjects = list(dict.fromkeys(one.id.subject for one in images))
    cut = len(subjects) - held_out
    if cut < 2:
        raise UsageError(
            "too few labelled training subjects" if labelled else "too few training subjects",
            where=task.name,
            expected=f"at least {held_out + 2}, {held_out} of them held out",
            got=len(subjects),
        )
    training = frozenset(subjects[:cut])
    return (
        tuple(one for one in images if one.id.subject in training),
        tuple(one for one in images if one.id.subject not in training),
    )


def load_samples(
    subjects: Sequence[Subject],
    regions: Sequence[int],
    intensity: IntensityConfig,
    crop: tuple[int, int, int] | None,
) -> list[Sample]:
    """Read, normalise and crop the subjects.

    Raises:
        UsageError: a subject has no label map although there are regions besides the background.
        VolumeError: an image or label map is unreadable or they differ in grid.
        TaskError: a label map holds values that the task does not name, all subjects told at once.
    """
    faults: list[str] = []
    samples = [_load(subject, regions, intensity, crop, faults) for subject in subjects]
    if faults:
        raise TaskError.collect(
            f"the training label maps, whose named labels are {list(regions[1:])}", faults
        )
    return samples


def padded(sample: Sample, multiple: int) -> Sample:
    """The sample with zeros and background behind it until every side divides by `multiple`."""
    labels = pad_to_multiple(sample.labels[None], multiple)[0]
    return replace(sample, image=pad_to_multiple(sample.image, multiple), labels=labels)


def halved_sample(sample: Sample) -> Sample:
    """The sample on the half grid; an odd side gets a voxel of background behind it."""
    even = padded(sample, 2)
    return replace(even, image=halved_image(even.image), labels=halved_map(even.labels))


def _listed(task: Task, images: Sequence[Subject], numbers: Sequence[int]) -> tuple[Subject, ...]:
    """The images of the numbered subjects, in the order of the numbers."""
    found = [[one for one in images if int(one.id.subject) == number] for number in numbers]
    absent = [number for number, group in zip(numbers, found, strict=True) if not group]
    if absent:
        raise UsageError(
            "the configuration's split names subjects that the task does not have for training",
            where=task.name,
            expected="subjects of the dataset JSON's training list",
            got=absent,
        )
    return tuple(one for group in found for one in group)


def _load(
    subject: Subject,
    regions: Sequence[int],
    intensity: IntensityConfig,
    crop: tuple[int, int, int] | None,
    faults: list[str],
) -> Sample:
    image = read_image(subject.image)
    indices = _indices(subject, image, regions, faults)
    box = content_crop(image.array, crop) if crop else (slice(None),) * 3
    return Sample(
        name=subject.id.subject,
        image=torch.from_numpy(normalise(image.array, intensity)[box].copy())[None, None],
        labels=torch.from_numpy(indices[box].astype(np.int64))[None],
        modality=subject.id.modality,
    )


def _indices(subject: Subject, image: Volume, regions: Sequence[int], faults: list[str]) -> np.ndarray:
    """Region index of each voxel; all background where the task has no labels."""
    if len(regions) == 1:
        return np.zeros(image.array.shape, np.int64)
    if subject.label is None:
        raise UsageError("training subject without a label map", where=subject.image)
    labels = read_labels(subject.label)
    require_same_grid(image.header, labels.header)
    indices = np.searchsorted(regions, labels.array)
    known = np.isin(labels.array, regions)
    if not known.all():
        unknown = sorted(int(v) for v in np.unique(labels.array[~known]))
        faults.append(f"{labels.header.path.name} holds labels {unknown} that the task does not name")
    indices[~known] = 0
    return indices
