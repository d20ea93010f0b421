"""The affine map in front of a network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from pairs.fields.profile import PROFILES
from pairs.images.volume import Volume, read_image, write_volume
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.alignment import Alignment
from pipeline.registration.bynetwork import NetworkRegistration
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle

__all__: list[str] = []

CPU = torch.device("cpu")
SHAPE = (20, 22, 24)


def turned() -> np.ndarray:
    """About the first axis, with a shift."""
    angle = 0.1
    matrix = np.eye(4)
    matrix[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = 1.3, -0.6, 2
    return matrix


def volume(folder: Path, array: np.ndarray) -> Volume:
    write_volume(folder / "image.nii.gz", array.astype(np.float32), np.eye(4))
    return read_image(folder / "image.nii.gz")


def test_image_and_regions_are_pulled_back_by_the_map(tmp_path: Path) -> None:
    image = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 2)
    alignment = Alignment(turned(), CPU)
    matrix = turned()
    expected = ndimage.affine_transform(image, matrix[:3, :3], matrix[:3, 3], order=1)
    inner = (slice(4, -4),) * 3
    assert np.allclose(alignment.image(volume(tmp_path, image)).array[inner], expected[inner], atol=1e-4)
    labels = (image > 0).astype(np.uint8)
    regions = alignment.regions(Segmentation(labels, np.ones(SHAPE, np.float16)))
    nearest = ndimage.affine_transform(labels, matrix[:3, :3], matrix[:3, 3], order=0)
    assert (regions.labels[inner] == nearest[inner]).mean() > 0.999
    assert regions.labels.dtype == np.uint8
    assert regions.confidence.dtype == np.float16


def test_map_and_deformation_are_one_displacement() -> None:
    matrix = turned()
    deformation = np.random.default_rng(0).normal(size=(*SHAPE, 3)).astype(np.float32)
    found = Alignment(matrix, CPU).followed_by(deformation)
    voxels = np.moveaxis(np.indices(SHAPE), 0, -1)
    expected = (voxels + deformation) @ matrix[:3, :3].T + matrix[:3, 3] - voxels
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("aligned", [True, False])
def test_a_bundle_can_ask_for_the_global_stage(
    tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aligned: bool
) -> None:
    config = tiny_bundle.header.config
    network = config.registration.model_copy(update={"aligned": aligned})
    header = tiny_bundle.header.model_copy(
        update={"config": config.model_copy(update={"registration": network})}
    )
    whole = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(32, 48, 40)), 2.5)
    image = np.pad(((whole - whole.min()) / np.ptp(whole))[8:-8, 8:-8, 8:-8], 8)
    fixed, moving = volume(tmp_path, image), volume(tmp_path, np.roll(image, (0, 7, -5), (0, 1, 2)))
    seen: list[np.ndarray] = []
    original = Registrar.__call__

    def spy(self: Registrar, moving: Volume, *others: Volume | Segmentation | None) -> np.ndarray:
        seen.append(moving.array)
        return original(self, moving, *others)

    monkeypatch.setattr(Registrar, "__call__", spy)
    register = NetworkRegistration(replace(tiny_bundle, header=header), CPU, PROFILES["l2r2022"])
    found = register(moving, fixed).displacement[image > 0]
    near = np.abs(np.median(found, axis=0) - [0, 7, -5]).max() < 1
    assert near == aligned
    # The network sees the aligned image, not the moving one.
    unlike = np.abs(np.stack([seen[0], moving.array]) - fixed.array).mean((1, 2, 3))
    assert (unlike[0] < 0.3 * unlike[1]) == aligned
