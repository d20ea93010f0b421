"""The seconds that each part of a piece of work takes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measures one part after the other.

    Args:
        seconds: What was measured before.

    Attributes:
        seconds: Wall-clock time by the name of the part, in the order in which they began.

    Examples:
        >>> watch = Stopwatch()
        >>> with watch.part("reading"):
        ...     pass
        >>> list(watch.seconds)
        ['reading']
    """

    def __init__(self, seconds: Mapping[str, float] | None = None) -> None:
        self.seconds = dict(seconds or {})

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measures what is done inside the block, and adds it to what the part took before."""
        start = time.monotonic()
        before = self.seconds.setdefault(name, 0.0)
        yield
        self.seconds[name] = round(before + time.monotonic() - start, 3)
