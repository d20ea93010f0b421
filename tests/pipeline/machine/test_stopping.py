"""Signals: remembered between steps, acted on at once inside a pair, fatal the second time."""

import os
import signal
from contextlib import suppress

import pytest

from pairs.errors import Stopped
from pipeline.machine.stopping import (
    interruptible,
    listen_for_signals,
    require_not_stopped,
    stop_requested,
    uninterrupted,
)

__all__: list[str] = []

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def _listening(signals_as_before: None) -> None:
    """Every test listens, and the fixture it asks for ends that."""
    listen_for_signals()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_request(number: signal.Signals) -> None:
    assert not stop_requested()
    os.kill(os.getpid(), number)
    assert stop_requested()
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_process_that_several_tell_is_patient() -> None:
    listen_for_signals(patient=True)
    for number in (*SIGNALS, *SIGNALS):
        os.kill(os.getpid(), number)
    assert stop_requested()


def test_inside_the_block_a_signal_raises_at_once() -> None:
    with pytest.raises(Stopped), interruptible():
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_before_the_block_stops_it_from_starting() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped), interruptible():
        pytest.fail("the block was entered")


def test_what_an_object_swallows_at_its_end_is_raised_once_and_not_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Stopping:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped), interruptible():
        Stopping()
    assert capfd.readouterr().err == ""


def test_other_trouble_at_the_end_of_an_object_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("no end")

    Broken()
    assert "no end" in capfd.readouterr().err


def test_what_a_library_swallows_is_raised_before_a_stretch_that_would_be_finished() -> None:
    def swallow() -> None:
        with suppress(Stopped):
            os.kill(os.getpid(), signal.SIGTERM)

    def stretch() -> None:
        swallow()
        with uninterrupted():
            pytest.fail("the stretch was begun")

    with pytest.raises(Stopped), interruptible():
        stretch()


def test_behind_the_block_a_signal_only_sets_the_request() -> None:
    with interruptible():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop_requested()


def test_what_must_be_finished_is_finished_first() -> None:
    reached: list[str] = []

    def work() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("end of what must be finished")
        reached.append("end of the block")

    with pytest.raises(Stopped), interruptible():
        work()
    assert reached == ["end of what must be finished"]


def test_outside_a_block_what_must_be_finished_only_sets_the_request() -> None:
    with uninterrupted():
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop_requested()
    with pytest.raises(Stopped):
        require_not_stopped()


def test_an_error_inside_what_must_be_finished_comes_out() -> None:
    with pytest.raises(OSError, match="full"), interruptible(), uninterrupted():
        raise OSError("full")


@pytest.mark.parametrize("own_error", [None, RuntimeError("own words")])
def test_a_signal_that_the_block_swallows_or_renames_still_stops_it(own_error: Exception | None) -> None:
    def library() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Stopped:
            if own_error is not None:
                raise own_error from None

    with pytest.raises(Stopped), interruptible():
        library()


def test_errors_of_the_block_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="own"), interruptible():
        raise RuntimeError("own")
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop_requested()
