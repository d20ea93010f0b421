"""The report of an output folder, which several runs may write to, one after the other or at once."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from pipeline.predict.plan import Plan
from pipeline.predict.report import PairRecord, RunReport, read_report, write_report

__all__ = ["LOCK_NAME", "ReportFile"]

log = logging.getLogger(__name__)

LOCK_NAME = ".report.lock"
_PATIENCE_S = 10.0


class ReportFile:
    """One run's view of it: the run's own pairs are brought up to date, those of other runs are kept.

    Args:
        folder: the output folder.
        report: what is known of the run; its pairs are filled in.
        plan: the pairs that the run was asked for.
    """

    def __init__(self, folder: Path, report: RunReport, plan: Plan) -> None:
        self.folder = folder
        self.report = report
        self._asked = [pair.name for pair in plan.pairs]
        self._seen = plan.earlier
        self._own = dict(plan.records)
        self._made: set[str] = set()

    def write(self, made: PairRecord | None = None) -> RunReport:
        """Writes the whole report, with one more record of this run.

        Returns:
            The report as written: first the pairs that the run was asked for, in the task's order, then those
            of other runs.

        Raises:
            OutputError: it cannot be written.
        """
        if made is not None:
            self._own[made.pair] = made
            self._made.add(made.pair)
        with _alone_in(self.folder):
            records = self._merged(read_report(self.folder))
            names = dict.fromkeys((*(name for name in self._asked if name in records), *records))
            report = self.report.model_copy(update={"pairs": tuple(records[name] for name in names)})
            write_report(self.folder, report)
        return report

    def _merged(self, found: RunReport | None) -> dict[str, PairRecord]:
        """What the file says of all pairs, and this run of its own."""
        known = {} if found is None or found.task != self.report.task else _by_name(found)
        records = {}
        for name, record in known.items():
            kept = record if name in self._asked else self._carried(record, found)
            if kept is not None:
                records[name] = kept
        for name, record in self._own.items():
            # Another run may have come to the pair since this one looked.
            is_newer = name in known and known[name] != self._seen.get(name)
            if name in self._made or not is_newer:
                records[name] = record
        return records

    def _carried(self, record: PairRecord, found: RunReport | None) -> PairRecord | None:
        """The record of a pair that was not asked for; None where its field is gone."""
        if record.file is not None and not (self.folder / record.file).is_file():
            return None
        is_of_these_settings = found is not None and _settings(found) == _settings(self.report)
        if record.status == "done" and not is_of_these_settings:
            return record.model_copy(update={"status": "stale"})
        return record


def _by_name(report: RunReport) -> Mapping[str, PairRecord]:
    return {record.pair: record for record in report.pairs}


def _settings(report: RunReport) -> tuple[str, ...]:
    """What all fields of a report have in common."""
    settings = report.weights_sha256 or report.config.model_dump_json()
    return report.profile, report.method, settings, report.program


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """No other run writes the report meanwhile; where no lock can be had, a warning says so."""
    path = folder / LOCK_NAME
    lock = FileLock(path, timeout=_PATIENCE_S, poll_interval=0.01, fallback_to_soft=False)
    try:
        lock.acquire()
    except OSError as error:
        _warn_without_lock(folder, str(error))
    try:
        yield
    finally:
        if lock.is_locked:
            # Removed while it is held: whoever waits for it sees that, and makes a new one.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            lock.release()


@lru_cache(maxsize=64)
def _warn_without_lock(folder: Path, reason: str) -> None:
    """Once a folder, since the report is written after every pair."""
    log.warning("%s has no lock (%s): run one process at a time in it", folder, reason)
