"""How the parts of a computation are processed: one after the other, or by the `map` of a thread pool."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar

__all__ = ["Spread", "Tile", "in_turn", "slabs", "tiles"]

Tile: TypeAlias = tuple[slice, slice]

_Part = TypeVar("_Part")
_Result = TypeVar("_Result")


class Spread(Protocol):
    """Applies a function to each part and yields the results in the order of the parts.

    `concurrent.futures.ThreadPoolExecutor.map` is one. Results are always combined in that order, so the
    digits do not depend on the number of threads.
    """

    def __call__(self, function: Callable[[_Part], _Result], parts: Iterable[_Part], /) -> Iterable[_Result]:
        """Yields `function(part)` for each part."""
        ...


def in_turn(function: Callable[[_Part], _Result], parts: Iterable[_Part], /) -> Iterator[_Result]:
    """Processes one part after the other in the calling thread."""
    return map(function, parts)


def slabs(planes: int, thickness: int) -> list[slice]:
    """Cuts `planes` planes along the first axis into slabs of `thickness`, the last one thinner."""
    return [slice(start, min(start + thickness, planes)) for start in range(0, planes, thickness)]


def tiles(sides: Sequence[int], planes: int, rows: int) -> list[Tile]:
    """Cuts the first two axes of a volume into tiles of `planes` by `rows`; none if a side is empty."""
    if min(sides) < 1:
        return []
    return [(x, y) for x in slabs(sides[0], planes) for y in slabs(sides[1], rows)]
