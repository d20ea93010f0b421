"""Where bundles lie that nobody names: those that ship, and those that a platform mounts."""

from pathlib import Path

__all__ = ["WEIGHT_FOLDERS", "bundle_of", "bundles"]

WEIGHT_FOLDERS = (Path("/opt/ml/model"), Path(__file__).resolve().parents[2] / "weights")
"""Grand Challenge mounts the weights of an algorithm at the first; they go before shipped ones."""


def bundle_of(task: str) -> Path:
    """The bundle for a task, or where it would ship if there were one."""
    paths = [folder / f"{task}.safetensors" for folder in WEIGHT_FOLDERS]
    return next((path for path in paths if path.is_file()), paths[-1])


def bundles() -> list[Path]:
    """The bundle of every task that has one, by task name."""
    tasks = {path.stem for folder in WEIGHT_FOLDERS for path in folder.glob("*.safetensors")}
    return [bundle_of(task) for task in sorted(tasks)]
