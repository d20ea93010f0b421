"""`report.json` of two scans: how they were related, what came out, and what it took."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.general.similarity import Compared

__all__ = ["REPORT_NAME", "Change", "GridRelation", "Regularity", "ScanReport"]

REPORT_NAME = "report.json"

Rows = tuple[tuple[float, ...], ...]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GridRelation(_Part):
    """How the two grids lie to each other."""

    basis: Literal["affines", "sizes", "centres"]
    """What the registration began with: the affines of both headers; voxel sizes alone; centre on centre."""
    centres_put_together: bool
    centre_distance_mm: float
    """Between the centres of the two images, as the headers place them."""
    overlap: float
    """Shared part of the two fields of view as the headers place them, over the smaller of the two."""
    fixed_voxel_to_moving_voxel: Rows
    """V of the headers: the voxel x of the fixed image lies at the voxel V (x + u(x)) of the moving one."""
    fixed_mm_to_moving_mm: Rows
    """The affine part of the registration, between the spaces of the two images."""


class Regularity(_Part):
    """How smooth the displacement is."""

    largest_mm: float
    folded_percent: float | None
    sdlogj: float | None
    """The official number."""


class Change(_Part):
    """A number before and after registration; null where it does not exist."""

    before: float | None
    after: float | None


class ScanReport(_Part):
    """The report."""

    command: Literal["register"] = "register"
    fixed: str
    moving: str
    method: str
    compared: Compared | None
    """What of the two images; null for networks."""
    weights: str | None
    weights_sha256: str | None
    version: str
    program: str
    """Hash of the sources."""
    torch: str
    device: str
    grids: GridRelation
    displacement: Regularity
    similarity: dict[str, Change]
    dice: dict[str, Change] | None
    """By label, and `mean`; null where one of the two label maps was not given."""
    seconds: dict[str, float]
    peak_memory_mib: float
    warnings: tuple[str, ...]
