"""The label maps of a training: learnt from or held out, and how large everything is in them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from pairs.errors import UsageError
from pipeline.regions.volumes import VolumeRange
from pipeline.train.drawing.labelmaps import LabelMap, read_label_maps
from pipeline.train.drawing.palette import Palette
from pipeline.typing import Int, Tensor

__all__ = ["Heads", "read_heads"]


class Heads(NamedTuple):
    """Label maps with voxels of one size."""

    training: Sequence[LabelMap]
    held_out: Sequence[LabelMap]
    """The last ones, which are not learnt from."""
    palette: Palette
    voxel_ml: float

    def volumes_ml(self) -> tuple[VolumeRange, ...]:
        """Range of each region over what is learnt from; the first is that of an image's content.

        Content may lack what skull stripping takes away.
        """
        voxels = torch.stack([self._voxels(one) for one in self.training]) * self.voxel_ml
        stripped = [one.values[self.palette.stripped[one.values.long()] > 0].numel() for one in self.training]
        low, high = voxels.amin(0), voxels.amax(0)
        low[0] = min(stripped) * self.voxel_ml
        return tuple((a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))

    def _voxels(self, one: LabelMap) -> Int[Tensor, " N"]:
        """Of each region; of all that is not background in the place of the first."""
        values = one.values.long()
        counts = torch.bincount(
            self.palette.region[values].ravel(), minlength=int(self.palette.region.max()) + 1
        )
        counts[0] = int((values > 0).sum())
        return counts


def read_heads(
    files: Sequence[Path],
    spacing_mm: tuple[float, float, float],
    palette: Palette,
    held_out: int,
    least: int,
) -> Heads:
    """The label maps of a training.

    Args:
        files: as `label_map_files` gives them.
        spacing_mm: voxel sizes that they must have.
        palette: what their values mean.
        held_out: how many, the last ones, are held out.
        least: how many must be left to learn from.

    Raises:
        UsageError: fewer are left.
        KnownError: see `read_label_maps`.
    """
    maps = read_label_maps(files, spacing_mm)
    count = len(maps) - held_out
    if count < least:
        raise UsageError(
            "too few label maps",
            expected=f"at least {held_out + least}, {held_out} of them held out",
            got=len(maps),
        )
    return Heads(maps[:count], maps[count:], palette, math.prod(spacing_mm) / 1000)
