"""The folder that `register` writes into."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from evaluation.picture.threeplanes import draw_three_planes
from pairs.errors import OutputError, UsageError
from pairs.files.outputs import require_output_folder, require_outputs
from pairs.files.regularfile import read_regular
from pairs.files.wholefile import probe_writable, write_json
from pairs.images.volume import write_volume
from textscf.scans.report import REPORT_NAME
from textscf.scans.results import ScanResults
from transforms.field import write_field

__all__ = ["ScanFolder"]

WARPED, DISPLACEMENT, PICTURE = "warped.nii.gz", "displacement.nii.gz", "picture.png"


class _Signed(BaseModel):
    """What every version's report has."""

    command: Literal["register"]


class ScanFolder:
    """Where the results of two scans go; the report is there when all of them are.

    Args:
        path: The folder; may be absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = [path / name for name in (WARPED, DISPLACEMENT, PICTURE, REPORT_NAME)]

    def require_own(self, inputs: Iterable[Path]) -> None:
        """Refuses a folder in which something else would be lost, and makes an absent one.

        Args:
            inputs: All files that are read.

        Raises:
            UsageError: If a result would replace an input, or the folder is one of a task's data or holds the
                report of another command.
            OutputError: If it cannot be written to.
        """
        inputs = list(inputs)
        for path in inputs:
            # A task's images lie in a folder of the task folder.
            require_output_folder(self.path, path.absolute().parent.parent, ())
        report = self.path / REPORT_NAME
        if report.is_file() and not _is_ours(report):
            raise UsageError(
                "the output folder belongs to another command",
                where=report,
                expected="a report of `register`, or none",
                remedy="give another folder",
            )
        probe_writable(self.path)
        require_outputs(self.files, inputs=inputs)

    def write(self, results: ScanResults) -> None:
        """Writes all files, each whole or not at all, the report last.

        Raises:
            OutputError: If one cannot be written.
        """
        try:
            # Those of an earlier run are replaced one by one; without a report nobody takes them for a whole.
            self.files[-1].unlink(missing_ok=True)
        except OSError as error:
            raise OutputError("cannot replace", where=self.files[-1], got=error.strerror) from error
        grid, report = results.field.grid, results.report
        write_field(self.path / DISPLACEMENT, results.field)
        write_volume(self.path / WARPED, results.warped, grid.affine, placed=grid.placed)
        title = f"{report.fixed} ← {report.moving}"
        relation = f"{report.method}, grids related by {report.grids.basis}, on {report.device}"
        draw_three_planes(results.shown, self.path / PICTURE, title, (results.summary, relation))
        write_json(self.path / REPORT_NAME, report.model_dump(mode="json"))


def _is_ours(report: Path) -> bool:
    try:
        _Signed.model_validate_json(read_regular(report))
    except (OSError, ValidationError):
        return False
    return True
