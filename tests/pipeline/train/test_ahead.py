"""Draws made ahead: the same ones in the same order, whatever thread makes them."""

import threading
from collections.abc import Callable

import pytest
import torch

from pipeline.train import ahead
from pipeline.train.ahead import Ahead
from pipeline.train.loop import item_generator

__all__: list[str] = []

CPU = torch.device("cpu")
# Not a CPU, and here on every machine.
OTHER = torch.device("meta")


def draw(step: int) -> list[float]:
    return torch.rand(3, generator=item_generator(7, step)).tolist()


@pytest.mark.parametrize("first", [0, 5])
def test_draws_made_ahead_are_those_made_in_turn(first: int) -> None:
    results = []
    for device in (CPU, OTHER):
        with Ahead(draw, range(12), device) as drawn:
            results.append([drawn(step) for step in range(first, 12)])
    assert results[0] == results[1] == [draw(step) for step in range(first, 12)]


def noting(made: list[tuple[int, bool]]) -> Callable[[int], int]:
    def note(step: int) -> int:
        made.append((step, threading.current_thread() is threading.main_thread()))
        return step

    return note


def test_on_a_cpu_each_draw_waits_for_its_turn() -> None:
    made: list[tuple[int, bool]] = []
    with Ahead(noting(made), range(12), CPU) as drawn:
        for step in range(3):
            assert drawn(step) == step
    assert made == [(0, True), (1, True), (2, True)]


def test_elsewhere_the_next_draws_are_begun_and_none_beyond_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_ITEMS", 2)
    made: list[tuple[int, bool]] = []
    with Ahead(noting(made), range(4), OTHER) as drawn:
        assert [drawn(step) for step in range(4)] == [0, 1, 2, 3]
    assert sorted(made) == [(step, False) for step in range(4)]


def test_the_items_between_are_those_of_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_ITEMS", 2)
    made: list[tuple[int, bool]] = []
    with Ahead(noting(made), range(1, 12, 3), OTHER) as drawn:
        assert [drawn(item) for item in (4, 7, 10)] == [4, 7, 10]
    assert sorted(made) == [(item, False) for item in (4, 7, 10)]


def test_an_error_comes_up_at_its_own_step() -> None:
    def fail_at_two(step: int) -> int:
        return 1 // (2 - step)

    with Ahead(fail_at_two, range(9), OTHER) as drawn:
        assert [drawn(0), drawn(1)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            drawn(2)


def test_no_thread_outlives_the_training() -> None:
    before = threading.active_count()
    with Ahead(draw, range(9), OTHER) as drawn:
        drawn(0)
        assert threading.active_count() > before
    assert threading.active_count() == before
