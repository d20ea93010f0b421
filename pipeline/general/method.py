"""The general method on two images of one grid: one stage after the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pairs.images.relation import Matrix
from pairs.images.volume import Volume
from pipeline.general.config import GeneralConfig
from pipeline.general.continuous import Pair, continuous_displacement
from pipeline.general.descriptors import features
from pipeline.general.discrete import discrete_displacement
from pipeline.general.fine import refined
from pipeline.general.globalstage import aligned_on_one_grid
from pipeline.general.intensities import Intensities
from pipeline.general.lattice import Placed
from pipeline.general.levels import Level, affine_displacement
from pipeline.general.similarity import Compared
from pipeline.machine.device import repeatable
from pipeline.machine.memory import shortage_reported
from pipeline.network.separable import gaussian_mean
from pipeline.network.warp import compose
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.preprocess import content_box
from pipeline.typing import Float, Tensor

__all__ = ["Found", "GeneralMethod"]

# Around the content, so that what lies at its edge can move.
_MARGIN_VOX = 4
# Of the Gaussian over which a change fades towards the regions.
_RIM_VOX = 2.0

Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class Found:
    """A displacement, and what was odd on the way.

    Attributes:
        displacement: u, (X, Y, Z, 3) float32 in voxels of the fixed grid.
        warnings: One sentence for each oddity.
    """

    displacement: np.ndarray
    warnings: tuple[str, ...]


class GeneralMethod:
    """Registers two images without weights; the same pair has the same displacement every time.

    Args:
        config: The stages.
        intensities: How voxel values become 0..1, of the fixed and of the moving image.
        kind: What of the images is compared.
        device: Where it works.
    """

    def __init__(
        self,
        config: GeneralConfig,
        intensities: tuple[Intensities, Intensities],
        kind: Compared,
        device: torch.device,
    ) -> None:
        self.config = config
        self.intensities = intensities
        self.kind = kind
        self.device = device

    @torch.no_grad()
    @shortage_reported("this pair")
    @repeatable()
    def __call__(
        self,
        moving: Volume,
        fixed: Volume,
        moving_regions: Segmentation | None = None,
        fixed_regions: Segmentation | None = None,
        mask: np.ndarray | None = None,
    ) -> Found:
        """The displacement of a pair on one grid.

        Args:
            moving: Image on a grid of the fixed image's shape and spacing.
            fixed: Image.
            moving_regions: Regions of the moving image; used where those of the fixed image are known too.
            fixed_regions: Those of the fixed image.
            mask: Booleans (X, Y, Z): where the images are compared.

        Raises:
            VolumeError: One of the images is constant.
            TooLittleMemory: The pair does not fit into the device's memory.
        """
        spacing = fixed.header.spacing_mm
        of_fixed, of_moving = self.intensities
        images = [of_moving(moving), of_fixed(fixed)]
        box = _box(images)
        seen = [image[box] for image in images]
        affine, warnings = self._affine(seen, (moving_regions, fixed_regions), spacing, box)
        level = self._level(seen[1].shape, spacing)
        pair = self._pair(level, seen, (moving_regions, fixed_regions), mask, box)
        start = level.affine_displacement(affine)
        deformation = level.on_full_grid(self._deformed(pair, start) - start)
        found = deformation + affine_displacement(affine, seen[1].shape, self.device)
        free = _free(moving_regions, fixed_regions, box)
        found = self._refined(found, affine, level, seen, None if mask is None else mask[box], spacing, free)
        part = found[0].movedim(0, -1).cpu().numpy()
        margins = [(axis.start, side - axis.stop) for axis, side in zip(box, images[1].shape, strict=True)]
        return Found(np.pad(part, [*margins, (0, 0)], mode="edge"), warnings)

    def _affine(
        self,
        images: Sequence[np.ndarray],
        regions: tuple[Segmentation | None, Segmentation | None],
        spacing_mm: Sequence[float],
        box: Box,
    ) -> tuple[Matrix, tuple[str, ...]]:
        """Voxels of the box to voxels of the box."""
        config = self.config.global_stage
        if config is None:
            return np.eye(4), ()
        to_mm = np.diag([*spacing_mm, 1.0])
        moving, fixed = (
            Placed(image, to_mm, None if one is None else one.labels[box])
            for image, one in zip(images, regions, strict=True)
        )
        return aligned_on_one_grid(fixed, moving, self.kind, config, self.device)

    def _level(self, shape: Sequence[int], spacing_mm: Sequence[float]) -> Level:
        """That of the discrete and the continuous stage."""
        continuous, discrete = self.config.continuous_stage, self.config.discrete_stage
        parts = [1 if discrete is None else discrete.cell]
        if continuous is not None:
            parts += [continuous.control, *(stride for stride, _ in continuous.levels)]
        return Level.within(shape, spacing_mm, self.config.finest_voxels, math.lcm(*parts), self.device)

    def _pair(
        self,
        level: Level,
        images: Sequence[np.ndarray],
        regions: tuple[Segmentation | None, Segmentation | None],
        mask: np.ndarray | None,
        box: Box,
    ) -> Pair:
        moving, fixed = (level.of(image) for image in images)
        weight = None if mask is None else level.of(mask[box])
        if regions[0] is None or regions[1] is None:
            return Pair(moving, fixed, weight)
        count = 1 + max(int(one.labels.max()) for one in regions if one is not None)
        maps = (level.of_regions(one.labels[box], one.confidence[box], count) for one in regions if one)
        return Pair(moving, fixed, weight, *maps)

    def _deformed(self, pair: Pair, start: Float[Tensor, "1 3 X Y Z"]) -> Float[Tensor, "1 3 X Y Z"]:
        """The start followed by the discrete and the continuous stage, in voxels of the finest level."""
        # Warped once by the start, which spares a composition in every step.
        pair = pair.with_moving_warped(start)
        deformation = torch.zeros_like(start)
        if self.config.discrete_stage is not None:
            moving = features(pair.moving, pair.moving_regions)
            fixed = features(pair.fixed, pair.fixed_regions)
            deformation = discrete_displacement(moving, fixed, self.config.discrete_stage)
        if self.config.continuous_stage is not None:
            deformation = continuous_displacement(pair, deformation, self.kind, self.config.continuous_stage)
        return compose(start, deformation)

    def _refined(
        self,
        found: Float[Tensor, "1 3 X Y Z"],
        affine: Matrix,
        before: Level,
        images: Sequence[np.ndarray],
        mask: np.ndarray | None,
        spacing_mm: Sequence[float],
        free: np.ndarray | None,
    ) -> Float[Tensor, "1 3 X Y Z"]:
        """The displacement after the fine stage, where that is finer than the stages before it.

        The stage compares grey values alone. It would lead regions that are certain away from each other
        again, so that only what is free of them is changed; what a segmentor has guessed it mends.
        """
        config = self.config.fine_stage
        if config is None or self.kind != "correlation":
            return found
        level = Level.within(before.shape, spacing_mm, config.voxels, 1, self.device)
        if level.strides == before.strides:
            return found
        moving, fixed = (level.of(image) for image in images)
        weight = None if mask is None else level.of(mask)
        total, start = level.of_displacement(found), level.affine_displacement(affine)
        change = refined(moving, fixed, total, start, config, weight) - total
        if free is not None:
            change = change * gaussian_mean(level.of(free), _RIM_VOX)
        return found + level.on_full_grid(change)


def _free(moving: Segmentation | None, fixed: Segmentation | None, box: Box) -> np.ndarray | None:
    """Where the fixed image has no region; None where regions are not used, or not certain."""
    if moving is None or fixed is None or fixed.confidence.min() < 1:
        return None
    return fixed.labels[box] == 0


def _box(images: Sequence[np.ndarray]) -> Box:
    """Around the content of both images."""
    content = (images[0] > 0) | (images[1] > 0)
    x, y, z = (
        slice(max(axis.start - _MARGIN_VOX, 0), min(axis.stop + _MARGIN_VOX, side))
        for axis, side in zip(content_box(content, (1, 1, 1)), content.shape, strict=True)
    )
    return x, y, z
