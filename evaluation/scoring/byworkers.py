"""The scores of pairs by the workers of a cluster; this process keeps the journal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.hand import Recipe
from cluster.progress import progress
from cluster.sight import Sight, hash_of
from cluster.spread import TRIES, Job, Spread
from evaluation.scoring.case import FieldReader
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.journal import Journal
from evaluation.scoring.pairscoring import PairScoring
from evaluation.scoring.score import PairScore
from evaluation.scoring.workers import terminated_as_interrupted
from pairs.errors import DisplacementError, KnownError, TooLittleMemory
from pairs.process.cores import thread_count
from pairs.tasks.evaluation_config import EvaluationConfig, Method
from pairs.tasks.task import Pair

if TYPE_CHECKING:
    from cluster.engine import Engine

__all__ = ["score_by_workers"]

Scored = PairScore | KnownError


class _Noted(Journal):
    """Takes what a worker scores, for the journal of the client.

    Args:
        wanted: Whether the client has one.
    """

    def __init__(self, wanted: bool) -> None:
        super().__init__(None)
        self._wanted = wanted
        self.keys: dict[str, str] = {}

    @property
    def wanted(self) -> bool:
        """See `Journal.wanted`."""
        return self._wanted

    def add(self, key: str, score: PairScore) -> None:
        """Notes the key of a pair."""
        self.keys[score.name] = key


@dataclass(frozen=True)
class _ScoreRecipe(Recipe):
    """One evaluation; all paths are absolute."""

    fields: Path
    methods: tuple[Method, ...]
    config: EvaluationConfig | None
    evaluator: str
    reader: FieldReader
    is_own: bool
    preferred: Mapping[str, Path]
    kept: bool
    sight: Sight

    def prepare(self) -> Callable[[Pair | KnownError], tuple[str | None, Scored]]:
        """See `Recipe`."""
        self.sight.require()
        noted = _Noted(self.kept)
        given = self.fields, self.methods, self.config, EVALUATORS[self.evaluator], self.reader, self.is_own
        scoring = PairScoring(*given, noted, self.preferred)
        threads = ThreadPoolExecutor(thread_count())

        def score(job: Pair | KnownError) -> tuple[str | None, Scored]:
            if isinstance(job, KnownError):
                return None, job
            scored = scoring.score(job, threads.map)
            return noted.keys.pop(job.name, None), scored

        return score


def score_by_workers(
    engine: "Callable[[], AbstractContextManager[Engine]]", run: PairScoring, pairs: Sequence[Pair]
) -> list[Scored]:
    """Scores all pairs that the journal lacks.

    Args:
        engine: Opens the connection to the workers.
        run: What the pairs have in common, and the journal; its paths are absolute.
        pairs: The pairs.

    Returns:
        The results in the order of the pairs.

    Raises:
        KeyboardInterrupt: On SIGINT and SIGTERM.
        KnownError: As `Spread` says.
    """
    found: dict[str, Scored] = {}
    if run.journal.holds_any:
        found = {pair.name: kept for pair in pairs if (kept := run.kept(pair)) is not None}
    todo = [pair for pair in pairs if pair.name not in found]
    if todo:
        with terminated_as_interrupted(), engine() as opened:
            for name, (key, scored) in _results(opened, run, todo, len(pairs)):
                found[name] = scored
                if key is not None and isinstance(scored, PairScore):
                    run.journal.add(key, scored)
    return [found[pair.name] for pair in pairs]


def _results(
    engine: "Engine", run: PairScoring, todo: Sequence[Pair], total: int
) -> Iterator[tuple[str, tuple[str | None, Scored]]]:
    recipe = _ScoreRecipe(
        run.fields,
        run.methods,
        run.config,
        run.evaluator.name,
        run.reader,
        run.is_own,
        run.preferred,
        run.journal.wanted,
        _sight(run, todo),
    )
    killed = TooLittleMemory(
        "the workers that scored it were killed", got=f"{TRIES} in a row", remedy="give them more memory"
    )
    jobs = [Job(pair.name, pair, otherwise=killed) for pair in todo]
    with progress(total - len(todo), total) as shown:
        for name, result in Spread(engine, recipe, jobs, lambda: None, shown.alive).results():
            if isinstance(result, tuple):
                shown.advance()
                yield name, result


def _sight(run: PairScoring, todo: Sequence[Pair]) -> Sight:
    """An image and a field, of the first pair that has them."""
    for pair in todo:
        with suppress(DisplacementError):
            read = {path: hash_of(path) for path in (pair.fixed, run.field_of(pair))}
            if None not in read.values():
                return Sight({path: found for path, found in read.items() if found is not None})
    return Sight({})
