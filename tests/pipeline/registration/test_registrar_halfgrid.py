"""The registrar on the half grid: of the network, and of the profile that stores the field."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pairs.images.volume import Volume
from pipeline.config import RefinementConfig
from pipeline.network.warp import warp
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle
from tests.pipeline.registration.conftest import halved, pair, register, volume

__all__: list[str] = []


def test_profiles_on_the_half_grid_have_a_refinement_of_their_own(
    device: torch.device, tiny_bundle: Bundle
) -> None:
    whole, half = RefinementConfig(iterations=3), RefinementConfig(iterations=5)
    config = tiny_bundle.header.config
    for both, expected in (((whole, half), 5), ((whole, None), 3)):
        changed = dict(zip(("refinement", "refinement_for_half_grid"), both, strict=True))
        header = tiny_bundle.header.model_copy(update={"config": config.model_copy(update=changed)})
        bundle = replace(tiny_bundle, header=header)
        assert Registrar(bundle, device).refinement.iterations == 3
        assert Registrar(bundle, device, "zoom2").refinement.iterations == expected


def test_the_half_grid_sees_means_and_gives_full_voxels(
    device: torch.device, tiny_bundle: Bundle, image: Volume
) -> None:
    """Voxels in groups of 2x2x2: the same network on the halved images, with twice the displacement."""
    whole, halving = (Registrar(one, device) for one in (tiny_bundle, halved(tiny_bundle)))
    small = pair()
    large = [part.repeat(2, 0).repeat(2, 1).repeat(2, 2) for part in small]
    expected = 2 * register(whole, image, *small)
    result = register(halving, image, *large)
    assert result.shape == (32, 32, 32, 3)
    upsampled = torch.nn.functional.interpolate(
        torch.from_numpy(expected).movedim(-1, 0)[None], scale_factor=2, mode="trilinear"
    )
    np.testing.assert_allclose(result, upsampled[0].movedim(0, -1).numpy(), atol=1e-4)
    assert np.abs(expected).max() > 0.1


def test_odd_sides_on_the_half_grid_keep_their_shape(
    device: torch.device, tiny_bundle: Bundle, image: Volume
) -> None:
    registrar = Registrar(halved(tiny_bundle), device)
    moving, fixed = (part[:15, :, :13] for part in pair())
    assert register(registrar, image, moving.copy(), fixed.copy()).shape == (15, 16, 13, 3)


@pytest.mark.parametrize(("sees", "gain"), [("image", 0.05), ("network", 0.04)])
def test_refinement_after_the_half_grid_brings_the_full_one_together(
    device: torch.device, tiny_bundle: Bundle, image: Volume, sees: str, gain: float
) -> None:
    refinement = RefinementConfig(iterations=12, similarity=0, dice=1, smoothness=0, sees=sees)
    registrar = Registrar(halved(tiny_bundle, refinement=refinement), device)
    moving, fixed = np.zeros((2, 32, 32, 32), np.float32)
    moving[10:20, 8:20, 8:20], fixed[12:22, 8:20, 8:20] = 1, 1
    regions = [
        Segmentation((part > 0.5).astype(np.uint8), np.ones(part.shape, np.float16))
        for part in (moving, fixed)
    ]
    volumes = volume(image, moving), volume(image, fixed)
    before, after = registrar(*volumes, regions[1]), registrar(*volumes, regions[1], regions[0])
    assert after.shape == (32, 32, 32, 3)

    def overlap(displacement: np.ndarray) -> float:
        u = torch.from_numpy(displacement).movedim(-1, 0)[None]
        warped = warp(torch.from_numpy(moving)[None, None], u)[0, 0].numpy()
        return float(2 * (warped * fixed).sum() / (warped.sum() + fixed.sum()))

    assert overlap(after) > overlap(before) + gain
