"""The stages one after the other, on images of one grid."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from pairs.images.volume import Volume, read_image, write_volume
from pipeline.general.config import FineConfig, GeneralConfig
from pipeline.general.intensities import Intensities
from pipeline.general.method import GeneralMethod
from pipeline.regions.config import IntensityConfig
from pipeline.regions.segmentor import Segmentation

__all__: list[str] = []

SHAPE = (40, 36, 32)
PERCENTILES = Intensities(IntensityConfig())


def volume(path: Path, array: np.ndarray) -> Volume:
    write_volume(path, array.astype(np.float32), np.eye(4))
    return read_image(path)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Volume, Volume, np.ndarray]:
    """Moving, fixed, and the displacement between them: waves of 14 voxels, too short for half grids."""
    moving = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 1.2)
    moving = np.pad((moving - moving.min())[4:-4, 4:-4, 4:-4] + 0.1, 4)
    places = np.indices(SHAPE).astype(float)
    true = np.zeros((*SHAPE, 3))
    true[..., 0] = 1.2 * np.sin(2 * np.pi * places[1] / 14)
    fixed = ndimage.map_coordinates(moving, places + np.moveaxis(true, -1, 0), order=1)
    return volume(tmp_path / "moving.nii.gz", moving), volume(tmp_path / "fixed.nii.gz", fixed), true


def error(config: GeneralConfig, pair: tuple[Volume, Volume, np.ndarray]) -> float:
    """Mean distance to the true displacement, in voxels, away from the border."""
    moving, fixed, true = pair
    method = GeneralMethod(config, (PERCENTILES, PERCENTILES), "correlation", torch.device("cpu"))
    inner = (slice(8, -8),) * 3
    return float(np.linalg.norm(method(moving, fixed).displacement - true, axis=-1)[inner].mean())


def test_the_fine_stage_adds_what_half_the_resolution_cannot_show(
    pair: tuple[Volume, Volume, np.ndarray],
) -> None:
    coarse = GeneralConfig(finest_voxels=10_000, fine_stage=None)
    fine = coarse.model_copy(update={"fine_stage": FineConfig(steps=20, step_vox=0.5)})
    before, after = error(coarse, pair), error(fine, pair)
    assert after < 0.7 * before
    # On the grid on which the other stages worked there is nothing left for it to do.
    same = fine.model_copy(update={"finest_voxels": 1_000_000})
    without = same.model_copy(update={"fine_stage": None})
    assert error(same, pair) == error(without, pair)


def test_the_fine_stage_leaves_label_maps_where_they_are(pair: tuple[Volume, Volume, np.ndarray]) -> None:
    moving, fixed, _ = pair
    labels = np.zeros(SHAPE, np.uint8)
    labels[:20] = 1

    def displacement(fine_stage: FineConfig | None, confidence: float = 1.0) -> np.ndarray:
        regions = Segmentation(labels, np.full(SHAPE, confidence, np.float16))
        config = GeneralConfig(finest_voxels=10_000, fine_stage=fine_stage)
        method = GeneralMethod(config, (PERCENTILES, PERCENTILES), "correlation", torch.device("cpu"))
        return method(moving, fixed, regions, regions).displacement

    fine = FineConfig(steps=20, step_vox=0.5)
    change = np.linalg.norm(displacement(fine) - displacement(None), axis=-1)
    assert change[:12].max() < 1e-3
    assert change[28:-8].mean() > 0.1
    # What a segmentor says is not certain, and is mended.
    change = np.linalg.norm(displacement(fine, 0.9) - displacement(None, 0.9), axis=-1)
    assert change[8:12].mean() > 0.1


def test_a_stage_may_be_left_out(pair: tuple[Volume, Volume, np.ndarray]) -> None:
    moving, fixed, _ = pair
    nothing = GeneralConfig(global_stage=None, discrete_stage=None, continuous_stage=None, fine_stage=None)
    method = GeneralMethod(nothing, (PERCENTILES, PERCENTILES), "correlation", torch.device("cpu"))
    assert np.array_equal(method(moving, fixed).displacement, np.zeros((*SHAPE, 3)))
