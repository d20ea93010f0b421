"""SIGTERM and SIGINT: a request looked at between training steps, or an interruption of a pair."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pairs.errors import Stopped

__all__ = ["interruptible", "listen_for_signals", "stop_requested"]

_requested = False
_interrupt = False


def listen_for_signals() -> None:
    """From now on SIGTERM and SIGINT set the request; a second one ends the process as usual."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _request)


def stop_requested() -> bool:
    """Whether a signal has arrived."""
    return _requested


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block a signal raises `Stopped` at once, since a pair may take minutes.

    Raises:
        Stopped: a signal arrived before or inside the block.
    """
    global _interrupt
    _interrupt = True
    try:
        if _requested:
            raise _stopped()
        yield
    finally:
        _interrupt = False


def _request(number: int, frame: FrameType | None) -> None:
    global _requested
    _requested = True
    signal.signal(number, signal.SIG_DFL)
    if _interrupt:
        raise _stopped()


def _stopped() -> Stopped:
    return Stopped("stopped by a signal", remedy="run the same command to finish the remaining pairs")
