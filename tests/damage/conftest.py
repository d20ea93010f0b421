"""Damage to files of any kind, seeded, and what every reader must make of it."""

import copy
import gzip
import io
import json
import os
import random
import signal
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from pairs.errors import KnownError

__all__ = ["mutated", "survives_damage", "waits_for_nothing"]

MUTATIONS = 60
PATIENCE_S = 20
Make = Callable[[Path], Path]
Read = Callable[[Path], object]
# Values that a document may hold in the place of any other.
ODD_VALUES: tuple[object, ...] = (
    *(None, True, -1, 0, 2**31, 2**63, 2**64, 10**300, 1e308, -1e308, 1e-300, float("nan"), float("inf")),
    *("", "\x1b[2J", "a" * 300, "../a", "/dev/zero", "\udc80", "0", "1" * 20),
    *([], {}, [[]], [None] * 3, {"": 0}),
)
ODD_TEXTS = (
    *(b"{}", b"()", b"[[", b"'", b"\\x", b"0x", b"None", b"1e9", b",,", b"{{}: 0}"),
    *(b"\xff\xfe", b"\x00" * 8),
)
ODD_NUMBERS = (0, 1, *(2**bits - 1 for bits in (7, 8, 15, 16, 31, 32, 63, 64)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with the argument `reader` runs for every kind of file in its module's table `READERS`."""
    if "reader" in metafunc.fixturenames:
        readers = metafunc.module.READERS
        metafunc.parametrize("reader", readers.values(), ids=list(readers))


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Damages a file: its bytes, or, below what compresses and checks them, its parts."""
    if chance.random() < 0.7:
        for inside in (_zip_members, _gzip_content, _json_values, _safetensors_header):
            with_damage = inside(content, chance)
            if with_damage is not None:
                return with_damage
    return _bytes(content, chance)


def _bytes(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        # Headers are at the start, directories at the end.
        reach = len(damaged) if chance.random() < 0.4 else min(len(damaged), 400)
        place = chance.randrange(reach) if reach else 0
        place = len(damaged) - 1 - place if chance.random() < 0.25 and damaged else place
        what = chance.randrange(7)
        if what == 0 and damaged:
            damaged[place] ^= 1 << chance.randrange(8)
        elif what == 1 and damaged:
            damaged[place] = chance.randrange(256)
        elif what == 2:
            del damaged[place:]
        elif what == 3:
            del damaged[place : place + chance.randrange(1, 64)]
        elif what == 4:
            damaged[place:place] = chance.choice(ODD_TEXTS)
        elif what == 5:
            damaged[place : place + 4] = chance.choice(ODD_TEXTS)
        else:
            width = chance.choice((1, 2, 4, 8))
            number = chance.choice(ODD_NUMBERS) & (1 << 8 * width) - 1
            damaged[place : place + width] = number.to_bytes(width, chance.choice(("little", "big")))
    return bytes(damaged)


def _zip_members(content: bytes, chance: random.Random) -> bytes | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
    except Exception:
        return None
    chosen = chance.randrange(len(members))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for index, (info, data) in enumerate(members):
            if index == chosen and chance.random() < 0.05:
                continue
            name = info.filename[:-5] if index == chosen and chance.random() < 0.05 else info.filename
            archive.writestr(name, _bytes(data, chance) if index == chosen else data, info.compress_type)
    return written.getvalue()


def _gzip_content(content: bytes, chance: random.Random) -> bytes | None:
    if not content.startswith(b"\x1f\x8b"):
        return None
    return gzip.compress(_bytes(gzip.decompress(content), chance), 1)


def _json_values(content: bytes, chance: random.Random) -> bytes | None:
    """Other values, keys that are missing, twice or another, in a JSON document or one line of several."""
    lines = content.splitlines() if content.count(b"\n") > 1 and content.startswith(b'{"') else [content]
    chosen = chance.randrange(len(lines))
    try:
        document = json.loads(lines[chosen])
    except ValueError:
        return None
    lines[chosen] = json.dumps(_other_value(document, chance)).encode()
    return b"\n".join(lines)


def _other_value(document: object, chance: random.Random) -> object:
    places = list(_places(document))
    if not places:
        return copy.deepcopy(chance.choice(ODD_VALUES))
    parent, key = chance.choice(places)
    what = chance.randrange(5)
    if what == 0 and isinstance(parent, dict):
        parent[chance.choice(("", "x", "\ud800", "name", "0", "-1"))] = parent.pop(key)
    elif what == 1:
        del parent[key]
    elif what == 2:
        other, another = chance.choice(places)
        parent[key] = copy.deepcopy(other[another])
    else:
        parent[key] = copy.deepcopy(chance.choice(ODD_VALUES))
    return document


def _places(document: object) -> Iterator[tuple[dict | list, object]]:
    items: Iterable[tuple[object, object]] = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        yield document, key
        yield from _places(value)


def _safetensors_header(content: bytes, chance: random.Random) -> bytes | None:
    """Another header, its length right; texts in it that are JSON are changed inside, without their hash."""
    length = int.from_bytes(content[:8], "little")
    if not content[8:].startswith(b"{") or length > len(content):
        return None
    header = json.loads(content[8 : 8 + length])
    for key, text in header.get("__metadata__", {}).items():
        entries = json.loads(text)
        if chance.random() < 0.8:
            entries.pop("content_sha256", None)
        if chance.random() < 0.7:
            entries = _other_value(entries, chance)
        header["__metadata__"][key] = json.dumps(entries)
    if chance.random() < 0.3:
        header = _other_value(header, chance)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


@pytest.fixture
def survives_damage(tmp_path: Path) -> Callable[[Make, Read], None]:
    """Writes a file, which must be read, damages it in many ways and reads it: a known error or none."""

    def run(make: Make, read: Read) -> None:
        path = make(tmp_path)
        content = path.read_bytes()
        read(path)
        # Networks take a tenth of a second to build.
        for seed in range(MUTATIONS if len(content) < 20_000 else MUTATIONS // 4):
            path.write_bytes(mutated(content, random.Random(seed)))
            try:
                read(path)
            except KnownError as error:
                told = str(error)
                assert told.isprintable(), seed
            except Exception as error:
                raise AssertionError(f"seed {seed} raised {type(error).__name__}") from error

    return run


class _Waits(BaseException):
    """A reader waits. No `Exception`: readers tell any of those as damage, and the test would pass."""


def _too_late(number: int, frame: object) -> None:
    raise _Waits


@pytest.fixture
def waits_for_nothing(tmp_path: Path) -> Callable[[Make, Read], None]:
    """Puts in the place of a file what is none, and reads it: a known error that says where, or none."""

    def run(make: Make, read: Read) -> None:
        path = make(tmp_path)
        before = signal.signal(signal.SIGALRM, _too_late)
        try:
            for put in (os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), None):
                path.rmdir() if path.is_dir() else path.unlink()
                if put is not None:
                    put(path)
                signal.alarm(PATIENCE_S)
                try:
                    read(path)
                except KnownError as error:
                    assert tmp_path.name in str(error)  # noqa: PT017 - there may be no error
                finally:
                    signal.alarm(0)
        finally:
            signal.signal(signal.SIGALRM, before)

    return run
