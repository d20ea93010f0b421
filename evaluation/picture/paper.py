"""What plots are drawn on and with: colours for a light and for a dark page."""

from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "PRINTED", "Paper"]


@dataclass(frozen=True)
class Paper:
    """The colours of a plot.

    Attributes:
        background: Of the whole picture; "none" lets the page shine through.
        ink: Of text and lines.
        quiet: Of the lines behind the values.
        band: Behind every other row.
        before: Of values before registration.
        after: Of values after it; different from `before` in hue and in brightness.
        median: Of the line in a box of values after registration.
    """

    background: str
    ink: str
    quiet: str
    band: str
    before: str
    after: str
    median: str


PRINTED = Paper("white", "#333333", "#d8d8d8", "#f4f4f4", "#c9c9c9", "#0072b2", "white")
"""A picture of its own."""

LIGHT = Paper("none", "#333333", "#d8d8d8", "#f2f3f5", "#c3c7cd", "#0072b2", "white")
"""On a light page."""

DARK = Paper("none", "#d8dce3", "#3d434d", "#23272e", "#7a818c", "#56b4e9", "#101317")
"""On a dark page."""
