"""Log lines: one line each, and nothing in them that a terminal obeys."""

import logging
import sys

from pairs.process.logline import OneLineFormatter, bounded


def _formatted(message: str, *, with_error: bool = False) -> str:
    error = None
    if with_error:
        try:
            raise ValueError("\x1b[2J of a file")
        except ValueError:
            error = sys.exc_info()
    record = logging.LogRecord("pairs", logging.WARNING, "a.py", 1, "%s", (message,), error)
    return OneLineFormatter("%(levelname)s: %(message)s").format(record)


def test_a_name_from_a_file_commands_no_terminal_and_forges_no_line() -> None:
    line = _formatted("task \x1b]0;owned\x07\nWARNING: all is well\u202e\x9b2J ä")
    assert line == r"warning: task \x1b]0;owned\x07\nWARNING: all is well\u202e\x9b2J ä"


def test_a_traceback_keeps_its_lines() -> None:
    assert _formatted("unknown error", with_error=True).splitlines()[1].startswith("Traceback")


def test_a_message_has_an_end() -> None:
    line = _formatted("a name of " + "x" * 10**6 + " characters")
    assert len(line) <= 2000
    assert line.startswith("warning: a name of xxx")
    assert line.endswith("xxx characters")


def test_a_bound_holds_for_text_that_grows_when_it_is_escaped() -> None:
    assert len(bounded("\x00" * 1000, 100)) <= 100
