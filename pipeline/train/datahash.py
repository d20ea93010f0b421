"""The training data as one hash: a training that was begun on other data is not resumed."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from pairs.tasks.pair import Subject
from pairs.tasks.task import Task
from pipeline.config import SplitConfig
from pipeline.weights.bundle import file_hash

__all__ = ["data_hash", "subjects_seen"]


def subjects_seen(task: Task, split: SplitConfig | None = None) -> tuple[Subject, ...]:
    """All that a training may look at: those of no pair, or those that the configuration's split names."""
    if split is None:
        return task.training_subjects(labelled=False)
    numbers = {*split.training, *split.held_out}
    return tuple(one for one in task.subjects if int(one.id.subject) in numbers)


def data_hash(subjects: Iterable[Subject], segmentations: Path | None = None) -> str:
    """Hash of images and label maps, by names and bytes.

    They are read a second time for it, which is little beside a training, and cannot be deceived as sizes and
    times of change can. A file that cannot be read counts as absent; whatever loads it reports what is wrong.

    Args:
        subjects: those of every task that is trained on.
        segmentations: folder of the user's own segmentations, named as the images.
    """
    digest = sha256()
    for subject in subjects:
        own = None if segmentations is None else segmentations / subject.image.name
        for path in (subject.image, subject.label, own):
            digest.update(f"{path.name if path else ''} {_content(path)}\n".encode())
    return digest.hexdigest()


def _content(path: Path | None) -> str:
    try:
        return file_hash(path) if path is not None and path.is_file() else "absent"
    except OSError:
        return "absent"
