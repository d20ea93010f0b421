"""The registration of one pair of images, on one grid or on two, for the command line and services alike."""

import math
from pathlib import Path

import torch

from pairs.errors import UsageError
from pairs.fields.profile import PROFILES, Profile
from pipeline.config import TaskConfig
from pipeline.general.config import GeneralConfig
from pipeline.general.registration import GeneralRegistration
from pipeline.machine.device import choose_device
from pipeline.registration.bynetwork import NetworkRegistration
from pipeline.scans.method import ScanMethod
from pipeline.scans.reading import ScanFiles
from pipeline.scans.registration import RegisteredScans, register_files
from pipeline.weights.bundle import Bundle, read_bundle

__all__ = ["method_for_scans", "register"]

_AFTER_ALIGNMENT = GeneralConfig(global_stage=None)
NETWORK_BYTES_PER_VOXEL = 700
"""At the peak of registration and refinement; the shipped weights take 450 to 640 on a CPU, for sides of 64
to 128 voxels. Weights with more channels or regions take more."""


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
    modalities: tuple[str, str] = ("", ""),
) -> RegisteredScans:
    """Registers two NIfTI images, each on its own grid.

    For many pairs of one grid, `NetworkRegistration` and `GeneralRegistration` are made ready once.

    Args:
        moving: File of the moving image.
        fixed: File of the fixed image.
        weights: A weights file, or a bundle that was read from one; None registers by the general method.
        profile: Name of the form that the displacement will be stored in.
        device: `auto`, `cpu` or `cuda`.
        moving_regions: Label map on the grid of the moving image; None asks the segmentor of the weights.
        fixed_regions: The same of the fixed image.
        mask: Mask on the grid of the fixed image.
        affine_only: Whether to stop at the affine map.
        modalities: Of the fixed and of the moving image, such as ("CT", "MR"), for the general method: two
            that differ are compared by descriptors, else intensities are.

    Raises:
        UsageError: If there is no such device or profile, or networks were given modalities.
        WeightsError: If the weights cannot be used.
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
    method = method_for_scans(bundle, choose_device(device), PROFILES[profile], affine_only, modalities)
    return register_files(files, method)


def method_for_scans(
    bundle: Bundle | None,
    device: torch.device,
    profile: Profile = PROFILES["l2r2022"],
    affine_only: bool = False,
    modalities: tuple[str, str] = ("", ""),
) -> ScanMethod:
    """Returns what registers two scans; the one place that chooses it.

    Args:
        bundle: The weights; None takes the general method.
        device: Where the method works.
        profile: What the displacement will be stored as.
        affine_only: Whether to stop at the affine map.
        modalities: As for `register`.

    Raises:
        UsageError: If there are both weights and modalities.
        WeightsError: If the weights cannot be used.
        TooLittleMemory: If the networks do not fit into the memory of the device.
    """
    whole = GeneralRegistration(TaskConfig(task=""), device, modalities=modalities)
    if affine_only:
        return ScanMethod("affine", device, whole.align, compared=whole.kind)
    if bundle is None:
        after = TaskConfig(task="", general=_AFTER_ALIGNMENT)
        deform = GeneralRegistration(after, device, profile, modalities=modalities)
        return ScanMethod(
            "general",
            device,
            whole.align,
            deform,
            footprint=deform.footprint,
            uses_mask=True,
            compared=deform.kind,
        )
    if any(modalities):
        raise UsageError(
            "modalities are for the general method alone",
            got=f"weights for {bundle.header.task}",
            remedy="leave out the modalities, or the weights",
        )
    return ScanMethod(
        "network",
        device,
        deform=NetworkRegistration(bundle, device, profile),
        regions=bundle.header.regions,
        footprint=lambda fixed: NETWORK_BYTES_PER_VOXEL * math.prod(fixed.shape),
    )
