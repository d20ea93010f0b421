"""Target registration error against constant displacements, and where the points are looked for."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from evaluation.scoring.landmarks import initial_errors, read_point_pairs, target_errors
from pairs.errors import CorruptVolume, MissingVolume
from pairs.tasks.imagefiles import sibling_path
from pairs.tasks.imageid import ImageId
from pairs.tasks.task import Pair

_SHAPE = (10, 12, 9)


def _pair(root: Path, fixed_modality: str = "0000", moving_modality: str = "0000") -> Pair:
    images = root / "imagesTr"
    return Pair(
        fixed=images / f"T_0001_{fixed_modality}.nii.gz",
        moving=images / f"T_0002_{moving_modality}.nii.gz",
        fixed_id=ImageId("0001", fixed_modality),
        moving_id=ImageId("0002", moving_modality),
    )


def _write_points(pair: Pair, word: str, fixed: str, moving: str) -> None:
    for image, text in ((pair.fixed, fixed), (pair.moving, moving)):
        path = sibling_path(image, word, ".csv")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_error_is_in_mm_of_the_moving_image() -> None:
    points = np.array([[3.0, 4.0, 5.0], [6.5, 2.25, 4.0]])
    displacement = np.zeros((*_SHAPE, 3), dtype=np.float32)
    displacement[...] = (1, -2, 0.5)
    arrived = points + np.array((1, -2, 0.5))
    assert np.allclose(target_errors((points, arrived), displacement, (1.0, 1.0, 1.0)), 0, atol=1e-6)
    errors = target_errors((points, arrived + np.array((1, 2, 2))), displacement, (2.0, 2.0, 2.0))
    assert np.allclose(errors, 6, atol=1e-5)
    assert np.allclose(
        target_errors((points, arrived + np.array((0, 1, 0))), displacement, (1.0, 3.0, 1.0)), 3, atol=1e-5
    )


@pytest.mark.parametrize(
    ("modalities", "word"),
    [(("0000", "0000"), "keypoints"), (("0000", "0001"), "keypoints"), (("0002", "0000"), "keypoints02")],
)
def test_points_lie_in_the_folder_of_their_modalities(
    tmp_path: Path, modalities: tuple[str, str], word: str
) -> None:
    pair = _pair(tmp_path, *modalities)
    _write_points(pair, word, "1,2,3\n4,5,6\n", "1,2,4\n4,5,7\n")
    fixed, moving = read_point_pairs(pair, "keypoints")
    assert fixed.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (moving - fixed).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_missing_and_malformed_points_are_named(tmp_path: Path) -> None:
    pair = _pair(tmp_path)
    with pytest.raises(MissingVolume, match=r"keypointsTr.*T_0001_0000\.csv"):
        read_point_pairs(pair, "keypoints")
    _write_points(pair, "keypoints", "1,2,3\n", "1,2,3\n4,5,6\n")
    with pytest.raises(CorruptVolume, match="number"):
        read_point_pairs(pair, "keypoints")
    _write_points(pair, "keypoints", "1,2\n", "a,b,c\n")
    with pytest.raises(CorruptVolume, match="malformed"):
        read_point_pairs(pair, "keypoints")


@pytest.mark.parametrize("seed", range(4))
def test_the_box_around_the_points_gives_the_spline_of_the_whole_volume(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (90, 12, 11)
    displacement = rng.normal(0, 3, (*shape, 3)).astype(np.float32)
    # Some are beyond the volume, where the official evaluator reads zero.
    fixed = rng.uniform(-2, 1, (40, 3)) + rng.uniform((0, 0, 0), (85 if seed else 3, 14, 12))
    moving = rng.uniform(0, 11, (40, 3))
    shifts = [ndimage.map_coordinates(displacement[..., axis], fixed.T, output=float) for axis in range(3)]
    expected = np.linalg.norm((fixed + np.stack(shifts, axis=1) - moving) * (1, 2, 3), axis=1)
    got = target_errors((fixed, moving), displacement, (1.0, 2.0, 3.0))
    assert np.allclose(got, expected, rtol=0, atol=1e-12)


def test_points_far_outside_are_not_moved() -> None:
    far = np.array([[-300.0, 5.0, 5.0], [5.0, 400.0, 5.0]])
    errors = target_errors((far, far), np.ones((*_SHAPE, 3), dtype=np.float32), (1.0, 1.0, 1.0))
    assert errors.tolist() == [0, 0]


def test_initial_errors_are_those_of_no_displacement() -> None:
    points = np.array([[3.0, 4.0, 5.0], [6.5, 2.25, 4.0]])
    arrived = points + np.array((1, 2, 2))
    still = target_errors((points, arrived), np.zeros((*_SHAPE, 3), dtype=np.float32), (1.0, 2.0, 3.0))
    assert initial_errors((points, arrived), (1.0, 2.0, 3.0)).tolist() == still.tolist()
