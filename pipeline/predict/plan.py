"""Which pairs a run still has to do, decided before any network is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pairs.errors import VolumeError
from pairs.tasks.pair import Pair
from pipeline.predict.earlier import EarlierRuns
from pipeline.predict.fieldfolder import FieldFolder, is_as_written
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.pairrecord import PairRecord

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """The pairs of a run.

    Attributes:
        pairs: all, in the task's order; of a shard its own.
        todo: those without a finished, up-to-date field.
        records: what the report says before the first of them is done: finished pairs, and what earlier
            runs left for the others.
    """

    pairs: tuple[Pair, ...]
    todo: tuple[Pair, ...]
    records: Mapping[str, PairRecord]


def make_plan(
    pairs: Sequence[Pair], earlier: EarlierRuns, fingerprints: Fingerprints, fields: FieldFolder
) -> Plan:
    """Compare the earlier runs' records with the inputs and fields as they are now."""
    known = earlier.records
    todo, records = [], {}
    for pair in pairs:
        record = known.get(pair.name)
        if record is None:
            todo.append(pair)
            continue
        finished = _is_finished(record, pair, fingerprints, fields)
        if not finished:
            todo.append(pair)
        if record.status in ("done", "stale"):
            record = record.model_copy(update={"status": "done" if finished else "stale"})
        records[pair.name] = record
    return Plan(tuple(pairs), tuple(todo), records)


def _is_finished(record: PairRecord, pair: Pair, fingerprints: Fingerprints, fields: FieldFolder) -> bool:
    """A stale record counts: weights may have been changed back."""
    if record.status not in ("done", "stale"):
        return False
    try:
        fingerprint = fingerprints.of(pair)
    except VolumeError:
        # The pair's turn comes, and with it the report of what is wrong.
        return False
    return record.fingerprint == fingerprint and is_as_written(fields.path, record)
