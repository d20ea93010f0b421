"""Which subjects the registration network sees as pairs, and which cannot be one."""

import pytest
import torch

from pairs.errors import GridMismatch
from pipeline.train.pairing import any_two
from pipeline.train.pairs import Group, PairMaterial, scanned_pairs
from tests.pipeline.train.cubes import CUBES, cube, toy_config

__all__: list[str] = []

GENERATOR_SEED = 0


def names_of(material: PairMaterial, count: int) -> list[tuple[str, str]]:
    """(moving, fixed) of the first pairs that are drawn."""
    generator = torch.Generator().manual_seed(GENERATOR_SEED)
    pairs = [material.draw(generator) for _ in range(count)]
    assert all(pair.moving.image.shape == pair.fixed.sample.image.shape for pair in pairs)
    return [(pair.moving.name, pair.fixed.sample.name) for pair in pairs]


def test_pairs_are_ordered_and_never_of_one_subject() -> None:
    material = scanned_pairs([Group(CUBES[:3], any_two)], (), toy_config())
    assert set(names_of(material, 60)) == {(a, b) for a in "012" for b in "012" if a != b}


def test_held_out_subjects_move_onto_the_next_and_are_not_drawn() -> None:
    material = scanned_pairs([Group(CUBES[:2], any_two)], CUBES[2:4], toy_config())
    ring = {(pair.moving.name, pair.fixed.sample.name) for pair in material.held_out}
    assert ring == {("2", "3"), ("3", "2")}
    assert set(names_of(material, 20)) == {("0", "1"), ("1", "0")}


def test_pairs_stay_within_a_task_and_tasks_come_by_their_subjects() -> None:
    # The other task's grid differs; only pairs within it need one shape.
    others = Group([cube(number, (16, 20, 32)) for number in (5, 6)], any_two)
    pairs = names_of(scanned_pairs([Group(CUBES[:4], any_two), others], (), toy_config()), 120)
    assert {pair for pair in pairs if "5" in pair or "6" in pair} == {("5", "6"), ("6", "5")}
    assert set(pairs) > {(a, b) for a in "0123" for b in "0123" if a != b}
    # Two of six subjects: a third of the steps, 40 +- 5.2.
    assert 22 < sum("5" in pair for pair in pairs) < 58


def test_subjects_are_padded_to_what_the_backbone_takes_where_nothing_is_known() -> None:
    subjects = [cube(number, (16, 16, 20)) for number in range(2)]
    config = toy_config()
    pair = scanned_pairs([Group(subjects, any_two)], (), config).draw(torch.Generator())
    assert pair.fixed.sample.image.shape[2:] == (16, 16, 32)
    assert not pair.fixed.confidence[..., 20:].any()


@pytest.mark.parametrize("groups", [0, 1])
def test_subjects_of_a_task_must_fit_each_other(groups: int) -> None:
    odd = Group([cube(5), cube(6, (16, 16, 32))], any_two)
    others = [Group(CUBES[:2], any_two)] * groups
    with pytest.raises(GridMismatch, match="`crop`"):
        scanned_pairs([*others, odd], (), toy_config())
