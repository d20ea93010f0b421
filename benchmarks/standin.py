"""Pairs of a stand-in that only waits, by the workers of a run: FOLDER --pairs N --seconds S --workers W.

What is left is what the program does around a pair: its plan, its workers, its report.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from cluster.hand import Recipe
from cluster.options import opened_engine
from pairs.fields.profile import PROFILES
from pairs.files.wholefile import whole_file
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair
from pipeline.config import shipped_config
from pipeline.predict.byworkers import by_workers
from pipeline.predict.earlier import read_earlier
from pipeline.predict.fieldfolder import FieldFolder
from pipeline.predict.fingerprint import Fingerprints
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.plan import Plan, make_plan
from pipeline.predict.recipe import PairJob
from pipeline.predict.report import RunReport
from pipeline.predict.reportfile import ReportFile
from pipeline.predict.run import run_pairs

__all__ = ["FIGURES", "main"]

FIGURES = "figures.json"
_FIXED = 100
_WEIGHTS = "stand-in"


@dataclass(frozen=True)
class _StandIn(Recipe):
    fields: FieldFolder
    seconds: float

    def prepare(self) -> Callable[[PairJob], PairRecord]:
        return partial(self._register, Fingerprints(_WEIGHTS, None, self.fields))

    def _register(self, fingerprints: Fingerprints, job: PairJob) -> PairRecord:
        begun = time.perf_counter()
        content = job.pair.name.encode()
        path = self.fields.path / self.fields.name(job.pair)
        with whole_file(path) as temporary:
            temporary.write_bytes(content)
        record = PairRecord(
            pair=job.pair.name,
            status="done",
            fingerprint=fingerprints.of(job.pair),
            file=path.name,
            file_sha256=sha256(content).hexdigest(),
            seconds=self.seconds,
            peak_memory_mib=0,
            device="cpu",
        )
        time.sleep(max(0, begun + self.seconds - time.perf_counter()))
        return record


def _pairs(folder: Path, count: int) -> list[Pair]:
    """Pairs of a hundred fixed images, whose files hold their names."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = []
    for number in range(count):
        ids = [ImageId(f"{subject:04}", "0000") for subject in (number % _FIXED, _FIXED + number // _FIXED)]
        fixed, moving = (folder / f"StandIn_{one}.nii.gz" for one in ids)
        for path in (fixed, moving):
            if not path.exists():
                path.write_text(path.name, encoding="ascii")
        pairs.append(Pair(fixed, moving, ids[0], ids[1]))
    return pairs


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is left of the pairs, and writes the seconds until the first and the last of them."""
    begun = time.perf_counter()
    parser = argparse.ArgumentParser(prog="standin", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    output = options.folder.absolute() / "out"
    output.mkdir(parents=True, exist_ok=True)
    fields = FieldFolder(output, PROFILES["l2r2022"])
    pairs = _pairs(options.folder.absolute() / "images", options.pairs)
    earlier = read_earlier(output)
    plan = make_plan(pairs, earlier, Fingerprints(_WEIGHTS, None, fields), fields)
    report = RunReport(
        task="StandIn",
        profile="l2r2022",
        device="cpu",
        torch="",
        weights=_WEIGHTS,
        weights_sha256=_WEIGHTS,
        config=shipped_config("HippocampusMR"),
    )
    asked = [pair.name for pair in pairs]
    file = ReportFile(output, report, asked, plan.records, earlier.own)
    moments: list[float] = []

    @contextmanager
    def recipe(_: Plan) -> Iterator[Recipe]:
        yield _StandIn(fields, options.seconds)

    by = by_workers(partial(opened_engine, options.workers, None), recipe, lambda _: ())

    @contextmanager
    def timed(plan: Plan) -> Iterator[Iterator[PairRecord]]:
        with by(plan) as made:
            yield _noting(made, moments)

    run_pairs(plan, timed, file)
    figures = {"todo": len(plan.todo), "first_s": moments[0] - begun, "rest_s": moments[-1] - moments[0]}
    (options.folder / FIGURES).write_text(json.dumps(figures), encoding="utf-8")
    return 0


def _noting(made: Iterator[PairRecord], moments: list[float]) -> Iterator[PairRecord]:
    for record in made:
        moments.append(time.perf_counter())
        yield record


if __name__ == "__main__":
    # As the workers know it, and not as __main__.
    from benchmarks.standin import main as by_name

    sys.exit(by_name())
