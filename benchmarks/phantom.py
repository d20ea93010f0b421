"""A synthetic task of one pair: label maps of rounded cells and a smooth field, the same on every machine."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from pairs.fields.displacement import field_name
from pairs.fields.profile import PROFILES, Shape3
from pairs.images.volume import write_volume
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair

__all__ = ["cell_labels", "main", "smooth_half_field", "write_phantom"]

_NAME = "Phantom"
_AMPLITUDE_VOX = 6.0
# Of a cell and of the body that holds them, where the volume reaches from -1.25 to 1.25.
_CELL_RADIUS = 0.33
_BODY_RADIUS = 0.9


def cell_labels(shape: Shape3, labels: int, shift: float = 0.0) -> NDArray[np.uint8]:
    """A body of cells 1 ... `labels`, as unequal in size as organs are.

    Args:
        shape: (X, Y, Z).
        labels: Number of cells.
        shift: How far the centre of each cell is moved, at most, in its own direction.
    """
    centres = np.random.default_rng(0).uniform(-0.75, 0.75, (labels, 3))
    centres += shift * np.random.default_rng(1).uniform(-1, 1, (labels, 3))
    axes = np.meshgrid(*(np.linspace(-1.25, 1.25, side) for side in shape), indexing="ij", sparse=True)
    nearest = np.full(shape, _CELL_RADIUS**2)
    result = np.zeros(shape, dtype=np.uint8)
    for label, centre in enumerate(centres, start=1):
        square = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
        closer = square < nearest
        nearest[closer] = square[closer]
        result[closer] = label
    result[sum(axis**2 for axis in axes) > _BODY_RADIUS**2] = 0
    return result


def smooth_half_field(shape: Shape3) -> NDArray[np.float16]:
    """A field in the array of the 2021 profile for images of a shape with even sides."""
    rng = np.random.default_rng(2)
    half = [side // 2 for side in shape]
    components = []
    for _ in range(3):
        coarse = rng.uniform(-_AMPLITUDE_VOX, _AMPLITUDE_VOX, (6, 6, 6))
        components.append(zoom(coarse, [side / 6 for side in half], order=3))
    return np.stack(components).astype(np.float16)


def write_phantom(folder: Path, shape: Shape3, labels: int) -> None:
    """Writes a task folder with label maps in labelsTr and the field of its pair in fields."""
    names = [f"{_NAME}_{subject:04d}_0000.nii.gz" for subject in (1, 2)]
    for inner in ("labelsTr", "fields"):
        (folder / inner).mkdir(parents=True)
    for name, shift in zip(names, (0.0, 0.05), strict=True):
        write_volume(folder / "labelsTr" / name, cell_labels(shape, labels, shift), np.eye(4))
    document = {
        "name": _NAME,
        "modality": {"0": "MR"},
        "labels": {"0": {str(label): f"cell {label}" for label in range(1, labels + 1)}},
        "tensorImageShape": {"0": list(shape)},
        "training": [],
        "registration_val": [{"fixed": f"./imagesTr/{names[0]}", "moving": f"./imagesTr/{names[1]}"}],
    }
    (folder / f"{_NAME}_dataset.json").write_text(json.dumps(document), encoding="utf-8")
    ids = ImageId("0001", "0000"), ImageId("0002", "0000")
    pair = Pair(folder / "imagesTr" / names[0], folder / "imagesTr" / names[1], *ids)
    np.savez_compressed(folder / "fields" / field_name(pair, PROFILES["l2r2021"]), smooth_half_field(shape))


def main(arguments: Sequence[str]) -> int:
    """Writes a phantom: FOLDER X Y Z LABELS."""
    x, y, z, labels = (int(argument) for argument in arguments[1:])
    write_phantom(Path(arguments[0]), (x, y, z), labels)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
