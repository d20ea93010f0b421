"""The run report: what happened to each pair, and what makes a finished pair stale."""

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.files.regularfile import read_regular
from pairs.files.reportnames import REPORT_NAME, journal_name
from pairs.files.wholefile import write_json
from pipeline.config import TaskConfig
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.recordjournal import journalled_records

__all__ = [
    "RunReport",
    "ShardPart",
    "peak_memory_mib",
    "read_report",
    "restart_peak",
    "settings_of",
    "write_report",
]


class ShardPart(BaseModel):
    """What a report of a shard covers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shard: int
    of: int
    places: Mapping[str, int]
    """Of each of its pairs, done or not: the place in the task's list, from 0."""
    total: int
    """Number of all pairs of the task."""


class RunReport(BaseModel):
    """`report.json`: the last run, its pairs in the task's order, then those of earlier runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    profile: str
    profile_reason: str = ""
    """Why it was taken: asked for, or by task and edition."""
    device: str
    torch: str
    version: str = ""
    """Of the program, as it is cited."""
    program: str = ""
    """Hash of the sources that made the fields."""
    method: Literal["network", "general"] = "network"
    """`general` needs no weights."""
    weights: str
    weights_sha256: str
    """Empty, like `weights`, where the method needs none."""
    training: dict[str, Any] = {}
    """What the weights were made from and under which licence, as their file says."""
    region_names: tuple[str, ...] = ()
    """Of each region index of the kept segmentations, by the weights."""
    config: TaskConfig
    warnings: tuple[str, ...] = ()
    part: ShardPart | None = None
    """Of a report of a shard alone."""
    pairs: tuple[PairRecord, ...] = ()


def read_report(folder: Path, name: str = REPORT_NAME) -> RunReport | None:
    """The report of an earlier run with what its journal adds; None where there is none that can be used."""
    try:
        report = RunReport.model_validate_json(read_regular(folder / name))
    except (OSError, ValidationError):
        return None
    records = {record.pair: record for record in report.pairs}
    before = dict(records)
    records |= {record.pair: record for record in journalled_records(folder / journal_name(name))}
    return report if records == before else report.model_copy(update={"pairs": tuple(records.values())})


def write_report(folder: Path, report: RunReport, name: str = REPORT_NAME) -> None:
    """Replace the report; its journal has no purpose any more.

    Raises:
        OutputError: it cannot be written.
    """
    # Mode "json" also turns a NaN in the free part of the weights' header into null.
    write_json(folder / name, report.model_dump(mode="json"))
    (folder / journal_name(name)).unlink(missing_ok=True)


def settings_of(report: RunReport) -> dict[str, str]:
    """What all fields of a report have in common, by what it is called."""
    return {
        "profile": report.profile,
        "method": report.method,
        "weights": report.weights_sha256 or report.config.model_dump_json(),
        "program": report.program,
    }


def restart_peak(device: torch.device) -> None:
    """Count the peak from here on; the one of resident memory cannot be restarted.

    (Linux can, but whoever started this process would then read a peak that is too low.)
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mib(device: torch.device) -> float:
    """Peak of the GPU's allocations since `restart_peak` on CUDA, else of resident memory since the start."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)
