"""A tiny task on disk, with the fields of its pairs, for the tests of the evaluation."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import write_volume
from pairs.tasks.task import Task, read_task

__all__ = ["close_folder", "fields_of", "tiny_task"]

_SHAPE = (14, 12, 16)
_SUBJECTS = 4


def _labels(subject: int) -> NDArray[np.uint8]:
    """Two boxes, of which the second moves with the subject along the first axis."""
    labels = np.zeros(_SHAPE, dtype=np.uint8)
    labels[2:6, 3:8, 4:10] = 1
    labels[6 + subject : 10 + subject, 3:8, 4:10] = 2
    return labels


@pytest.fixture
def tiny_task(tmp_path: Path) -> Task:
    """A task of three pairs 0001 <- 0002, 0001 <- 0003, 0001 <- 0004 with two structures and images."""
    root = tmp_path / "Tiny"
    for folder in ("imagesTr", "labelsTr", "masksTr"):
        (root / folder).mkdir(parents=True)
    names = [f"Tiny_{subject:04d}_0000.nii.gz" for subject in range(1, _SUBJECTS + 1)]
    for subject, name in enumerate(names):
        labels = _labels(subject)
        write_volume(root / "labelsTr" / name, labels, np.eye(4))
        write_volume(root / "imagesTr" / name, (100 * labels).astype(np.float32), np.eye(4))
    document = {
        "name": "Tiny",
        "modality": {"0": "MR"},
        "labels": {"0": {"1": "box", "2": "slider"}},
        "tensorImageShape": {"0": list(_SHAPE)},
        "training": [],
        "registration_val": [
            {"fixed": f"./imagesTr/{names[0]}", "moving": f"./imagesTr/{name}"} for name in names[1:]
        ],
    }
    (root / "Tiny_dataset.json").write_text(json.dumps(document))
    return read_task(root)


@pytest.fixture
def close_folder(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """A function that closes a folder as mode 000 does, also for root: nothing in it may be looked at."""
    look = Path.stat

    def close(folder: Path) -> None:
        def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            if folder in path.parents:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return look(path, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(Path, "stat", stat)

    return close


@pytest.fixture
def fields_of(tmp_path: Path) -> Callable[[Task, float], Path]:
    """A function that writes one constant displacement along the first axis for all pairs."""

    def write(task: Task, shift: float) -> Path:
        folder = tmp_path / f"fields{shift}"
        folder.mkdir()
        displacement = np.zeros((*_SHAPE, 3), dtype=np.float32)
        displacement[..., 0] = shift
        for pair in task.pairs:
            write_displacement(folder, pair, displacement, PROFILES["l2r2022"])
        return folder

    return write
