"""NIfTI files, sound and damaged, and the task T on disk, for the tests of what reads them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from pairs.errors import TaskError
from pairs.tasks.task import Task, read_task

__all__ = [
    "affine",
    "dataset",
    "faults",
    "folder_with",
    "image",
    "item",
    "pair",
    "patched",
    "ramp",
    "read",
    "saved",
]

_AFFINE = np.array([[0, -2, 0, 5], [1.5, 0, 0, -7], [0, 0, 3, 11], [0, 0, 0, 1]], dtype=np.float64)
_AFFINE.flags.writeable = False


@pytest.fixture(scope="session")
def affine() -> np.ndarray:
    """The affine of `saved`, read-only: two axes exchanged, one mirrored, spacing 1.5, 2, 3 mm."""
    return _AFFINE


@pytest.fixture(scope="session")
def ramp() -> Callable[..., np.ndarray]:
    """A function that makes an array of 0, 1, 2, ..."""

    def make(shape: tuple[int, ...] = (5, 4, 3), dtype: type = np.float32) -> np.ndarray:
        return np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    return make


@pytest.fixture(scope="session")
def saved() -> Callable[..., Path]:
    """A function that writes an array as NIfTI with nibabel and returns the path."""

    def save(path: Path, array: np.ndarray, affine: np.ndarray = _AFFINE) -> Path:
        nib.save(nib.Nifti1Image(array, affine, dtype=array.dtype), path)
        return path

    return save


@pytest.fixture(scope="session")
def patched(saved: Callable[..., Path]) -> Callable[..., Path]:
    """A function that writes a `.nii` and overwrites bytes of its header, given as (offset, bytes)."""

    def patch(path: Path, array: np.ndarray, *patches: tuple[int, bytes]) -> Path:
        content = bytearray(saved(path, array).read_bytes())
        for offset, replacement in patches:
            content[offset : offset + len(replacement)] = replacement
        path.write_bytes(content)
        return path

    return patch


@pytest.fixture(scope="session")
def image() -> Callable[..., str]:
    """A function from the subject to the path of its image in the task."""

    def path(subject: int, modality: int = 0, *, folder: str = "./imagesTr", name: str = "T") -> str:
        return f"{folder}/{name}_{subject:04d}_{modality:04d}.nii.gz"

    return path


@pytest.fixture(scope="session")
def pair(image: Callable[..., str]) -> Callable[..., dict[str, str]]:
    """A function that makes an entry of a pair list."""

    def entry(fixed: int, moving: int, modalities: tuple[int, int] = (0, 0)) -> dict[str, str]:
        return {"fixed": image(fixed, modalities[0]), "moving": image(moving, modalities[1])}

    return entry


@pytest.fixture(scope="session")
def item(image: Callable[..., str]) -> Callable[..., dict[str, str]]:
    """A function that makes an entry of a training list."""

    def entry(subject: int, modality: int = 0) -> dict[str, str]:
        return {"image": image(subject, modality), "label": image(subject, modality, folder="./labelsTr")}

    return entry


@pytest.fixture(scope="session")
def dataset(
    item: Callable[..., dict[str, str]], pair: Callable[..., dict[str, str]]
) -> Callable[..., dict[str, Any]]:
    """A function that makes a dataset JSON as of 2022; a change to None leaves the key out."""

    def make(**changes: object) -> dict[str, Any]:
        document: dict[str, Any] = {
            "name": "T",
            "release": "1.0",
            "description": "",
            "licence": "",
            "reference": "",
            "pairings": "unpaired",
            "provided_data": {"0": ["image", "label"]},
            "registration_direction": {"fixed": 0, "moving": 0},
            "modality": {"0": "MR"},
            "labels": {"0": {"1": "head", "2": "tail"}},
            "tensorImageSize": {"0": "3D"},
            "tensorImageShape": {"0": [64, 48, 32]},
            "numTraining": 4,
            "numTest": 0,
            "numPairedTraining": 0,
            "numPairedTest": 0,
            "numRegistration_val": 1,
            "numRegistration_test": 0,
            "training": [item(1), item(2), item(3), item(4)],
            "test": [],
            "training_paired_images": [],
            "test_paired_images": [],
            "registration_val": [pair(3, 4)],
            "registration_test": [],
        }
        return {key: value for key, value in {**document, **changes}.items() if value is not None}

    return make


@pytest.fixture(scope="session")
def folder_with() -> Callable[[Path, object], Path]:
    """A function that writes the dataset JSON of a task folder and returns the folder."""

    def write(root: Path, document: object) -> Path:
        (root / "T_dataset.json").write_text(json.dumps(document))
        return root

    return write


@pytest.fixture
def read(
    tmp_path: Path, folder_with: Callable[[Path, object], Path], dataset: Callable[..., dict[str, Any]]
) -> Callable[..., Task]:
    """A function that reads the task of the changed dataset JSON, with `tmp_path` as its folder."""

    def read_changed(**changes: object) -> Task:
        return read_task(folder_with(tmp_path, dataset(**changes)))

    return read_changed


@pytest.fixture
def faults(read: Callable[..., Task]) -> Callable[..., tuple[str, ...]]:
    """A function that gives the faults for which the task of the changed dataset JSON is refused."""

    def faults_of(**changes: object) -> tuple[str, ...]:
        with pytest.raises(TaskError) as caught:
            read(**changes)
        assert str(caught.value).isprintable()
        return caught.value.faults

    return faults_of
