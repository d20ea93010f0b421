"""A registrar of tiny networks, a pair for it, and a prediction run that takes a fraction of a second."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from pairs.images.volume import Volume
from pipeline.config import RefinementConfig
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle

# The fixtures, which are all that its `__all__` names.
from tests.quickrun import *  # noqa: F403

__all__ = ["built", "changed", "halved", "pair", "register", "registrar", "volume"]

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


def changed(bundle: Bundle, **changes: object) -> Bundle:
    """The bundle with other sections of its configuration."""
    config = bundle.header.config.model_copy(update=changes)
    return replace(bundle, header=bundle.header.model_copy(update={"config": config}))


def halved(bundle: Bundle, **changes: object) -> Bundle:
    """The bundle with its network on the half grid, and other changes of its configuration."""
    network = bundle.header.config.registration.model_copy(update={"grid": "half"})
    return changed(bundle, registration=network, **changes)
