"""Pictures in a page: the values that were given, in the colours that the legend says."""

import base64
import io

import numpy as np
from PIL import Image

from evaluation.picture.rasters import colour_bar, grey_picture, jacobian_picture, length_picture

__all__: list[str] = []


def pixels(uri: str) -> np.ndarray:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(int)


def test_a_small_picture_is_exact() -> None:
    section = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    assert (pixels(grey_picture(section)) == np.rint(255 * section)[..., None]).all()


def test_a_large_picture_is_near() -> None:
    y, x = np.indices((200, 180)) / 30
    section = (0.5 + 0.5 * np.sin(x) * np.cos(y)).astype(np.float32)
    uri = grey_picture(section)
    assert np.abs(pixels(uri)[..., 0] - 255 * section).mean() < 3
    assert len(uri) < section.size / 5


def test_growth_is_red_and_shrinkage_blue() -> None:
    shrunk, kept, grown = pixels(jacobian_picture(np.array([[0.4, 1.0, 2.5]])))[0]
    assert grown[0] > grown[2] + 50
    assert shrunk[2] > shrunk[0] + 50
    assert kept.min() > 240
    beyond = pixels(jacobian_picture(np.array([[-3.0, 0.0, 0.1, 99.0, 4.0]])))[0]
    assert (beyond[:3] == beyond[0]).all()
    assert (beyond[3] == beyond[4]).all()


def test_lengths_grow_brighter() -> None:
    row = pixels(length_picture(np.array([[0.0, 1.0, 2.0]], np.float32), 2.0))[0].sum(axis=1)
    assert (np.diff(row) > 0).all()
    assert (
        pixels(length_picture(np.zeros((2, 2), np.float32), 0.0)) == pixels(colour_bar("length"))[0, 0]
    ).all()
