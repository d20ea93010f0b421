"""Exported fields: what each program itself warps with one, beside `warp`, on four kinds of grid."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchmarks.codec import smooth_field
from pairs.images.header import read_header
from pairs.images.volume import read_image, write_volume
from studies.markdown import markdown_table
from transforms.export.programs import export_field
from transforms.field import read_field
from transforms.warping import warp

__all__ = ["GRIDS", "READERS", "Reader", "draw_pair", "largest_disagreements", "main"]

Grid = tuple[tuple[int, int, int], NDArray[np.float64]]


@dataclass(frozen=True)
class Reader:
    """A program that warps an image with an exported field.

    Attributes:
        program: What the field is exported for.
        package: The package that it comes in, which may be absent.
        script: Python with a function that warps `moving.nii.gz` onto `fixed.nii.gz` by the exported files,
            and writes `warped.nii.gz`.
    """

    program: str
    package: str
    script: str


_SIMPLEITK = """
import SimpleITK as sitk
def warp():
    fixed, moving = (sitk.ReadImage(f"{name}.nii.gz", sitk.sitkFloat32) for name in ("fixed", "moving"))
    transform = sitk.DisplacementFieldTransform(sitk.ReadImage("FILE", sitk.sitkVectorFloat64))
    sitk.WriteImage(sitk.Resample(moving, fixed, transform, sitk.sitkLinear, 0.0), "warped.nii.gz")
"""
_ANTS = """
import ants
def warp():
    fixed, moving = ants.image_read("fixed.nii.gz"), ants.image_read("moving.nii.gz")
    warped = ants.apply_transforms(fixed, moving, ["1Warp.nii.gz"], interpolator="linear")
    ants.image_write(warped, "warped.nii.gz")
"""
_TRANSFORMIX = """
import itk
def warp():
    parameters = itk.ParameterObject.New()
    parameters.ReadParameterFile("TransformParameters.0.txt")
    moving = itk.imread("moving.nii.gz", itk.F)
    itk.imwrite(itk.transformix_filter(moving, transform_parameter_object=parameters), "warped.nii.gz")
"""
_NITRANSFORMS = """
from nitransforms.nonlinear import DenseFieldTransform
from nitransforms.resampling import apply
def warp():
    transform = DenseFieldTransform.from_filename("FILE", fmt="FORMAT")
    apply(transform, "moving.nii.gz", reference="fixed.nii.gz", order=1).to_filename("warped.nii.gz")
"""
_FSLPY = """
from fsl.data.image import Image
from fsl.transform.fnirt import readFnirt
from fsl.transform.nonlinear import applyDeformation
def warp():
    fixed, moving = Image("fixed.nii.gz"), Image("moving.nii.gz")
    field = readFnirt("warp.nii.gz", moving, fixed, defType="relative")
    warped = applyDeformation(moving, field, ref=fixed, order=1, mode="constant", cval=0)
    Image(warped, header=fixed.header).save("warped.nii.gz")
"""
_IN_EACH_FOLDER = """
import os, sys
for folder in sys.argv[1:]:
    os.chdir(folder)
    warp()
"""

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "itk: SimpleITK": Reader("itk", "SimpleITK", _SIMPLEITK.replace("FILE", "displacement.nii.gz")),
        "itk: nitransforms": Reader(
            "itk",
            "nitransforms",
            _NITRANSFORMS.replace("FILE", "displacement.nii.gz").replace("FORMAT", "itk"),
        ),
        "ants: ANTsPy": Reader("ants", "antspyx", _ANTS),
        "elastix: transformix": Reader("elastix", "itk-elastix", _TRANSFORMIX),
        "fsl: fslpy": Reader("fsl", "fslpy", _FSLPY),
        "slicer: SimpleITK": Reader("slicer", "SimpleITK", _SIMPLEITK.replace("FILE", "displacement.nrrd")),
        "x5: nitransforms": Reader(
            "x5", "nitransforms", _NITRANSFORMS.replace("FILE", "displacement.x5").replace("FORMAT", "X5")
        ),
    }
)
"""Each program, by what a table calls it."""


def _grid(
    shape: tuple[int, int, int], sizes_mm: tuple[float, float, float], angles_deg: tuple[float, float, float]
) -> Grid:
    """A grid around one point in space; a negative size flips its axis."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles_deg, degrees=True).as_matrix() * sizes_mm
    affine[:3, 3] = (5, -3, 7) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return shape, affine


GRIDS: Mapping[str, tuple[Grid, Grid]] = MappingProxyType(
    {
        "axis-aligned": (
            _grid((34, 30, 28), (1.5, 1.5, 1.5), (0, 0, 0)),
            _grid((36, 32, 30), (1.5, 1.5, 1.5), (0, 0, 0)),
        ),
        "oblique": (
            _grid((34, 30, 28), (1.5, 1.6, 1.7), (12, -20, 25)),
            _grid((32, 34, 30), (1.6, 1.5, 1.6), (-8, 15, -10)),
        ),
        "anisotropic": (
            _grid((48, 44, 12), (1.0, 1.1, 4.0), (0, 0, 0)),
            _grid((44, 16, 40), (1.2, 3.5, 1.1), (0, 0, 5)),
        ),
        "flipped": (
            _grid((34, 30, 28), (-1.5, 1.5, 1.5), (0, 0, 0)),
            _grid((34, 32, 30), (1.4, -1.6, -1.5), (10, 0, 0)),
        ),
    }
)
"""The grids of a fixed and of a moving image, by kind."""


def draw_pair(folder: Path, kind: str) -> None:
    """Draws two images and a smooth displacement of some voxels, as `register` would write it.

    The images are blobs of up to 300 that fade out before the border, where programs differ.

    Args:
        folder: Where `fixed.nii.gz`, `moving.nii.gz` and `field.nii.gz` go.
        kind: One of `GRIDS`.
    """
    for name, (shape, affine) in zip(("fixed", "moving"), GRIDS[kind], strict=True):
        write_volume(folder / f"{name}.nii.gz", _blobs(shape, affine), affine)
    shape, affine = GRIDS[kind][0]
    write_volume(folder / "field.nii.gz", smooth_field(shape, 2.0), affine)


def _blobs(shape: tuple[int, int, int], affine: NDArray[np.float64]) -> NDArray[np.float32]:
    voxels = np.moveaxis(np.indices(shape), 0, -1)
    points = voxels @ affine[:3, :3].T + affine[:3, 3]
    random = np.random.default_rng(1)
    image = np.zeros(shape)
    for _ in range(25):
        middle, width = np.array([5, -3, 7]) + random.uniform(-14, 14, 3), random.uniform(3, 6)
        image += random.uniform(30, 100) * np.exp(-((points - middle) ** 2).sum(-1) / (2 * width**2))
    border = np.minimum(voxels, np.array(shape) - 1 - voxels).min(axis=-1)
    return (image * (border >= 2)).astype(np.float32)


def largest_disagreements(name: str, folder: Path) -> dict[str, float] | None:
    """Lets a program warp a drawn image on each kind of grid, and compares it with `warp` in every voxel.

    Args:
        name: One of `READERS`.
        folder: An empty folder.

    Returns:
        The largest difference over the range of intensities, by the kind of grid; None where the program is
        not installed.

    Raises:
        RuntimeError: If the program fails.
    """
    reader = READERS[name]
    try:
        version(reader.package)
    except PackageNotFoundError:
        return None
    expected = {kind: _exported(reader, kind, folder / kind) for kind in GRIDS}
    _run(reader, [folder / kind for kind in GRIDS])
    found = {kind: read_image(folder / kind / "warped.nii.gz").array for kind in GRIDS}
    return {kind: float(np.abs(ours - found[kind]).max() / np.ptp(ours)) for kind, ours in expected.items()}


def _exported(reader: Reader, kind: str, folder: Path) -> NDArray[np.float32]:
    """Draws a pair and exports its field; returns the moving image as `warp` warps it."""
    folder.mkdir()
    draw_pair(folder, kind)
    fixed, moving = (read_header(folder / f"{one}.nii.gz") for one in ("fixed", "moving"))
    field = read_field(folder / "field.nii.gz", fixed)
    export_field(field, moving, reader.program, folder)
    return warp(field, fixed=fixed).image(folder / "moving.nii.gz")


def _run(reader: Reader, folders: Sequence[Path]) -> None:
    """Runs a script in a process of its own: ITK ends the process where its warnings are made errors."""
    threads = {"OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", reader.script + _IN_EACH_FOLDER, *map(str, folders)],
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{reader.package} fails: {done.stderr}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    argparse.ArgumentParser(prog="exports", description=__doc__).parse_args(arguments)
    rows = []
    for name, reader in READERS.items():
        with tempfile.TemporaryDirectory() as folder:
            found = largest_disagreements(name, Path(folder))
        form, _, program = name.partition(": ")
        installed = "" if found is None else f" {version(reader.package)}"
        cells = ["-" if found is None else f"{found[kind]:.1e}" for kind in GRIDS]
        rows.append([form, f"{program}{installed}", *cells])
    print(markdown_table(("form", "read by", *GRIDS), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
