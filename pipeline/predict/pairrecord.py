"""What the report says of one pair."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["PairRecord"]


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
