"""The registrar on volumes of any sides: what lies around the content, and what becomes of it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pairs.fields.resampling import Upsampling
from pairs.images.volume import Volume
from pipeline.config import RegistrationConfig
from pipeline.network.model import build_for_training, freeze
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle
from tests.pipeline.registration.conftest import changed, halved, pair, register, volume

__all__: list[str] = []


def test_empty_margins_do_not_change_the_displacement(registrar: Registrar, image: Volume) -> None:
    moving, fixed = pair()
    expected = register(registrar, image, moving, fixed)
    margins = [(3, 9), (0, 5), (8, 0)]
    result = register(registrar, image, np.pad(moving, margins), np.pad(fixed, margins))
    assert result.shape == (28, 21, 24, 3)
    assert result.dtype == np.float32
    assert np.array_equal(result[3:19, :16, 8:], expected)
    assert np.abs(expected).max() > 0.1


def test_padding_is_not_refined_and_goes_on_as_at_the_edge_of_the_content(
    built: Callable[..., Registrar], tiny_bundle: Bundle, image: Volume
) -> None:
    moving, fixed = (np.pad(part[:, 3:14, 2:10], [(0, 0), (1, 4), (4, 4)]) for part in pair())
    volumes = [volume(image, array) for array in (moving, fixed)]
    labels = np.zeros(fixed.shape, np.uint8)
    labels[4:12, 5:8, 7:9] = 1
    inside = Segmentation(labels, np.ones(labels.shape))

    def refined(iterations: int, regions: Segmentation) -> np.ndarray:
        return built(tiny_bundle, iterations)(*volumes, regions, regions)

    plain, fitted = refined(0, inside), refined(3, inside)
    assert not np.array_equal(plain, fitted)
    # Up to the multiple of 4 behind the content, which ends at 12.
    assert (fitted[:, 12:] == fitted[:, 11:12]).all()
    assert not (fitted[:, 1:12] == fitted[:, :11]).all((0, 2, 3)).any()
    # Regions at the rim of the content, as of a stripped brain, keep some background around them.
    labels[4:12, 5:11] = 1
    wider = refined(3, inside)
    assert not (wider[:, 12:] == wider[:, 11:12]).all()


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


def assert_registers(registrar: Registrar, image: Volume, shape: tuple[int, int, int]) -> None:
    """Noise, with regions of both images, has a displacement of the right shape."""
    moving, fixed = np.random.default_rng(0).random((2, *shape), np.float32) + 0.01
    regions = Segmentation((fixed > 0.5).astype(np.uint8), np.ones(shape, np.float16))
    result = registrar(volume(image, moving), volume(image, fixed), regions, regions)
    assert result.shape == (*shape, 3)
    assert np.isfinite(result).all()


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
    assert_registers(registrar, image, shape)


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
    assert_registers(registrar, image, shape)


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


def test_a_network_of_an_orientation_sees_every_file_alike(
    device: torch.device, tiny_bundle: Bundle, image: Volume
) -> None:
    """A pair stored in another order of axes has the same displacement in millimetres."""
    registration = tiny_bundle.header.config.registration.model_copy(update={"orientation": "RAS"})
    registrar = Registrar(changed(tiny_bundle, registration=registration), device)
    moving, fixed = pair()
    here = replace(image, header=replace(image.header, affine=np.eye(4)))
    expected = register(registrar, here, moving, fixed)
    # Stored with its axes towards the left, the feet and the front.
    to_ras = np.array([[-1.0, 0, 0, 15], [0, 0, 1, 0], [0, -1, 0, 15], [0, 0, 0, 1]])
    stored = [np.ascontiguousarray(part[::-1, :, ::-1].transpose(0, 2, 1)) for part in (moving, fixed)]
    turned = replace(image, header=replace(image.header, affine=to_ras))
    found = register(registrar, turned, *stored) @ to_ras[:3, :3].T
    np.testing.assert_allclose(found.transpose(0, 2, 1, 3)[::-1, :, ::-1], expected, atol=1e-5)
    assert np.abs(expected).max() > 0.1
