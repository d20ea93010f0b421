"""What a compressed field may cost, whatever it expands to."""

import io
import tracemalloc
import zlib

import pytest

from pairs.fields.foreign.payload import inflated


def test_a_bomb_is_never_expanded() -> None:
    bomb = zlib.compress(bytes(10**8))
    tracemalloc.start()
    with pytest.raises(ValueError, match="more data"):
        inflated(io.BytesIO(bomb), 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**7


def test_zlib_and_gzip_in_many_blocks() -> None:
    data = bytes(range(256)) * 20_000
    for window in (15, 31):
        packer = zlib.compressobj(0, wbits=window)
        packed = packer.compress(data) + packer.flush()
        assert inflated(io.BytesIO(packed), len(data)) == data
