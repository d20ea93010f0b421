"""`merge OUT`: the reports of shards become one, and what is missing is said."""

import argparse
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from pairs.errors import TaskError, UsageError
from pairs.files.reportnames import REPORT_NAME, shard_reports
from pairs.files.wholefile import probe_writable
from pairs.process.counting import counted, first_few
from pipeline.predict.earlier import EarlierRuns, read_earlier
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import RunReport, ShardPart, settings_of
from pipeline.predict.reportfile import ReportFile

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `merge`."""
    parser.add_argument("output", type=Path, help="folder that predict --shard wrote to")


def run(options: argparse.Namespace) -> int:
    """Join the reports; returns 0, or 1 where pairs failed or are missing."""
    folder: Path = options.output
    earlier = _readable(folder)
    if not earlier.shards:
        log.info("no reports of shards: %s is all there is", folder / REPORT_NAME)
        return _failures(earlier.records.values())
    parts = {name: report.part for name, report in earlier.shards.items() if report.part is not None}
    _require_one_run(folder, earlier.reports, parts)
    probe_writable(folder)
    places = {pair: place for part in parts.values() for pair, place in part.places.items()}
    asked = sorted(places, key=places.__getitem__)
    known = earlier.records
    found = {name: known[name] for name in asked if name in known}
    header = earlier.reports[next(iter(parts))].model_copy(update={"part": None})
    ReportFile(folder, header, asked, found, earlier.own).write()
    total = max(part.total for part in parts.values())
    log.info("%d of %s in %s", len(found), counted(total, "pair"), folder / REPORT_NAME)
    if len(found) == total:
        earlier.forget(found)
        return _failures(found.values())
    _log_missing(total - len(found), [name for name in asked if name not in found], parts)
    _failures(found.values())
    return 1


def _readable(folder: Path) -> EarlierRuns:
    """The reports of a folder.

    Raises:
        UsageError: There is none.
        TaskError: One of a shard is damaged.
    """
    earlier = read_earlier(folder)
    usable = {name for name, report in earlier.shards.items() if report.part is not None}
    damaged = [path for path in shard_reports(folder) if path.name not in usable]
    if damaged:
        raise TaskError(
            "not the report of a shard, or damaged",
            where=damaged[0],
            remedy="remove it and run its shard again, which keeps what is finished",
        )
    if not earlier.reports:
        remedy = "give the folder that predict --shard wrote to"
        raise UsageError("no reports to join", where=folder, remedy=remedy)
    return earlier


def _require_one_run(folder: Path, reports: Mapping[str, RunReport], parts: Mapping[str, ShardPart]) -> None:
    """Refuse reports that do not belong together.

    Raises:
        UsageError: They are of several tasks, lists of pairs, weights or versions of the program.
    """
    runs = {
        name: {"task": reports[name].task, "pairs": str(part.total), **settings_of(reports[name])}
        for name, part in parts.items()
    }
    first = next(iter(parts))
    if REPORT_NAME in reports:
        # Its fields of other settings are marked as such.
        runs[REPORT_NAME] = {"task": reports[REPORT_NAME].task}
    for name, run in runs.items():
        for what, value in run.items():
            if value != runs[first][what]:
                raise UsageError(
                    f"reports of different runs: {what}",
                    where=folder / name,
                    expected=f"{runs[first][what]} as in {first}",
                    got=value,
                    remedy="remove the reports of the run that you do not want, and run its shards again",
                )


def _failures(records: Iterable[PairRecord]) -> int:
    """Says which pairs failed; returns 1 where there are any, else 0."""
    failed = [record.pair for record in records if record.status != "done"]
    if failed:
        log.error("%s failed: %s", counted(len(failed), "pair"), first_few(failed))
    return 1 if failed else 0


def _log_missing(count: int, known: list[str], parts: Mapping[str, ShardPart]) -> None:
    """Pairs of shards that were stopped by their names; of shards that have not begun, the shards."""
    log.error("%s missing%s", counted(count, "pair"), f": {first_few(known)}" if known else "")
    counts = {part.of for part in parts.values()}
    begun = {(part.shard, part.of) for part in parts.values()}
    absent = [
        f"{index}/{of}" for of in sorted(counts) for index in range(1, of + 1) if (index, of) not in begun
    ]
    if count > len(known) and absent:
        log.error("no report of %s", first_few([f"shard {name}" for name in absent]))
    log.error("run the missing shards again, or predict without --shard, which does what is missing")
