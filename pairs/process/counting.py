"""Numbers of things in sentences: 1 pair, 3 pairs, and the first few of many."""

from collections.abc import Collection
from itertools import islice

__all__ = ["counted", "first_few"]


def counted(number: int, noun: str) -> str:
    """Returns a number and its noun, in the plural unless there is one of them."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def first_few(things: Collection[object], most: int = 10, between: str = ", ") -> str:
    """Returns the first things in their order, and how many more there are."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return between.join(map(str, islice(things, most))) + more
