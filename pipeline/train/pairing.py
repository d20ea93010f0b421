"""Which of the training images are registered to which."""

from collections.abc import Callable, Sequence

import torch

from pairs.errors import UsageError
from pairs.tasks.task import Task
from pipeline.train.subjects import Sample

__all__ = ["Pairing", "any_two", "draw_pair", "pairing_of", "require_pairs", "ring_of"]

Pairing = Callable[[Sample, Sample], bool]
"""Whether (moving, fixed) is a pair."""


def any_two(moving: Sample, fixed: Sample) -> bool:
    """Images of different subjects."""
    return moving.name != fixed.name


def pairing_of(kind: str, task: Task) -> Pairing:
    """The rule for a task: images of the modalities that its own pairs have.

    Args:
        kind: `any` two images, or `within-subject`: of one subject.
        task: its first pair gives the modalities of fixed and moving images.
    """
    first = task.pairs[0]
    fixed_modality, moving_modality = first.fixed_id.modality, first.moving_id.modality

    def is_pair(moving: Sample, fixed: Sample) -> bool:
        if (fixed.modality, moving.modality) != (fixed_modality, moving_modality):
            return False
        same_subject = moving.name == fixed.name
        if kind == "within-subject":
            return same_subject
        # Two modalities of one subject are two images; one image is never registered to itself.
        return not same_subject or fixed_modality != moving_modality

    return is_pair


def require_pairs(samples: Sequence[Sample], pairing: Pairing) -> None:
    """Refuse training images among which there is no pair.

    Raises:
        UsageError: there is none.
    """
    if not any(pairing(moving, fixed) for fixed in samples for moving in samples):
        images = ", ".join(f"{one.name}_{one.modality}" for one in samples[:10])
        raise UsageError(
            "no two training images make a pair of this task",
            expected="images of the modalities of the task's own pairs, by `pairs` in registration_training",
            got=images,
        )


def draw_pair(samples: Sequence[Sample], pairing: Pairing, generator: torch.Generator) -> tuple[int, int]:
    """Indices (fixed, moving) of a random pair, the first in a random order of the images."""
    order = torch.randperm(len(samples), generator=generator).tolist()
    return next((f, m) for f in order for m in order if f != m and pairing(samples[m], samples[f]))


def ring_of(samples: Sequence[Sample], pairing: Pairing) -> list[tuple[int, int]]:
    """Indices (moving, fixed): for each image the nearest one before it, round the end, that makes a pair."""
    count = len(samples)
    ring = []
    for fixed in range(count):
        before = ((fixed - back) % count for back in range(1, count))
        moving = next((m for m in before if pairing(samples[m], samples[fixed])), None)
        ring += [] if moving is None else [(moving, fixed)]
    return ring
