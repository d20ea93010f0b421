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
from pipeline.general.descriptors import mind_ssc
from pipeline.general.discrete import discrete_displacement
from pipeline.general.globalstage import aligned
from pipeline.general.lattice import Placed
from pipeline.general.levels import Strides, averaged, finest_factor, strides_of
from pipeline.general.similarity import Compared
from pipeline.machine.device import repeatable
from pipeline.machine.memory import shortage_reported
from pipeline.network.losses import one_hot
from pipeline.network.warp import compose, identity_grid, upsample_displacement
from pipeline.regions.config import IntensityConfig
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.preprocess import content_box, crop_to, normalise
from pipeline.typing import Float, Tensor

__all__ = ["Found", "GeneralMethod"]

# Around the content, so that what lies at its edge can move.
_MARGIN_VOX = 4
# Of the regions beside the 12 descriptors of a voxel.
_REGION_WEIGHT = 1.5
_RADIUS, _DILATION = 1, 1

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
        intensity: How voxel values become 0..1.
        kind: What of the images is compared.
        device: Where it works.
    """

    def __init__(
        self,
        config: GeneralConfig,
        intensity: IntensityConfig,
        kind: Compared,
        device: torch.device,
    ) -> None:
        self.config = config
        self.intensity = intensity
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
            TooLittleMemory: The pair does not fit into the device's memory.
        """
        spacing = fixed.header.spacing_mm
        images = [normalise(volume.array, self.intensity) for volume in (moving, fixed)]
        box = _box(images)
        seen = [image[box] for image in images]
        affine, warnings = self._affine(seen[0], seen[1], spacing)
        grid = _Grid(seen[1].shape, spacing, self.config, self.device)
        pair = grid.pair(seen, (moving_regions, fixed_regions), mask, box)
        start = grid.affine_displacement(affine)
        total = self._deformed(pair, start)
        found = grid.on_full_grid(total - start) + _affine_displacement(affine, seen[1].shape, self.device)
        part = found[0].movedim(0, -1).cpu().numpy()
        margins = [(axis.start, side - axis.stop) for axis, side in zip(box, images[1].shape, strict=True)]
        return Found(np.pad(part, [*margins, (0, 0)], mode="edge"), warnings)

    def _affine(
        self, moving: np.ndarray, fixed: np.ndarray, spacing_mm: Sequence[float]
    ) -> tuple[Matrix, tuple[str, ...]]:
        """Voxels of the box to voxels of the box."""
        if self.config.global_stage is None:
            return np.eye(4), ()
        to_mm = np.diag([*spacing_mm, 1.0])
        places = Placed(fixed, to_mm), Placed(moving, to_mm)
        found = aligned(*places, np.eye(4), self.kind, self.config.global_stage, self.device)
        return np.linalg.inv(to_mm) @ found.matrix @ to_mm, found.warnings

    def _deformed(self, pair: Pair, start: Float[Tensor, "1 3 X Y Z"]) -> Float[Tensor, "1 3 X Y Z"]:
        """The start followed by the discrete and the continuous stage, in voxels of the finest level."""
        # Warped once by the start, which spares a composition in every step.
        pair = pair.with_moving_warped(start)
        deformation = torch.zeros_like(start)
        if self.config.discrete_stage is not None:
            moving = _features(pair.moving, pair.moving_regions)
            fixed = _features(pair.fixed, pair.fixed_regions)
            deformation = discrete_displacement(moving, fixed, self.config.discrete_stage)
        if self.config.continuous_stage is not None:
            deformation = continuous_displacement(pair, deformation, self.kind, self.config.continuous_stage)
        return compose(start, deformation)


def _features(
    image: Float[Tensor, "1 1 X Y Z"], regions: Float[Tensor, "1 N X Y Z"] | None
) -> Float[Tensor, "1 C X Y Z"]:
    """What the discrete stage compares."""
    descriptors = mind_ssc(image, _RADIUS, _DILATION)
    return descriptors if regions is None else torch.cat([descriptors, _REGION_WEIGHT * regions], dim=1)


class _Grid:
    """The finest level of a box of voxels: its strides, and what goes there and comes back."""

    def __init__(
        self, shape: Sequence[int], spacing_mm: Sequence[float], config: GeneralConfig, device: torch.device
    ) -> None:
        self.shape = tuple(shape)
        self.device = device
        self.strides: Strides = strides_of(finest_factor(shape, spacing_mm, config.finest_voxels), spacing_mm)
        continuous, discrete = config.continuous_stage, config.discrete_stage
        parts = [1 if discrete is None else discrete.cell]
        if continuous is not None:
            parts += [continuous.control, *(stride for stride, _ in continuous.levels)]
        self.multiples = tuple(stride * math.lcm(*parts) for stride in self.strides)
        self.scale = torch.tensor(self.strides, dtype=torch.float32, device=device).view(1, 3, 1, 1, 1)

    def pair(
        self,
        images: Sequence[np.ndarray],
        regions: tuple[Segmentation | None, Segmentation | None],
        mask: np.ndarray | None,
        box: Box,
    ) -> Pair:
        """What is compared, on the finest level."""
        moving, fixed = (self._level(torch.from_numpy(np.ascontiguousarray(image))) for image in images)
        weight = None if mask is None else self._level(torch.from_numpy(mask[box]).float())
        if regions[0] is None or regions[1] is None:
            return Pair(moving, fixed, weight)
        count = 1 + max(int(one.labels.max()) for one in regions if one is not None)
        maps = (self._regions(one, count, box) for one in regions if one is not None)
        return Pair(moving, fixed, weight, *maps)

    def _level(self, volume: Float[Tensor, "X Y Z"]) -> Float[Tensor, "1 1 U V W"]:
        padded = _padded(volume[None, None].to(self.device), self.multiples)
        return averaged(padded, self.strides)

    def _regions(self, regions: Segmentation, count: int, box: Box) -> Float[Tensor, "1 N U V W"]:
        labels = torch.from_numpy(np.ascontiguousarray(regions.labels[box])).long()
        confidence = torch.from_numpy(np.ascontiguousarray(regions.confidence[box])).float()
        channels = one_hot(labels[None], count) * confidence
        return torch.cat([self._level(channel) for channel in channels[0]], dim=1)

    def affine_displacement(self, matrix: Matrix) -> Float[Tensor, "1 3 U V W"]:
        """That of an affine map of full voxels, at the finest level and in its voxels."""
        to_full = np.diag([*self.strides, 1.0])
        to_full[:3, 3] = (np.array(self.strides) - 1) / 2
        sides = [
            -(-side // multiple) * multiple // stride
            for side, multiple, stride in zip(self.shape, self.multiples, self.strides, strict=True)
        ]
        return _affine_displacement(np.linalg.inv(to_full) @ matrix @ to_full, sides, self.device)

    def on_full_grid(self, displacement: Float[Tensor, "1 3 U V W"]) -> Float[Tensor, "1 3 X Y Z"]:
        """A displacement of the finest level as one of the box, in its voxels."""
        sides = [n * stride for n, stride in zip(displacement.shape[2:], self.strides, strict=True)]
        full = upsample_displacement(displacement * self.scale, (sides[0], sides[1], sides[2]))
        return crop_to(full, self.shape)


def _padded(volume: Float[Tensor, "1 1 X Y Z"], multiples: Sequence[int]) -> Float[Tensor, "1 1 U V W"]:
    padding: list[int] = []
    for side, multiple in zip(reversed(volume.shape[2:]), reversed(multiples), strict=True):
        padding += [0, -side % multiple]
    return torch.nn.functional.pad(volume, padding)


def _affine_displacement(
    matrix: Matrix, shape: Sequence[int], device: torch.device
) -> Float[Tensor, "1 3 X Y Z"]:
    linear = torch.from_numpy(matrix[:3, :3] - np.eye(3)).to(device, torch.float32)
    shift = torch.from_numpy(matrix[:3, 3]).to(device, torch.float32)
    indices = identity_grid(torch.empty(1, 1, *shape, device=device))
    return torch.einsum("ij,bjxyz->bixyz", linear, indices) + shift.view(1, 3, 1, 1, 1)


def _box(images: Sequence[np.ndarray]) -> Box:
    """Around the content of both images."""
    content = (images[0] > 0) | (images[1] > 0)
    x, y, z = (
        slice(max(axis.start - _MARGIN_VOX, 0), min(axis.stop + _MARGIN_VOX, side))
        for axis, side in zip(content_box(content, (1, 1, 1)), content.shape, strict=True)
    )
    return x, y, z
