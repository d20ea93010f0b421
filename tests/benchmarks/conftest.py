"""A small task of one pair, in which every structure is shifted by the same known vector."""

from pathlib import Path

import numpy as np
import pytest

from pairs.files.wholefile import write_json
from pairs.images.volume import write_volume

__all__ = ["SHIFT_VOX", "shifted_task"]

SHIFT_VOX = (3.0, -2.0, 1.5)
"""Of the moving image; the three differ in size and sign, so that no two may be exchanged."""
_SIDE = 48


def _image(shift_vox: tuple[float, float, float]) -> np.ndarray:
    points = np.moveaxis(np.indices((_SIDE,) * 3), 0, -1) - shift_vox
    random = np.random.default_rng(1)
    image = np.zeros((_SIDE,) * 3, np.float32)
    for _ in range(40):
        middle, width = random.uniform(10, _SIDE - 10, 3), random.uniform(2, 4)
        image += random.uniform(30, 100) * np.exp(-((points - middle) ** 2).sum(-1) / (2 * width**2))
    return image


@pytest.fixture(scope="session")
def shifted_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task folder with a space in its path; axes of the images are flipped, voxels are 1.5 mm."""
    root = tmp_path_factory.mktemp("a folder") / "Toy"
    affine = np.diag([-1.5, 1.5, -1.5, 1.0])
    for folder in ("imagesTr", "labelsTr"):
        (root / folder).mkdir(parents=True)
    for subject, shift in (("0001", (0.0, 0.0, 0.0)), ("0002", SHIFT_VOX)):
        image, name = _image(shift), f"Toy_{subject}_0000.nii.gz"
        write_volume(root / "imagesTr" / name, image, affine)
        write_volume(root / "labelsTr" / name, (image > 60).astype(np.uint8), affine)
    pair = {"fixed": "./imagesTr/Toy_0001_0000.nii.gz", "moving": "./imagesTr/Toy_0002_0000.nii.gz"}
    document = {
        "name": "Toy",
        "modality": {"0": "MR"},
        "labels": {"0": {"0": "background", "1": "bright"}},
        "registration_val": [pair],
    }
    write_json(root / "Toy_dataset.json", document)
    write_json(root.parent / "pairs.json", [pair])
    return root
