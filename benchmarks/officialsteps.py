"""The official half-resolution evaluation of one pair, step by step, as anyone would write it with SciPy."""

import math
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate, map_coordinates, zoom

from pairs.errors import UsageError

__all__ = ["OfficialNumbers", "official_numbers"]

Volume = NDArray[np.float64]


@dataclass(frozen=True)
class OfficialNumbers:
    """SDlogJ, and Dice and HD95 of each label, NaN where an image lacks it."""

    sdlogj: float
    dice: tuple[float, ...]
    hd95: tuple[float, ...]


def official_numbers(fixed: Path, moving: Path, field: Path, labels: int) -> OfficialNumbers:
    """Scores a field as the official evaluator of 2021 does, everything over the whole volume.

    Args:
        fixed: Label map of the fixed image.
        moving: Label map of the moving image.
        field: npz in the 2021 profile.
        labels: Labels 1 ... `labels` are scored.
    """
    fixed_labels, moving_labels = (
        nib.Nifti1Image.from_filename(path).get_fdata() for path in (fixed, moving)
    )
    half = np.load(field)["arr_0"].astype("float32")
    displacement = np.array([zoom(component, 2, order=2) for component in half])
    identity = np.meshgrid(*(np.arange(side) for side in fixed_labels.shape), indexing="ij")
    warped = map_coordinates(moving_labels, np.array(identity) + displacement, order=0)
    logs = np.log((_determinants(displacement) + 3).clip(1e-9, 1e9))
    dice, hd95 = [], []
    for label in range(1, labels + 1):
        present = (fixed_labels == label).any() and (moving_labels == label).any()
        dice.append(_dice(fixed_labels == label, warped == label) if present else math.nan)
    for label in range(1, labels + 1):
        present = (fixed_labels == label).any() and (moving_labels == label).any()
        hd95.append(_hd95(fixed_labels == label, warped == label) if present else math.nan)
    return OfficialNumbers(float(logs.std()), tuple(dice), tuple(hd95))


def _determinants(displacement: NDArray[np.float32]) -> Volume:
    gradients = []
    for axis in range(3):
        shape = [1, 1, 1]
        shape[axis] = 3
        kernel = np.array([-0.5, 0, 0.5]).reshape(shape)
        gradients.append([correlate(u, kernel, mode="constant", cval=0.0) for u in displacement])
    jacobian = np.array(gradients) + np.eye(3).reshape(3, 3, 1, 1, 1)
    (a, b, c), (d, e, f), (g, h, i) = jacobian[:, :, 2:-2, 2:-2, 2:-2]
    determinants: Volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return determinants


def _dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float(2 * np.sum(first & second) / (np.sum(first) + np.sum(second)))


def _hd95(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """HD95 by the PyPI package, which needs a guard: it breaks on NumPy 2 where a mask is empty."""
    try:
        surface_distance = import_module("surface_distance")
    except ImportError as error:
        raise UsageError(
            "package surface-distance is not installed", remedy="pip install --no-deps surface-distance==0.1"
        ) from error
    if not second.any():
        return math.inf
    with warnings.catch_warnings():
        # It calls SciPy by names that are to be removed in version 2.
        warnings.simplefilter("ignore", DeprecationWarning)
        distances = surface_distance.compute_surface_distances(first, second, np.ones(3))
        return float(surface_distance.compute_robust_hausdorff(distances, 95.0))
