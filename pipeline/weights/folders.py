"""Where bundles lie that nobody names: those that ship, and those that a platform mounts."""

from pathlib import Path

from pairs.tasks.known import known_task

__all__ = ["WEIGHT_FOLDERS", "bundle_of", "bundles"]

WEIGHT_FOLDERS = (Path("/opt/ml/model"), Path(__file__).resolve().parents[2] / "weights")
"""Grand Challenge mounts the weights of an algorithm at the first; they go before shipped ones."""


def bundle_of(task: str) -> Path:
    """The bundle for a task, else of a task whose weights serve it too, or where its own would ship."""
    known = known_task(task)
    names = [task] if known is None or known.weights is None else [task, known.weights]
    paths = [folder / f"{name}.safetensors" for name in names for folder in WEIGHT_FOLDERS]
    return next((path for path in paths if path.is_file()), WEIGHT_FOLDERS[-1] / f"{task}.safetensors")


def bundles() -> list[Path]:
    """The bundle of every task that has one, by task name."""
    tasks = {path.stem for folder in WEIGHT_FOLDERS for path in folder.glob("*.safetensors")}
    return [bundle_of(task) for task in sorted(tasks)]
