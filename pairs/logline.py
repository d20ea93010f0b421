"""Log lines as a terminal may show them: names in them come from files and must be no commands to it."""

import copy
import logging

from pairs.errors import one_line

__all__ = ["OneLineFormatter"]


class OneLineFormatter(logging.Formatter):
    """Escapes line breaks, ANSI sequences and the like in messages; tracebacks keep their lines.

    Levels are in small letters, as in the line that tells why a run ends.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The message in one line, without anything that a terminal obeys."""
        told = copy.copy(record)
        told.levelname = record.levelname.lower()
        return one_line(super().formatMessage(told))
