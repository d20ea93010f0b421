"""Commands in processes of their own."""

import os
import signal
import threading
from pathlib import Path

import pytest

from pairs.errors import Stopped
from studies.process import NoFigure, run_module

__all__: list[str] = []


def test_output_goes_to_the_log_and_the_time_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    spent = run_module("platform", log=log)
    assert log.read_text().strip()
    assert spent.wall_s > 0
    assert spent.peak_mib > 1


def test_a_command_that_fails_leaves_no_figure() -> None:
    with pytest.raises(NoFigure, match="exit 1"):
        run_module("no_such_module_anywhere")


@pytest.mark.slow
def test_a_signal_reaches_the_command_and_ends_both() -> None:
    """`timeit` would run for minutes; the alarm of another thread plays the user who stops it."""
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped):
        run_module("timeit", "-n", "1", "-r", "1", "import time; time.sleep(300)")
    timer.join()
    assert signal.getsignal(signal.SIGTERM) is before
