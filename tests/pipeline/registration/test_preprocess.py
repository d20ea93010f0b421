"""Intensities to 0..1, padding that is undone, crops around the content."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import IntensityConfig
from pipeline.registration.preprocess import (
    content_box,
    content_crop,
    crop_to,
    normalise,
    pad_to_multiple,
    tight_box,
    window_warnings,
)

__all__: list[str] = []

PERCENTILE = IntensityConfig(kind="percentile", low=1, high=99)
WINDOW = IntensityConfig(kind="window", low=-200, high=300)


def padded_image(scale: float = 1.0) -> np.ndarray:
    image = np.zeros((12, 10, 8), np.float32)
    image[2:10, 2:8, 2:6] = np.random.default_rng(0).uniform(50, 150, (8, 6, 4))
    return image * np.float32(scale)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e6))
def test_percentiles_do_not_see_the_scanner_scale(scale: float) -> None:
    assert np.allclose(
        normalise(padded_image(scale), PERCENTILE), normalise(padded_image(), PERCENTILE), atol=1e-5
    )


def test_percentiles_are_of_the_content_and_padding_stays_zero() -> None:
    image = padded_image()
    result = normalise(image, PERCENTILE)
    top = np.percentile(image[image != 0], 99)
    assert result.dtype == np.float32
    assert result[image == 0].max() == 0
    assert np.allclose(result, np.clip(image / top, 0, 1), atol=1e-6)


def test_headroom_keeps_the_tissue_where_it_is_beside_a_bright_cyst() -> None:
    image, cyst = padded_image(), padded_image()
    cyst[4:7, 4:7, 3:5] = 1000
    tissue = (image > 0) & (cyst < 1000)
    roomy = IntensityConfig(low=1, high=80, headroom=2.0)
    top = np.percentile(cyst[cyst != 0], 80)
    assert np.allclose(normalise(cyst, roomy), np.clip(cyst / (2 * top), 0, 1), atol=1e-6)

    def darkened(config: IntensityConfig) -> float:
        return float(normalise(cyst, config)[tissue].mean() / normalise(image, config)[tissue].mean())

    assert darkened(roomy) > 0.9
    assert darkened(PERCENTILE) < 0.2


def test_more_padding_does_not_change_the_content() -> None:
    image = padded_image()
    wider = np.pad(image, 20)
    assert np.array_equal(normalise(wider, PERCENTILE)[20:-20, 20:-20, 20:-20], normalise(image, PERCENTILE))


def test_negative_values_are_scaled_from_their_own_percentile() -> None:
    image = padded_image() - 100
    low, high = np.percentile(image[image != 0], [1, 99])
    assert low < 0
    assert np.allclose(normalise(image, PERCENTILE), np.clip((image - low) / (high - low), 0, 1), atol=1e-6)


def test_percentiles_of_all_voxels_count_the_padding() -> None:
    image = padded_image()
    of_all = IntensityConfig(low=2, high=98, of="all")
    low, high = np.percentile(image, [2, 98])
    assert high < np.percentile(image[image != 0], 98)
    assert np.allclose(normalise(image, of_all), np.clip((image - low) / (high - low), 0, 1), atol=1e-6)


def test_window_maps_its_ends_to_zero_and_one() -> None:
    image = np.array([-1000, -200, 50, 300, 3000], np.float32).reshape(5, 1, 1)
    assert normalise(image, WINDOW).ravel().tolist() == [0, 0, 0.5, 1, 1]


@pytest.mark.parametrize(
    ("values", "config", "told"),
    [
        ((-1024, 40, 3000), WINDOW, False),
        ((0, 1064, 4024), WINDOW, True),
        ((0, 0.3, 1), WINDOW, True),
        ((-1, 0.3, 1), WINDOW, True),
        ((0, 1064, 4024), PERCENTILE, False),
        ((0, 1064, 4024), IntensityConfig(kind="window", low=0, high=4000), False),
    ],
)
def test_ct_that_was_shifted_or_rescaled_is_told(
    values: tuple[float, ...], config: IntensityConfig, told: bool
) -> None:
    warnings = window_warnings(np.array(values, np.float32).reshape(3, 1, 1), config)
    assert [("shifted" in warning and "from -200 to 300" in warning) for warning in warnings] == [True] * told


@pytest.mark.parametrize("config", [PERCENTILE, WINDOW])
def test_an_image_of_zeros_stays_finite(config: IntensityConfig) -> None:
    result = normalise(np.zeros((4, 4, 4), np.float32), config)
    assert np.isfinite(result).all()
    assert len(np.unique(result)) == 1


def test_a_constant_negative_image_becomes_zeros() -> None:
    assert normalise(np.full((4, 4, 4), -7.0, np.float32), PERCENTILE).max() == 0


@pytest.mark.parametrize("dtype", [np.int16, np.float64, np.uint8])
def test_any_number_type_gives_float32_in_zero_to_one(dtype: type[np.generic]) -> None:
    result = normalise(padded_image().astype(dtype), PERCENTILE)
    assert result.dtype == np.float32
    assert (result.min(), result.max()) == (0, 1)


sides = st.tuples(*[st.integers(1, 20)] * 3)


@settings(max_examples=40, deadline=None)
@given(sides, st.sampled_from([1, 2, 8, 16]))
def test_padding_reaches_the_next_multiple_and_cropping_undoes_it(
    shape: tuple[int, int, int], multiple: int
) -> None:
    volume = torch.rand(1, 2, *shape)
    padded = pad_to_multiple(volume, multiple)
    for before, after in zip(shape, padded.shape[2:], strict=True):
        assert after % multiple == 0
        assert 0 <= after - before < multiple
    assert torch.equal(crop_to(padded, shape), volume)
    assert padded.sum().item() == pytest.approx(volume.sum().item(), rel=1e-5)


def test_padding_takes_label_maps_and_half_precision_too() -> None:
    for dtype in (torch.uint8, torch.int64, torch.float16):
        assert pad_to_multiple(torch.ones(1, 1, 3, 4, 5, dtype=dtype), 4).dtype == dtype


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.data())
def test_a_crop_has_its_size_and_lies_inside(
    shape: tuple[int, int, int], size: tuple[int, int, int], data: st.DataObject
) -> None:
    image = np.zeros(shape)
    image[tuple(data.draw(st.integers(0, side - 1)) for side in shape)] = 1
    crop = content_crop(image, size)
    assert all(0 <= axis.start < axis.stop <= side for axis, side in zip(crop, shape, strict=True))
    cropped = image[crop]
    assert cropped.shape == tuple(min(a, b) for a, b in zip(shape, size, strict=True))
    assert cropped.sum() == 1


def test_a_crop_is_centred_on_the_content() -> None:
    image = np.zeros((40, 40, 40))
    image[20:26, 4:8, 30:36] = 1
    assert content_crop(image, (10, 8, 12)) == (slice(18, 28), slice(2, 10), slice(27, 39))


def test_an_empty_image_is_cropped_at_its_middle() -> None:
    assert content_crop(np.zeros((10, 10, 10)), (4, 4, 4)) == (slice(3, 7),) * 3


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.data())
def test_a_box_holds_all_of_the_content_and_the_crop_where_it_fits(
    shape: tuple[int, int, int], size: tuple[int, int, int], data: st.DataObject
) -> None:
    image = np.zeros(shape)
    for _ in range(2):
        image[tuple(data.draw(st.integers(0, side - 1)) for side in shape)] += 1
    box = content_box(image, size)
    assert all(0 <= axis.start < axis.stop <= side for axis, side in zip(box, shape, strict=True))
    part = image[box]
    assert part.sum() == 2
    for side, full, wanted in zip(part.shape, shape, size, strict=True):
        assert side >= min(full, wanted)


def test_a_box_is_the_crop_of_the_training_where_that_holds_the_content() -> None:
    image = np.zeros((40, 40, 40))
    image[20:26, 4:8, 30:36] = 1
    assert content_box(image, (10, 8, 12)) == content_crop(image, (10, 8, 12))
    assert content_box(image, (4, 8, 12))[0] == slice(20, 26)


def test_a_margin_is_kept_around_the_content() -> None:
    image = np.zeros((40, 40, 40))
    image[20:26, 4:8, 30:36] = 1
    assert content_box(image, (1, 1, 1), 3) == (slice(17, 29), slice(1, 11), slice(27, 39))


def test_a_box_is_the_whole_volume_where_the_training_had_no_crop() -> None:
    assert content_box(np.zeros((3, 4, 5)), None) == (slice(0, 3), slice(0, 4), slice(0, 5))


def test_a_tight_box_holds_the_content_alone_up_to_the_multiples() -> None:
    image = np.zeros((30, 20, 10))
    image[5:9, 8:12, 9] = 1
    assert tight_box(image, 4) == (slice(4, 12), slice(8, 12), slice(8, 12))
    assert tight_box(image, 1) == (slice(5, 9), slice(8, 12), slice(9, 10))
    assert tight_box(np.zeros((3, 4, 5)), 4) == (slice(0, 4), slice(0, 4), slice(0, 8))


@settings(max_examples=40, deadline=None)
@given(sides, sides, st.sampled_from([1, 2, 8]))
def test_padding_reaches_the_least_sides_and_no_further(
    shape: tuple[int, int, int], least: tuple[int, int, int], multiple: int
) -> None:
    padded = pad_to_multiple(torch.ones(1, 1, *shape), multiple, least)
    for before, wanted, after in zip(shape, least, padded.shape[2:], strict=True):
        assert after % multiple == 0
        assert 0 <= after - max(before, wanted) < multiple
    assert padded.sum().item() == np.prod(shape)


def test_the_content_is_found_without_a_list_of_its_voxels() -> None:
    """Coordinates of every voxel would take 24 bytes each."""
    image = np.ones((60, 60, 60), np.float32)
    tracemalloc.start()
    content_box(image, (8, 8, 8))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < image.size
