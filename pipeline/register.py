"""The registration of one pair of images, on one grid or on two, for the command line and services alike."""

import math
from pathlib import Path

import numpy as np
import torch

from pairs.errors import UsageError
from pairs.fields.profile import PROFILES, Profile, profile_of
from pairs.images.given import Given, Source, header_from, source_of
from pipeline.config import TaskConfig, shipped_config
from pipeline.general.registration import GeneralRegistration
from pipeline.machine.device import choose_device
from pipeline.machine.memory import shortage_reported
from pipeline.regions.segmentor import MOST_REGIONS
from pipeline.regions.source import region_source
from pipeline.registration.bynetwork import NetworkRegistration
from pipeline.scans.method import ScanMethod
from pipeline.scans.reading import ScanInputs
from pipeline.scans.registration import RegisteredScans, register_inputs
from pipeline.weights.bundle import Bundle, read_bundle

__all__ = ["method_for_scans", "register"]

NETWORK_BYTES_PER_VOXEL = 700
"""At the peak of registration and refinement; the shipped weights take 450 to 640 on a CPU, for sides of 64
to 128 voxels. Weights with more channels or regions take more."""


def register(
    fixed: Given,
    moving: Given,
    weights: Path | str | Bundle | None = None,
    *,
    profile: str = "l2r2022",
    device: str = "auto",
    fixed_regions: Given | None = None,
    moving_regions: Given | None = None,
    mask: Given | None = None,
    affine_only: bool = False,
    modalities: tuple[str, str] = ("", ""),
) -> RegisteredScans:
    """Registers two images, each on its own grid.

    For many pairs of one grid, `NetworkRegistration` and `GeneralRegistration` are made ready once.

    Args:
        fixed: The fixed image: a NIfTI file, a volume, or an array (X, Y, Z) of voxels of 1 mm.
        moving: The moving image, in the same form where that is an array.
        weights: A weights file, or a bundle that was read from one. None registers by the general method; so
            do weights that hold a segmentor alone, with its regions.
        profile: Name of the form that the displacement will be stored in.
        device: `auto`, `cpu` or `cuda`.
        fixed_regions: Label map on the grid of the fixed image; None asks the segmentor of the weights.
        moving_regions: The same of the moving image.
        mask: Mask on the grid of the fixed image.
        affine_only: Whether to stop at the affine map.
        modalities: Of the fixed and of the moving image, such as ("CT", "MR"), for the general method: two
            that differ are compared by descriptors, else intensities are.

    Returns:
        The registration: its `field`, `displacement` (X, Y, Z, 3) in voxels of the fixed grid, affine part
        `matrix` in millimetres, `warped()` moving image, and `warnings`.

    Raises:
        UsageError: If there is no such device or profile, networks were given modalities, or an array stands
            beside a file.
        WeightsError: If the weights cannot be used.
        VolumeError: If an image cannot be used.
        TooLittleMemory: If weights or images do not fit into the memory.

    Examples:
        With the demo task (`./run.sh demo`) in the folder where you are:

        >>> images = Path("demo/task/imagesTr")
        >>> found = register(
        ...     fixed=images / "HippocampusMR_9001_0000.nii.gz",
        ...     moving=images / "HippocampusMR_9002_0000.nii.gz",
        ...     weights="weights/HippocampusMR.safetensors",
        ... )
        >>> found.displacement.shape, found.warped().shape
        ((64, 64, 64, 3), (64, 64, 64))

    References:
        Chen et al., Spatially Covariant Image Registration with Text Prompts, 2024.
        https://arxiv.org/abs/2311.15607
    """
    form, place = profile_of(profile), choose_device(device)
    inputs = _inputs(fixed, moving, fixed_regions, moving_regions, mask)
    path = Path(weights) if isinstance(weights, str | Path) else None
    with shortage_reported("the networks", path, "free some memory"):
        bundle = weights if isinstance(weights, Bundle) else None if path is None else read_bundle(path)
        method = method_for_scans(bundle, place, form, affine_only, modalities)
    with shortage_reported("these images"):
        return register_inputs(inputs, method)


def _inputs(fixed: Given, moving: Given, *beside: Given | None) -> ScanInputs:
    """Regions and mask that are arrays alone lie on the grids of their images."""
    if isinstance(fixed, np.ndarray) != isinstance(moving, np.ndarray):
        raise UsageError(
            "an array beside an image that has an affine",
            expected="both of one kind",
            remedy="make the array a volume: volume(array, affine)",
        )
    here, there = source_of(fixed), source_of(moving)
    others = (_on_grid_of(owner, given) for owner, given in zip((here, there, here), beside, strict=True))
    return ScanInputs(here, there, *others)


def _on_grid_of(image: Source, given: Given | None) -> Source | None:
    if isinstance(given, np.ndarray):
        return source_of(given, header_from(image))
    return None if given is None else source_of(given)


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
    if affine_only or bundle is None or not bundle.registration:
        return _general_for_scans(bundle, device, profile, affine_only, modalities)
    if any(modalities):
        raise UsageError(
            "modalities are for the general method alone",
            got=f"weights for {bundle.header.task}",
            remedy="leave out the modalities, or the weights",
        )
    return ScanMethod(
        "network",
        device,
        bundle=bundle,
        deform=NetworkRegistration(bundle, device, profile),
        regions=bundle.header.regions,
        footprint=lambda fixed: NETWORK_BYTES_PER_VOXEL * math.prod(fixed.shape),
    )


def _general_for_scans(
    bundle: Bundle | None,
    device: torch.device,
    profile: Profile,
    affine_only: bool,
    modalities: tuple[str, str],
) -> ScanMethod:
    """The general method, by the regions of a segmentor where the weights hold one alone."""
    config = TaskConfig(task="") if bundle is None else shipped_config(bundle.header.task)
    whole = GeneralRegistration(config, device, modalities=modalities)
    if affine_only:
        return ScanMethod("affine", device, whole.align, compared=whole.kind)
    general = config.general.model_copy(update={"global_stage": None})
    after = config.model_copy(update={"general": general})
    source, regions = None, None
    if bundle is not None:
        regions = bundle.header.regions
        source = region_source(regions, bundle.header.label_names, None, bundle, None, device)
    deform = GeneralRegistration(after, device, profile, source, modalities, regions or range(MOST_REGIONS))
    return ScanMethod(
        "general",
        device,
        whole.align,
        deform,
        regions=regions,
        footprint=deform.footprint,
        uses_mask=True,
        compared=deform.kind,
        bundle=bundle,
    )
