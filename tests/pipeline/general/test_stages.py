"""The stages of the general method, each on images whose true map is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from pipeline.general import continuous
from pipeline.general.config import ContinuousConfig, DiscreteConfig, FineConfig, GlobalConfig
from pipeline.general.continuous import Pair, continuous_displacement
from pipeline.general.descriptors import mind_ssc
from pipeline.general.discrete import discrete_displacement
from pipeline.general.fine import refined
from pipeline.general.globalstage import aligned
from pipeline.general.lattice import Placed
from pipeline.general.levels import Level, finest_factor, strides_of
from pipeline.general.translation import best_translation
from pipeline.network.losses import dice_loss, jacobian_determinant
from pipeline.network.warp import warp

__all__: list[str] = []

CPU = torch.device("cpu")


def texture(shape: tuple[int, int, int], seed: int = 0, sigma: float = 2.5) -> np.ndarray:
    """A smooth random image in 0..1 with dark margins."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    image = (noise - noise.min()) / np.ptp(noise)
    image[:4] = image[-4:] = 0
    image[:, :4] = image[:, -4:] = 0
    image[:, :, :4] = image[:, :, -4:] = 0
    return image.astype(np.float32)


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image))[None, None]


def test_descriptors_do_not_depend_on_what_is_bright() -> None:
    image = tensor(texture((20, 22, 24)))
    one, other = mind_ssc(image, 1, 1), mind_ssc(0.8 - 0.5 * image, 1, 1)
    assert one.shape == (1, 12, 20, 22, 24)
    assert torch.allclose(one, other, atol=1e-3)
    assert float((one - mind_ssc(tensor(texture((20, 22, 24), seed=1)), 1, 1)).abs().mean()) > 0.02


def test_descriptors_of_a_flat_image_are_finite() -> None:
    assert torch.isfinite(mind_ssc(torch.zeros(1, 1, 8, 8, 8), 1, 1)).all()


@pytest.mark.parametrize("shift", [(0, 0, 0), (7, -9, 11), (-16, 3, 0)])
def test_a_shift_of_any_size_is_found(shift: tuple[int, int, int]) -> None:
    whole = texture((64, 64, 64))
    fixed = whole[20:44, 20:44, 20:44]
    start = [20 + step for step in shift]
    moving = whole[start[0] : start[0] + 24, start[1] : start[1] + 24, start[2] : start[2] + 24]
    features = [mind_ssc(tensor(image), 1, 1) for image in (moving, fixed)]
    content = torch.ones(1, 1, 24, 24, 24)
    # fixed(x) = whole(20 + x) = moving(x - shift).
    found = best_translation(features[0], features[1], content, content, 0.1)
    assert found == tuple(-step for step in shift)


def test_without_overlap_there_is_no_shift() -> None:
    features = mind_ssc(tensor(texture((8, 8, 8))), 1, 1)
    nothing = torch.zeros(1, 1, 8, 8, 8)
    assert best_translation(features, features, nothing, nothing, 0.3) is None


def test_images_on_grids_of_their_own_are_aligned() -> None:
    """A turn of 12 degrees and a shift of 40 mm, the moving image coarser and with its axes exchanged."""
    whole = texture((72, 72, 72), sigma=4)
    angle = np.deg2rad(12)
    true = np.eye(4)
    true[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    centre = np.array([72.0, 72, 72])
    true[:3, 3] = centre + np.array([40, -10, 6]) - true[:3, :3] @ centre
    fixed = Placed(whole, np.diag([2.0, 2, 2, 1]))
    # Moving voxels of 2.5 mm, first and last axis exchanged, far from the fixed image's origin.
    affine = np.array([[0, 0, 2.5, 10], [0, 2.5, 0, -30], [2.5, 0, 0, -20], [0, 0, 0, 1.0]])
    to_fixed_voxels = np.linalg.inv(fixed.affine) @ np.linalg.inv(true) @ affine
    moving = ndimage.affine_transform(whole, to_fixed_voxels, output_shape=(80, 80, 80), order=1)
    found = aligned(fixed, Placed(moving, affine), np.eye(4), "correlation", GlobalConfig(), CPU)
    corners = np.array([[20, 20, 20, 1], [120, 20, 60, 1], [70, 120, 120, 1.0]]).T
    assert np.abs(found.matrix @ corners - true @ corners).max() < 2
    assert found.after < 0.75 * found.before
    assert found.warnings == ()


def test_regions_place_images_that_show_nothing() -> None:
    """Noise, with three structures in it that lie 14 mm apart; a fourth is in one image alone."""
    placed = []
    for seed, shift, fourth in ((0, 0, 0), (1, 7, 9)):
        regions = np.zeros((40, 44, 36), np.uint8)
        for label, (x, y, z) in ((1, (4, 6, 8)), (2, (20, 8, 20)), (5, (12, 26, 10))):
            regions[x + shift : x + shift + 8, y : y + 9, z : z + 7] = label
        regions[:3, 40:] = fourth
        noise = np.random.default_rng(seed).random(regions.shape, np.float32)
        placed.append(Placed(noise, np.diag([2.0, 2, 2, 1]), regions))
    fixed, moving = placed
    found = aligned(fixed, moving, np.eye(4), "correlation", GlobalConfig(), CPU)
    centres = np.array([[16, 20, 22, 1], [48, 24, 46, 1], [32, 60, 26, 1.0]]).T
    assert np.abs((found.matrix @ centres - centres)[:3] - [[14], [0], [0]]).max() < 2
    assert found.warnings == ()
    for one in (replace(fixed, regions=None), replace(fixed, regions=np.zeros_like(fixed.regions))):
        without = aligned(one, moving, np.eye(4), "correlation", GlobalConfig(), CPU)
        assert np.abs((without.matrix @ centres - centres)[0] - 14).max() > 5


def test_a_stage_that_fits_worse_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> tuple[int, int, int]:
        return 9, 0, 0

    monkeypatch.setattr("pipeline.general.globalstage.best_translation", wrong)
    image = Placed(texture((40, 40, 40)), np.eye(4))
    config = GlobalConfig(iterations=1)
    found = aligned(image, image, np.eye(4), "correlation", config, CPU)
    assert np.array_equal(found.matrix, np.eye(4))
    assert "fits worse" in found.warnings[0]


@pytest.mark.parametrize("seed", [0, 1])
def test_images_without_anything_in_common_are_told_and_stay_where_they_are(seed: int) -> None:
    noise = np.random.default_rng(seed).random((40, 36, 32), np.float32)
    image = texture((40, 36, 32), seed)
    places = Placed(noise, np.eye(4)), Placed(image, np.eye(4))
    found = aligned(*places, np.eye(4), "correlation", GlobalConfig(iterations=5, voxels=60_000), CPU)
    assert np.array_equal(found.matrix, np.eye(4))
    assert found.warnings[0].startswith("the images have hardly anything in common")


def test_the_dense_search_finds_a_far_shift() -> None:
    whole = texture((60, 48, 48))
    moving, fixed = (mind_ssc(tensor(part), 1, 1) for part in (whole[:48], whole[9:57]))
    u = discrete_displacement(moving, fixed, DiscreteConfig())
    inner = u[0, :, 14:34, 14:34, 14:34].mean((1, 2, 3))
    assert torch.allclose(inner, torch.tensor([9.0, 0, 0]), atol=1)


def test_the_descent_brings_images_together_without_folds() -> None:
    fixed = tensor(texture((32, 32, 32)))
    wave = 1.5 * torch.sin(torch.arange(32.0) / 5).view(1, 1, 32, 1, 1).expand(1, 3, 32, 32, 32)
    moving = warp(fixed, wave)
    pair = Pair(moving, fixed)
    config = ContinuousConfig(levels=((2, 20), (1, 20)))
    u = continuous_displacement(pair, torch.zeros(1, 3, 32, 32, 32), "correlation", config)
    before, after = ((warp(moving, part) - fixed).abs().mean() for part in (torch.zeros_like(u), u))
    assert after < 0.35 * before
    assert float(jacobian_determinant(u).min()) > 0


def test_regions_take_part_in_the_descent() -> None:
    """Flat images, so that the regions alone tell where to go."""
    flat = torch.zeros(1, 1, 24, 24, 24)
    regions = torch.zeros(2, 2, 24, 24, 24)
    for number, start in enumerate((8, 10)):
        regions[number, 1, start : start + 7, 8:15, 8:15] = 1
        regions[number, 0] = 1 - regions[number, 1]
    pair = Pair(flat, flat, None, regions[1:], regions[:1])
    config = ContinuousConfig(levels=((1, 30),))
    u = continuous_displacement(pair, torch.zeros(1, 3, 24, 24, 24), "correlation", config)
    assert 0.5 < float(u[0, 0, 11, 11, 11]) < 3
    assert float(dice_loss(warp(pair.moving_regions, u), pair.fixed_regions)) < 0.1


def test_many_regions_are_compared_at_half_the_resolution() -> None:
    flat, regions = torch.zeros(1, 1, 24, 24, 24), torch.zeros(1, 2, 24, 24, 24)
    pair = Pair(flat, flat, None, regions, regions)
    values = regions.numel()
    assert [pair.regions_stride(1, most) for most in (values, values - 1)] == [1, 2]
    assert pair.regions_stride(2, values // 8 - 1) == 4
    # Sides of 24 / 8 cannot be halved.
    assert pair.regions_stride(8, 1) == 8
    shapes = [tuple(part.shape[2:]) for part in pair.regions_at(2) or ()]
    assert shapes == [(12, 12, 12)] * 2


def test_coarse_regions_lead_to_the_same_place() -> None:
    regions = torch.zeros(2, 2, 24, 24, 24)
    for number, start in enumerate((8, 10)):
        regions[number, 1, start : start + 7, 8:15, 8:15] = 1
        regions[number, 0] = 1 - regions[number, 1]
    flat = torch.zeros(1, 1, 24, 24, 24)
    pair = Pair(flat, flat, None, regions[1:], regions[:1])
    found = [
        continuous_displacement(
            pair,
            torch.zeros(1, 3, 24, 24, 24),
            "correlation",
            ContinuousConfig(levels=((1, 30),), most_of_regions=most),
        )
        for most in (regions.numel(), 1)
    ]
    assert not torch.equal(*found)
    moved = [float(dice_loss(warp(pair.moving_regions, u), pair.fixed_regions)) for u in found]
    assert abs(moved[0] - moved[1]) < 0.02


def test_regions_of_a_level_are_means_over_its_blocks() -> None:
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, (7, 8, 5), np.uint8)
    confidence = draw.random((7, 8, 5), np.float32).astype(np.float16)
    level = Level((7, 8, 5), (2, 4, 1), 2, torch.device("cpu"))
    one_by_one = [level.of((labels == number) * confidence) for number in range(3)]
    torch.testing.assert_close(level.of_regions(labels, confidence, 3), torch.cat(one_by_one, dim=1))


def test_strides_bring_voxels_near_to_cubes() -> None:
    assert strides_of(4, (1.0, 1.0, 5.0)) == (4, 4, 1)
    assert finest_factor((160, 192, 224), (1.0, 1.0, 1.0), 1_300_000) == 2
    assert finest_factor((64, 64, 64), (1.0, 1.0, 1.0), 1_300_000) == 1


def test_the_fine_stage_finds_what_is_left_of_a_smooth_displacement() -> None:
    shape = (32, 30, 28)
    moving = tensor(texture(shape, sigma=1.5))
    true = 1.2 * torch.sin(torch.linspace(0, 6.3, 32)).view(1, 1, 32, 1, 1).expand(1, 3, *shape).contiguous()
    fixed = warp(moving, true)
    nothing = torch.zeros_like(true)
    found = refined(moving, fixed, nothing, nothing, FineConfig(steps=20, step_vox=0.5))
    inner = (slice(None), slice(None), *[slice(6, -6)] * 3)
    assert (found - true)[inner].abs().mean() < 0.5 * true[inner].abs().mean()
    assert jacobian_determinant(found).min() > 0


def test_the_fine_stage_keeps_an_affine_part_as_it_is() -> None:
    image = tensor(texture((24, 24, 24)))
    affine = torch.linspace(-2, 2, 24).view(1, 1, 24, 1, 1).expand(1, 3, 24, 24, 24).contiguous()
    same = torch.zeros_like(image)
    assert torch.allclose(refined(image, same, affine, affine, FineConfig()), affine)
    found = refined(image, warp(image, affine), affine, affine, FineConfig(steps=1, step_vox=1e-3))
    assert torch.allclose(found, affine, atol=2e-3)


def test_a_level_that_gains_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    image = tensor(texture((24, 24, 24)))
    calls: list[int] = []
    original = continuous.volume_loss
    monkeypatch.setattr(continuous, "volume_loss", lambda field: calls.append(1) or original(field))
    config = ContinuousConfig(levels=((2, 300), (1, 300)))
    found = continuous_displacement(Pair(image, image), torch.zeros(1, 3, 24, 24, 24), "correlation", config)
    assert len(calls) < 60
    assert found.abs().max() < 1e-3
