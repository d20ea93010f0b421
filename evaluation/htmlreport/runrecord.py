"""What `predict` wrote down of its run: the part of its report.json that the page tells."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.errors import TaskError
from pairs.files.document import field_faults, read_document
from pairs.files.regularfile import open_regular
from pairs.files.reportnames import REPORT_NAME, unjoined
from pairs.process.counting import first_few

__all__ = ["PairRun", "Run", "read_run"]


class PairRun(BaseModel):
    """How one pair was registered."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pair: str
    status: str
    seconds: float
    peak_memory_mib: float
    device: str = ""
    file: str | None = None
    file_sha256: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    segmentations: tuple[str, ...] = ()
    """Names of the kept segmentations of the fixed and the moving image, or none."""

    def told_of(self, field: Path) -> tuple[str, ...]:
        """Returns what a reader has to know of a field that was scored, one sentence each."""
        told = []
        if self.status == "identity":
            told.append(f"not registered, a zero field was written in its place: {self.error}")
        if self.status == "stale":
            told.append("the field is of an earlier run with other settings")
        if self.file_sha256 is not None and not self._wrote(field):
            told.append(f"the run did not write this field: {field.name} was put there or changed since")
        return (*told, *self.warnings)

    def _wrote(self, field: Path) -> bool:
        if self.file != field.name:
            return False
        with open_regular(field) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == self.file_sha256


class Run(BaseModel):
    """How the pairs were registered."""

    # The report may come from another version of the program.
    model_config = ConfigDict(extra="ignore", frozen=True)

    task: str
    profile: str
    profile_reason: str = ""
    device: str
    torch: str = ""
    version: str = ""
    program: str = ""
    method: str
    weights: str = ""
    weights_sha256: str = ""
    training: Mapping[str, Any] = {}
    config: Mapping[str, Any] = {}
    region_names: tuple[str, ...] = ()
    """Of each region index of the kept segmentations."""
    warnings: tuple[str, ...] = ()
    pairs: tuple[PairRun, ...] = ()

    def of_pair(self, name: str) -> PairRun | None:
        """Returns what is known of a pair."""
        return next((one for one in self.pairs if one.pair == name), None)


def read_run(folder: Path, task: str) -> tuple[Run | None, str | None]:
    """Reads the report beside the fields.

    Args:
        folder: The folder of the fields.
        task: Name of the task that they belong to.

    Returns:
        The run, or None where there is none that can be used; and a sentence where that is not all of it. The
        scores do not depend on it.
    """
    path = folder / REPORT_NAME
    if not path.exists():
        why = unjoined(folder) or "nothing is known of how they were made"
        return None, f"there is no {REPORT_NAME} beside the fields: {why}"
    try:
        run = Run.model_validate(read_document(path))
    except ValidationError as error:
        return None, f"not a report of predict: {path}; {first_few(field_faults(error), 3, '; ')}"
    except TaskError as error:
        return None, f"the report of the run is left out: {error}"
    if run.task != task:
        return None, f"{path} is of another task, {run.task}; it is left out"
    return run, unjoined(folder)
