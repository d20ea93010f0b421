"""The training subjects of a task in memory: normalised image and region indices, held-out ones apart."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pairs.errors import TaskError, UsageError
from pairs.images.grid import require_same_grid
from pairs.images.volume import Volume, read_image, read_labels
from pairs.tasks.task import Subject, Task
from pipeline.config import IntensityConfig, SplitConfig
from pipeline.network.halfgrid import halved_image, halved_map
from pipeline.registration.preprocess import content_crop, normalise, pad_to_multiple
from pipeline.train.leftout import LeftOut
from pipeline.typing import Float, Int, Tensor

__all__ = ["Sample", "halved_sample", "load_samples", "padded", "region_table", "split_subjects"]

log = logging.getLogger(__name__)


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
    left_out: LeftOut,
) -> list[Sample]:
    """Read, normalise and crop the subjects; one whose files cannot be used has no sample.

    Args:
        subjects: the files.
        regions: label value of each region index; the background alone needs no label maps.
        intensity: how the images are normalised.
        crop: the part that is kept; None keeps all.
        left_out: takes the subjects whose image or label map is unreadable, or that differ in grid.

    Raises:
        UsageError: a subject has no label map although there are regions besides the background.
        TaskError: a label map holds values that the task does not name, all subjects reported at once, or all
            of them are empty.
    """
    maps = _LabelMaps(regions)
    loaded = (
        left_out.attempt(subject, lambda one: _load(one, intensity, crop, maps)) for subject in subjects
    )
    samples = [sample for sample in loaded if sample is not None]
    maps.conclude()
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
    subject: Subject, intensity: IntensityConfig, crop: tuple[int, int, int] | None, maps: "_LabelMaps"
) -> Sample:
    image = read_image(subject.image)
    indices = maps.indices(subject, image)
    box = content_crop(image.array, crop) if crop else (slice(None),) * 3
    return Sample(
        name=subject.id.subject,
        image=torch.from_numpy(normalise(image.array, intensity)[box].copy())[None, None],
        labels=torch.from_numpy(indices[box].astype(np.int64))[None],
        modality=subject.id.modality,
    )


class _LabelMaps:
    """Reads label maps as region indices and gathers what only all of them together show."""

    def __init__(self, regions: Sequence[int]) -> None:
        self._regions = regions
        self._faults: list[str] = []
        self._empty: list[str] = []
        self._read = 0
        self._voxels = np.zeros(len(regions), np.int64)

    def indices(self, subject: Subject, image: Volume) -> np.ndarray:
        """Region index of each voxel; all background where the task has no labels."""
        if len(self._regions) == 1:
            return np.zeros(image.array.shape, np.int64)
        if subject.label is None:
            raise UsageError("training subject without a label map", where=subject.image)
        labels = read_labels(subject.label)
        name = labels.header.path.name
        for warning in (*labels.header.warnings, *require_same_grid(image.header, labels.header)):
            log.warning("%s: %s", name, warning)
        indices = np.searchsorted(self._regions, labels.array)
        known = np.isin(labels.array, self._regions)
        if not known.all():
            unknown = sorted(int(v) for v in np.unique(labels.array[~known]))
            self._faults.append(f"{name} holds labels {unknown} that the task does not name")
        indices[~known] = 0
        voxels = np.bincount(indices.ravel(), minlength=len(self._regions))
        self._read += 1
        self._voxels += voxels
        if not voxels[1:].any():
            self._empty.append(name)
        return indices

    def conclude(self) -> None:
        """Tell what the label maps lack.

        Raises:
            TaskError: one holds values without a name, or all are empty.
        """
        named = f"the training label maps, whose named labels are {list(self._regions[1:])}"
        if self._faults:
            raise TaskError.collect(named, self._faults)
        if self._empty and len(self._empty) == self._read:
            raise TaskError("all training label maps are empty", where=self._empty[0], expected=named)
        if self._empty:
            log.warning(
                "%d of %d training label maps are empty, the first is %s",
                len(self._empty),
                self._read,
                self._empty[0],
            )
        absent = [value for value, count in zip(self._regions, self._voxels, strict=True) if not count]
        if self._read and absent:
            log.warning("no training label map holds the labels %s", absent)
