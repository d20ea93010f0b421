"""The run report: what happened to each pair, and what makes a finished pair stale."""

import resource
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.files.regularfile import read_regular
from pairs.files.wholefile import write_json
from pipeline.config import TaskConfig

__all__ = [
    "REPORT_NAME",
    "PairRecord",
    "RunReport",
    "peak_memory_mib",
    "read_report",
    "restart_peak",
    "write_report",
]

REPORT_NAME = "report.json"


class PairRecord(BaseModel):
    """One pair in the report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pair: str
    status: Literal["done", "failed", "identity", "stale"]
    """`identity`: the pair failed and a zero field was written in its place, as asked for; `stale`: the
    field is of an earlier run, and a later one was stopped before it came to this pair, or had other settings
    and was not asked for it."""
    fingerprint: str
    """Hash of everything the field depends on: images, weights, segmentation, profile, program."""
    file: str | None = None
    file_sha256: str | None = None
    seconds: float
    peak_memory_mib: float
    """On CUDA the largest GPU allocation of this pair, else the process's peak until the end of this pair."""
    device: str
    decode_error_mean_vox: float | None = None
    decode_error_max_vox: float | None = None
    error_code: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    segmentations: tuple[str, ...] = ()
    """Names of the files in `.segmentations` of the fixed and the moving image; none unless both are kept."""


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
    pairs: tuple[PairRecord, ...] = ()


def read_report(folder: Path) -> RunReport | None:
    """The report of an earlier run, or None where there is none that can be used."""
    try:
        return RunReport.model_validate_json(read_regular(folder / REPORT_NAME))
    except (OSError, ValidationError):
        return None


def write_report(folder: Path, report: RunReport) -> None:
    """Replace the report.

    Raises:
        OutputError: it cannot be written.
    """
    # Mode "json" also turns a NaN in the free part of the weights' header into null.
    write_json(folder / REPORT_NAME, report.model_dump(mode="json"))


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
