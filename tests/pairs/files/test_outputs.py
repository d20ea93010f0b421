"""No output replaces an input: not an option's file, and not one of those that a folder consists of."""

from pathlib import Path

import pytest

from pairs.errors import UsageError
from pairs.files.outputs import require_output_folder, require_outputs


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A task folder with an image, a label map, landmarks and a result of an earlier run."""
    root = tmp_path / "Tiny"
    for name in (
        "imagesTr/a.nii.gz",
        "labelsTr/a.nii.gz",
        "landmarksTr/a.csv",
        "Tiny_dataset.json",
        "m.json",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("precious")
    return root


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    """A folder of fields with the report of `predict` and the scores of an earlier run."""
    folder = tmp_path / "fields"
    folder.mkdir()
    for name in ("disp_0001_0002.npz", "disp_0001_0003.nii.gz", "report.json", "m.json"):
        (folder / name).write_text("precious")
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "imagesTr/a.nii.gz",
        "labelsTr/a.nii.gz",
        "landmarksTr/a.csv",
        "Tiny_dataset.json",
        "labelsTr/../imagesTr/a.nii.gz",
    ],
)
@pytest.mark.parametrize("given", ["", "Tiny_dataset.json"])
def test_files_of_a_task_are_inputs(task: Path, name: str, given: str) -> None:
    with pytest.raises(UsageError, match="also an input"):
        require_outputs([task / name], tasks=[task / given])


@pytest.mark.parametrize("name", ["disp_0001_0002.npz", "disp_0001_0003.nii.gz", "report.json"])
def test_fields_and_their_report_are_inputs(fields: Path, name: str) -> None:
    with pytest.raises(UsageError, match="also an input"):
        require_outputs([fields / name], inputs=[fields])


def test_inputs_are_known_through_links(task: Path, fields: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(task)
    (task / "imagesVal").symlink_to(fields)
    for path in (tmp_path / "link" / "labelsTr" / "a.nii.gz", task / "imagesVal" / "m.json"):
        with pytest.raises(UsageError, match="also an input"):
            require_outputs([path], tasks=[task])


def test_results_of_an_earlier_run_may_be_replaced(task: Path, fields: Path) -> None:
    outputs = [fields / "m.json", task / "m.json", fields / "new.nii.gz", None]
    require_outputs(outputs, tasks=[task], inputs=[fields, None])


def test_an_output_is_no_file_that_an_option_names_and_no_other_output(tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    path.touch()
    with pytest.raises(UsageError, match="also an input"):
        require_outputs([path], inputs=[path])
    with pytest.raises(UsageError, match="another output"):
        require_outputs([tmp_path / "a", tmp_path / "b" / ".." / "a"])


@pytest.mark.parametrize("name", ["imagesTr", "labelsTr", "../own"])
def test_fields_do_not_go_among_the_images(task: Path, name: str) -> None:
    with pytest.raises(UsageError, match="also an input"):
        require_output_folder(task / name, task, [task / "imagesTr", task.parent / "own"])


def test_fields_may_go_into_the_task_folder(task: Path) -> None:
    require_output_folder(task / "fields", task, [task / "imagesTr"])
