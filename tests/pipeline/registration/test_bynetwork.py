"""Networks on images that are not what they have learnt from."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.fields.profile import PROFILES
from pairs.images.volume import Volume, write_volume
from pipeline.general.registration import GeneralRegistration
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import RegionFiles
from pipeline.registration.bynetwork import NetworkRegistration
from pipeline.weights.bundle import Bundle
from tests.pipeline.registration.conftest import changed, volume

__all__: list[str] = []

CPU = torch.device("cpu")
MIRRORED = np.diag([-1.0, 1.0, 1.0, 1.0])


@pytest.fixture
def images(image: Volume) -> tuple[Volume, Volume]:
    """Moving and fixed: a soft ball in two places."""
    axes = np.meshgrid(*[np.arange(16.0)] * 3, indexing="ij")

    def ball(x: float) -> np.ndarray:
        distance = np.sqrt((axes[0] - x) ** 2 + (axes[1] - 8) ** 2 + (axes[2] - 7) ** 2)
        return np.clip(6 - distance, 0, 3).astype(np.float32)

    return volume(image, ball(7.0)), volume(image, ball(8.5))


def everywhere(label: int) -> Callable[[Volume], Segmentation]:
    def source(image: Volume) -> Segmentation:
        shape = image.array.shape
        return Segmentation(np.full(shape, label, np.uint8), np.ones(shape, np.float16))

    return source


def test_images_that_the_segmentor_does_not_know_go_by_the_general_method(
    tiny_bundle: Bundle, images: tuple[Volume, Volume]
) -> None:
    ranges = ((0.1, 9.0), (1.0, 2.0), (1.0, 2.0))
    bundle = replace(tiny_bundle, header=tiny_bundle.header.model_copy(update={"volumes_ml": ranges}))
    found = NetworkRegistration(bundle, CPU, regions=everywhere(0))(*images)
    expected = GeneralRegistration(bundle.header.config, CPU, PROFILES["l2r2022"])(*images)
    assert np.array_equal(found.displacement, expected.displacement)
    assert "2 of 2 regions are of another size" in " ".join(found.warnings)
    assert "do their axes run RAS as the affine says?" in found.warnings[-1]
    assert np.abs(found.displacement).max() > 0.5


def test_both_images_lie_as_the_affine_of_the_fixed_one_says(
    tiny_bundle: Bundle, images: tuple[Volume, Volume]
) -> None:
    """Mirrored by its affine alone: left and right of the moving image are those of the fixed one."""
    bundle = changed(
        tiny_bundle, refinement=tiny_bundle.header.config.refinement.model_copy(update={"iterations": 1})
    )
    moving, fixed = images
    odd = replace(moving, header=replace(moving.header, affine=MIRRORED))
    seen = []

    def source(image: Volume) -> Segmentation:
        seen.append(image.header.affine)
        return everywhere(1)(image)

    found = NetworkRegistration(bundle, CPU, regions=source)(odd, fixed)
    assert len(seen) == 2
    assert all(np.array_equal(affine, fixed.header.affine) for affine in seen)
    assert any("run LAS and those of" in text for text in found.warnings)


def test_files_of_the_user_are_taken_as_they_are(
    tiny_bundle: Bundle, images: tuple[Volume, Volume], tmp_path: Path
) -> None:
    """A part of the regions, of whatever size, is no sign of an image that nobody knows."""
    ranges = ((0.1, 9.0), (1.0, 2.0), (1.0, 2.0))
    bundle = replace(tiny_bundle, header=tiny_bundle.header.model_copy(update={"volumes_ml": ranges}))
    files = RegionFiles(tmp_path, (0, 1, 4), SideCheck({}, (0,)))
    for image in images:
        write_volume(
            tmp_path / image.header.path.name, np.ones(image.array.shape, np.uint8), image.header.affine
        )
    found = NetworkRegistration(bundle, CPU, regions=files)(*images)
    assert not any("general method" in text or "another size" in text for text in found.warnings)
