"""The report of an output folder, which several runs may write to, one after the other or at once."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from pairs.files.reportnames import REPORT_NAME, journal_name
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.recordjournal import append_record
from pipeline.predict.report import RunReport, read_report, settings_of, write_report

__all__ = ["ReportFile", "lock_name"]

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
# Records of a report that is written whole after each pair; a longer one has a journal meanwhile.
_MOST_WRITTEN_WHOLE = 200


def lock_name(report: str) -> str:
    """Name of the file that is locked while a report is written."""
    return f".{report.removesuffix('.json')}.lock"


class ReportFile:
    """One run's view of it: the run's own pairs are brought up to date, those of other runs are kept.

    Args:
        folder: the output folder.
        report: what is known of the run; its pairs are filled in.
        asked: names of the pairs that the run was asked for, in the task's order.
        own: what is known of them already, by their names.
        seen: the records of the file as it was found when that was looked up.
        name: of the file.
    """

    def __init__(
        self,
        folder: Path,
        report: RunReport,
        asked: Iterable[str],
        own: Mapping[str, PairRecord],
        seen: Mapping[str, PairRecord],
        name: str = REPORT_NAME,
    ) -> None:
        self.folder = folder
        self.report = report
        self.name = name
        self._asked = dict.fromkeys(asked)
        self._own = dict(own)
        self._seen = seen
        self._made: set[str] = set()

    def add(self, made: PairRecord) -> None:
        """Brings one more record of this run into the file; of a long one into its journal, until `finish`.

        Raises:
            OutputError: it cannot be written.
        """
        self._own[made.pair] = made
        self._made.add(made.pair)
        if len(self._asked) <= _MOST_WRITTEN_WHOLE:
            self.write()
            return
        with _alone_in(self.folder, self.name):
            append_record(self.folder / journal_name(self.name), made)

    def finish(self) -> None:
        """Brings what is in the journal into the file.

        Raises:
            OutputError: it cannot be written.
        """
        if self._made and len(self._asked) > _MOST_WRITTEN_WHOLE:
            self.write()

    def write(self) -> RunReport:
        """Writes the whole report.

        Returns:
            The report as written: first the pairs that the run was asked for, in the task's order, then those
            of other runs.

        Raises:
            OutputError: it cannot be written.
        """
        with _alone_in(self.folder, self.name):
            records = self._merged(read_report(self.folder, self.name))
            names = dict.fromkeys((*(name for name in self._asked if name in records), *records))
            report = self.report.model_copy(update={"pairs": tuple(records[name] for name in names)})
            write_report(self.folder, report, self.name)
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
        is_of_these_settings = found is not None and settings_of(found) == settings_of(self.report)
        if record.status == "done" and not is_of_these_settings:
            return record.model_copy(update={"status": "stale"})
        return record


def _by_name(report: RunReport) -> Mapping[str, PairRecord]:
    return {record.pair: record for record in report.pairs}


@contextmanager
def _alone_in(folder: Path, report: str) -> Iterator[None]:
    """No other run writes the report meanwhile; where no lock can be had, a warning says so."""
    path = folder / lock_name(report)
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
