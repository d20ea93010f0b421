"""The plan of a training: the rate and the stage of each step, and the files beside the weights."""

from dataclasses import replace

import pytest

from pipeline.train.loop import Plan, cosine_rate, polynomial_rate

__all__: list[str] = []


def test_polynomial_rate_at_start_middle_and_end() -> None:
    assert polynomial_rate(1e-4, 0, 1000, 0.9) == 1e-4
    assert polynomial_rate(1e-4, 500, 1000, 0.9) == pytest.approx(5.359e-5, rel=1e-4)
    assert polynomial_rate(1e-4, 1000, 1000, 0.9) == 0


def test_cosine_rate_at_start_middle_and_end() -> None:
    assert cosine_rate(1e-3, 0, 100) == 1e-3
    assert cosine_rate(1e-3, 50, 100) == pytest.approx(5e-4)
    assert cosine_rate(1e-3, 100, 100) == pytest.approx(0)


def test_the_rate_rises_at_the_start_of_each_stage(plan: Plan) -> None:
    staged = replace(plan, stages=(5, 4), warm_up=3, schedule="cosine")
    rises = [staged.rate(step) / cosine_rate(0.05, step, 5) for step in range(5)]
    assert rises == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert staged.rate(5) == pytest.approx(0.05 / 4)


def test_without_warm_up_the_rate_is_the_polynomial(plan: Plan) -> None:
    assert [plan.rate(step) for step in range(9)] == [
        polynomial_rate(0.05, step, 9, 0.9) for step in range(9)
    ]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ((4, 5), [(0, 0, 4)] * 4 + [(1, 4, 5)] * 5),
        ((0, 0, 9), [(2, 0, 9)] * 9),
        ((2, 0, 7), [(0, 0, 2)] * 2 + [(2, 2, 7)] * 7),
        ((), [(0, 0, 9)] * 9),
    ],
)
def test_each_step_has_its_stage(
    plan: Plan, stages: tuple[int, ...], expected: list[tuple[int, ...]]
) -> None:
    assert [replace(plan, stages=stages).stage(step) for step in range(9)] == expected


def test_checkpoint_and_log_lie_beside_the_weights(plan: Plan) -> None:
    assert plan.checkpoint == plan.out.parent / "net.checkpoint.safetensors"
    assert plan.metrics == plan.out.parent / "net.metrics.jsonl"
