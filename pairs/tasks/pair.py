"""Pairs and subjects of a task, and the output names that pairs must not share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pairs.tasks.imageid import ImageId

__all__ = ["Pair", "Subject", "output_name_faults", "short_name_warnings"]


@dataclass(frozen=True)
class Pair:
    """One registration: the moving image is brought onto the fixed one."""

    fixed: Path
    moving: Path
    fixed_id: ImageId
    moving_id: ImageId

    @property
    def name(self) -> str:
        """The official case name, `0211_0000<--0250_0000`: fixed first."""
        return f"{self.fixed_id}<--{self.moving_id}"


@dataclass(frozen=True)
class Subject:
    """One training image and its label map, where it has one."""

    id: ImageId
    image: Path
    label: Path | None


def output_name_faults(pairs: Sequence[Pair]) -> list[str]:
    """Returns a fault for each pair whose field would overwrite that of another pair."""
    first: dict[str, Pair] = {}
    faults = []
    for pair in pairs:
        other = first.setdefault(pair.name, pair)
        if other is not pair:
            same = "two different pairs share one output name"
            faults.append(
                f"{same}: {pair.name}: {other.fixed} <- {other.moving} and {pair.fixed} <- {pair.moving}"
            )
    return faults


def short_name_warnings(pairs: Sequence[Pair]) -> list[str]:
    """Warns where the short file names of the older releases, which lack the modality, would coincide."""
    seen: dict[tuple[str, ...], Pair] = {}
    warnings = []
    for pair in pairs:
        fixed, moving = pair.fixed_id, pair.moving_id
        key = (fixed.subject, fixed.visit, moving.subject, moving.visit)
        other = seen.setdefault(key, pair)
        if other is not pair:
            shared = f"disp_{fixed.subject}_{moving.subject}"
            warnings.append(f"{other.name} and {pair.name} share the short file name {shared}")
    return warnings
