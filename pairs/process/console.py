"""Standard streams that may be closed, full or read by nobody: then print is lost, never the work."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

__all__ = ["flush_output", "guard_streams"]

_STDIN, _STDOUT, _STDERR = range(3)


class _Descriptor(io.FileIO):
    """A standard stream that goes on in silence once it cannot be written.

    Attributes:
        fault: Why it cannot; None while it can.
    """

    fault: OSError | None = None

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - whatever holds bytes
        try:
            return super().write(data)
        except OSError as error:
            self.fault = error
            # What writes past Python, such as a library or a child process, is silenced too.
            _point_to_null(self.fileno())
            return memoryview(data).nbytes


def guard_streams() -> None:
    """Makes the standard streams of this process ones that printing to never raises.

    A stream that the caller closed leads to nowhere. Its number must not stay free: the next file opened
    would get it, and with it whatever is printed.
    """
    for number in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(number)
        except OSError:
            _point_to_null(number)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(_STDIN, closefd=False)), encoding="utf-8")
    sys.stdout = _guarded(_STDOUT, sys.stdout)
    sys.stderr = _guarded(_STDERR, sys.stderr)


def flush_output() -> str | None:
    """Writes what is left in the buffers of guarded streams.

    Returns:
        Why something printed on standard output is lost; None if nothing is, or if nobody wanted to read on.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    raw = getattr(sys.stdout.buffer, "raw", None)
    fault = raw.fault if isinstance(raw, _Descriptor) else None
    return None if fault is None or fault.errno == errno.EPIPE else fault.strerror


def _guarded(number: int, stream: TextIO | None) -> io.TextIOWrapper:
    by_line = number == _STDERR or stream is None or stream.line_buffering
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(number, "w", closefd=False)),
        encoding=stream.encoding if stream is not None else "utf-8",
        # Names of files may hold what the terminal's encoding does not.
        errors="backslashreplace",
        line_buffering=bool(by_line or getattr(stream, "write_through", False)),
    )


def _point_to_null(number: int) -> None:
    with suppress(OSError):
        null = os.open(os.devnull, os.O_RDWR)
        if null == number:
            # Python keeps what it opens to itself; a child process would start without the stream.
            os.set_inheritable(null, True)
        else:
            os.dup2(null, number)
            os.close(null)
