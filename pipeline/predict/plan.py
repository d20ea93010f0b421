"""Which pairs a run still has to do, decided before any network is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pairs.errors import VolumeError
from pairs.tasks.pair import Pair
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.report import PairRecord, RunReport

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """The pairs of a run.

    Attributes:
        pairs: all, in the task's order.
        todo: those without a finished, up-to-date field.
        records: what the report says before the first of them is done: finished pairs, and what earlier
            runs left for the others.
        earlier: the records of the report as it was found, also of pairs that are not of this run.
    """

    pairs: tuple[Pair, ...]
    todo: tuple[Pair, ...]
    records: Mapping[str, PairRecord]
    earlier: Mapping[str, PairRecord] = field(default_factory=dict)


def make_plan(
    pairs: Sequence[Pair], earlier: RunReport | None, fingerprints: Fingerprints, fields: FieldFolder
) -> Plan:
    """Compare the earlier run's records with the inputs and fields as they are now."""
    known = {record.pair: record for record in earlier.pairs} if earlier else {}
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
    return Plan(tuple(pairs), tuple(todo), records, known)


def _is_finished(record: PairRecord, pair: Pair, fingerprints: Fingerprints, fields: FieldFolder) -> bool:
    """A stale record counts: weights may have been changed back."""
    if record.status not in ("done", "stale"):
        return False
    try:
        fingerprint = fingerprints.of(pair)
    except VolumeError:
        # The pair's turn comes, and with it the report of what is wrong.
        return False
    return record.fingerprint == fingerprint and fields.holds(record)
