"""Two scans of two modalities: what is compared, and what comes of it."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from pairs.errors import UsageError
from pairs.images.volume import write_volume
from pipeline.machine.device import choose_device
from pipeline.register import method_for_scans, register
from pipeline.weights.bundle import Bundle

__all__: list[str] = []

SHAPE = (48, 44, 40)
# Of five tissues in air: rising in one modality, up and down in the other.
HU = np.array([-1000, -100, -20, 40, 120, 400.0])
SIGNAL = np.array([0, 300, 50, 200, 20, 250.0])
CPU = choose_device("cpu")


@pytest.fixture
def scans(tmp_path: Path) -> tuple[Path, Path, np.ndarray, np.ndarray]:
    """Moving image (MR), fixed image (CT), the displacement between them, and where the body is."""
    tissue = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=SHAPE), 3)
    tissue = 1 + np.searchsorted(np.quantile(tissue, [0.2, 0.4, 0.6, 0.8]), tissue)
    places = np.indices(SHAPE).astype(float)
    centred = np.moveaxis(places, 0, -1) - np.array(SHAPE) / 2
    body = ((centred / (19, 18, 16)) ** 2).sum(-1) < 1
    tissue = np.where(body, tissue, 0)
    waves = [1.5 * np.sin(2 * np.pi * places[(axis + 1) % 3] / 36 + axis) for axis in range(3)]
    true = np.stack(waves, axis=-1) + np.array([2, -1, 1])
    there = places + np.moveaxis(true, -1, 0)
    fixed = ndimage.map_coordinates(ndimage.gaussian_filter(HU[tissue], 0.7), there, order=1, mode="nearest")
    files = tmp_path / "moving.nii.gz", tmp_path / "fixed.nii.gz"
    for path, array in zip(files, (ndimage.gaussian_filter(SIGNAL[tissue], 0.7), fixed), strict=True):
        write_volume(path, array.astype(np.float32), np.eye(4))
    return *files, true, ndimage.map_coordinates(body.astype(float), there, order=1) > 0.9


def test_two_modalities_are_registered_where_intensities_fail(
    scans: tuple[Path, Path, np.ndarray, np.ndarray],
) -> None:
    moving, fixed, true, body = scans

    def error(**more: tuple[str, str]) -> float:
        found = register(fixed, moving, device="cpu", **more)
        return float(np.linalg.norm(found.displacement - true, axis=-1)[body].mean())

    assert np.linalg.norm(true, axis=-1)[body].mean() > 2.5
    assert error(modalities=("CT", "MR")) < 0.9 < 1.8 < error()


@pytest.mark.parametrize("affine_only", [True, False])
def test_the_words_decide_what_is_compared(affine_only: bool) -> None:
    def compared(*modalities: str) -> str | None:
        return method_for_scans(
            None, CPU, affine_only=affine_only, modalities=(modalities[0], modalities[1])
        ).compared

    assert compared("CT", "MR") == "descriptors"
    assert compared("CT", "ct") == compared("", "") == compared("", "MR") == "correlation"


@pytest.mark.parametrize("affine_only", [True, False])
def test_ct_without_its_shift_is_told_whatever_stage_is_the_last(
    scans: tuple[Path, Path, np.ndarray, np.ndarray], affine_only: bool
) -> None:
    moving, fixed, _, _ = scans
    found = register(fixed, moving, device="cpu", affine_only=affine_only, modalities=("CT", "CT"))
    (told,) = [text for text in found.warnings if "no voxel is negative" in text]
    assert told.startswith("moving.nii.gz: ")


def test_networks_take_no_modalities(tiny_bundle: Bundle) -> None:
    with pytest.raises(UsageError, match="general method alone"):
        method_for_scans(tiny_bundle, CPU, modalities=("CT", "MR"))
    assert method_for_scans(tiny_bundle, CPU).compared is None
    # The affine stage compares images, whatever comes after it.
    method = method_for_scans(tiny_bundle, CPU, affine_only=True, modalities=("CT", "MR"))
    assert method.compared == "descriptors"
