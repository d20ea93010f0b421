"""Parts of a list of pairs: together they are the whole, each of about the same size."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairs.errors import UsageError
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair
from pipeline.predict.shard import Shard, shard_of

__all__: list[str] = []


def pair(fixed: int, moving: int) -> Pair:
    names = [f"T_{number:04}_0000.nii.gz" for number in (fixed, moving)]
    ids = [ImageId(f"{number:04}", "0000") for number in (fixed, moving)]
    return Pair(Path(names[0]), Path(names[1]), ids[0], ids[1])


PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(10, 30)), min_size=1, max_size=60, unique=True)


@given(PAIRS, st.integers(1, 12))
def test_all_pairs_are_covered_once_in_their_order(numbers: list[tuple[int, int]], count: int) -> None:
    pairs = [pair(*one) for one in numbers]
    shards = [Shard(index, count).part_of(pairs) for index in range(1, count + 1)]
    assert sorted(pairs.index(one) for shard in shards for one in shard) == list(range(len(pairs)))
    assert all([pairs.index(one) for one in shard] == sorted(map(pairs.index, shard)) for shard in shards)


@given(PAIRS, st.integers(1, 10))
def test_pairs_of_one_fixed_image_stay_together(numbers: list[tuple[int, int]], count: int) -> None:
    pairs = [pair(*one) for one in numbers]
    fixed = {one.fixed for one in pairs}
    count = min(count, len(fixed))
    parts = [Shard(index, count).part_of(pairs) for index in range(1, count + 1)]
    assert sum(len({one.fixed for one in part}) for part in parts) == len(fixed)
    sizes = [len(part) for part in parts]
    # The largest shard was not yet larger than the others when its last group came to it.
    assert max(sizes) - min(sizes) <= max(sum(one.fixed == image for one in pairs) for image in fixed)


def test_one_fixed_image_does_not_leave_shards_without_work() -> None:
    pairs = [pair(0, moving) for moving in range(1, 10)]
    assert [len(Shard(index, 4).part_of(pairs)) for index in range(1, 5)] == [3, 2, 2, 2]


def test_more_shards_than_pairs() -> None:
    pairs = [pair(0, 1), pair(1, 2)]
    assert [len(Shard(index, 3).part_of(pairs)) for index in (1, 2, 3)] == [1, 1, 0]


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "1/0", "-1/4", "1/4/2", "a/b", "", "1.5/4", "SLURM"])
def test_no_such_shard(text: str) -> None:
    with pytest.raises(UsageError, match=r"no such shard: --shard .*expected I/N with I from 1 to N"):
        shard_of(text, {})


@pytest.mark.parametrize(
    ("least", "step", "number", "index"), [(0, 1, 0, 1), (1, 1, 8, 8), (10, 5, 15, 2), (None, None, 3, 3)]
)
def test_the_job_of_an_array_takes_its_part(
    least: int | None, step: int | None, number: int, index: int
) -> None:
    named = {"TASK_ID": number, "TASK_COUNT": 8, "TASK_MIN": least, "TASK_STEP": step}
    array = {f"SLURM_ARRAY_{name}": str(value) for name, value in named.items() if value is not None}
    assert shard_of("slurm", array) == Shard(index, 8)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "not a job of a SLURM array"),
        ({"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "4"}, "got SLURM_ARRAY_TASK_ID=x"),
        ({"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_COUNT": "4"}, "have gaps"),
        ({"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "4"}, "have gaps"),
    ],
)
def test_what_is_no_array(environment: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        shard_of("slurm", environment)
