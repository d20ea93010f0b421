"""The pairs of a run by the workers of a cluster; this process writes the report alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.hand import Recipe
from cluster.progress import progress
from cluster.spread import TRIES, Job, Spread
from pairs.tasks.pair import Pair
from pipeline.machine.stopping import require_not_stopped
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.plan import Plan
from pipeline.predict.recipe import KilledPair, PairJob, SegmentJob
from pipeline.predict.run import RegisterAll

if TYPE_CHECKING:
    from cluster.engine import Engine

__all__ = ["by_workers"]

Segmented = Callable[[Pair], Sequence[Path]]


def by_workers(
    engine: "Callable[[], AbstractContextManager[Engine]]",
    recipe: Callable[[Plan], AbstractContextManager[Recipe]],
    segmented: Segmented,
) -> RegisterAll:
    """The pairs by as many workers as there are.

    Args:
        engine: opens the connection to the workers.
        recipe: how they get ready for the pairs of a plan.
        segmented: the images of a pair that a segmentor is asked about.
    """

    @contextmanager
    def register_all(plan: Plan) -> Iterator[Iterator[PairRecord]]:
        with engine() as opened, recipe(plan) as ready:
            yield _spread(opened, ready, segmented, plan)

    return register_all


def _spread(engine: "Engine", recipe: Recipe, segmented: Segmented, plan: Plan) -> Iterator[PairRecord]:
    jobs = list(_jobs(segmented, plan))
    with progress(len(plan.pairs) - len(plan.todo), len(plan.pairs)) as shown:
        for _, result in Spread(engine, recipe, jobs, require_not_stopped, shown.alive).results():
            if isinstance(result, PairRecord):
                shown.advance()
                yield result


def _jobs(segmented: Segmented, plan: Plan) -> Iterator[Job]:
    """Each image is segmented once, before the first pair that needs it."""
    named: set[str] = set()
    for pair in plan.todo:
        images = segmented(pair)
        names = tuple(f"segmentation of {path.name}" for path in images)
        for name, path in zip(names, images, strict=True):
            if name not in named:
                named.add(name)
                yield Job(name, SegmentJob(path))
        earlier = plan.records.get(pair.name)
        yield Job(pair.name, PairJob(pair, earlier), names, KilledPair(pair, earlier, TRIES))
