"""The field of each pair: its file, the array in it, and how that array lies on the grid."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.scoring.groundtruth import read_grid
from evaluation.submission.findings import Finding, error, warning
from evaluation.submission.folder import Entry
from evaluation.submission.layout import Placement, choose_head, place
from evaluation.submission.stored import Head, Stored
from pairs.errors import DisplacementError, VolumeError
from pairs.fields.profile import Profile, Shape3
from pairs.fields.resampling import Upsampling
from pairs.images.grid import orientation_warnings
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task

__all__ = ["FoundField", "Opened", "find_fields", "source_upsampling", "task_grids"]

Opened = Mapping[str, Stored | DisplacementError]
"""By the name of each file in the folder what it holds, or why it cannot be read."""


@dataclass(frozen=True)
class FoundField:
    """The field of a pair, with None for what could not be found out.

    Attributes:
        pair: The pair.
        entry: Its file.
        grid: (X, Y, Z) of the fixed image.
        stored: What the file holds; None where it cannot be read.
        head: Its one array that can be a field.
        placement: How that array lies on the grid.
    """

    pair: Pair
    entry: Entry
    grid: Shape3 | None
    stored: Stored | None = None
    head: Head | None = None
    placement: Placement | None = None


def task_grids(task: Task, expected: Shape3 | None) -> tuple[dict[str, Shape3], list[Finding]]:
    """Returns the full grid of each pair, and what is wrong with the images.

    Args:
        task: The task.
        expected: (X, Y, Z) of an evaluation configuration, which stands in for images that cannot be read.
    """
    grids: dict[str, Shape3] = {}
    findings: list[Finding] = []
    for pair in task.pairs:
        try:
            fixed = read_grid(pair.fixed)
            grids[pair.name] = fixed.shape
        except VolumeError as fault:
            stated = expected or task.shape
            if stated is not None:
                grids[pair.name] = stated
            remedy = f"the stated shape {stated} is used" if stated else "the field cannot be checked"
            findings.append(warning("image", pair.name, str(fault), remedy=remedy))
            continue
        if expected is not None and grids[pair.name] != expected:
            what, got = "shape of the image differs from the configuration", grids[pair.name]
            remedy = "use the configuration of this edition of the task"
            findings.append(error("config", pair.name, what, expected=expected, got=got, remedy=remedy))
        # The moving image is read for this warning only.
        with contextlib.suppress(VolumeError):
            texts = orientation_warnings(fixed, read_grid(pair.moving))
            findings += [warning("orientation", pair.name, text) for text in texts]
    return grids, findings


def find_fields(
    assigned: Mapping[str, Entry],
    pairs: Sequence[Pair],
    grids: Mapping[str, Shape3],
    stored: Opened,
    profile: Profile,
) -> tuple[FoundField, ...]:
    """Returns the field of each pair that has a file.

    Args:
        assigned: The file of each pair, by pair name.
        pairs: The pairs of the task.
        grids: The full grid of each pair, by pair name.
        stored: What the files hold.
        profile: The profile that the host reads.
    """
    fields: list[FoundField] = []
    for pair in pairs:
        entry = assigned.get(pair.name)
        if entry is None:
            continue
        grid, held = grids.get(pair.name), stored.get(entry.name)
        if grid is None or not isinstance(held, Stored):
            fields.append(FoundField(pair, entry, grid))
            continue
        head = choose_head(held, grid, profile)
        placement = None if head is None else place(head.shape, grid, profile)
        fields.append(FoundField(pair, entry, grid, held, head, placement))
    return tuple(fields)


def source_upsampling(found: FoundField, profile: Profile) -> Upsampling | None:
    """Returns how the samples of a half-grid field are spread over the full grid; None for full ones."""
    if found.placement is None or not found.placement.half:
        return None
    if profile.upsampling is not None:
        return profile.upsampling
    return "zoom2" if found.stored is not None and found.stored.kind in ("npz", "npy") else "trilinear"
