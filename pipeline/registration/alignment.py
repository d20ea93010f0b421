"""The affine map in front of a network: what the network sees, and both maps as one displacement."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from pairs.images.relation import Matrix
from pairs.images.volume import Volume
from pipeline.general.levels import affine_displacement
from pipeline.network.warp import warp
from pipeline.regions.segmentor import Segmentation

__all__ = ["Alignment"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """An affine map of fixed voxels to moving voxels.

    Attributes:
        matrix: (4, 4).
        device: Where the work is done.
    """

    matrix: Matrix
    device: torch.device

    def image(self, moving: Volume) -> Volume:
        """The moving image through the map, on the fixed grid."""
        return replace(moving, array=self._pulled(moving.array, "bilinear"))

    def regions(self, moving: Segmentation) -> Segmentation:
        """The regions of the moving image through the map."""
        labels = self._pulled(moving.labels, "nearest").astype(moving.labels.dtype)
        confidence = self._pulled(moving.confidence, "bilinear").astype(moving.confidence.dtype)
        return Segmentation(labels, confidence)

    def followed_by(self, displacement: np.ndarray) -> np.ndarray:
        """The map and a displacement of the aligned image, (X, Y, Z, 3) in voxels, as one displacement."""
        deformation = torch.from_numpy(np.moveaxis(displacement, -1, 0).copy())[None].to(self.device)
        # Exact beyond the edge too: an affine displacement is affine in its argument.
        linear = torch.from_numpy(self.matrix[:3, :3]).to(deformation)
        start = affine_displacement(self.matrix, displacement.shape[:3], self.device)
        total = start + torch.einsum("ij,bjxyz->bixyz", linear, deformation)
        return total[0].movedim(0, -1).cpu().numpy()

    def _pulled(self, volume: np.ndarray, mode: str) -> np.ndarray:
        source = torch.from_numpy(np.ascontiguousarray(volume, dtype=np.float32))[None, None].to(self.device)
        start = affine_displacement(self.matrix, volume.shape, self.device)
        return warp(source, start, mode=mode)[0, 0].cpu().numpy()
