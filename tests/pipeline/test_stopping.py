"""Signals: remembered between steps, acted on at once inside a pair, fatal the second time."""

import os
import signal
from collections.abc import Iterator

import pytest

from pairs.errors import Stopped
from pipeline import stopping
from pipeline.stopping import interruptible, listen_for_signals, stop_requested

__all__: list[str] = []

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def _listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(stopping, "_requested", False)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    listen_for_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_sets_the_request(number: signal.Signals) -> None:
    assert not stop_requested()
    os.kill(os.getpid(), number)
    assert stop_requested()
    assert signal.getsignal(number) is signal.SIG_DFL


def test_inside_the_block_a_signal_raises_at_once() -> None:
    with pytest.raises(Stopped), interruptible():
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_before_the_block_stops_it_from_starting() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped), interruptible():
        pytest.fail("the block was entered")


def test_behind_the_block_a_signal_only_sets_the_request() -> None:
    with interruptible():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop_requested()
