"""Label maps to draw training images from: the NIfTI files of a folder, all on grids of one spacing."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pairs.errors import BadLabels, GridMismatch, UsageError
from pairs.images.orientation import axis_order
from pairs.images.volume import read_labels
from pipeline.regions.segmentor import MOST_REGIONS
from pipeline.typing import Shaped, Tensor

__all__ = ["LabelMap", "label_map_files", "read_label_maps"]


class LabelMap(NamedTuple):
    """A map with its axes towards the right, the front and the head."""

    name: str
    values: Shaped[Tensor, "X Y Z"]
    """uint8."""


def label_map_files(folder: Path) -> tuple[Path, ...]:
    """The files that `read_label_maps` reads, by name.

    Raises:
        UsageError: the folder is not there, or holds fewer than two.
    """
    files = sorted(path for path in folder.glob("*.nii*") if path.is_file()) if folder.is_dir() else []
    if len(files) < 2:
        got = f"{len(files)} of them" if folder.is_dir() else "no such folder"
        raise UsageError(
            "no label maps to draw from", where=folder, expected="two or more .nii.gz files", got=got
        )
    return tuple(files)


def read_label_maps(files: Iterable[Path], spacing_mm: tuple[float, float, float] | None) -> list[LabelMap]:
    """Label maps, turned as their affines tell.

    Args:
        files: as `label_map_files` gives them.
        spacing_mm: voxel sizes that they must have, along the turned axes; None takes any.

    Raises:
        VolumeError: a file cannot be read, or its values are no labels.
        BadLabels: a value above 255.
        GridMismatch: a file has other voxels.
    """
    return [_read(path, spacing_mm) for path in files]


def _read(path: Path, spacing_mm: tuple[float, float, float] | None) -> LabelMap:
    volume = read_labels(path)
    order = axis_order(volume.header.affine)
    spacing = tuple(float(volume.header.spacing_mm[axis]) for axis in order.axes)
    if spacing_mm is not None and not np.allclose(spacing, spacing_mm, rtol=1e-3):
        raise GridMismatch(
            "label map of other voxels than the segmentor's", where=path, expected=spacing_mm, got=spacing
        )
    if int(volume.array.max(initial=0)) >= MOST_REGIONS:
        raise BadLabels(
            "label values too large", where=path, expected="0 to 255", got=int(volume.array.max())
        )
    turned = np.ascontiguousarray(order.apply(volume.array)).astype(np.uint8)
    return LabelMap(path.name, torch.from_numpy(turned))
