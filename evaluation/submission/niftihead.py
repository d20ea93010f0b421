"""The few entries of a NIfTI head that matter for a field, read without believing that the file is right."""

import math
import struct
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["HEAD_BYTES", "NiftiHead", "parse_nifti_head"]

_Order = Literal["<", ">"]

HEAD_BYTES = 540
_HEAD_1 = 348
_ORDERS: tuple[_Order, ...] = ("<", ">")
_MAX_OFFSET = 1 << 20
_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_OTHER_TYPES = {1: "binary", 32: "complex64", 128: "RGB", 1536: "float128", 1792: "complex128", 2304: "RGBA"}
_VECTOR_INTENTS = {1006: "displacement vectors", 1007: "vectors"}


@dataclass(frozen=True)
class NiftiHead:
    """What the head declares.

    Attributes:
        shape: The axes.
        dtype: Number type with its byte order; None for types without real numbers of up to 8 bytes.
        type_name: The number type for a sentence.
        offset: Bytes before the data.
        slope: Factor on the stored numbers.
        intercept: Summand after the factor.
        intent: What the numbers are meant as, where that is a vector; empty elsewhere.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    type_name: str
    offset: int
    slope: float
    intercept: float
    intent: str = ""

    @property
    def scaled(self) -> bool:
        """Whether the stored numbers are not the values."""
        return (self.slope, self.intercept) != (1.0, 0.0)


def parse_nifti_head(block: bytes) -> NiftiHead:
    """Reads a NIfTI-1 or NIfTI-2 head in either byte order.

    Raises:
        ValueError: If this is no head of a single-file NIfTI, or one with an impossible shape.
        EOFError: If the block is shorter than a head.
    """
    if len(block) < _HEAD_1:
        raise EOFError(f"ends after {len(block)} bytes, within the head")
    for order in _ORDERS:
        if struct.unpack_from(order + "i", block)[0] == _HEAD_1:
            return _parse_1(block, order)
        if len(block) >= HEAD_BYTES and struct.unpack_from(order + "i", block)[0] == HEAD_BYTES:
            return _parse_2(block, order)
    raise ValueError("not a zip, npy or NIfTI file")


def _parse_1(block: bytes, order: _Order) -> NiftiHead:
    if block[344:348] != b"n+1\x00":
        raise ValueError("not a single-file NIfTI")
    dim = struct.unpack_from(order + "8h", block, 40)
    (intent,) = struct.unpack_from(order + "h", block, 68)
    (code,) = struct.unpack_from(order + "h", block, 70)
    offset, slope, intercept = struct.unpack_from(order + "3f", block, 108)
    return _head(order, dim, code, (offset, slope, intercept), intent)


def _parse_2(block: bytes, order: _Order) -> NiftiHead:
    if block[4:8] != b"n+2\x00":
        raise ValueError("not a single-file NIfTI")
    (code,) = struct.unpack_from(order + "h", block, 12)
    dim = struct.unpack_from(order + "8q", block, 16)
    (offset,) = struct.unpack_from(order + "q", block, 168)
    slope, intercept = struct.unpack_from(order + "2d", block, 176)
    (intent,) = struct.unpack_from(order + "i", block, 504)
    return _head(order, dim, code, (offset, slope, intercept), intent)


def _head(
    order: _Order, dim: tuple[int, ...], code: int, scaling: tuple[float, float, float], intent: int
) -> NiftiHead:
    if not 1 <= dim[0] <= 7 or any(side < 1 for side in dim[1 : dim[0] + 1]):
        raise ValueError(f"head declares the shape {dim}")
    offset, slope, intercept = scaling
    if not (math.isfinite(offset) and _HEAD_1 <= offset <= _MAX_OFFSET):
        raise ValueError(f"data declared to start at byte {offset:g}")
    # By the NIfTI rule a slope of 0 or NaN means no scaling.
    if slope == 0 or not math.isfinite(slope) or not math.isfinite(intercept):
        slope, intercept = 1.0, 0.0
    dtype = np.dtype(_TYPES[code]).newbyteorder(order) if code in _TYPES else None
    name = _OTHER_TYPES.get(code, f"NIfTI type {code}") if dtype is None else dtype.name
    return NiftiHead(
        tuple(dim[1 : dim[0] + 1]),
        dtype,
        name,
        int(offset),
        float(slope),
        float(intercept),
        _VECTOR_INTENTS.get(intent, ""),
    )
