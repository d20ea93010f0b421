"""Sizes of regions: what is told, and when an image counts as one that the segmentor does not know."""

from dataclasses import replace

import numpy as np
import pytest

from pairs.images.volume import Volume
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.volumes import ExpectedVolumes

__all__: list[str] = []

# Voxels of 8 microlitres: a hundred of them are 0.8 ml.
SPACING = (2.0, 2.0, 2.0)
EXPECTED = ExpectedVolumes(((2.0, 6.0), (0.7, 0.9), (0.7, 0.9), (0.7, 0.9)), ("background", "a", "b", "c"))


@pytest.fixture
def brain(image: Volume) -> Volume:
    array = np.zeros((10, 10, 10), np.float32)
    array[:5] = 1
    return replace(image, header=replace(image.header, spacing_mm=SPACING, shape=array.shape), array=array)


def regions(*voxels: int) -> Segmentation:
    """So many voxels of each region."""
    labels = np.zeros(1000, np.uint8)
    labels[: sum(voxels)] = np.repeat(np.arange(1, len(voxels) + 1), voxels)
    return Segmentation(labels.reshape(10, 10, 10), np.ones((10, 10, 10), np.float16))


def test_sizes_as_in_the_training_are_nothing_to_tell(brain: Volume) -> None:
    judged = EXPECTED.judged(brain, regions(100, 70, 140))
    assert judged.warnings == ()
    assert judged.is_known


def test_a_region_of_another_size_is_told_and_the_image_is_known(brain: Volume) -> None:
    judged = EXPECTED.judged(brain, regions(100, 200, 100))
    (told,) = judged.warnings
    assert "1 of 3 regions are of another size" in told
    assert told.endswith("b 1.6 ml (0.7 to 0.9)")
    assert judged.is_known


def test_most_regions_of_another_size_are_those_of_an_unknown_image(brain: Volume) -> None:
    assert not EXPECTED.judged(brain, regions(0, 300, 100)).is_known


def test_more_than_the_organ_in_the_image_is_told(brain: Volume) -> None:
    whole = replace(brain, array=np.ones_like(brain.array) * 3)
    small = replace(whole, header=replace(whole.header, spacing_mm=(3.0, 2.0, 2.0)))
    (told,) = EXPECTED.judged(small, regions(67, 67, 67)).warnings
    assert "12 ml are not zero, in the training of the weights 2 to 6" in told


def test_without_knowledge_everything_is_ordinary(brain: Volume) -> None:
    judged = ExpectedVolumes((), ("background", "a")).judged(brain, regions(1))
    assert (judged.warnings, judged.is_known) == ((), True)
