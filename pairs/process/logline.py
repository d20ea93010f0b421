"""Lines that a terminal can show safely: text from files is escaped and has a largest length."""

import copy
import logging

__all__ = ["LONGEST_LINE", "OneLineFormatter", "bounded", "one_line"]

LONGEST_LINE = 2000
"""Characters of a message."""
# Of a part of it, such as a path or what was found in a file.
_LONGEST_PART = 400
_CUT = " [...] "


def one_line(text: str) -> str:
    """Escapes newlines, ANSI sequences and the like, so that a file name cannot forge log lines."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def bounded(thing: object, longest: int = _LONGEST_PART) -> str:
    """Returns a text in one line of at most `longest` characters; a long one keeps both its ends."""
    line = one_line(_ends(str(thing), longest))
    return _ends(line, longest)


def _ends(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    half = (longest - len(_CUT)) // 2
    return f"{text[:half]}{_CUT}{text[-half:]}"


class OneLineFormatter(logging.Formatter):
    """Escapes line breaks, ANSI sequences and the like in messages; tracebacks keep their lines.

    Levels are in small letters, as in the line that says why a run ends.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The message in one line, without anything that a terminal obeys."""
        shown = copy.copy(record)
        shown.levelname = record.levelname.lower()
        return bounded(super().formatMessage(shown), LONGEST_LINE)
