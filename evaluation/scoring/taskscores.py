"""The scores of a task folder and a folder of fields, for the command line and for Python alike."""

from functools import partial
from pathlib import Path

from cluster.options import opened_engine, require_cluster
from evaluation.scoring.evaluate import Evaluation, evaluate_task
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.taskarguments import read_scored_task
from pairs.errors import UsageError, require_choice
from pairs.fields.foreign.readers import FOREIGN_READERS

__all__ = ["evaluate"]


def evaluate(
    task: str | Path,
    fields: str | Path,
    *,
    pairs: str | Path | None = None,
    config: str | Path | None = None,
    tool: str | None = None,
    evaluator: str | None = None,
    follow_links: bool = False,
    journal: str | Path | None = None,
    jobs: int | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Evaluation:
    """Scores the fields of a task with the official numbers; a pair that cannot be scored stops no other.

    Args:
        task: The task folder, or its dataset JSON.
        fields: Folder of displacement fields.
        pairs: A pair list in place of the task's own.
        config: The official evaluation configuration; without it the three official metrics are computed.
        tool: What wrote the fields: ants, elastix, greedy, itk or npz; None for fields of the challenge.
        evaluator: Whose formulas: 2.0, 2023, 2021 or 2020; None takes the one that reads the fields.
        follow_links: Whether images behind symlinks are read.
        journal: File that keeps finished pairs, so that a stopped evaluation can go on; remove it afterwards.
        jobs: Number of threads; None takes one for each core. The numbers do not depend on it.
        workers: Number of processes of this machine that share the pairs, in the place of threads. They
            import the script that asks for them, whose work must be behind `if __name__ == "__main__"`.
        scheduler: Address of a Dask scheduler, whose workers share the pairs.

    Returns:
        The `scores` of each pair: `name`, metrics `before` and `after` registration, such as
        `after["DSC"].mean`, and `regularity`; and the `failures`, by the name of the pair.

    Raises:
        TaskError: If the task or the configuration cannot be used.
        NothingToDo: If there are no pairs.
        UsageError: If there is no such tool or evaluator, or the fields are made for different ones.
        DisplacementError: If no pair has a field that can be read.
        VolumeError: If no pair can be scored, and ground truth is missing, damaged or of another shape.
        OutputError: If the journal cannot be used.

    Examples:
        With the demo (`./run.sh demo`) in the folder where you are:

        >>> scores = evaluate("demo/task", "demo/fields").scores
        >>> len(scores), scores[0].after["DSC"].mean > scores[0].before["DSC"].mean
        (6, True)
    """
    for what, given, choices in (("tool", tool, FOREIGN_READERS), ("evaluator", evaluator, EVALUATORS)):
        if given is not None:
            require_choice(what, given, choices)
    require_cluster(workers, scheduler)
    engine = None
    if workers is not None or scheduler is not None:
        if jobs is not None:
            remedy = "leave it out with workers or a scheduler"
            raise UsageError("--jobs is of this process alone", remedy=remedy)
        engine = partial(opened_engine, workers, scheduler)
        # Workers have working folders of their own.
        task, fields = Path(task).absolute(), Path(fields).absolute()
    read, settings = read_scored_task(task, pairs=pairs, config=config, follow_links=follow_links)
    return evaluate_task(
        read,
        Path(fields),
        settings,
        evaluator=None if evaluator is None else EVALUATORS[evaluator],
        read_field=None if tool is None else FOREIGN_READERS[tool],
        journal=None if journal is None else Path(journal),
        jobs=jobs,
        engine=engine,
    )
