"""A segmentor on whole files: window, axes, spacing, and classes that become the task's labels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pairs.errors import WeightsError
from pairs.images.header import Header
from pairs.images.volume import Volume
from pipeline.config import IntensityConfig, SegmentorConfig
from pipeline.regions.classes import region_of_classes
from pipeline.regions.segmentor import Segmentor
from pipeline.registration.preprocess import normalise

__all__: list[str] = []

WINDOW = IntensityConfig(kind="window", low=-175, high=250)
TASK = IntensityConfig(kind="window", low=-500, high=800)
REGIONS = (0, 3, 7)


class ByBrightness(nn.Module):
    """Four classes: background below 0.2, then one for every 0.2; class 2 beyond the middle of axis 0."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(image)
        levels = torch.tensor([0.1, 0.3, 0.5, 0.7]).view(1, 4, 1, 1, 1)
        return -200 * (image - levels).square()


def volume(array: np.ndarray, affine: np.ndarray) -> Volume:
    x, y, z = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    shape = (array.shape[0], array.shape[1], array.shape[2])
    return Volume(Header(Path("a.nii"), shape, (x, y, z), affine, np.dtype(np.float32)), array)


def hounsfield(level: float) -> float:
    """The value that the segmentor's window maps to `level`."""
    return -175 + 425 * level


@pytest.fixture
def segmentor(device: torch.device) -> Callable[..., Segmentor]:
    def make(network: nn.Module, **settings: object) -> Segmentor:
        config = SegmentorConfig.model_validate({"channels": (2, 4), "roi": (64, 64, 64), **settings})
        return Segmentor(network, config, device, TASK, REGIONS)

    return make


# To the left, to the head, to the back; 3 x 2 x 2 mm.
TURNED_1MM = np.array([[0.0, 0, -1, 40], [0, -1, 0, 30], [1, 0, 0, -20], [0, 0, 0, 1]])
TURNED = np.array([[-3.0, 0, 0, 40], [0, 0, -2, 30], [0, 2, 0, -20], [0, 0, 0, 1]])


def blocks() -> np.ndarray:
    """Three blocks of class 1, 2 and 3 in a background, (20, 16, 18)."""
    image = np.full((20, 16, 18), hounsfield(0.1), np.float32)
    image[2:8, 2:14, 3:9] = hounsfield(0.3)
    image[11:18, 2:8, 2:16] = hounsfield(0.5)
    image[11:18, 9:15, 2:16] = hounsfield(0.7)
    return image


def test_labels_come_back_to_the_files_own_grid(segmentor: Callable[..., Segmentor]) -> None:
    network = ByBrightness()
    find = segmentor(
        network,
        intensity=WINDOW.model_dump(),
        orientation="RAS",
        spacing_mm=(1.5, 1.5, 2.0),
        class_labels=(0, 7, 3, 0),
    )
    found = find(volume(blocks(), TURNED))
    # 19 gaps of 3 mm, 17 of 2 mm and 15 of 2 mm, padded to the network's stride of 2.
    assert network.seen[0].shape == (1, 1, 40, 24, 16)
    assert found.labels.shape == (20, 16, 18)
    expected = np.zeros((20, 16, 18), np.uint8)
    expected[2:8, 2:14, 3:9] = 2
    expected[11:18, 2:8, 2:16] = 1
    # Only voxels beside an edge may differ, where the values on the lattice are between two classes.
    wrong = np.argwhere(found.labels != expected)
    assert len(wrong) < 0.05 * expected.size
    assert (found.labels[4:6, 4:12, 5:7] == 2).all()
    assert (found.labels[13:16, 4:6, 4:14] == 1).all()
    # The third block is an organ that the task does not name.
    assert (found.labels[13:16, 11:13, 4:14] == 0).all()


def test_probabilities_of_classes_that_share_a_label_are_added(
    segmentor: Callable[..., Segmentor],
) -> None:
    """Neither of two classes beats the third alone; together they do."""

    class Fixed(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            levels = torch.tensor([0.05, 0.3, 0.25, 0.4]).log().view(1, 4, 1, 1, 1)
            return levels.repeat(1, 1, *image.shape[2:])

    found = segmentor(Fixed(), class_labels=(0, 3, 3, 7))(volume(blocks(), np.eye(4)))
    assert (found.labels == 1).all()
    np.testing.assert_allclose(found.confidence, 0.55, atol=1e-3)


def test_no_region_is_known_where_the_probability_is_interpolated_between_two(
    segmentor: Callable[..., Segmentor],
) -> None:
    """Confidence falls towards an edge and is the largest of numbers that add up to one."""
    found = segmentor(ByBrightness(), spacing_mm=(3.0, 3.0, 3.0), class_labels=(0, 3, 7, 0))(
        volume(blocks(), np.eye(4))
    )
    assert found.confidence.dtype == np.float16
    assert 1 / 3 <= found.confidence.min() < 0.7 < found.confidence.max() <= 1


def test_the_own_window_comes_before_the_tasks(segmentor: Callable[..., Segmentor]) -> None:
    image = blocks()
    for own, used in ((WINDOW, WINDOW), (None, TASK)):
        network = ByBrightness()
        segmentor(network, intensity=own and own.model_dump(), class_labels=(0, 3, 7, 0))(
            volume(image, np.eye(4))
        )
        assert np.array_equal(network.seen[0][0, 0].numpy(), normalise(image, used))


def test_on_the_images_grid_nothing_is_resampled(segmentor: Callable[..., Segmentor]) -> None:
    torch.manual_seed(0)
    network = nn.Conv3d(1, 3, 3, padding=1)
    find = segmentor(network)
    image = blocks()
    expected = find.segment(normalise(image, TASK))
    found = find(volume(image, TURNED))
    assert found.labels.tobytes() == expected.labels.tobytes()
    assert found.confidence.tobytes() == expected.confidence.tobytes()


def test_the_detour_over_regions_agrees_with_argmax_of_all_classes(
    segmentor: Callable[..., Segmentor],
) -> None:
    torch.manual_seed(0)
    network = nn.Conv3d(1, 3, 3, padding=1)
    torch.nn.init.normal_(network.weight)
    image = blocks()
    direct = segmentor(network)(volume(image, np.eye(4)))
    detour = segmentor(network, class_labels=REGIONS)(volume(image, np.eye(4)))
    assert len(np.unique(direct.labels)) > 1
    assert np.array_equal(detour.labels, direct.labels)
    np.testing.assert_allclose(detour.confidence, direct.confidence, atol=1e-3)


def test_away_from_the_content_all_is_background(device: torch.device) -> None:
    config = SegmentorConfig(channels=(2, 4), roi=(16, 16, 16), class_labels=(0, 3, 7))
    network = nn.Conv3d(1, 3, 1)
    torch.nn.init.zeros_(network.weight)
    assert network.bias is not None
    network.bias.data = torch.tensor([0.0, 5.0, 0.0])
    image = np.zeros((40, 20, 20), np.float32)
    image[22:30, 6:12, 6:12] = 0.5
    crop = (8, 8, 8)
    find = Segmentor(network, config, device, IntensityConfig(kind="window", low=0, high=1), REGIONS, crop)
    found = find(volume(image, np.eye(4)))
    assert np.argwhere(found.labels == 1).min(0).tolist() == [22, 5, 5]
    assert np.argwhere(found.labels == 1).max(0).tolist() == [29, 12, 12]
    assert (found.confidence[found.labels == 0] == 1).all()


def test_classes_name_the_regions() -> None:
    assert region_of_classes((0, 7, 3, 0), REGIONS) == (0, 2, 1, 0)
    with pytest.raises(WeightsError, match=r"expected some of \[0, 3, 7\], got \[4, 9\]"):
        region_of_classes((0, 9, 4, 3), REGIONS)
    with pytest.raises(WeightsError, match="background only"):
        region_of_classes((0, 0), REGIONS)


@pytest.mark.parametrize("labels", [(1, 0), (0,)])
def test_class_0_is_the_background(labels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="class_labels"):
        SegmentorConfig(class_labels=labels)


def test_a_small_volume_fills_swinunetrs_window(device: torch.device) -> None:
    network = ByBrightness()
    config = SegmentorConfig(network="swinunetr-tiny", roi=(64, 64, 96), class_labels=(0, 3, 7, 0))
    found = Segmentor(network, config, device, TASK, REGIONS)(volume(blocks(), np.eye(4)))
    assert {image.shape for image in network.seen} == {(1, 1, 64, 64, 96)}
    assert found.labels.shape == (20, 16, 18)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (3, 2, 40)])
@pytest.mark.parametrize("crop", [None, (8, 8, 8)])
def test_a_volume_of_any_sides_is_segmented_on_its_own_grid(
    shape: tuple[int, int, int], crop: tuple[int, int, int] | None, device: torch.device
) -> None:
    settings = {"orientation": "RAS", "spacing_mm": (1.5, 1.5, 2.0), "class_labels": (0, 7, 3, 0)}
    config = SegmentorConfig.model_validate({"channels": (2, 4), "roi": (16, 16, 16), **settings})
    find = Segmentor(ByBrightness(), config, device, WINDOW, REGIONS, crop)
    found = find(volume(np.full(shape, hounsfield(0.3), np.float32), TURNED))
    assert found.labels.shape == found.confidence.shape == shape
    assert np.unique(found.labels).tolist() == [2]


@pytest.mark.parametrize("spacing_mm", [1.0, 1.5])
@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1.0, 1, 1, 1]), TURNED_1MM])
def test_classes_without_sides_become_left_and_right(
    segmentor: Callable[..., Segmentor], affine: np.ndarray, spacing_mm: float
) -> None:
    """Two bright blocks and a bright bar between them, off the middle of the volume."""
    right = np.einsum("j,jxyz->xyz", affine[0, :3], np.indices((48, 48, 48)))
    right -= right.min() + 18
    others = np.delete(np.indices((48, 48, 48)) - 24.0, np.flatnonzero(affine[0, :3])[0], axis=0)
    away = np.sqrt(right**2 + (others**2).sum(axis=0))
    around = away < 20
    image = np.full((48, 48, 48), hounsfield(0.1), np.float32)
    image[around & (np.abs(np.abs(right) - 8) < 4)] = hounsfield(0.5)
    image[around & (np.abs(right) < 2)] = hounsfield(0.7)
    sides = {"class_labels": (0, 0, 3, 0), "right_class_labels": (0, 0, 7, 0)}
    find = segmentor(
        ByBrightness(), intensity=WINDOW.model_dump(), orientation="LIA", spacing_mm=[spacing_mm] * 3, **sides
    )
    found = find(volume(image, affine)).labels
    sure = (away < 15) & (np.abs(np.abs(right) - 8) < 2)
    assert (found[sure & (right < 0)] == 1).all()
    assert (found[sure & (right > 0)] == 2).all()
    assert (found[(away < 15) & (np.abs(right) < 1)] == 0).all()
