"""Damaged fields, images and label maps, of the challenge and of other tools."""

import gzip
import math
import shutil
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np

from evaluation.submission.stored import inspect, load
from pairs.fields.displacement import PROFILES, read_displacement, write_displacement
from pairs.fields.foreign.affinefile import read_affine
from pairs.fields.foreign.compositefile import read_composite_field
from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.images.frames import read_frames
from pairs.images.header import Header
from pairs.images.volume import read_image, read_labels, read_probabilities, write_volume
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair
from transforms.field import read_field

__all__: list[str] = []

SHAPE = (4, 6, 8)
PAIR = Pair(
    Path("imagesTr/A_0001_0000.nii.gz"),
    Path("imagesTr/A_0002_0000.nii.gz"),
    ImageId("0001", "0000"),
    ImageId("0002", "0000"),
)
GRID = Header(Path("grid.nii.gz"), SHAPE, (1.0, 1.0, 1.0), np.eye(4), np.dtype(np.float32))
FIELD = np.random.default_rng(0).normal(size=(*SHAPE, 3)).astype(np.float32)
IMAGE = np.random.default_rng(1).random(SHAPE).astype(np.float32)


def _field(profile: str, folder: Path) -> Path:
    return write_displacement(folder, PAIR, FIELD, PROFILES[profile]).path


def _checked(path: Path) -> None:
    stored = inspect(path)
    for head in stored.heads:
        if math.prod(head.shape) <= 10**6:
            load(stored, head)


def _npy(folder: Path) -> Path:
    np.save(folder / "a.npy", FIELD)
    return folder / "a.npy"


def _foreign(tool: str, path: Path) -> None:
    FOREIGN_READERS[tool](path.parent, PAIR, GRID, GRID)


def _foreign_nifti(suffix: str, folder: Path) -> Path:
    image = nib.Nifti1Image(FIELD[:, :, :, None, :], np.eye(4))
    image.header.set_intent(1007, allow_unknown=True)
    nib.save(image, folder / f"disp_0001_0002{suffix}")
    return folder / f"disp_0001_0002{suffix}"


def _metaimage(folder: Path, *, compressed: bool = False) -> Path:
    sides = " ".join(map(str, SHAPE))
    header = (
        f"ObjectType = Image\nNDims = 3\nBinaryData = True\nCompressedData = {compressed}\n"
        f"TransformMatrix = -1 0 0 0 -1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = {sides}\n"
        "ElementNumberOfChannels = 3\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
    )
    path, data = folder / "disp_0001_0002.mha", FIELD.transpose(2, 1, 0, 3).tobytes()
    path.write_bytes(header.encode() + (zlib.compress(data) if compressed else data))
    return path


def _nrrd(folder: Path) -> Path:
    header = (
        "NRRD0004\ntype: float\ndimension: 4\nspace: LPS\nendian: little\nencoding: gzip\n"
        f"sizes: 3 {' '.join(map(str, SHAPE))}\nspace origin: (0,0,0)\n"
        "space directions: none (-1,0,0) (0,-1,0) (0,0,1)\n\n"
    )
    path = folder / "disp_0001_0002.nrrd"
    path.write_bytes(header.encode() + gzip.compress(FIELD.transpose(2, 1, 0, 3).tobytes()))
    return path


def _with_affine(tool: str, folder: Path) -> Path:
    _foreign_nifti("1Warp.nii.gz" if tool == "ants" else ".nii.gz", folder)
    path = folder / ("disp_0001_00020GenericAffine.mat" if tool == "ants" else "disp_0001_0002.mat")
    if tool == "greedy":
        path.write_text("1 0 0 2\n0 1 0 3\n0 0 1 4\n0 0 0 1\n")
        return path
    content = np.array([10, 12, 1, 0, 26], "<i4").tobytes() + b"AffineTransform_float_3_3\0"
    content += np.append(np.eye(3).ravel(), (1, 2, 3)).astype("<f4").tobytes()
    path.write_bytes(content + np.array([10, 3, 1, 0, 6], "<i4").tobytes() + b"fixed\0" + bytes(12))
    return path


def _insight_affine(folder: Path) -> Path:
    path = folder / "a.tfm"
    path.write_text(
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        "Parameters: 1 0 0 0 1 0 0 0 1 2 1 -1\nFixedParameters: 0 0 0\n"
    )
    return path


def _composite(name: str, folder: Path) -> Path:
    """A file of ITK's transforms, which nothing here can write."""
    made = Path(__file__).parents[1] / "pairs" / "fields" / "foreign" / name
    return Path(shutil.copyfile(made, folder / "a.h5"))


def _volume(name: str, array: np.ndarray, folder: Path) -> Path:
    write_volume(folder / name, array, np.eye(4))
    return folder / name


Reader = tuple[Callable[[Path], Path], Callable[[Path], object]]
READERS: dict[str, Reader] = {
    "npz field": (partial(_field, "l2r2021"), partial(read_displacement, shape=SHAPE)),
    "nifti field": (partial(_field, "l2r2022"), partial(read_displacement, shape=SHAPE)),
    "checked npz": (partial(_field, "l2r2021"), _checked),
    "checked nifti": (partial(_field, "l2r2022"), _checked),
    "checked npy": (_npy, _checked),
    "npz of others": (partial(_field, "l2r2021"), partial(_foreign, "npz")),
    "itk nii.gz": (partial(_foreign_nifti, ".nii.gz"), partial(_foreign, "itk")),
    "itk nii": (partial(_foreign_nifti, ".nii"), partial(_foreign, "itk")),
    "mha": (_metaimage, partial(_foreign, "itk")),
    "compressed mha": (partial(_metaimage, compressed=True), partial(_foreign, "itk")),
    "nrrd": (_nrrd, partial(_foreign, "itk")),
    "ants affine": (partial(_with_affine, "ants"), partial(_foreign, "ants")),
    "greedy affine": (partial(_with_affine, "greedy"), partial(_foreign, "greedy")),
    "ants composite": (partial(_composite, "composite.h5"), partial(read_composite_field, max_voxels=192)),
    "gzip composite": (
        partial(_composite, "compositegzip.h5"),
        partial(read_composite_field, max_voxels=192),
    ),
    "itk text affine": (_insight_affine, read_affine),
    "field to warp with": (partial(_field, "l2r2022"), partial(read_field, fixed=GRID)),
    "field in mm to warp with": (partial(_foreign_nifti, ".nii.gz"), partial(read_field, fixed=GRID)),
    "frames": (partial(_volume, "a.nii.gz", np.ones((*SHAPE, 2), np.int16)), read_frames),
    "image": (partial(_volume, "a.nii.gz", IMAGE), read_image),
    "plain image": (partial(_volume, "a.nii", IMAGE), read_image),
    "labels": (partial(_volume, "a.nii.gz", np.ones(SHAPE, np.uint8)), read_labels),
    "probabilities": (
        partial(_volume, "a.nii.gz", np.full((*SHAPE, 2), 0.5, np.float32)),
        read_probabilities,
    ),
}


def test_a_damaged_file_ends_in_a_known_error(reader: Reader, survives_damage: Callable[..., None]) -> None:
    survives_damage(*reader)


def test_what_is_no_file_is_not_waited_for(reader: Reader, waits_for_nothing: Callable[..., None]) -> None:
    waits_for_nothing(*reader)
