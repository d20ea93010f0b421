"""Numbers of things in sentences: 1 pair, 3 pairs."""

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Returns a number and its noun, in the plural unless there is one of them."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
