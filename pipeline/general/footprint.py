"""What the general method takes of memory, told from the size of the images."""

import math
from collections.abc import Sequence

from pipeline.general.config import GeneralConfig
from pipeline.general.levels import finest_factor, strides_of, voxels_at
from pipeline.general.similarity import Compared

__all__ = ["FIXED", "footprint"]

# Measured on a CPU at 64x64x64 to 224x224x224 voxels, rounded up by a tenth.
FIXED = 300 * 2**20
"""Bytes of the global stage and of the libraries at work, whatever the size."""
_LEVEL, _REGION = 560, 20
"""A voxel of the discrete and the continuous stage; a region more."""
_FINE = 200
"""A voxel of the fine stage."""
_FULL = 60
"""A voxel of the image."""


def footprint(
    shape: Sequence[int], spacing_mm: Sequence[float], config: GeneralConfig, kind: Compared, regions: int = 0
) -> int:
    """Bytes that a pair takes at its peak, besides the two images.

    Args:
        shape: Of the images.
        spacing_mm: Of their voxels.
        config: The stages.
        kind: What is compared.
        regions: How many, background among them.
    """
    full, level = math.prod(shape), _voxels(shape, spacing_mm, config.finest_voxels)
    needs = [level * (_LEVEL + regions * _REGION)]
    if config.fine_stage is not None and kind == "correlation":
        needs.append(_voxels(shape, spacing_mm, config.fine_stage.voxels) * _FINE)
    return FIXED + full * _FULL + max(needs)


def _voxels(shape: Sequence[int], spacing_mm: Sequence[float], most: int) -> int:
    return voxels_at(shape, strides_of(finest_factor(shape, spacing_mm, most), spacing_mm))
