"""Training subjects: validation and held-out ones stay away, label values become region indices."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.errors import TaskError, UsageError, VolumeError
from pairs.images.volume import read_image, read_labels, write_volume
from pairs.tasks.task import Subject, Task, read_task
from pipeline.config import IntensityConfig, SplitConfig
from pipeline.registration.preprocess import normalise
from pipeline.train.leftout import LeftOut
from pipeline.train.subjects import Sample, load_samples, padded, region_table, split_subjects

__all__: list[str] = []

INTENSITY = IntensityConfig()


@pytest.fixture
def task(tiny_task: Path) -> Task:
    return read_task(tiny_task)


def names(subjects: tuple) -> list[str]:
    return [subject.id.subject for subject in subjects]


def test_regions_are_background_and_the_labels_in_order(task: Task) -> None:
    assert region_table(task) == (0, 1, 4)
    assert region_table(replace(task, label_names={9: "a", 2: "b", 5: "c"})) == (0, 2, 5, 9)


def test_a_task_without_labels_cannot_be_trained_on(task: Task) -> None:
    with pytest.raises(UsageError, match="names no labels"):
        region_table(replace(task, label_names={}))


@pytest.mark.parametrize("held_out", [0, 1, 3])
def test_subjects_of_the_pairs_are_in_neither_part(task: Task, held_out: int) -> None:
    training, others = split_subjects(task, held_out)
    assert names(training) + names(others) == ["0001", "0002", "0003", "0004", "0005"]
    assert len(others) == held_out


def test_held_out_subjects_are_never_trained_on(task: Task) -> None:
    training, others = split_subjects(task, 2)
    assert names(others) == ["0004", "0005"]
    assert not set(names(training)) & set(names(others))


def test_two_subjects_must_remain(task: Task) -> None:
    with pytest.raises(UsageError, match="expected at least 6, 4 of them held out, got 5"):
        split_subjects(task, 4)


def test_a_sample_is_its_files_normalised(task: Task) -> None:
    subject = task.training_subjects()[1]
    (sample,) = load_samples([subject], (0, 1, 4), INTENSITY, None, LeftOut())
    assert sample.name == "0002"
    expected = normalise(read_image(subject.image).array, INTENSITY)
    assert np.array_equal(sample.image[0, 0].numpy(), expected)
    assert subject.label is not None
    values = np.array([0, 1, 4])[sample.labels[0].numpy()]
    assert np.array_equal(values, read_labels(subject.label).array)
    assert sample.labels.unique().tolist() == [0, 1, 2]


def test_a_crop_takes_image_and_labels_alike(task: Task) -> None:
    subjects = task.training_subjects()
    whole = load_samples(subjects, (0, 1, 4), INTENSITY, None, LeftOut())
    cropped = load_samples(subjects, (0, 1, 4), INTENSITY, (32, 32, 24), LeftOut())
    for before, after in zip(whole, cropped, strict=True):
        assert after.image.shape == (1, 1, 32, 32, 24)
        assert after.labels.shape == (1, 32, 32, 24)
        bright = [s.image[0, 0][s.labels[0] == 2].mean().item() for s in (before, after)]
        assert bright[0] == pytest.approx(bright[1], abs=0.02)
        assert (after.labels == 1).sum() > 0.8 * (before.labels == 1).sum()


def relabel(task: Task, number: int, value: int) -> None:
    label = task.subjects[number].label
    assert label is not None
    volume = read_labels(label)
    volume.array[0, 0, 0] = value
    write_volume(label, volume.array, volume.header.affine)


@pytest.mark.parametrize("value", [2, 3, 7, 200])
def test_unknown_labels_of_all_subjects_are_told_at_once(task: Task, value: int) -> None:
    relabel(task, 0, value)
    relabel(task, 3, value)
    with pytest.raises(TaskError) as caught:
        load_samples(task.training_subjects(), (0, 1, 4), INTENSITY, None, LeftOut())
    assert [fault.split()[0] for fault in caught.value.faults] == [
        "TinyMR_0001_0000.nii.gz",
        "TinyMR_0004_0000.nii.gz",
    ]
    assert f"[{value}]" in caught.value.faults[0]


def damage(subject: Subject, how: str) -> None:
    assert subject.label is not None
    if how == "grid":
        write_volume(subject.label, np.ones((32, 48, 41), np.uint8), np.eye(4))
    elif how == "image":
        subject.image.unlink()
    else:
        subject.label.write_bytes(b"damaged")


@pytest.mark.parametrize(
    ("how", "word"), [("grid", "shape differs"), ("image", "does not exist"), ("label", "content")]
)
def test_a_subject_that_cannot_be_used_is_left_out_and_told(
    task: Task, caplog: pytest.LogCaptureFixture, how: str, word: str
) -> None:
    subjects, left_out = task.training_subjects(), LeftOut()
    damage(subjects[1], how)
    samples = load_samples(subjects, (0, 1, 4), INTENSITY, None, left_out)
    assert [one.name for one in samples] == ["0001", "0003", "0004", "0005"]
    assert left_out.without(subjects) == (subjects[0], *subjects[2:])
    assert word in left_out.faults[subjects[1]]
    assert "subject 0002_0000 is left out" in caplog.text
    left_out.require_enough(subjects)
    for one in subjects[2:]:
        damage(one, how)
    load_samples(subjects, (0, 1, 4), INTENSITY, None, left_out)
    with pytest.raises(VolumeError, match=rf"too few training subjects.*got 1: .*{word}"):
        left_out.require_enough(subjects)


def test_affines_a_hair_apart_are_told_and_trained_on(task: Task, caplog: pytest.LogCaptureFixture) -> None:
    subject, left_out = task.training_subjects()[0], LeftOut()
    assert subject.label is not None
    shifted = read_image(subject.image).header.affine.copy()
    shifted[0, 3] += 0.002
    write_volume(subject.label, read_labels(subject.label).array, shifted)
    assert len(load_samples([subject], (0, 1, 4), INTENSITY, None, left_out)) == 1
    assert "by up to 0.002" in caplog.text
    shifted[0, 3] += 5
    write_volume(subject.label, read_labels(subject.label).array, shifted)
    assert load_samples([subject], (0, 1, 4), INTENSITY, None, left_out) == []


def blank(subject: Subject, value: int | None = None) -> None:
    """Makes a label map empty, or takes one label out of it."""
    assert subject.label is not None
    volume = read_labels(subject.label)
    volume.array[volume.array == (volume.array if value is None else value)] = 0
    write_volume(subject.label, volume.array, volume.header.affine)


def test_empty_label_maps_are_told_and_refused_where_all_are(
    task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    subjects = task.training_subjects()
    load_samples(subjects, (0, 1, 4), INTENSITY, None, LeftOut())
    assert caplog.text == ""
    blank(subjects[0])
    load_samples(subjects, (0, 1, 4), INTENSITY, None, LeftOut())
    assert "1 of 5 training label maps are empty, the first is TinyMR_0001_0000.nii.gz" in caplog.text
    for one in subjects:
        blank(one, 4)
    load_samples(subjects, (0, 1, 4), INTENSITY, None, LeftOut())
    assert "no training label map holds the labels [4]" in caplog.text
    for one in subjects:
        blank(one)
    with pytest.raises(TaskError, match="all training label maps are empty"):
        load_samples(subjects, (0, 1, 4), INTENSITY, None, LeftOut())


def test_an_image_is_never_taken_for_its_own_label_map(task: Task) -> None:
    subject = replace(task.training_subjects()[0], label=None)
    with pytest.raises(UsageError, match="without a label map"):
        load_samples([subject], (0, 1, 4), INTENSITY, None, LeftOut())


def test_padding_keeps_image_and_labels_together() -> None:
    sample = Sample("a", torch.rand(1, 1, 5, 8, 9), torch.ones(1, 5, 8, 9, dtype=torch.int64))
    result = padded(sample, 8)
    assert result.image.shape == (1, 1, 8, 8, 16)
    assert torch.equal(result.image[:, :, :5, :8, :9], sample.image)
    assert torch.equal(result.labels.nonzero(), sample.labels.nonzero())
    assert padded(result, 8).image.data_ptr() == result.image.data_ptr()


def test_a_split_of_ones_own_comes_before_the_pairs(task: Task) -> None:
    split = SplitConfig(training=(6, 2, 7), held_out=(1,), test=(8,))
    training, others = split_subjects(task, 99, split)
    assert (names(training), names(others)) == (["0006", "0002", "0007"], ["0001"])


def test_a_split_of_absent_subjects(task: Task) -> None:
    with pytest.raises(UsageError, match=r"does not have for training.*got \[12, 40\]"):
        split_subjects(task, 0, SplitConfig(training=(12, 1, 40)))


def test_parts_of_a_split_are_apart() -> None:
    with pytest.raises(ValueError, match=r"not \[2, 3\] twice"):
        SplitConfig(training=(1, 2, 3), held_out=(3,), test=(2,))


def test_images_of_one_subject_stay_together(task: Task) -> None:
    other = [replace(one, id=replace(one.id, modality="0001")) for one in task.subjects]
    training, others = split_subjects(replace(task, subjects=(*task.subjects, *other)), 2)
    assert names(training) == ["0001", "0002", "0003"] * 2
    assert names(others) == ["0004", "0005"] * 2


def test_images_without_labels_count_where_none_are_needed(task: Task) -> None:
    bare = replace(task, subjects=tuple(replace(one, label=None) for one in task.subjects))
    with pytest.raises(UsageError, match="too few labelled"):
        split_subjects(bare, 0)
    training, _ = split_subjects(bare, 0, labelled=False)
    assert len(training) == 5
    (sample,) = load_samples(training[:1], (0,), INTENSITY, None, LeftOut())
    assert sample.labels.unique().tolist() == [0]
    assert sample.modality == "0000"
