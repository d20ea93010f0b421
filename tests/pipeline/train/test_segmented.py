"""Regions of training subjects: from whole volumes, cropped and halved with the images they belong to."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.errors import TaskError
from pairs.images.volume import Volume, read_labels, write_volume
from pairs.tasks.task import Task, read_task
from pipeline.config import IntensityConfig, RegistrationConfig, RegistrationTraining, TaskConfig
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import RegionFiles
from pipeline.train.leftout import LeftOut
from pipeline.train.segmented import SegmentedSample, halved, load_segmented, with_regions
from pipeline.train.subjects import Sample, load_samples

__all__: list[str] = []

REGIONS = (0, 1, 4)
NO_SIDES = SideCheck({}, REGIONS)


@pytest.fixture
def task(tiny_task: Path) -> Task:
    return read_task(tiny_task)


def from_files(folder: Path) -> RegionFiles:
    return RegionFiles(folder, REGIONS, NO_SIDES)


def bright(volume: Volume) -> Segmentation:
    """Says region 2, not quite surely, where the image is bright."""
    mask = volume.array > 0.7 * volume.array.max()
    return Segmentation(mask.astype(np.uint8) * 2, np.where(mask, 0.75, 0.5).astype(np.float16))


def test_regions_are_the_sources_and_labels_stay_the_true_ones(task: Task) -> None:
    subjects = task.training_subjects()
    samples = load_samples(subjects, REGIONS, IntensityConfig(), (24, 32, 24), LeftOut())
    for sample, one in zip(
        samples, with_regions(subjects, samples, bright, (24, 32, 24), LeftOut()), strict=True
    ):
        assert one.sample is sample
        assert one.regions.shape == one.confidence.shape == (1, 24, 32, 24)
        assert (one.regions.dtype, one.confidence.dtype) == (torch.int64, torch.float32)
        assert torch.equal(one.confidence == 0.75, one.regions == 2)
        # The brighter bean is region 2 of the true labels as well: regions and image were cropped alike.
        assert ((one.regions == 2) & (sample.labels == 2)).sum() > 0.8 * (one.regions == 2).sum() > 100


def test_the_half_grid_averages_images_and_picks_regions() -> None:
    image = torch.arange(2.0).view(2, 1, 1).expand(2, 3, 2)[None, None] / 2
    labels = torch.tensor([1, 0]).view(1, 2, 1, 1).expand(1, 2, 3, 2).contiguous()
    one = halved(SegmentedSample(Sample("a", image, labels), labels, torch.full((1, 2, 3, 2), 0.8)))
    # The third plane has a plane of zeros behind it.
    assert one.sample.image.flatten().tolist() == [0.25, 0.125]
    assert one.sample.labels.flatten().tolist() == [1, 1]
    assert one.regions.flatten().tolist() == [1, 1]
    assert one.confidence.flatten().tolist() == pytest.approx([0.8, 0.8])


@pytest.mark.parametrize(("grid", "shape"), [("full", (32, 48, 40)), ("half", (16, 24, 20))])
def test_subjects_are_loaded_on_the_grid_of_the_network(
    task: Task, tiny_task: Path, grid: str, shape: tuple[int, int, int]
) -> None:
    config = TaskConfig(
        task="TinyMR",
        registration=RegistrationConfig(grid=grid),
        registration_training={"held_out": 2},
    )
    training, held_out = load_segmented(
        task, config, REGIONS, from_files(tiny_task / "labelsTr"), NO_SIDES, LeftOut()
    )
    assert (len(training), len(held_out)) == (3, 2)
    for one in training:
        assert one.sample.image.shape[2:] == one.regions.shape[1:] == one.confidence.shape[1:] == shape
        assert torch.equal(one.regions, one.sample.labels)
        assert (one.confidence == 1).all()


def test_exchanged_sides_of_the_label_maps_are_told_once(
    task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    """The two beans lie one behind the other along y; a small pair of kidneys is drawn the other way."""
    for subject in task.training_subjects():
        assert subject.label is not None
        volume = read_labels(subject.label)
        labels = volume.array.copy()
        labels[4, 4, 4], labels[20, 4, 4], labels[6, 8, 8], labels[18, 8, 8] = 2, 3, 5, 6
        write_volume(subject.label, labels, volume.header.affine)
    names = {1: "a", 2: "left kidney", 3: "right kidney", 4: "b", 5: "right horn", 6: "left horn"}
    regions = (0, 1, 2, 3, 4, 5, 6)
    subjects = task.training_subjects()
    samples = load_samples(subjects, regions, IntensityConfig(), None, LeftOut())
    with caplog.at_level("WARNING"):
        with_regions(subjects, samples, bright, None, LeftOut(), SideCheck(names, regions))
    (record,) = caplog.records
    assert "TinyMR_0001_0000.nii.gz: left and right look swapped" in record.getMessage()
    assert "6 'left horn' and 5 'right horn'" in record.getMessage()


def test_label_maps_are_looked_at_before_the_first_image_is_segmented(task: Task, tiny_task: Path) -> None:
    path = tiny_task / "labelsTr" / task.training_subjects()[-1].image.name
    volume = read_labels(path)
    write_volume(path, np.where(volume.array == 4, 9, volume.array).astype(np.uint8), volume.header.affine)
    config = TaskConfig(task="TinyMR", registration_training=RegistrationTraining(held_out=1))
    with pytest.raises(TaskError, match=r"named labels are \[1, 4\]: 1\) .*_0005_.* holds labels \[9\]"):
        load_segmented(
            task, config, REGIONS, lambda _: pytest.fail("an image was segmented"), NO_SIDES, LeftOut()
        )


def test_a_subject_without_a_usable_segmentation_is_left_out(task: Task, tmp_path: Path) -> None:
    config = TaskConfig(task="TinyMR", registration_training={"held_out": 2})
    subjects = task.training_subjects()
    for one in (*subjects[:1], *subjects[2:]):
        assert one.label is not None
        (tmp_path / one.image.name).write_bytes(one.label.read_bytes())
    (tmp_path / subjects[4].image.name).write_bytes(b"damaged")
    left_out = LeftOut()
    training, held_out = load_segmented(task, config, REGIONS, from_files(tmp_path), NO_SIDES, left_out)
    assert [one.sample.name for one in training] == ["0001", "0003"]
    assert [one.sample.name for one in held_out] == ["0004"]
    assert set(left_out.faults) == {subjects[1], subjects[4]}
