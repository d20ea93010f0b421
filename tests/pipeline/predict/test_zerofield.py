"""A zero field in place of a pair that failed, where it is asked for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.fields.displacement import read_displacement
from pipeline.predict.report import RunReport
from tests.tinytask import edit_volume, image_of

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
Listing = Callable[[Path], list[str]]
ReportOf = Callable[[Path], RunReport]
SHAPE = (32, 48, 40)


@pytest.mark.parametrize("profile", ["l2r2021", "lumir2024"])
def test_a_zero_field_where_asked_for(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, listing: Listing, profile: str
) -> None:
    image_of(tiny_task).write_bytes(b"")
    arguments = ("--on-error", "identity", "--profile", profile)
    assert predict(*arguments) == 1
    suffix = ".npz" if profile == "l2r2021" else ".nii.gz"
    for record, name in zip(report_of(output).pairs, ("0006_0007", "0007_0008"), strict=False):
        assert (record.status, record.error_code) == ("identity", "corrupt")
        assert record.file == f"disp_{name}{suffix}"
        assert not read_displacement(output / record.file, SHAPE).displacement.any()
    assert report_of(output).pairs[2].status == "done"
    assert len(listing(output)) == 4
    # It is no result: the next run does not keep it, and without the option removes it.
    assert predict("--profile", profile) == 1
    assert listing(output) == [f"disp_0008_0006{suffix}", "report.json"]


def test_a_zero_field_of_the_stated_shape(
    predict: Predict,
    tiny_task: Path,
    output: Path,
    report_of: ReportOf,
    listing: Listing,
    rewrite_task: Callable[..., None],
) -> None:
    for subject in ("0006", "0007"):
        image_of(tiny_task, subject).unlink()
    assert predict("--on-error", "identity") == 1
    assert not read_displacement(output / "disp_0006_0007.npz", SHAPE).displacement.any()
    rewrite_task(tensorImageShape={})
    assert predict("--on-error", "identity") == 1
    record = report_of(output).pairs[0]
    assert (record.status, record.error_code) == ("failed", "missing")
    assert any("tensorImageShape" in warning for warning in record.warnings)
    assert "disp_0006_0007.npz" not in listing(output)


def test_no_zero_field_of_an_odd_grid(
    predict: Predict, tiny_task: Path, output: Path, report_of: ReportOf, listing: Listing
) -> None:
    for subject in ("0006", "0007", "0008"):
        edit_volume(image_of(tiny_task, subject), lambda array: array[:31])
    assert predict("--on-error", "identity") == 1
    assert {record.status for record in report_of(output).pairs} == {"failed"}
    assert listing(output) == ["report.json"]
