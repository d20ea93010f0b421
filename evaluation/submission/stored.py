"""Stored arrays: heads and data of the arrays in any field file, read without trusting the file."""

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pairs.errors import DisplacementError
from pairs.fields.npzfile import NPY_SUFFIX, npy_header, npz_archive
from pairs.files.damage import damage_reported, read_exactly
from pairs.files.regularfile import open_regular
from pairs.images.niftiheader import HEADER_BYTES, NiftiHeader, NotNifti, parse_nifti

__all__ = ["Head", "Kind", "Stored", "inspect", "load"]

Kind = Literal["npz", "npy", "nifti", "nifti-gz"]

_MAX_MEMBERS = 1000


@dataclass(frozen=True)
class Head:
    """One array of a file, undecoded.

    Attributes:
        key: Name in the npz; empty elsewhere.
        shape: Declared shape.
        dtype: Declared number type with its byte order.
        type_name: The number type for a sentence.
        fortran_order: Whether the first axis runs fastest.
        nifti: What only a NIfTI head has.
    """

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    type_name: str
    fortran_order: bool = False
    nifti: NiftiHeader | None = None

    @property
    def pickled(self) -> bool:
        """Whether the array would have to be unpickled, which is never done."""
        return self.dtype.hasobject

    @property
    def real(self) -> bool:
        """Whether the numbers are of a type that every host can use."""
        return self.dtype.kind in "fiu" and self.dtype.itemsize <= 8


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        path: The file.
        kind: The container by content, whatever the name says.
        heads: Its arrays.
        others: Members of an npz that are not arrays.
    """

    path: Path
    kind: Kind
    heads: tuple[Head, ...]
    others: tuple[str, ...] = ()


def inspect(path: Path) -> Stored:
    """Reads the heads of the arrays in a file; no array data and no pickle is read.

    Raises:
        DisplacementError: If it is damaged or in none of the containers npz, npy and NIfTI.
    """
    with damage_reported(path):
        with open_regular(path) as raw:
            start = raw.read(HEADER_BYTES)
        if start.startswith(b"PK"):
            return _inspect_npz(path)
        if start.startswith(b"\x1f\x8b"):
            with open_regular(path) as raw, gzip.GzipFile(fileobj=raw) as stream:
                return Stored(path, "nifti-gz", (_nifti_head(stream.read(HEADER_BYTES)),))
        if start.startswith(npy.MAGIC_PREFIX):
            with open_regular(path) as raw:
                return Stored(path, "npy", (_npy_head(raw, ""),))
        return Stored(path, "nifti", (_nifti_head(start),))


def load(stored: Stored, head: Head) -> NDArray[Any]:
    """Reads one array, scaled as its NIfTI head says; checksums are compared.

    The caller has compared the declared shape with the task's grid, which bounds the memory.

    Raises:
        DisplacementError: If the data is damaged, longer or shorter than declared, or not real numbers.
    """
    if not head.real:
        raise DisplacementError("array is not made of real numbers", where=stored.path, got=head.type_name)
    size = math.prod(head.shape) * head.dtype.itemsize
    order: Literal["F", "C"] = "F" if head.fortran_order else "C"
    with damage_reported(stored.path), _data_stream(stored, head) as stream:
        data = read_exactly(stream, size)
        array: NDArray[Any] = np.frombuffer(data, head.dtype).reshape(head.shape, order=order)
    # What comes out infinite is reported as such.
    return array if head.nifti is None else head.nifti.scaled(array)


def _inspect_npz(path: Path) -> Stored:
    heads: list[Head] = []
    others: list[str] = []
    with npz_archive(path) as archive:
        for member in archive.infolist()[:_MAX_MEMBERS]:
            if not member.filename.endswith(NPY_SUFFIX):
                others.append(member.filename)
                continue
            with archive.open(member) as stream:
                heads.append(_npy_head(stream, member.filename.removesuffix(NPY_SUFFIX)))
    return Stored(path, "npz", tuple(heads), tuple(others))


def _npy_head(stream: IO[bytes], key: str) -> Head:
    shape, fortran_order, dtype = npy_header(stream)
    return Head(key, shape, dtype, str(dtype), fortran_order)


def _nifti_head(block: bytes) -> Head:
    try:
        nifti = parse_nifti(block)
    except NotNifti as error:
        raise ValueError("not a zip, npy or single-file NIfTI") from error
    return Head("", nifti.shape, nifti.dtype, nifti.type_name, fortran_order=True, nifti=nifti)


@contextmanager
def _data_stream(stored: Stored, head: Head) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Opens the file at the first byte of an array's data."""
    if stored.kind == "npz":
        with (
            npz_archive(stored.path) as archive,
            archive.open(head.key + NPY_SUFFIX) as member,
        ):
            _npy_head(member, head.key)
            yield member
        return
    if stored.kind == "nifti-gz":
        with open_regular(stored.path) as raw, gzip.GzipFile(fileobj=raw) as stream:
            stream.seek(head.nifti.offset if head.nifti else 0)
            yield stream
        return
    with open_regular(stored.path) as raw:
        if head.nifti is None:
            _npy_head(raw, head.key)
        else:
            raw.seek(head.nifti.offset)
        yield raw
