"""The tools themselves: what they warp with their own fields is what their converted fields warp.

They are installed with requirements-rivals.txt; a test whose tool is missing is skipped. Each runs in a
process of its own, because ITK ends the process where its warnings are made errors, as they are here. elastix
takes a few seconds; loading its Python modules takes longer than that.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from pairs.fields.foreign.readers import FOREIGN_READERS
from pairs.images.header import Header, read_header
from pairs.tasks.pair import Pair

ANTS = """
import ants
fixed, moving = ants.image_read("fixed.nii.gz"), ants.image_read("moving.nii.gz")
coarse = ants.resample_image(fixed, (2, 2.5, 3))
def register(target, prefix):
    found = ants.registration(target, moving, "SyN", reg_iterations=(10, 5), aff_iterations=(50, 20, 0, 0),
                              outprefix=prefix, random_seed=1)
    files = found["fwdtransforms"]
    assert [name.removeprefix(prefix) for name in files] == ["1Warp.nii.gz", "0GenericAffine.mat"]
    return files
def warp(files, name):
    ants.image_write(ants.apply_transforms(fixed, moving, files, interpolator="linear"), name)
files = register(fixed, "disp_0001_0004")
warp(files, "ants.nii.gz")
ants.apply_transforms(fixed, moving, files, compose="composed_")
import os
os.mkdir("composed")
os.rename("composed_comptx.nii.gz", "composed/disp_0001_0004_warp.nii.gz")
os.mkdir("both")
both = ants.registration(fixed, moving, "SyN", reg_iterations=(10, 5), aff_iterations=(50, 20, 0, 0),
                         outprefix="both/disp_0001_0004", random_seed=1, write_composite_transform=True)
assert both["fwdtransforms"] == "both/disp_0001_0004Composite.h5"
warp([both["fwdtransforms"]], "both.nii.gz")
os.mkdir("coarse")
warp(register(coarse, "coarse/0001_0004_"), "coarse.nii.gz")
"""

GREEDY = """
from picsl_greedy import Greedy3D
images = "-i fixed.nii.gz moving.nii.gz -m SSD -threads 1"
transforms = "-r disp_0001_0004_warp.nii.gz disp_0001_0004_affine.mat"
greedy = Greedy3D()
greedy.execute(images + " -a -dof 12 -ia-identity -n 40x20 -o disp_0001_0004_affine.mat")
start = " -it disp_0001_0004_affine.mat"
greedy.execute(images + start + " -n 20x10 -s 2vox 0.7vox -o disp_0001_0004_warp.nii.gz")
greedy.execute("-rf fixed.nii.gz -threads 1 -rm moving.nii.gz greedy.nii.gz " + transforms)
import os
os.mkdir("composed")
greedy.execute("-rf fixed.nii.gz -threads 1 -rc composed/disp_0001_0004.nii.gz " + transforms)
"""

ELASTIX = """
import os
import itk
fixed, moving = (itk.imread(name, itk.F) for name in ("fixed.nii.gz", "moving.nii.gz"))
parameters = itk.ParameterObject.New()
for kind in ("affine", "bspline"):
    entries = dict(parameters.GetDefaultParameterMap(kind, 1, 12.0))
    entries.pop("Metric0Weight", None), entries.pop("Metric1Weight", None)
    entries.update(Registration=["MultiResolutionRegistration"], Metric=["AdvancedMeanSquares"],
                   MaximumNumberOfIterations=["30"], NumberOfSpatialSamples=["1000"],
                   FinalBSplineInterpolationOrder=["1"], RandomSeed=["1"])
    parameters.AddParameterMap(entries)
_, found = itk.elastix_registration_method(fixed, moving, parameter_object=parameters, number_of_threads=1)
itk.imwrite(itk.transformix_filter(moving, transform_parameter_object=found), "elastix.nii.gz")
field = itk.transformix_deformation_field(moving, found)
os.mkdir("disp_0001_0004")
itk.imwrite(field, "disp_0001_0004/deformationField.mha")
for suffix, compression in (("nii", False), ("mhd", False), ("mha", True), ("nrrd", False)):
    os.mkdir(suffix)
    itk.imwrite(field, f"{suffix}/disp_0001_0004.{suffix}", compression=compression)
os.mkdir("nrrd_gzip")
itk.imwrite(field, "nrrd_gzip/disp_0001_0004.nrrd", compression=True)
"""


def run(tool: str, script: str, folder: Path) -> None:
    """Runs a script in the folder of the images, on one thread."""
    try:
        version(tool)
    except PackageNotFoundError:
        pytest.skip(f"needs {tool}: pip install --no-deps -r requirements-rivals.txt")
    threads = {"OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def blobs(grid: Header, centre_mm: np.ndarray) -> np.ndarray:
    """A smooth image around a point in space; the same point gives the same anatomy on any grid."""
    points = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.affine[:3, :3].T + grid.affine[:3, 3]
    random = np.random.default_rng(1)
    image = np.zeros(grid.shape)
    for _ in range(25):
        middle, width = centre_mm + random.uniform(-18, 18, 3), random.uniform(4, 8)
        image += random.uniform(30, 100) * np.exp(-((points - middle) ** 2).sum(-1) / (2 * width**2))
    return image.astype(np.float32)


def centred(grid: Header) -> Header:
    grid.affine[:3, 3] = (5, -3, 7) - grid.affine[:3, :3] @ ((np.array(grid.shape) - 1) / 2)
    return grid


@pytest.fixture
def images(oblique: Callable[..., Header], tmp_path: Path) -> Path:
    """A folder with a fixed and a moving image: oblique, anisotropic, other shapes, other axes flipped."""
    fixed = centred(oblique((34, 30, 26), (12, -20, 25), (-1.2, 1.5, 2.0), (0, 0, 0)))
    moving = centred(oblique((30, 36, 24), (-8, 15, -10), (1.4, -1.3, 2.1), (0, 0, 0)))
    for name, grid, shift_mm in (("fixed", fixed, (0, 0, 0)), ("moving", moving, (1.5, 1, -1))):
        array = blobs(grid, np.array([5, -3, 7]) + shift_mm)
        nib.save(nib.Nifti1Image(array, grid.affine), tmp_path / f"{name}.nii.gz")
    return tmp_path


def converted(word: str, folder: Path, images: Path, pair: Pair) -> np.ndarray:
    headers = (read_header(images / name) for name in ("fixed.nii.gz", "moving.nii.gz"))
    return FOREIGN_READERS[word](folder, pair, *headers).displacement


def require_agreement(u: np.ndarray, warped: Path, *, within: float = 5e-3) -> None:
    """Warps the moving image with `u` and compares where no border comes into play; intensities reach 300."""
    moving = nib.load(warped.parent / "moving.nii.gz").get_fdata()
    expected = nib.load(warped).get_fdata().squeeze()
    places = np.moveaxis(np.indices(u.shape[:3]), 0, -1) + u
    inside = ((places >= 1) & (places <= np.array(moving.shape) - 2)).all(axis=-1)
    assert inside.mean() > 0.4
    error = np.abs(map_coordinates(moving, np.moveaxis(places, -1, 0), order=1) - expected)[inside]
    assert error.max() < within, f"{warped.name} differs by {error.max():.2g} of {np.ptp(expected):.0f}"
    # The tool did move the image: the same comparison without its work fails by far.
    fixed = nib.load(warped.parent / "fixed.nii.gz").affine
    still = np.linalg.inv(nib.load(warped.parent / "moving.nii.gz").affine) @ fixed
    at_rest = np.moveaxis(np.indices(u.shape[:3]), 0, -1) @ still[:3, :3].T + still[:3, 3]
    untouched = map_coordinates(moving, np.moveaxis(at_rest, -1, 0), order=1)
    assert np.abs(untouched - expected)[inside].mean() > 1


def test_ants(images: Path, moved_pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    run("antspyx", ANTS, images)
    u = converted("ants", images, images, moved_pair)
    require_agreement(u, images / "ants.nii.gz")
    assert np.allclose(converted("ants", images / "composed", images, moved_pair), u, atol=1e-3)
    require_agreement(converted("ants", images / "both", images, moved_pair), images / "both.nii.gz")
    assert caplog.text == ""
    # A field on a coarser grid: ITK interpolates it linearly at each point, as the conversion does.
    coarse = converted("ants", images / "coarse", images, moved_pair)
    assert "resampled linearly" in caplog.text
    require_agreement(coarse, images / "coarse.nii.gz")


def test_greedy(images: Path, moved_pair: Pair) -> None:
    run("picsl_greedy", GREEDY, images)
    u = converted("greedy", images, images, moved_pair)
    require_agreement(u, images / "greedy.nii.gz")
    assert np.allclose(converted("greedy", images / "composed", images, moved_pair), u, atol=0.1)


def test_elastix(images: Path, moved_pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    run("itk-elastix", ELASTIX, images)
    u = converted("elastix", images, images, moved_pair)
    require_agreement(u, images / "elastix.nii.gz")
    for suffix in ("nii", "mhd", "mha", "nrrd", "nrrd_gzip"):
        assert np.allclose(converted("itk", images / suffix, images, moved_pair), u, atol=1e-4)
    assert caplog.text == ""
