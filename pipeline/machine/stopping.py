"""SIGTERM and SIGINT: a request looked at between training steps, or an interruption of a pair."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pairs.errors import Stopped

__all__ = ["interruptible", "listen_for_signals", "require_not_stopped", "stop_requested", "uninterrupted"]

_requested = False
_interrupt = False
_patient = False


def listen_for_signals(*, patient: bool = False) -> None:
    """From now on SIGTERM and SIGINT set the request; a second one ends the process as usual.

    Args:
        patient: whether a second one says nothing new, as for a process that is told both by the terminal
            and by the process that started it.
    """
    global _patient
    _patient = patient
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _request)
    # `interruptible` raises again what the end of a library's object has swallowed, so nothing is lost.
    sys.unraisablehook = lambda swallowed: (
        None if isinstance(swallowed.exc_value, Stopped) else sys.__unraisablehook__(swallowed)
    )


def stop_requested() -> bool:
    """Whether a signal has arrived."""
    return _requested


def require_not_stopped() -> None:
    """Raise once a signal has arrived.

    Raises:
        Stopped: it has.
    """
    if _requested:
        raise Stopped("stopped by a signal", remedy="run the same command to go on")


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block a signal raises `Stopped` at once, since a pair or a validation may take minutes.

    Raises:
        Stopped: a signal arrived before or inside the block.
    """
    global _interrupt
    try:
        _interrupt = True
        require_not_stopped()
        yield
        # Libraries swallow exceptions here and there, this one too.
        require_not_stopped()
    except Exception:
        # What a signal breaks on its way out is no fault of the pair.
        require_not_stopped()
        raise
    finally:
        _interrupt = False


@contextmanager
def uninterrupted() -> Iterator[None]:
    """A stretch of an interruptible block that is finished first, such as a file being written.

    Raises:
        Stopped: a signal arrived inside the block; raised at its end. One that a library swallowed before is
            raised at its beginning, so that nothing is begun.
    """
    global _interrupt
    if _interrupt:
        require_not_stopped()
    before, _interrupt = _interrupt, False
    try:
        yield
    finally:
        _interrupt = before
    if _interrupt:
        require_not_stopped()


def _request(number: int, frame: FrameType | None) -> None:
    global _requested
    _requested = True
    if not _patient:
        signal.signal(number, signal.SIG_DFL)
    if _interrupt:
        require_not_stopped()
