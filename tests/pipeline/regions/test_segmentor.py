"""The segmentor: sliding windows, odd sizes, label and confidence that belong together."""

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.config import IntensityConfig, SegmentorConfig
from pipeline.regions.networks import build_network, padded_for, segmentation_loss
from pipeline.regions.segmentor import Segmentor, segmentation_of

__all__: list[str] = []

CONFIG = SegmentorConfig(channels=(2, 4), residual_units=1, roi=(8, 8, 8), overlap=0.5)


class Threshold(nn.Module):
    """Three classes: background, dark, bright; each voxel alone."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.largest = max(getattr(self, "largest", 0), image.shape[2])
        return torch.cat([1 - 10 * image, 10 * image - 5, 30 * image - 20], dim=1)


class Constant(nn.Module):
    """The same logits everywhere."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return torch.tensor([0.0, 2.0, 1.0]).view(1, 3, 1, 1, 1).repeat(1, 1, *image.shape[2:])


def blocks(shape: tuple[int, int, int]) -> np.ndarray:
    image = np.zeros(shape, np.float32)
    image[: shape[0] // 2] = 0.7
    image[: shape[0] // 2, shape[1] // 2 :] = 1
    return image


def segmentor(
    network: nn.Module,
    config: SegmentorConfig,
    device: torch.device,
    crop: tuple[int, int, int] | None = None,
) -> Segmentor:
    return Segmentor(network, config, device, IntensityConfig(), range(3), crop)


@pytest.mark.parametrize("shape", [(8, 8, 8), (20, 24, 16), (9, 13, 11), (3, 5, 30)])
def test_windows_of_any_volume_give_the_answer_of_the_whole(
    device: torch.device, shape: tuple[int, int, int]
) -> None:
    image = blocks(shape)
    whole = torch.softmax(Threshold()(torch.from_numpy(image)[None, None]), dim=1)[0]
    result = segmentor(Threshold(), CONFIG, device).segment(image)
    assert result.labels.shape == shape
    assert np.array_equal(result.labels, whole.argmax(0).numpy())
    assert np.allclose(result.confidence, whole.amax(0).numpy(), atol=2e-3)


@pytest.mark.parametrize("shape", [(8, 8, 8), (2, 2, 2), (1, 1, 1), (3, 1, 2)])
def test_small_volumes_are_segmented_whole(device: torch.device, shape: tuple[int, int, int]) -> None:
    config = SegmentorConfig(channels=(2, 2, 2, 2), residual_units=1, roi=(16, 16, 16))
    result = segmentor(build_network(config, 3), config, device).segment(np.ones(shape, np.float32))
    assert result.labels.shape == shape
    assert np.isfinite(result.confidence).all()


@pytest.mark.parametrize("shape", [(8, 8, 8), (1, 1, 1), (5, 12, 3), (9, 2, 7)])
def test_a_volume_smaller_than_the_crop_is_padded_as_in_training(
    shape: tuple[int, int, int], device: torch.device
) -> None:
    torch.manual_seed(0)
    network = build_network(CONFIG, 3)
    image = 0.2 + 0.8 * np.random.default_rng(0).random(shape, np.float32)
    crop = (8, 8, 8)
    by_hand = np.pad(image, [(0, max(0, 8 - side)) for side in shape])
    result, whole = (segmentor(network, CONFIG, device, crop).segment(part) for part in (image, by_hand))
    inside = tuple(slice(side) for side in shape)
    assert result.labels.shape == shape
    assert np.array_equal(result.labels, whole.labels[inside])
    assert np.array_equal(result.confidence, whole.confidence[inside])


def test_no_window_exceeds_the_configured_one(device: torch.device) -> None:
    network = Threshold()
    segmentor(network, CONFIG, device).segment(blocks((24, 24, 24)))
    assert network.largest == 8


def test_a_constant_network_stays_constant_over_window_seams(device: torch.device) -> None:
    logits = segmentor(Constant(), CONFIG, device).logits(torch.rand(1, 1, 21, 17, 10)).own
    expected = torch.tensor([0.0, 2.0, 1.0]).view(1, 3, 1, 1, 1)
    assert torch.allclose(logits[..., :21, :17, :10], expected, atol=1e-6)


def test_padding_around_the_content_changes_nothing(device: torch.device) -> None:
    """Instance normalisation counts padding: only a crop as in training keeps the answer."""
    torch.manual_seed(0)
    network = build_network(CONFIG, 3)
    content = 0.2 + 0.8 * np.random.default_rng(0).random((8, 6, 8), np.float32)
    image = np.zeros((8, 8, 8), np.float32)
    image[:, 1:7] = content
    far = np.zeros((24, 8, 20), np.float32)
    far[14:22, 1:7, 3:11] = content
    expected = segmentor(network, CONFIG, device, (8, 8, 8)).segment(image)
    result = segmentor(network, CONFIG, device, (8, 8, 8)).segment(far)
    assert np.array_equal(result.labels[14:22, :, 3:11], expected.labels)
    assert np.array_equal(result.confidence[14:22, :, 3:11], expected.confidence)
    assert result.labels[:14].max() == 0
    assert result.confidence[:14].min() == 1
    assert not np.array_equal(
        segmentor(network, CONFIG, device).segment(far).confidence[14:22, :, 3:11], expected.confidence
    )


def test_confidences_are_the_largest_of_three_probabilities(device: torch.device) -> None:
    torch.manual_seed(0)
    find = segmentor(build_network(CONFIG, 3), CONFIG, device)
    segmentation = find.segment(np.random.default_rng(0).random((11, 9, 10), np.float32))
    assert segmentation.confidence.min() >= 1 / 3 - 1e-3
    assert segmentation.confidence.max() <= 1


def test_segmentation_is_argmax_and_max() -> None:
    probabilities = torch.tensor([[0.2, 0.5], [0.7, 0.3], [0.1, 0.2]]).view(3, 2, 1, 1)
    result = segmentation_of(probabilities)
    assert result.labels.ravel().tolist() == [1, 0]
    assert np.allclose(result.confidence.ravel(), [0.7, 0.5], atol=1e-3)
    assert (result.labels.dtype, result.confidence.dtype) == (np.uint8, np.float16)


def test_the_same_image_gives_the_same_bytes(device: torch.device) -> None:
    torch.manual_seed(0)
    find = segmentor(build_network(CONFIG, 3), CONFIG, device)
    image = np.random.default_rng(0).random((12, 10, 9), np.float32)
    first, second = find.segment(image), find.segment(image)
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.confidence.tobytes() == second.confidence.tobytes()


@pytest.mark.parametrize("channels", [(2, 4), (2, 4, 4), (2, 2, 2, 2)])
def test_networks_take_multiples_of_their_total_stride(channels: tuple[int, ...]) -> None:
    config = CONFIG.model_copy(update={"channels": channels})
    side = 2 * config.total_stride
    logits = build_network(config, 3)(torch.rand(1, 1, side, side, side))
    assert logits.shape == (1, 3, side, side, side)


def test_loss_is_lower_for_the_right_answer() -> None:
    labels = torch.zeros(1, 1, 8, 8, 8, dtype=torch.int64)
    labels[:, :, 4:] = 1
    right = torch.nn.functional.one_hot(labels[:, 0], 2).movedim(-1, 1).float() * 10
    loss = segmentation_loss()
    assert loss(right, labels) < 0.1 < 1 < loss(right.flip(1), labels)


@pytest.mark.parametrize("shape", [(40, 12, 11), (37, 9, 10)])
def test_the_half_grid_is_interpolated_in_parts_as_it_would_be_whole(
    device: torch.device, shape: tuple[int, int, int]
) -> None:
    torch.manual_seed(0)
    config = CONFIG.model_copy(update={"grid": "half", "roi": (64, 64, 64)})
    network = build_network(config, 3).eval()
    image = 0.1 + np.random.default_rng(0).random(shape, np.float32)
    found = segmentor(network, config, device).segment(image)
    with torch.no_grad():
        whole = network(padded_for(config, torch.from_numpy(image)[None, None]))
    expected = segmentation_of(torch.softmax(whole, dim=1)[0, :, : shape[0], : shape[1], : shape[2]])
    assert np.array_equal(found.labels, expected.labels)
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-3)
