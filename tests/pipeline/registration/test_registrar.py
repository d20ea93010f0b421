"""The registrar: what lies around the content, and what becomes of the displacement there."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pairs.errors import TooLittleMemory
from pairs.fields.resampling import Upsampling
from pairs.images.volume import Volume
from pipeline.config import RefinementConfig, RegistrationConfig
from pipeline.network.model import build_for_training, freeze
from pipeline.network.warp import warp
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle

__all__: list[str] = []

CROP = (16, 16, 16)


@pytest.fixture
def built(device: torch.device) -> Callable[..., Registrar]:
    def make(bundle: Bundle, iterations: int = 0) -> Registrar:
        """A registrar whose network was trained on crops of `CROP`."""
        config = bundle.header.config
        training = config.registration_training.model_copy(update={"crop": CROP})
        changed = {"registration_training": training, "refinement": RefinementConfig(iterations=iterations)}
        header = bundle.header.model_copy(update={"config": config.model_copy(update=changed)})
        return Registrar(replace(bundle, header=header), device)

    return make


@pytest.fixture
def registrar(built: Callable[..., Registrar], tiny_bundle: Bundle) -> Registrar:
    return built(tiny_bundle)


def volume(image: Volume, array: np.ndarray) -> Volume:
    return replace(image, header=replace(image.header, shape=array.shape), array=array)


def register(registrar: Registrar, image: Volume, moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    labels = (fixed > 0.5).astype(np.uint8)
    confidence = np.full(fixed.shape, 0.75, np.float16)
    return registrar(volume(image, moving), volume(image, fixed), Segmentation(labels, confidence))


def pair() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    moving, fixed = random.random((2, 16, 16, 16), np.float32) + 0.01
    return moving, fixed


def test_empty_margins_do_not_change_the_displacement(registrar: Registrar, image: Volume) -> None:
    moving, fixed = pair()
    expected = register(registrar, image, moving, fixed)
    margins = [(3, 9), (0, 5), (8, 0)]
    result = register(registrar, image, np.pad(moving, margins), np.pad(fixed, margins))
    assert result.shape == (28, 21, 24, 3)
    assert result.dtype == np.float32
    assert np.array_equal(result[3:19, :16, 8:], expected)
    assert np.abs(expected).max() > 0.1


@pytest.fixture
def with_network(device: torch.device) -> Callable[..., Registrar]:
    def make(bundle: Bundle, network: RegistrationConfig) -> Registrar:
        """A registrar whose network has another architecture; whole volumes, random weights."""
        torch.manual_seed(0)
        net = build_for_training(network, torch.randn(3, 5))
        torch.nn.init.normal_(net.head.free_filter)
        training = bundle.header.config.registration_training.model_copy(update={"crop": None})
        changed = {"registration": network, "registration_training": training}
        header = bundle.header.model_copy(update={"config": bundle.header.config.model_copy(update=changed)})
        state = freeze(net).state_dict()
        return Registrar(replace(bundle, header=header, registration=state), device)

    return make


def test_a_network_of_another_multiple_gets_its_sides(
    with_network: Callable[..., Registrar], tiny_bundle: Bundle, image: Volume
) -> None:
    """TransMorph takes multiples of 32 only; the tiny task has 32x48x40 voxels."""
    network = RegistrationConfig(backbone="transmorph-tiny", window=(2, 2, 2), mlp_width=4)
    registrar = with_network(tiny_bundle, network)
    result = register(registrar, image, image.array[::-1].copy(), image.array)
    assert result.shape == (32, 48, 40, 3)
    assert np.isfinite(result).all()
    assert result.std() > 0.01


@pytest.mark.parametrize("shape", [(8, 8, 8), (3, 17, 1)])
@pytest.mark.parametrize(
    ("backbone", "grid"),
    [
        ("lkunet", "full"),
        ("lkunet", "half"),
        ("voxelmorph-1", "full"),
        ("transmorph-tiny", "full"),
        ("fouriernet", "full"),
        ("lapirn", "half"),
    ],
)
def test_volumes_smaller_than_a_networks_multiple_are_padded(
    with_network: Callable[..., Registrar],
    tiny_bundle: Bundle,
    image: Volume,
    backbone: str,
    grid: str,
    shape: tuple[int, int, int],
) -> None:
    network = RegistrationConfig(backbone=backbone, start_channels=1, mlp_width=4, grid=grid, passes=2)
    moving, fixed = np.random.default_rng(0).random((2, *shape), np.float32) + 0.01
    result = register(with_network(tiny_bundle, network), image, moving, fixed)
    assert result.shape == (*shape, 3)
    assert np.isfinite(result).all()
    assert np.abs(result).max() > 0


sides = st.tuples(*[st.integers(1, 40)] * 3)
anywhere = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@anywhere
@given(sides, st.booleans(), st.sampled_from([0, 2]))
@example((1, 1, 1), False, 2)
@example((1, 40, 2), True, 2)
@example((15, 31, 17), True, 0)
@example((46, 13, 46), False, 0)
def test_a_volume_of_any_sides_is_registered(
    built: Callable[..., Registrar],
    tiny_bundle: Bundle,
    image: Volume,
    shape: tuple[int, int, int],
    halving: bool,
    iterations: int,
) -> None:
    """Shorter than the crop along some axes, longer along others; the crop is of 16 voxels."""
    registrar = built(halved(tiny_bundle) if halving else tiny_bundle, iterations)
    moving, fixed = np.random.default_rng(0).random((2, *shape), np.float32) + 0.01
    regions = Segmentation((fixed > 0.5).astype(np.uint8), np.ones(shape, np.float16))
    result = registrar(volume(image, moving), volume(image, fixed), regions, regions)
    assert result.shape == (*shape, 3)
    assert np.isfinite(result).all()


@pytest.mark.slow
@anywhere
@given(st.tuples(*[st.integers(1, 10)] * 3), st.sampled_from(["zoom2", "trilinear"]))
@example((1, 1, 1), "zoom2")
@example((1, 20, 3), "trilinear")
def test_a_volume_of_any_even_sides_is_refined_for_the_half_grid(
    built: Callable[..., Registrar],
    tiny_bundle: Bundle,
    image: Volume,
    halves: tuple[int, int, int],
    upsampling: Upsampling,
) -> None:
    shape = tuple(2 * side for side in halves)
    registrar = built(tiny_bundle, 1)
    registrar.upsampling = upsampling
    moving, fixed = np.random.default_rng(0).random((2, *shape), np.float32) + 0.01
    regions = Segmentation((fixed > 0.5).astype(np.uint8), np.ones(shape, np.float16))
    result = registrar(volume(image, moving), volume(image, fixed), regions, regions)
    assert result.shape == (*shape, 3)
    assert np.isfinite(result).all()


def test_a_small_volume_is_seen_with_the_padding_of_the_training(registrar: Registrar, image: Volume) -> None:
    """Instance normalisation counts padding: the network sees as much of it as in its crops."""
    moving, fixed = (part[:10, :, :7].copy() for part in pair())
    registrar.crop = (32, 16, 16)
    margins = [(0, 22), (0, 0), (0, 9)]
    labels = np.pad((fixed > 0.5).astype(np.uint8), margins)
    confidence = np.pad(np.full(fixed.shape, 0.75, np.float16), margins)
    by_hand = registrar(
        volume(image, np.pad(moving, margins)),
        volume(image, np.pad(fixed, margins)),
        Segmentation(labels, confidence),
    )
    assert np.array_equal(register(registrar, image, moving, fixed), by_hand[:10, :, :7])


def test_the_displacement_goes_on_beyond_the_content(registrar: Registrar, image: Volume) -> None:
    moving, fixed = (np.pad(part, [(3, 9), (0, 5), (8, 0)]) for part in pair())
    result = register(registrar, image, moving, fixed)
    assert np.array_equal(result[0], result[3])
    assert np.array_equal(result[:, -1], result[:, 15])


def test_content_of_either_image_is_in_the_box(registrar: Registrar, image: Volume) -> None:
    """A moving image that lies elsewhere must still be seen."""
    moving, fixed = pair()
    apart = (np.pad(moving, [(0, 16), (0, 0), (0, 0)]), np.pad(fixed, [(16, 0), (0, 0), (0, 0)]))
    other = (np.pad(moving[::-1], [(0, 16), (0, 0), (0, 0)]), apart[1])
    first, second = (register(registrar, image, *images) for images in (apart, other))
    assert not np.array_equal(first, second)


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


def test_a_pair_is_refined_where_both_images_have_regions(
    built: Callable[..., Registrar], tiny_bundle: Bundle, image: Volume
) -> None:
    moving, fixed = pair()
    regions = [
        Segmentation((part > 0.5).astype(np.uint8), np.ones(part.shape, np.float16)) for part in pair()
    ]
    volumes = volume(image, moving), volume(image, fixed)
    plain, refining = built(tiny_bundle), built(tiny_bundle, iterations=2)
    assert refining.refines
    assert not plain.refines
    expected = plain(*volumes, regions[1], regions[0])
    assert np.array_equal(refining(*volumes, regions[1]), expected)
    refined = refining(*volumes, regions[1], regions[0])
    assert not np.array_equal(refined, expected)
    assert np.array_equal(refined, refining(*volumes, regions[1], regions[0]))


def halved(bundle: Bundle, **changes: object) -> Bundle:
    """The bundle with its network on the half grid, and other changes of its configuration."""
    config = bundle.header.config
    network = config.registration.model_copy(update={"grid": "half"})
    header = bundle.header.model_copy(
        update={"config": config.model_copy(update={"registration": network, **changes})}
    )
    return replace(bundle, header=header)


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


def test_refinement_after_the_half_grid_lowers_the_losses_on_the_full_one(
    device: torch.device, tiny_bundle: Bundle, image: Volume
) -> None:
    refinement = RefinementConfig(iterations=6, similarity=0, dice=1, smoothness=0)
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

    assert overlap(after) > overlap(before) + 0.05


def out_of_memory(*_: object, **__: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_network_or_a_pair_too_large_for_the_device_is_a_known_error(
    device: torch.device,
    tiny_bundle: Bundle,
    registrar: Registrar,
    image: Volume,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.nn.Module, "to", out_of_memory)
    for build in (tiny_bundle.build_registration, tiny_bundle.build_segmentor, Registrar):
        arguments = (tiny_bundle, device) if build is Registrar else (device,)
        with pytest.raises(TooLittleMemory, match=r"for the (registration network|segmentor)"):
            build(*arguments)
    monkeypatch.setattr(registrar.net, "forward", out_of_memory)
    with pytest.raises(TooLittleMemory, match="for this pair"):
        register(registrar, image, *pair())


def test_settings_of_a_service_do_not_reach_a_pair(
    registrar: Registrar, image: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service calls the registrar itself; what it allows cuDNN elsewhere must not change its fields."""
    seen, forward = [], registrar.net.forward

    def noting(*arguments: object) -> object:
        cudnn = torch.backends.cudnn
        seen.append((cudnn.deterministic, cudnn.benchmark, cudnn.conv.fp32_precision))
        return forward(*arguments)

    monkeypatch.setattr(registrar.net, "forward", noting)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    register(registrar, image, *pair())
    assert seen == [(True, False, "ieee")]
    assert torch.backends.cudnn.benchmark
