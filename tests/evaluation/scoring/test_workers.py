"""The threads: order, errors and signals."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from evaluation.metrics.spread import Spread
from evaluation.scoring.evaluate import evaluate_task
from evaluation.scoring.workers import score_all
from pairs.tasks.task import Task


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_keep_the_order_of_the_items(jobs: int) -> None:
    def score(item: int, spread: Spread) -> int:
        time.sleep(0.002 * (5 - item))
        return sum(spread(lambda part: part * item, range(4)))

    assert score_all(score, range(5), jobs) == [0, 6, 12, 18, 24]


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_error_ends_the_work_before_the_last_item(jobs: int) -> None:
    begun = []

    def score(item: int, spread: Spread) -> None:
        begun.append(item)
        time.sleep(0.01)
        raise RuntimeError("item 0")

    with pytest.raises(RuntimeError, match="item 0"):
        score_all(score, range(50), jobs)
    assert len(begun) < 50


@pytest.fixture
def heard() -> Iterator[None]:
    """SIGINT as in the foreground; a shell starts background jobs with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts(jobs: int, number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGTERM)
    begun = []

    def score(item: int, spread: Spread) -> None:
        begun.append(item)
        if len(begun) == 2:
            os.kill(os.getpid(), number)
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        score_all(score, range(50), jobs)
    assert len(begun) < 50
    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.extend(score_all(lambda item, _: item, range(3), 2)))
    thread.start()
    thread.join()
    assert results == [0, 1, 2]


@pytest.mark.parametrize("asked", ["1", "3"])
def test_there_are_as_many_threads_as_the_process_may_have(
    tiny_task: Task,
    fields_of: Callable[[Task, float], Path],
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
) -> None:
    seen: list[int] = []

    def noting(score: Callable, items: Iterable, jobs: int) -> list:
        seen.append(jobs)
        return score_all(score, items, jobs)

    monkeypatch.setattr("evaluation.scoring.evaluate.score_all", noting)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    evaluate_task(tiny_task, fields_of(tiny_task, 0.0))
    assert seen == [int(asked)]
