"""The run over all pairs: keep what is finished, do the rest, report each."""

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from tqdm import tqdm

from pairs.displacement import Profile, WrittenField, require_storable, write_displacement
from pairs.errors import KnownError, MissingVolume, OutputError, Stopped
from pairs.header import read_header
from pairs.task import Pair, Task
from pairs.volume import Volume, read_image
from pipeline.bundle import Bundle, file_hash
from pipeline.predict.masks import Masks
from pipeline.predict.registrar import Registrar
from pipeline.predict.report import PairRecord, RunReport, peak_memory_mib, read_report, write_report
from pipeline.stopping import interruptible

__all__ = ["Settings", "run_pairs"]

log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Settings:
    """How a run writes and fails.

    Attributes:
        output: folder for fields and report; it exists.
        profile: what the fields are written as.
        short_names: `disp_FFFF_MMMM` where the profile has long names.
        on_error: `fail` leaves a failed pair without a file, `identity` writes a zero field for it.
    """

    output: Path
    profile: Profile
    short_names: bool
    on_error: str


def run_pairs(
    task: Task, bundle: Bundle, weights: Path, registrar: Registrar, masks: Masks, settings: Settings
) -> RunReport:
    """Register every pair that has no finished, up-to-date field; the report is rewritten after each.

    Raises:
        Stopped: a signal arrived; finished pairs are kept.
        OutputError: the output folder cannot be written to.
    """
    earlier = read_report(settings.output)
    finished = {record.pair: record for record in earlier.pairs} if earlier else {}
    report = RunReport(
        task=task.name,
        profile=settings.profile.name,
        device=str(registrar.device),
        torch=torch.__version__,
        weights=weights.name,
        weights_sha256=bundle.sha256,
        config=bundle.header.config,
        warnings=task.warnings,
    )
    bar = tqdm(task.pairs, unit="pair", disable=not sys.stderr.isatty())
    for pair in bar:
        with interruptible():
            record = _kept_or_new(pair, finished.get(pair.name), bundle, registrar, masks, settings)
        report = report.model_copy(update={"pairs": (*report.pairs, record)})
        write_report(settings.output, report)
        if bar.disable:
            _log_record(record)
    return report


def _kept_or_new(
    pair: Pair,
    earlier: PairRecord | None,
    bundle: Bundle,
    registrar: Registrar,
    masks: Masks,
    settings: Settings,
) -> PairRecord:
    start = time.monotonic()
    fingerprint, error = _attempt(lambda: _fingerprint(pair, bundle, masks, settings))
    if fingerprint and earlier and _is_current(earlier, fingerprint, settings.output):
        return earlier
    warnings: list[str] = []
    written = None
    if error is None:
        written, error = _attempt(lambda: _register(pair, registrar, masks, settings, warnings))
    status = "done"
    if error is not None:
        status = "failed"
        if settings.on_error == "identity":
            written, identity_error = _attempt(lambda: _write_identity(pair, settings))
            status = "identity" if identity_error is None else "failed"
    return PairRecord(
        pair=pair.name,
        status=status,
        fingerprint=fingerprint or "",
        file=written.path.name if written else None,
        file_sha256=file_hash(written.path) if written else None,
        seconds=round(time.monotonic() - start, 3),
        peak_memory_mib=peak_memory_mib(registrar.device),
        device=str(registrar.device),
        decode_error_mean_vox=written.decode_error_mean_vox if written else None,
        decode_error_max_vox=written.decode_error_max_vox if written else None,
        error_code=getattr(error, "code", "internal") if error else None,
        error=str(error) if error else None,
        warnings=tuple(warnings),
    )


def _attempt(action: Callable[[], Result]) -> tuple[Result | None, Exception | None]:
    """The action's result, or the error that fails this pair only; others end the run."""
    try:
        return action(), None
    except (OutputError, Stopped):
        raise
    except KnownError as error:
        return None, error
    except Exception as error:
        log.exception("unknown error")
        return None, error


def _fingerprint(pair: Pair, bundle: Bundle, masks: Masks, settings: Settings) -> str:
    for image in (pair.fixed, pair.moving):
        if not image.is_file():
            raise MissingVolume("image missing", where=image)
    parts = (
        bundle.sha256,
        file_hash(pair.fixed),
        file_hash(pair.moving),
        masks.fingerprint(pair.fixed),
        settings.profile.name,
        str(settings.short_names),
    )
    return sha256("\n".join(parts).encode()).hexdigest()


def _is_current(record: PairRecord, fingerprint: str, output: Path) -> bool:
    if record.status != "done" or record.fingerprint != fingerprint or record.file is None:
        return False
    path = output / record.file
    return path.is_file() and file_hash(path) == record.file_sha256


def _register(
    pair: Pair, registrar: Registrar, masks: Masks, settings: Settings, warnings: list[str]
) -> WrittenField:
    require_storable(read_header(pair.fixed).shape, settings.profile)
    fixed, moving = read_image(pair.fixed), read_image(pair.moving)
    warnings += [*fixed.header.warnings, *moving.header.warnings]
    warnings += [f"{v.header.path.name} is constant" for v in (fixed, moving) if _is_constant(v)]
    if pair.fixed == pair.moving:
        warnings.append("fixed and moving image are the same")
    displacement = registrar(moving, fixed, masks(fixed))
    return write_displacement(
        settings.output, pair, displacement, settings.profile, short_names=settings.short_names
    )


def _write_identity(pair: Pair, settings: Settings) -> WrittenField:
    shape = _known_shape(pair)
    zeros = np.zeros((*shape, 3), dtype=np.float32)
    return write_displacement(
        settings.output, pair, zeros, settings.profile, short_names=settings.short_names
    )


def _known_shape(pair: Pair) -> tuple[int, int, int]:
    """The pair's grid from whichever header can still be read."""
    try:
        return read_header(pair.fixed).shape
    except KnownError:
        return read_header(pair.moving).shape


def _is_constant(volume: Volume) -> bool:
    return bool(volume.array.min() == volume.array.max())


def _log_record(record: PairRecord) -> None:
    if record.error:
        log.error("%s: %s (%s) %s", record.pair, record.status, record.error_code, record.error)
    else:
        log.info("%s: %s in %.2f s", record.pair, record.file, record.seconds)
    for warning in record.warnings:
        log.warning("%s: %s", record.pair, warning)
