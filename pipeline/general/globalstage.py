"""The global stage: the best of all shifts, then a rigid and an affine map, judged by what they bring."""

from dataclasses import dataclass

import numpy as np
import torch

from pairs.images.relation import Matrix
from pipeline.general.config import GlobalConfig
from pipeline.general.descriptors import features
from pipeline.general.lattice import Lattice, Placed, lattice_of
from pipeline.general.similarity import Compared, Similarity
from pipeline.general.translation import best_translation
from pipeline.machine.device import repeatable
from pipeline.network.descent import Adam
from pipeline.network.losses import challenge_dice_loss
from pipeline.network.warp import identity_grid, sample
from pipeline.typing import Float, Tensor

__all__ = ["Aligned", "aligned", "aligned_on_one_grid"]

# Of intensities in 0..1: what is darker is air, or nothing.
_CONTENT = 0.05
# Below this share of an image, what is brighter is not the content.
_LEAST_CONTENT = 0.05
# Windows whose product of variances is smaller count as noise.
_CONTRAST = 1e-3
# Unlikeness above which an affine map is chance: ten pairs of abdomens, the hardest here, have at most 0.88.
# Noise as coarse as the lattice stays below too, and is not noticed.
_STRANGERS: dict[Compared, float] = {"correlation": 0.94, "descriptors": 0.85}


@dataclass(frozen=True, eq=False)
class Aligned:
    """What the stage found.

    Attributes:
        matrix: Points of the fixed image's space to points of the moving image's, (4, 4).
        before: Unlikeness of what overlaps, 0..1, before.
        after: The same with the matrix.
        warnings: One sentence for each oddity.
    """

    matrix: Matrix
    before: float
    after: float
    warnings: tuple[str, ...] = ()


@torch.no_grad()
@repeatable()
def aligned(
    fixed: Placed,
    moving: Placed,
    start: Matrix,
    kind: Compared,
    config: GlobalConfig,
    device: torch.device,
) -> Aligned:
    """Returns the affine map between two images, each on its own grid.

    Args:
        fixed: The fixed image.
        moving: The moving image.
        start: The map to begin with, points of the fixed image's space to points of the moving image's.
        kind: What of the images is compared.
        config: Resolution and steps.
        device: Where the work is done.

    References:
        The search over shifts by Fourier transforms follows Padfield 2012, Masked object registration in the
        Fourier domain, https://doi.org/10.1109/TIP.2011.2181402, with descriptors in place of intensities.
    """
    lattice = lattice_of(fixed, moving, start, config.voxels, device)
    here, there = _content(lattice.fixed), _content(lattice.moving)
    of_moving = features(lattice.moving, lattice.moving_regions[:, 1:])
    of_fixed = features(lattice.fixed, lattice.fixed_regions[:, 1:])
    shift = best_translation(of_moving, of_fixed, there, here, config.overlap)
    if shift is None:
        return Aligned(start, 1.0, 1.0, ("the images have too little in common for a global stage",))
    fit = _Fit(lattice, here, there, kind, config)
    # From the first voxel of the moving image to that of the fixed one.
    moved = np.array(shift) + np.array(lattice.offset)
    found = fit.descended(torch.tensor(moved, dtype=torch.float32, device=device))
    before, after = fit.unlikeness(torch.eye(4, device=device)[:3]), fit.unlikeness(found)
    if after > before:
        told = f"the global stage fits worse ({after:.3f}) than no shift ({before:.3f}) and is left out"
        return Aligned(start, before, before, (told,))
    if after > _STRANGERS[kind] and not fit.has_regions:
        told = f"the images have hardly anything in common ({after:.3f} of 1 unlike at best)"
        return Aligned(start, before, before, (f"{told}: the global stage is left out",))
    matrix = np.eye(4)
    matrix[:3] = found.double().cpu().numpy()
    return Aligned(start @ lattice.in_space(matrix), before, after)


def aligned_on_one_grid(
    fixed: Placed, moving: Placed, kind: Compared, config: GlobalConfig, device: torch.device
) -> tuple[Matrix, tuple[str, ...]]:
    """Returns the affine map, (4, 4), of fixed voxels to moving voxels, and one sentence for each oddity.

    Args:
        fixed: The fixed image.
        moving: The moving image, of the same shape and affine.
        kind: What of the images is compared.
        config: Resolution and steps.
        device: Where the work is done.
    """
    found = aligned(fixed, moving, np.eye(4), kind, config, device)
    return np.linalg.inv(moving.affine) @ found.matrix @ fixed.affine, found.warnings


class _Fit:
    """How well an affine map of lattice indices, (3, 4), makes the moving image like the fixed one."""

    def __init__(
        self,
        lattice: Lattice,
        here: Float[Tensor, "1 1 X Y Z"],
        there: Float[Tensor, "1 1 U V W"],
        kind: Compared,
        config: GlobalConfig,
    ) -> None:
        self.config = config
        self.here = here
        self.similarity = Similarity(lattice.moving, lattice.fixed, kind, config.window, _CONTRAST)
        self.fixed_regions = lattice.fixed_regions
        parts = (self.similarity.moving, lattice.moving_regions, there)
        self.source = torch.cat(parts, dim=1)
        self.channels = [part.shape[1] for part in parts]
        self.indices = identity_grid(lattice.fixed)
        offset = torch.tensor(lattice.offset, dtype=torch.float32, device=here.device)
        self.offset = offset.view(1, 3, 1, 1, 1)
        self.centre = self.indices.mean((2, 3, 4)).flatten()

    @property
    def has_regions(self) -> bool:
        """Whether both images have some, besides the background."""
        return self.fixed_regions.shape[1] > 1

    def warped(self, matrix: Float[Tensor, "3 4"]) -> tuple[Tensor, Tensor, Tensor]:
        """The moving image through the map: its channels, its regions, and its content, (1, C, X, Y, Z)."""
        positions = torch.einsum("ij,bjxyz->bixyz", matrix[:, :3], self.indices)
        warped = sample(self.source, positions + matrix[:, 3].view(1, 3, 1, 1, 1) - self.offset)
        image, regions, content = warped.split(self.channels, dim=1)
        return image, regions, content

    def unlikeness(self, matrix: Float[Tensor, "3 4"]) -> float:
        """Of the voxels where both images have content, 1 where those are few; and of the regions."""
        image, regions, content = self.warped(matrix)
        both = self.here * (content > 0.5)
        if both.sum() < self.config.overlap * min(self.here.sum(), self.source[:, -1].sum()):
            return 1.0 + self._unlike_regions(regions).item()
        return float(self.similarity.weighted(both)(image) + self._unlike_regions(regions))

    def _unlike_regions(self, warped: Float[Tensor, "1 N X Y Z"]) -> Float[Tensor, ""]:
        if not self.has_regions:
            return warped.new_zeros(())
        return self.config.regions * challenge_dice_loss(warped, self.fixed_regions)

    def descended(self, shift: Float[Tensor, "3"]) -> Float[Tensor, "3 4"]:
        """The rigid map that fits best from a shift on, then the affine one from there on."""
        half = max(self.indices.shape[2:]) / 2
        turn, move, stretch = torch.zeros(3), shift.cpu() / half, torch.zeros(6)
        for parts in ((turn, move), (turn, move, stretch)):
            with torch.enable_grad():
                for part in parts:
                    part.requires_grad_(True)
                descent = Adam(parts)
                for number in range(self.config.iterations):
                    matrix = self._matrix(turn, move * half, stretch)
                    image, regions, _ = self.warped(matrix)
                    loss = self.similarity.loss(image) + self._unlike_regions(regions)
                    descent.step(loss, self.config.learning_rate * (1 - number / self.config.iterations))
        return self._matrix(turn, move * half, stretch).detach()

    def _matrix(
        self, turn: Float[Tensor, "3"], move: Float[Tensor, "3"], stretch: Float[Tensor, "6"]
    ) -> Float[Tensor, "3 4"]:
        """Stretched, then turned, about the centre of the fixed image, then moved."""
        zero = turn.new_zeros(())
        a, b, c = turn
        skew = torch.stack([zero, -c, b, c, zero, -a, -b, a, zero]).view(3, 3)
        p, q, r, s, t, u = stretch
        symmetric = torch.stack([p, s, t, s, q, u, t, u, r]).view(3, 3)
        linear = (torch.matrix_exp(skew) @ torch.matrix_exp(symmetric)).to(self.centre.device)
        shift = self.centre - linear @ self.centre + move.to(self.centre.device)
        return torch.cat([linear, shift[:, None]], dim=1)


def _content(image: Float[Tensor, "1 1 X Y Z"]) -> Float[Tensor, "1 1 X Y Z"]:
    content = (image > _CONTENT).float()
    return content if content.mean() >= _LEAST_CONTENT else torch.ones_like(content)
