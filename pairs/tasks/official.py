"""The official pair lists of the Learn2Reg tasks, for folders that come without one."""

from pathlib import Path

from pairs.errors import TaskError
from pairs.files.regularfile import is_regular
from pairs.tasks.imagefiles import find_image, image_prefixes, label_path, list_images
from pairs.tasks.known import KnownTask, OfficialList, known_tasks
from pairs.tasks.taskform import PairText, SubjectText, TaskForm

__all__ = ["official_form", "official_names", "read_official"]


def official_names() -> tuple[str, ...]:
    """Returns the names of the tasks with official lists."""
    return tuple(task.name for task in known_tasks() if task.lists)


def read_official(name: str) -> KnownTask:
    """Returns a task with official lists.

    Raises:
        TaskError: If there are none of that name.
    """
    found = next((task for task in known_tasks() if task.lists and task.name == name), None)
    if found is None:
        raise TaskError("no official pair list", where=name, expected=", ".join(official_names()))
    return found


def official_form(root: Path) -> TaskForm | None:
    """Returns the official list that fits a folder by its name or its image names, or None.

    Subject numbers overlap between editions, so the edition and split of which the largest share of pairs is
    present wins; on a tie the first of the data file, which has the newest validation list first.
    """
    best: tuple[float, TaskForm] | None = None
    for task in _candidates(root):
        for edition, split in task.splits():
            pairs = [
                _pair_paths(root, task, entry, i)
                for entry in task.select(edition, split)
                for i in entry.pairs
            ]
            present = sum(fixed.is_file() and moving.is_file() for fixed, moving in pairs) / len(pairs)
            if present > 0 and (best is None or present > best[0]):
                best = present, _form(root, task, pairs, f"{edition} {split}")
    return None if best is None else best[1]


def _candidates(root: Path) -> list[KnownTask]:
    prefixes = image_prefixes(root)
    folder = root.resolve().name.lower()
    tasks = [read_official(name) for name in official_names()]
    return [task for task in tasks if task.prefix in prefixes or folder.startswith(task.name.lower())]


def _pair_paths(
    root: Path, task: KnownTask, entry: OfficialList, numbers: tuple[int, int]
) -> tuple[Path, Path]:
    fixed, moving = numbers
    return (
        find_image(root, task.prefix, fixed, entry.fixed_modality, folder=entry.folder),
        find_image(root, task.prefix, moving, entry.moving_modality, folder=entry.folder),
    )


def _form(root: Path, task: KnownTask, pairs: list[tuple[Path, Path]], which: str) -> TaskForm:
    texts = [
        (fixed.relative_to(root).as_posix(), moving.relative_to(root).as_posix()) for fixed, moving in pairs
    ]
    return TaskForm(
        name=task.name,
        pairs=tuple(
            PairText(fixed, moving, f"official list [{i}]") for i, (fixed, moving) in enumerate(texts)
        ),
        subjects=tuple(_subjects(root)),
        labels=task.labels,
        modality=task.modality,
        warnings=(f"no *_dataset.json; the official {which} list of {task.name} is used",),
    )


def _subjects(root: Path) -> list[SubjectText]:
    """Returns every image with an id; its label map where there is one."""
    subjects = []
    for image in list_images(root):
        label = label_path(image)
        text = image.relative_to(root).as_posix()
        own = label != image and label.is_relative_to(root) and is_regular(label)
        label_text = label.relative_to(root).as_posix() if own else None
        subjects.append(SubjectText(text, label_text, text))
    return subjects
