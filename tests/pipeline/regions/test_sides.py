"""Left and right of paired organs, by where the kidneys lie."""

from pathlib import Path

import numpy as np
import pytest

from pairs.images.volume import read_labels
from pairs.tasks.official import read_official
from pipeline.regions import sides
from pipeline.regions.sides import SideCheck, swapped_pairs

__all__: list[str] = []

NAMES = {
    2: "right kidney",
    3: "left kidney",
    6: "liver",
    12: "left adrenal gland",
    13: "Right_Adrenal_Gland",
}
RAS = np.eye(4)
LAS = np.diag([-1.0, 1, 1, 1])
# The third axis runs to the left.
TURNED = np.array([[0, 0, -1.0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def body(left_gland: int, right_gland: int) -> np.ndarray:
    """The left organs at low, the right ones at high indices of axis 0."""
    labels = np.zeros((20, 4, 4), np.uint8)
    labels[2:6, 0], labels[14:18, 0], labels[8:13, 2] = 3, 2, 6
    labels[7, 3], labels[12, 3] = left_gland, right_gland
    return labels


@pytest.mark.parametrize("affine", [RAS, LAS])
def test_glands_on_the_side_of_their_kidneys(affine: np.ndarray) -> None:
    assert swapped_pairs(body(12, 13), NAMES, affine) == []


@pytest.mark.parametrize("affine", [RAS, LAS])
def test_glands_on_the_other_side(affine: np.ndarray) -> None:
    assert swapped_pairs(body(13, 12), NAMES, affine) == [(12, 13)]


def test_the_axis_from_left_to_right_is_found() -> None:
    labels = np.moveaxis(body(13, 12), 0, 2)
    assert swapped_pairs(labels, NAMES, TURNED) == [(12, 13)]
    assert swapped_pairs(labels, NAMES, RAS) == []


@pytest.mark.parametrize("absent", [2, 3, 12, 13])
def test_an_organ_that_is_not_there_tells_nothing(absent: int) -> None:
    labels = body(13, 12)
    labels[labels == absent] = 0
    assert swapped_pairs(labels, NAMES, RAS) == []


def test_names_without_kidneys_are_not_looked_at() -> None:
    names = {12: "left adrenal gland", 13: "right adrenal gland", 2: "bright kidney"}
    assert swapped_pairs(body(13, 12), names, RAS) == []


def test_it_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    check = SideCheck(NAMES, range(1 + max(NAMES)))
    with caplog.at_level("WARNING"):
        check(body(12, 13), RAS, "first")
        check(body(13, 12), RAS, "second")
        check(body(13, 12), RAS, "third")
    (record,) = caplog.records
    assert record.getMessage().startswith("second: left and right look swapped against the kidneys")
    assert "12 'left adrenal gland' and 13 'Right_Adrenal_Gland'" in record.getMessage()


def test_the_real_scan_has_its_glands_where_the_dataset_json_says(shared: Path) -> None:
    folder = shared / "data" / "AbdomenCTCT" / "labelsTr"
    volume = read_labels(folder / "AbdomenCTCT_0001_0000.nii.gz")
    names = read_official("AbdomenCTCT").labels[0]
    assert swapped_pairs(volume.array, names, volume.header.affine) == []
    other = dict(names) | {12: names[13], 13: names[12]}
    assert swapped_pairs(volume.array, other, volume.header.affine) == [(13, 12)]


def test_without_kidneys_there_is_nothing_to_look_for() -> None:
    assert SideCheck({1: "head", 2: "tail"}, (0, 1, 2)).settled
    assert not SideCheck(NAMES, range(1 + max(NAMES))).settled


def test_the_label_values_of_a_volume_take_a_byte_a_voxel(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []
    monkeypatch.setattr(sides, "swapped_pairs", lambda labels, *_: seen.append(labels) or [])
    check = SideCheck({2: "right kidney", 3: "left kidney", 200: "spleen"}, (0, 2, 3, 200))
    check(np.array([[[0, 3]]], np.uint8), RAS, "a")
    assert seen[0].dtype == np.uint8
    assert seen[0].ravel().tolist() == [0, 200]
