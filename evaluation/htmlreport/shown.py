"""How numbers and names are written on the page."""

import math

__all__ = ["arrow", "change", "number", "percent"]

_NONE, _MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


def number(value: float, digits: int) -> str:
    """Writes a number, with the sign of arithmetic; a dash where there is none."""
    if math.isnan(value):
        return _NONE
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    return f"{value:.{digits}f}".replace("-", _MINUS)


def percent(share: float) -> str:
    """Writes a share of voxels: few are not written as none."""
    if share == 0:
        return "0 %"
    if share < 1e-5:
        return "< 0.001 %"
    return f"{number(100 * share, 3)} %"


def change(before: float, after: float, digits: int) -> str:
    """Writes a number before and after registration."""
    return f"{number(before, digits)} → {number(after, digits)}"


def arrow(name: str) -> str:
    """Writes the name of a pair with an arrow in place of `<--`."""
    return name.replace("<--", " ← ")
