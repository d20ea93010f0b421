"""What is done to two scans: where their affine map comes from, and where the displacement on top of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.volume import Volume
from pipeline.general.similarity import Compared
from pipeline.regions.segmentor import Segmentation
from pipeline.weights.bundle import Bundle

__all__ = ["Alignment", "Deformation", "Found", "ScanMethod"]

Alignment = Callable[[Volume, Volume, Matrix, Volume | None, Volume | None], tuple[Matrix, tuple[str, ...]]]
"""(fixed, moving, start, fixed_labels, moving_labels) to a map of points of the fixed image's space to points
of the moving one's, (4, 4) float64, RAS millimetres, and a sentence for each oddity. Both images, with their
label maps, are on their own grids; `start` is such a map too, of the headers."""


Footprint = Callable[[Header], int]
"""Header of the fixed image to bytes."""


def _nothing(fixed: Header) -> int:
    return 0


@runtime_checkable
class Found(Protocol):
    """What a deformation gives: u, (X, Y, Z, 3) in voxels of the fixed grid, and oddities of the pair."""

    @property
    def displacement(self) -> np.ndarray:
        """(X, Y, Z, 3) float32."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence for each oddity."""


@runtime_checkable
class Deformation(Protocol):
    """What registers two images that lie on one grid, such as a `Registration`."""

    def __call__(
        self,
        moving: Volume,
        fixed: Volume,
        moving_regions: Segmentation | None = None,
        fixed_regions: Segmentation | None = None,
        mask: np.ndarray | None = None,
    ) -> Found:
        """Registers them."""


@dataclass(frozen=True)
class ScanMethod:
    """A method for two scans.

    Attributes:
        name: What the report calls it.
        device: Where it works.
        align: The global stage; None goes by the headers alone.
        deform: The displacement after it; None leaves it at the affine map.
        regions: Label value of each region index, ascending, 0 first, where the method knows its labels; None
            takes those of the label maps.
        footprint: Bytes that the deformation takes on the device at its peak.
        uses_mask: Whether the mask restricts what the method compares.
        compared: What of the two images it compares; None for networks.
        bundle: The weights; None where it needs none.
    """

    name: str
    device: torch.device
    align: Alignment | None = None
    deform: Deformation | None = None
    regions: tuple[int, ...] | None = None
    footprint: Footprint = _nothing
    uses_mask: bool = False
    compared: Compared | None = None
    bundle: Bundle | None = None
