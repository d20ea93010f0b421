"""A small task whose pairs have a known displacement, and its fields in any profile and state."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.scoring.warp import warp_image, warp_labels
from evaluation.submission.checker import Check, check_fields
from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import write_volume
from pairs.tasks.task import Task, read_task

__all__ = [
    "FIRST",
    "LONG",
    "SECOND",
    "THIRD",
    "Known",
    "check",
    "fields",
    "known",
    "make_known",
    "registered_pair",
    "told",
]

Displacement = NDArray[np.float32]
Change = Callable[[Displacement], Displacement]

FIRST, SECOND, THIRD = "disp_0001_0101.npz", "disp_0002_0102.npz", "disp_0003_0103.npz"
LONG = "disp_0001_0000_0101_0000.nii.gz"


@dataclass(frozen=True)
class Known:
    """A task and the displacement that registers each of its pairs exactly, by pair name."""

    task: Task
    truth: Mapping[str, Displacement]

    def write(self, folder: Path, profile: str, change: Change = lambda u: u) -> Path:
        """Writes the fields of all pairs, each changed first."""
        folder.mkdir(parents=True, exist_ok=True)
        for pair in self.task.pairs:
            changed = np.ascontiguousarray(change(self.truth[pair.name]), dtype=np.float32)
            write_displacement(folder, pair, changed, PROFILES[profile])
        return folder


def _displacement(shape: tuple[int, int, int], seed: int) -> Displacement:
    """A smooth displacement of about three voxels that differs in its components."""
    noise = np.random.default_rng(seed).normal(size=(3, *shape))
    parts = [ndimage.gaussian_filter(one, 4, truncate=2) for one in noise]
    scaled = [part / np.abs(part).max() * size for part, size in zip(parts, (2.0, 3.0, 2.5), strict=True)]
    return (np.stack(scaled, axis=-1) + np.array((2.5, -1.5, -2.0))).astype(np.float32)


def _labels(shape: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """Five balls."""
    random = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    labels = np.zeros(shape, np.uint8)
    for label in range(1, 6):
        centre = [random.uniform(0.3 * side, 0.7 * side) for side in shape]
        labels[np.linalg.norm(grid - centre, axis=-1) < random.uniform(3, 5)] = label
    return labels


@pytest.fixture
def registered_pair() -> Callable[..., tuple[NDArray[np.uint8], NDArray[np.uint8], Displacement]]:
    """A function that gives fixed labels, moving labels and the displacement between them."""

    def make(
        shape: tuple[int, int, int], seed: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Displacement]:
        u, moving = _displacement(shape, seed), _labels(shape, seed)
        return warp_labels(moving, u), moving, u

    return make


def _write_task(root: Path, shape: tuple[int, int, int], pairs: int, *, labels: bool) -> Known:
    for place in ("imagesTr", "labelsTr"):
        (root / place).mkdir(parents=True)
    listed, truth = [], {}
    for number in range(1, pairs + 1):
        u, moving = _displacement(shape, number), _labels(shape, number)
        image = ndimage.gaussian_filter(100.0 * moving, 1).astype(np.float32)
        names = [f"{root.name}_{subject:04d}_0000.nii.gz" for subject in (number, 100 + number)]
        volumes = ((names[0], warp_labels(moving, u), warp_image(image, u)), (names[1], moving, image))
        for file, one, other in volumes:
            write_volume(root / "imagesTr" / file, other, np.eye(4))
            if labels:
                write_volume(root / "labelsTr" / file, one, np.eye(4))
        listed.append({"fixed": f"./imagesTr/{names[0]}", "moving": f"./imagesTr/{names[1]}"})
        truth[f"{number:04d}_0000<--{100 + number:04d}_0000"] = u
    document = {
        "name": root.name,
        "modality": {"0": "MR"},
        "tensorImageShape": {"0": list(shape)},
        "training": [],
        "registration_val": listed,
    }
    (root / f"{root.name}_dataset.json").write_text(json.dumps(document))
    return Known(read_task(root), truth)


@pytest.fixture
def make_known(tmp_path: Path) -> Callable[..., Known]:
    """A function that writes a task of pairs 0001 <- 0101, 0002 <- 0102 and so on."""

    def make(
        shape: tuple[int, int, int] = (16, 12, 20),
        *,
        pairs: int = 3,
        name: str = "Own",
        labels: bool = True,
    ) -> Known:
        return _write_task(tmp_path / name, shape, pairs, labels=labels)

    return make


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Three pairs of 16x12x20, shared by all tests: nothing may be written into its folder."""
    return _write_task(tmp_path_factory.mktemp("task") / "Known", (16, 12, 20), 3, labels=True)


@pytest.fixture
def fields(known: Known, tmp_path: Path) -> Path:
    """Right fields of `known` in l2r2021: FIRST, SECOND and THIRD."""
    return known.write(tmp_path / "fields", "l2r2021")


def check(known: Known, fields: Path, profile: str | None = "l2r2021") -> Check:
    """Checks fields of a task against a profile; None for the one that most of them fit best."""
    return check_fields(known.task, fields, profile=None if profile is None else PROFILES[profile])


def told(outcome: Check, *, severity: str = "error") -> list[tuple[str, str]]:
    """Rule and file of each finding of a severity."""
    return [(one.rule, one.file) for one in outcome.findings if one.severity == severity]
