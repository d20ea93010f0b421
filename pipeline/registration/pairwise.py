"""The registration of two images on one grid, whatever the method."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from pairs.fields.profile import Profile
from pairs.images.grid import orientation_warnings
from pairs.images.header import Header, read_header
from pairs.images.volume import Volume, read_image
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.source import RegionSource
from pipeline.registration.registrar import require_same_lattice

__all__ = ["Registered", "Registration", "kept_names"]


@dataclass(frozen=True)
class Registered:
    """What a registration gives.

    Attributes:
        displacement: u, (X, Y, Z, 3) float32 in voxels of the fixed grid: the voxel x of the fixed image lies
            at x + u(x) in the moving one.
        fixed_regions: Region and confidence of each voxel of the fixed image; None where the method went
            without regions.
        warnings: One sentence for each oddity of the pair.
        segmentations: Names of the files in which the regions of the fixed and of the moving image are kept;
            none unless both are.
    """

    displacement: np.ndarray
    fixed_regions: Segmentation | None
    warnings: tuple[str, ...]
    segmentations: tuple[str, ...] = ()


class Registration(ABC):
    """A method made ready once, for one pair after the other.

    Args:
        device: Where it works.
        profile: What the displacements will be stored as: they do not fold there.
        regions: Source of the regions of an image; None goes without.
    """

    def __init__(self, device: torch.device, profile: Profile, regions: RegionSource | None) -> None:
        self.device = device
        self.profile = profile
        self.regions = regions

    def __call__(
        self,
        moving: Path | Volume,
        fixed: Path | Volume,
        moving_regions: Segmentation | None = None,
        fixed_regions: Segmentation | None = None,
        mask: np.ndarray | None = None,
    ) -> Registered:
        """Registers a pair; the same pair has the same displacement every time.

        Args:
            moving: Image, or its NIfTI file.
            fixed: Image on a grid of the same shape and spacing, or its file.
            moving_regions: Regions of the moving image; None asks the source.
            fixed_regions: The same of the fixed image.
            mask: Booleans (X, Y, Z) on the fixed grid: where the images are compared, by a method that can.

        Raises:
            VolumeError: If an image cannot be used, or the two differ in shape or spacing.
            TooLittleMemory: If the pair does not fit into the memory of the device.
        """
        # Both headers before any voxel: a pair that cannot be registered costs nothing.
        require_same_lattice(_header_of(moving), _header_of(fixed))
        fixed = fixed if isinstance(fixed, Volume) else read_image(fixed)
        moving = moving if isinstance(moving, Volume) else read_image(moving)
        warnings = [*_oddities(fixed), *_oddities(moving)]
        warnings += orientation_warnings(fixed.header, moving.header)
        if np.array_equal(fixed.array, moving.array):
            warnings.append("fixed and moving image are the same")
        found = self.registered(moving, fixed, moving_regions, fixed_regions, mask)
        return replace(found, warnings=(*warnings, *found.warnings))

    def footprint(self, fixed: Header) -> int:
        """Bytes that a pair takes on the device at its peak, besides the two images; 0 where that is unknown.

        Args:
            fixed: Header of the fixed image.
        """
        return 0

    @abstractmethod
    def registered(
        self,
        moving: Volume,
        fixed: Volume,
        moving_regions: Segmentation | None,
        fixed_regions: Segmentation | None,
        mask: np.ndarray | None,
    ) -> Registered:
        """The method itself, on two images that have been looked over."""


def kept_names(*regions: Segmentation | None) -> tuple[str, ...]:
    """Returns the names of the files in which the regions of both images are kept; none unless all are."""
    names = tuple("" if one is None else one.kept_as for one in regions)
    return names if all(names) else ()


def _header_of(image: Path | Volume) -> Header:
    return image.header if isinstance(image, Volume) else read_header(image)


def _oddities(volume: Volume) -> list[str]:
    constant = ["the image is constant"] if volume.array.min() == volume.array.max() else []
    return [f"{volume.header.path.name}: {text}" for text in (*volume.header.warnings, *constant)]
