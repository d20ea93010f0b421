"""Sections of volumes as WebP pictures inside a page."""

import base64
import io
from functools import cache

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["MOST_GROWTH", "colour_bar", "grey_picture", "jacobian_picture", "length_picture"]

MOST_GROWTH = 4.0
"""Where the colours of the Jacobian end: at this determinant and at its inverse."""

# Sections of few pixels are kept exactly; of large ones nobody sees the difference, and they take a fifth.
_EXACT_PIXELS = 110 * 110
_QUALITY = 82
_BAR_PIXELS = 128
_GROWTH, _LENGTH = "RdBu_r", "viridis"


def grey_picture(section: NDArray[np.float32]) -> str:
    """Returns a section (rows, columns) with values in [0, 1] as a data URI."""
    grey = np.rint(255 * section).astype(np.uint8)
    return _encoded(Image.fromarray(grey))


def jacobian_picture(determinants: NDArray[np.float64]) -> str:
    """Returns a map of determinants (rows, columns): white at 1, red where the volume grows, blue to shrink.

    What is folded, at most 0, has the colour of the strongest shrinkage; its outline is drawn over it.
    """
    logs = np.log(determinants.clip(1 / MOST_GROWTH, MOST_GROWTH)) / np.log(MOST_GROWTH)
    return _coloured(0.5 + 0.5 * logs, _GROWTH)


def length_picture(lengths_mm: NDArray[np.float32], longest_mm: float) -> str:
    """Returns a map of lengths (rows, columns) between 0 and the longest."""
    return _coloured(lengths_mm / longest_mm if longest_mm > 0 else np.zeros_like(lengths_mm), _LENGTH)


def colour_bar(kind: str) -> str:
    """Returns the colours of a map from left to right; `kind` is "jacobian" or "length"."""
    name = {"jacobian": _GROWTH, "length": _LENGTH}[kind]
    return _coloured(np.linspace(0, 1, _BAR_PIXELS)[None, :], name)


def _coloured(shares: NDArray[np.floating], name: str) -> str:
    return _encoded(Image.fromarray(_colours(name)[np.rint(255 * shares.clip(0, 1)).astype(np.uint8)]))


@cache
def _colours(name: str) -> NDArray[np.uint8]:
    """The 256 colours of a map, (256, 3)."""
    return mpl.colormaps[name](np.arange(256), bytes=True)[:, :3]


def _encoded(picture: Image.Image) -> str:
    is_small = picture.width * picture.height <= _EXACT_PIXELS
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", lossless=is_small, quality=60 if is_small else _QUALITY, method=3)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
