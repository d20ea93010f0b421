"""Volume files as bytes: opened by name and content, with every damage reported in the same way."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from pairs.errors import CorruptVolume, KnownError, MissingVolume, VolumeError
from pairs.files.damage import reason_of
from pairs.files.gzipfile import reading_gzip
from pairs.files.regularfile import NotRegularFile, access_remedy, open_regular, require_regular
from pairs.files.standin import stand_in

__all__ = ["open_volume", "require_bytes"]

_START = 512
_GZIP_MAGIC = b"\x1f\x8b"
# The size of the header, which is its first number, in both byte orders.
_NIFTI_STARTS = tuple(size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))
# Deflate codes at most 258 bytes in two bits, so no honest gzip file expands further than this.
_GZIP_MAX_RATIO = 1032


def _require_file(path: Path) -> None:
    """Refuses what is absent, empty or no regular file (a read from a named pipe would never end)."""
    try:
        require_regular(path)
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise MissingVolume(
                "volume is a link that leads nowhere",
                where=path,
                got=f"a link to {path.readlink()}",
                remedy="fetch the file; in a datalad checkout, with `datalad get`",
            ) from error
        raise MissingVolume("volume does not exist", where=path) from error
    except NotRegularFile as error:
        got = error.strerror
        raise MissingVolume(
            "volume is not a regular file", where=path, expected="a NIfTI file", got=got
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    if size == 0:
        raise CorruptVolume(
            "volume is empty", where=path, got="zero bytes", remedy="copy or download it again"
        )


def _unreadable(path: Path, error: OSError) -> VolumeError:
    remedy = access_remedy(error)
    return VolumeError("volume cannot be read", where=path, got=error.strerror, remedy=remedy)


def _is_gzip(path: Path, raw: BinaryIO) -> bool:
    """Tells whether the file is compressed; name and content must agree, as other readers go by the name."""
    lowered = path.name.lower()
    if not lowered.endswith((".nii", ".nii.gz")):
        raise CorruptVolume("volume is not a NIfTI file", where=path, expected="a name in .nii or .nii.gz")
    start = raw.read(_START)
    raw.seek(0)
    compressed = start.startswith(_GZIP_MAGIC)
    if compressed != lowered.endswith(".gz"):
        raise _mismatch(path, start)
    return compressed


def _mismatch(path: Path, start: bytes) -> CorruptVolume:
    """The error for a content that the name does not announce; the name stays, as pair lists have it."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    expected, got, remedy = "gzip data", "none", "copy or download it again"
    if (found := stand_in(start)) is not None:
        expected, got, remedy = "a NIfTI file", *found
    elif start.startswith(_GZIP_MAGIC):
        expected, got = "plain data", "gzip data"
        remedy = f"unpack it under its name: mv {path.name} {path.name}.gz; gunzip {path.name}.gz"
    elif start[:4] in _NIFTI_STARTS:
        got = "a NIfTI file without compression"
        remedy = f"compress it under its name: mv {path.name} {plain.name}; gzip {plain.name}"
    return CorruptVolume(
        "content does not match the name", where=path, expected=expected, got=got, remedy=remedy
    )


@contextmanager
def open_volume(path: Path) -> Iterator[BinaryIO]:
    """Opens a `.nii` or `.nii.gz` for reading; any damage met inside the block becomes `CorruptVolume`.

    Raises:
        MissingVolume: If there is no such file.
        CorruptVolume: If the file is empty, is no NIfTI by its name, or is truncated or damaged.
        VolumeError: If the file may not be read.
    """
    _require_file(path)
    try:
        raw = open_regular(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    with raw:
        stream = cast(BinaryIO, reading_gzip(raw)) if _is_gzip(path, raw) else raw
        try:
            yield stream
        except (KnownError, MemoryError):
            raise
        # Every kind: nibabel raises whatever it trips over.
        except Exception as error:
            raise CorruptVolume(
                "volume is truncated or damaged",
                where=path,
                got=reason_of(error),
                remedy="copy or download it again",
            ) from error


def require_bytes(path: Path, stream: BinaryIO, needed: int) -> None:
    """Refuses an open volume that cannot hold the bytes its header declares, before they are asked for.

    Raises:
        CorruptVolume: If the file is too small, or, compressed, could not expand to so many bytes.
    """
    compressed = isinstance(stream, gzip.GzipFile)
    available = path.stat().st_size * (_GZIP_MAX_RATIO if compressed else 1)
    if needed > available:
        noun = "at most" if compressed else "a file of"
        raise CorruptVolume(
            "file is smaller than its header declares",
            where=path,
            expected=f"{needed} bytes",
            got=f"{noun} {available} bytes",
            remedy="copy or download it again",
        )
