"""The registration of one pair of images, on one grid or on two, for the command line and services alike."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pairs.errors import MissingVolume, UsageError, WeightsError
from pairs.fields.profile import PROFILES, Profile
from pairs.fields.unfolding import unfolded
from pairs.images.grid import orientation_warnings
from pairs.images.header import Header, read_header
from pairs.images.volume import Volume, read_image
from pipeline.machine.device import choose_device
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.source import RegionSource, region_source
from pipeline.registration.preprocess import window_warnings
from pipeline.registration.registrar import Registrar, require_same_lattice
from pipeline.scans.method import ScanMethod
from pipeline.scans.reading import ScanFiles
from pipeline.scans.registration import RegisteredScans, register_files
from pipeline.weights.bundle import Bundle, read_bundle

__all__ = ["Registered", "Registration", "method_for_scans", "register"]

NETWORK_BYTES_PER_VOXEL = 700
"""At the peak of registration and refinement; the shipped weights take 450 to 640 on a CPU, for sides of 64
to 128 voxels. Weights with more channels or regions take more."""


@dataclass(frozen=True)
class Registered:
    """What a registration gives.

    Attributes:
        displacement: u, (X, Y, Z, 3) float32 in voxels of the fixed grid: the voxel x of the fixed image lies
            at x + u(x) in the moving one.
        fixed_regions: Region and confidence of each voxel of the fixed image.
        warnings: One sentence for each oddity of the pair.
    """

    displacement: np.ndarray
    fixed_regions: Segmentation
    warnings: tuple[str, ...]


class Registration:
    """Weights made ready once, for one pair after the other.

    Args:
        bundle: The weights.
        device: Where the networks run.
        profile: What the displacements will be stored as: they are fitted to what its host makes of them, and
            do not fold there.
        regions: Source of the regions of an image; None is the segmentor of the bundle.

    Raises:
        WeightsError: If the bundle lacks a network that is needed, or a network does not fit.
        TooLittleMemory: If the networks do not fit into the memory of the device.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device,
        profile: Profile = PROFILES["l2r2022"],
        regions: RegionSource | None = None,
    ) -> None:
        self.registrar = Registrar(bundle, device, profile.upsampling)
        self.profile = profile
        if regions is None:
            header = bundle.header
            regions = region_source(header.regions, header.label_names, None, bundle, None, device)
        self.regions = regions

    def __call__(
        self,
        moving: Path | Volume,
        fixed: Path | Volume,
        moving_regions: Segmentation | None = None,
        fixed_regions: Segmentation | None = None,
    ) -> Registered:
        """Registers a pair; the same pair has the same displacement every time.

        Args:
            moving: Image, or its NIfTI file.
            fixed: Image on a grid of the same shape and spacing, or its file.
            moving_regions: Regions of the moving image; None asks the source.
            fixed_regions: The same of the fixed image.

        Raises:
            VolumeError: If an image cannot be used, or the two differ in shape or spacing.
            TooLittleMemory: If the pair does not fit into the memory of the device.
        """
        moving, fixed = self._volumes(moving, fixed)
        warnings = [*self._oddities(fixed), *self._oddities(moving)]
        warnings += orientation_warnings(fixed.header, moving.header)
        if np.array_equal(fixed.array, moving.array):
            warnings.append("fixed and moving image are the same")
        fixed_regions = fixed_regions or self.regions(fixed)
        if self.registrar.region_count > 1 and not fixed_regions.labels.any():
            warnings.append("no region found in the fixed image: the background filter alone is used")
        if self.registrar.refines and moving_regions is None:
            moving_regions = self._moving_regions(moving, warnings)
        displacement = self.registrar(moving, fixed, fixed_regions, moving_regions)
        # What was added to the network's displacement may not fold; what is its own is shown as it is.
        if self.registrar.refines or self.profile.half:
            displacement = unfolded(displacement, self.profile)
        return Registered(displacement, fixed_regions, tuple(warnings))

    def _volumes(self, moving: Path | Volume, fixed: Path | Volume) -> tuple[Volume, Volume]:
        # Both headers before any voxel: a pair that cannot be registered costs nothing.
        require_same_lattice(_header_of(moving), _header_of(fixed))
        fixed = fixed if isinstance(fixed, Volume) else read_image(fixed)
        return moving if isinstance(moving, Volume) else read_image(moving), fixed

    def _oddities(self, volume: Volume) -> list[str]:
        name = volume.header.path.name
        constant = ["the image is constant"] if volume.array.min() == volume.array.max() else []
        shifted = window_warnings(volume.array, self.registrar.intensity)
        return [f"{name}: {text}" for text in (*volume.header.warnings, *constant, *shifted)]

    def _moving_regions(self, moving: Volume, warnings: list[str]) -> Segmentation | None:
        """What the refinement needs; users who bring segmentations of fixed images alone go without it."""
        try:
            return self.regions(moving)
        except MissingVolume as error:
            warnings.append(f"not refined: {error}")
            return None


def _header_of(image: Path | Volume) -> Header:
    return image.header if isinstance(image, Volume) else read_header(image)


def register(
    moving: Path | str,
    fixed: Path | str,
    weights: Path | str | Bundle | None = None,
    *,
    profile: str = "l2r2022",
    device: str = "auto",
    moving_regions: Path | str | None = None,
    fixed_regions: Path | str | None = None,
    mask: Path | str | None = None,
    affine_only: bool = False,
) -> RegisteredScans:
    """Registers two NIfTI images, each on its own grid; for many pairs on one grid there is `Registration`.

    Args:
        moving: File of the moving image.
        fixed: File of the fixed image.
        weights: A weights file, or a bundle that was read from one.
        profile: Name of the form that the displacement will be stored in.
        device: `auto`, `cpu` or `cuda`.
        moving_regions: Label map on the grid of the moving image; None asks the segmentor of the weights.
        fixed_regions: The same of the fixed image.
        mask: Mask on the grid of the fixed image.
        affine_only: Whether to stop at the affine map.

    Raises:
        UsageError: If there is no such device or profile.
        WeightsError: If the weights are missing or cannot be used.
        VolumeError: If a file cannot be used.
        TooLittleMemory: If weights or images do not fit into the memory.

    Examples:
        With the demo task (`./run.sh demo`) in the folder where you are:

        >>> images = Path("demo/task/imagesTr")
        >>> found = register(
        ...     moving=images / "HippocampusMR_9002_0000.nii.gz",
        ...     fixed=images / "HippocampusMR_9001_0000.nii.gz",
        ...     weights="weights/HippocampusMR.safetensors",
        ... )
        >>> found.displacement.shape, found.warped().shape
        ((64, 64, 64, 3), (64, 64, 64))

    References:
        Chen et al., Spatially Covariant Image Registration with Text Prompts, 2024.
        https://arxiv.org/abs/2311.15607
    """
    if profile not in PROFILES:
        raise UsageError("no such profile", expected=", ".join(PROFILES), got=profile)
    beside = (None if path is None else Path(path) for path in (fixed_regions, moving_regions, mask))
    files = ScanFiles(Path(fixed), Path(moving), *beside)
    bundle = weights if isinstance(weights, Bundle) or weights is None else read_bundle(Path(weights))
    method = method_for_scans(bundle, choose_device(device), PROFILES[profile], affine_only)
    return register_files(files, method)


def method_for_scans(
    bundle: Bundle | None,
    device: torch.device,
    profile: Profile = PROFILES["l2r2022"],
    affine_only: bool = False,
) -> ScanMethod:
    """Returns what registers two scans; the one place that chooses it.

    Args:
        bundle: The weights; None for none.
        device: Where the method works.
        profile: See `Registration`.
        affine_only: Whether to stop at the affine map, which needs no weights.

    Raises:
        WeightsError: If weights are needed and there are none, or they cannot be used.
        TooLittleMemory: If the networks do not fit into the memory of the device.
    """
    if affine_only:
        return ScanMethod("affine", device)
    if bundle is None:
        raise WeightsError("no weights given", remedy="give --weights FILE")
    return ScanMethod(
        "network",
        device,
        deform=Registration(bundle, device, profile),
        regions=bundle.header.regions,
        bytes_per_voxel=NETWORK_BYTES_PER_VOXEL,
    )
