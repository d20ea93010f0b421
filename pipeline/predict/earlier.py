"""What earlier runs left in an output folder: its report, and those of shards that are not joined yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import OutputError
from pairs.files.reportnames import REPORT_NAME, shard_reports
from pipeline.predict.fieldfolder import is_as_written
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import RunReport, read_report

__all__ = ["EarlierRuns", "read_earlier"]


@dataclass(frozen=True)
class EarlierRuns:
    """The reports of a folder.

    Attributes:
        folder: where they lie.
        reports: all that can be used, by their names; the whole one first.
        name: of the one that the next run writes.
    """

    folder: Path
    reports: Mapping[str, RunReport]
    name: str = REPORT_NAME

    @property
    def shards(self) -> Mapping[str, RunReport]:
        """The reports of shards alone."""
        return {name: report for name, report in self.reports.items() if name != REPORT_NAME}

    @property
    def own(self) -> Mapping[str, PairRecord]:
        """The records of the report that the next run writes."""
        report = self.reports.get(self.name)
        return {} if report is None else {record.pair: record for record in report.pairs}

    @property
    def records(self) -> Mapping[str, PairRecord]:
        """One record for each pair: of several, the one whose field is there, else the last."""
        found: dict[str, PairRecord] = {}
        for report in self.reports.values():
            for record in report.pairs:
                other = found.get(record.pair)
                if other is None or other == record or not is_as_written(self.folder, other):
                    found[record.pair] = record
        return found

    def forget(self, joined: Iterable[str]) -> None:
        """Removes the reports of shards all of whose pairs are in the whole report now.

        Args:
            joined: names of pairs that are in it.

        Raises:
            OutputError: one cannot be removed.
        """
        names = set(joined)
        for name, report in self.shards.items():
            if report.part is not None and names.issuperset(report.part.places):
                path = self.folder / name
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise OutputError(
                        "cannot remove a joined report", where=path, got=error.strerror
                    ) from error


def read_earlier(folder: Path, name: str = REPORT_NAME) -> EarlierRuns:
    """What can be used of the reports in a folder; of the others the fields are made again.

    Args:
        folder: the output folder.
        name: of the report that the next run writes.
    """
    names = (REPORT_NAME, *(path.name for path in shard_reports(folder)))
    found = {one: read_report(folder, one) for one in names}
    return EarlierRuns(folder, {one: report for one, report in found.items() if report is not None}, name)
