"""Log lines as a terminal may show them: names in them come from files and must be no commands to it."""

import logging

from pairs.errors import one_line

__all__ = ["OneLineFormatter"]


class OneLineFormatter(logging.Formatter):
    """Escapes line breaks, ANSI sequences and the like in messages; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The message in one line, without anything that a terminal obeys."""
        return one_line(super().formatMessage(record))
