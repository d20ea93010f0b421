"""Identifiers in file names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairs.errors import TaskError
from pairs.tasks.imageid import ImageId, parse_image_id

_DIGITS = "0123456789"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HippocampusMR_0211_0000.nii.gz", ImageId("0211", "0000")),
        ("./imagesTr/AbdomenMRCT_0001_0001.nii.gz", ImageId("0001", "0001")),
        ("Task_0003_0002.nii", ImageId("0003", "0002")),
        ("0003_0002.nii.gz", ImageId("0003", "0002")),
        ("imagesVal/PSMARegPSMA_0048_0000_01.nii.gz", ImageId("0048", "0000", "01")),
        ("Task_0009_0008_0003_0002.nii.gz", ImageId("0003", "0002")),
    ],
)
def test_accepted_names(name: str, expected: ImageId) -> None:
    assert parse_image_id(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "img0001.nii.gz",
        "Task_0001.nii.gz",
        "Task_00001_0000.nii.gz",
        "Task_0001_0000.nii.gz.txt",
        "Task_0001_0000.mha",
        "Task_0001_0000.nii.gz\n",
        "Task_0001_\u0660\u0660\u0660\u0660.nii.gz",
        "Task_0001_0000_1.nii.gz",
        "Task_0001_0000/other.nii.gz",
        "",
    ],
)
def test_refused_names_are_told_on_one_line(name: str) -> None:
    with pytest.raises(TaskError, match="no identifiers") as caught:
        parse_image_id(name)
    assert "\n" not in str(caught.value)


@given(
    prefix=st.text(alphabet="AbZ_09-.", max_size=12),
    subject=st.text(alphabet=_DIGITS, min_size=4, max_size=4),
    modality=st.text(alphabet=_DIGITS, min_size=4, max_size=4),
)
def test_any_prefix_leaves_the_identifiers_alone(prefix: str, subject: str, modality: str) -> None:
    assert parse_image_id(f"{prefix}_{subject}_{modality}.nii.gz") == ImageId(subject, modality)


def test_text_is_that_of_the_file_name_and_order_is_by_subject() -> None:
    ids = [ImageId("0002", "0000"), ImageId("0001", "0001"), ImageId("0001", "0000", "01")]
    assert [str(one) for one in sorted(ids)] == ["0001_0000_01", "0001_0001", "0002_0000"]
