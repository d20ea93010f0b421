"""The run over all pairs: keep what is finished, do the rest, report each."""

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from pairs.errors import TooLittleMemory
from pairs.process.counting import counted
from pairs.tasks.pair import Pair
from pipeline.machine.stopping import require_not_stopped
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.plan import Plan
from pipeline.predict.report import RunReport
from pipeline.predict.reportfile import ReportFile

__all__ = ["Register", "RegisterAll", "one_after_another", "run_pairs"]

log = logging.getLogger(__name__)

Register = Callable[[Pair, PairRecord | None], PairRecord]
"""One pair, and its record of an earlier run, to its record."""
RegisterAll = Callable[[Plan], AbstractContextManager[Iterator[PairRecord]]]
"""The pairs of a plan that are left to do, to the record of each as soon as it is done."""


def run_pairs(plan: Plan, register: RegisterAll, file: ReportFile) -> tuple[PairRecord, ...]:
    """Register the pairs that are left to do; the report is brought up to date after each.

    Args:
        plan: the pairs.
        register: asked only if there is one, since networks take seconds.
        file: the report; pairs of other runs in it are kept.

    Returns:
        The records of the plan's pairs, in their order.

    Raises:
        Stopped: a signal arrived; finished pairs are kept.
        OutputError: the output folder cannot be written to.
    """
    records = dict(plan.records)
    with register(plan) if plan.todo else nullcontext(()) as made:
        _warn_of_stale(file.write(), plan, file.folder)
        try:
            for record in made:
                file.add(record)
                records[record.pair] = record
                _log_record(record)
        finally:
            file.finish()
    return tuple(records[pair.name] for pair in plan.pairs)


def one_after_another(prepare: Callable[[], Register]) -> RegisterAll:
    """The pairs in their order, by this process.

    Args:
        prepare: makes what registers one of them.
    """

    @contextmanager
    def register_all(plan: Plan) -> Iterator[Iterator[PairRecord]]:
        yield _in_turn(plan, prepare())

    return register_all


def _in_turn(plan: Plan, register: Register) -> Iterator[PairRecord]:
    with _progress(plan) as todo:
        for pair in todo:
            require_not_stopped()
            record = register(pair, plan.records.get(pair.name))
            yield record
            if record.error_code == TooLittleMemory.code:
                # What the pair held hangs on its error, in cycles; the next pair needs the memory.
                gc.collect()


def _warn_of_stale(report: RunReport, plan: Plan, folder: Path) -> None:
    """A folder whose fields are of two kinds is no submission, and the report alone is not read."""
    asked = {pair.name for pair in plan.pairs}
    stale = [one for one in report.pairs if one.status == "stale" and one.pair not in asked]
    if stale:
        log.warning(
            "%s of an earlier run left in %s, such as %s: not of profile %s, these weights and this program; "
            "register those pairs again, or delete the files",
            counted(len(stale), "field"),
            folder,
            stale[0].file,
            report.profile,
        )


@contextmanager
def _progress(plan: Plan) -> Iterator[Iterator[Pair]]:
    """The pairs left to do; on a terminal under a bar, with the log above it."""
    if not sys.stderr.isatty():
        yield iter(plan.todo)
        return
    kept = len(plan.pairs) - len(plan.todo)
    with (
        logging_redirect_tqdm(),
        tqdm(plan.todo, unit="pair", initial=kept, total=len(plan.pairs)) as bar,
    ):
        yield iter(bar)


def _log_record(record: PairRecord) -> None:
    """One line per pair; on a terminal, where the bar counts them, only for warnings and errors."""
    remarks = "".join(f"; warning: {warning}" for warning in record.warnings)
    if record.error:
        log.error("%s: %s (%s) %s%s", record.pair, record.status, record.error_code, record.error, remarks)
    elif remarks:
        log.warning("%s: %s in %.2f s%s", record.pair, record.file, record.seconds, remarks)
    elif not sys.stderr.isatty():
        log.info("%s: %s in %.2f s", record.pair, record.file, record.seconds)
