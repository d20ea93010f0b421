"""The pairs of a run by the workers of a cluster; this process writes the report alone."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from cluster.progress import progress
from cluster.spread import TRIES, Job, Spread
from pipeline.machine.stopping import require_not_stopped
from pipeline.predict.choice import Choice
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.plan import Plan
from pipeline.predict.recipe import KilledPair, PairJob, PredictRecipe, SegmentJob
from pipeline.predict.run import RegisterAll

if TYPE_CHECKING:
    from cluster.engine import Engine

__all__ = ["by_workers"]


def by_workers(
    engine: "Callable[[], AbstractContextManager[Engine]]",
    recipe: Callable[[Plan], AbstractContextManager[PredictRecipe]],
    method: Choice,
) -> RegisterAll:
    """The pairs by as many workers as there are.

    Args:
        engine: opens the connection to the workers.
        recipe: how they get ready for the pairs of a plan.
        method: of the run.
    """

    @contextmanager
    def register_all(plan: Plan) -> Iterator[Iterator[PairRecord]]:
        with engine() as opened, recipe(plan) as ready:
            yield _spread(opened, ready, method, plan)

    return register_all


def _spread(engine: "Engine", recipe: PredictRecipe, method: Choice, plan: Plan) -> Iterator[PairRecord]:
    jobs = list(_jobs(method, plan))
    with progress(len(plan.pairs) - len(plan.todo), len(plan.pairs)) as shown:
        for _, result in Spread(engine, recipe, jobs, require_not_stopped, shown.alive).results():
            if isinstance(result, PairRecord):
                shown.advance()
                yield result


def _jobs(method: Choice, plan: Plan) -> Iterator[Job]:
    """Each image is segmented once, before the first pair that needs it."""
    segmented = set()
    for pair in plan.todo:
        names = tuple(f"segmentation of {path.name}" for path in method.segmented(pair))
        for name, path in zip(names, method.segmented(pair), strict=True):
            if name not in segmented:
                segmented.add(name)
                yield Job(name, SegmentJob(path))
        earlier = plan.records.get(pair.name)
        yield Job(pair.name, PairJob(pair, earlier), names, KilledPair(pair, earlier, TRIES))
