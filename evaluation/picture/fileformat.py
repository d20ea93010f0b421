"""Pictures as files, in the format that the file name gives, and inside a page."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from evaluation.picture.paper import DARK, LIGHT, Paper
from pairs.errors import UsageError
from pairs.files.wholefile import whole_file

__all__ = ["pictures_in_page", "require_format", "write_picture"]

# With the name of the date in each, which is left out: the same numbers give the same bytes.
_DATES = {".png": None, ".pdf": "CreationDate", ".svg": "Date"}


def require_format(path: Path) -> None:
    """Refuses the name of a picture in a format that cannot be written.

    Raises:
        UsageError: If it is one.
    """
    if path.suffix.lower() not in _DATES:
        expected = f"a name in {', '.join(_DATES)}"
        raise UsageError(
            "a picture cannot be written in this format",
            where=path,
            expected=expected,
            got=path.suffix or "none",
        )


def write_picture(figure: Figure, path: Path, dots_per_inch: float | None = None) -> None:
    """Writes a figure, whole or not at all.

    Args:
        figure: What to write.
        path: The file, `.png`, `.pdf` or `.svg`.
        dots_per_inch: Of a PNG; None takes those of the figure.

    Raises:
        UsageError: If the file has another ending.
        OutputError: If the file cannot be written.
    """
    require_format(path)
    kind = path.suffix.lower()
    date = _DATES[kind]
    with whole_file(path) as temporary:
        figure.savefig(
            temporary,
            format=kind.removeprefix("."),
            dpi=dots_per_inch or "figure",
            metadata={date: None} if date else None,
        )


def pictures_in_page(draw: Callable[[Paper], Figure]) -> tuple[str, str]:
    """Returns a plot for a light and for a dark page, as SVG in data URIs.

    The same numbers give the same text.

    Args:
        draw: What draws it on the paper that it is given.
    """
    return _as_uri(draw(LIGHT)), _as_uri(draw(DARK))


def _as_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "textscf"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
