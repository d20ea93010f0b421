"""Which training images are paired: any two, two modalities, or one subject's own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pairs.errors import UsageError
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task, read_task
from pipeline.train.pairing import any_two, draw_pair, pairing_of, require_pairs, ring_of
from pipeline.train.subjects import Sample

__all__: list[str] = []


def images(*names: str) -> list[Sample]:
    """`12.1` is modality 1 of subject 12."""
    empty = torch.zeros(1, 1, 1, 1, 1)
    parts = [name.split(".") for name in names]
    return [Sample(f"{n:>04}", empty, empty[0].long(), f"{m:>04}") for n, m in parts]


@pytest.fixture
def task(tiny_task: Path) -> Task:
    """Fixed images of modality 0, moving ones of modality 1."""
    task = read_task(tiny_task)
    first = task.pairs[0]
    moving = replace(first.moving_id, modality="0001")
    return replace(task, pairs=(Pair(first.fixed, first.moving, first.fixed_id, moving),))


def drawn(samples: Sequence[Sample], kind: str, task: Task) -> set[tuple[int, int]]:
    pairing = pairing_of(kind, task)
    return {draw_pair(samples, pairing, torch.Generator().manual_seed(seed)) for seed in range(60)}


def test_one_modality_gives_all_ordered_pairs(tiny_task: Path) -> None:
    task = read_task(tiny_task)
    samples = images("1.0", "2.0", "3.0")
    assert drawn(samples, "any", task) == {(f, m) for f in range(3) for m in range(3) if f != m}


def test_two_modalities_keep_their_direction(task: Task) -> None:
    samples = images("1.0", "1.1", "2.1", "3.0")
    assert drawn(samples, "any", task) == {(0, 1), (0, 2), (3, 1), (3, 2)}


def test_within_a_subject(task: Task) -> None:
    samples = images("1.0", "2.1", "2.0", "1.1", "3.0")
    assert drawn(samples, "within-subject", task) == {(0, 3), (2, 1)}


def test_the_first_two_of_a_random_order_are_taken_where_all_may_be() -> None:
    """Trainings from before there were rules are repeated by their seeds."""
    samples = images("1.0", "2.0", "3.0", "4.0")
    for seed in range(10):
        order = torch.randperm(4, generator=torch.Generator().manual_seed(seed)).tolist()
        assert draw_pair(samples, any_two, torch.Generator().manual_seed(seed)) == (order[0], order[1])


def test_the_ring(task: Task) -> None:
    assert ring_of(images("1.0", "2.0", "3.0"), any_two) == [(2, 0), (0, 1), (1, 2)]
    assert ring_of(images("1.0"), any_two) == []
    assert ring_of([], any_two) == []
    within = pairing_of("within-subject", task)
    assert ring_of(images("1.0", "1.1", "2.0", "2.1", "3.0"), within) == [(1, 0), (3, 2)]


def test_images_without_a_pair_are_refused(task: Task) -> None:
    with pytest.raises(UsageError, match=r"make a pair.*got 0001_0000, 0002_0001"):
        require_pairs(images("1.0", "2.1"), pairing_of("within-subject", task))
    require_pairs(images("1.0", "2.1"), pairing_of("any", task))
