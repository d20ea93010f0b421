"""The registrar: refinement where the regions of both images are known, memory, and settings around it."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from pairs.errors import TooLittleMemory
from pairs.images.volume import Volume
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle
from tests.pipeline.registration.conftest import pair, register, volume

__all__: list[str] = []


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
    monkeypatch.setattr(registrar.net.backbone, "forward", out_of_memory)
    with pytest.raises(TooLittleMemory, match="for this pair"):
        register(registrar, image, *pair())


def test_settings_of_a_service_do_not_reach_a_pair(
    registrar: Registrar, image: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service calls the registrar itself; what it allows cuDNN elsewhere must not change its fields."""
    seen, forward = [], registrar.net.backbone.forward

    def noting(*arguments: object) -> object:
        cudnn = torch.backends.cudnn
        seen.append((cudnn.deterministic, cudnn.benchmark, cudnn.conv.fp32_precision))
        return forward(*arguments)

    monkeypatch.setattr(registrar.net.backbone, "forward", noting)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    register(registrar, image, *pair())
    assert seen == [(True, False, "ieee")]
    assert torch.backends.cudnn.benchmark
