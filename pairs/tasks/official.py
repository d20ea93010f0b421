"""The official pair lists of every Learn2Reg task, shipped as data, for folders that come without one."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pairs.errors import TaskError
from pairs.files.regularfile import is_regular
from pairs.tasks.imagefiles import find_image, image_prefixes, label_path, list_images
from pairs.tasks.taskform import PairText, SubjectText, TaskForm

__all__ = ["OfficialList", "OfficialTask", "official_form", "official_names", "read_official"]

_DATA = Path(__file__).parent / "known"

Number = Annotated[int, Field(ge=0, le=9999)]


class OfficialList(BaseModel):
    """Pairs of one edition and split that share their modalities.

    Attributes:
        edition: Year from which the subject numbers hold; they differ between editions of one task.
        split: Validation (public) or test.
        folder: Folder of the images in that edition.
        fixed_modality: Modality number of every fixed image.
        moving_modality: Modality number of every moving image.
        pairs: Subject numbers (fixed, moving) in the official order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    edition: str
    split: Literal["validation", "test"]
    folder: Literal["imagesTr", "imagesTs", "imagesVal"]
    fixed_modality: Number
    moving_modality: Number
    pairs: tuple[tuple[Number, Number], ...]


class OfficialTask(BaseModel):
    """One task with the lists of all its editions, the newest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    prefix: str
    modality: dict[int, str]
    labels: dict[int, dict[int, str]]
    lists: tuple[OfficialList, ...]

    def select(self, edition: str, split: str) -> tuple[OfficialList, ...]:
        """Returns the lists of one edition and split; ThoraxCBCT has one for each of its fixed modalities.

        Raises:
            TaskError: If the task has no such list.
        """
        chosen = tuple(entry for entry in self.lists if (entry.edition, entry.split) == (edition, split))
        if not chosen:
            known = ", ".join(
                f"{entry_edition} {entry_split}" for entry_edition, entry_split in self.editions()
            )
            raise TaskError(
                "no such official list", where=self.name, expected=known, got=f"{edition} {split}"
            )
        return chosen

    def editions(self) -> tuple[tuple[str, str], ...]:
        """Returns every (edition, split), in the order of the file."""
        return tuple(dict.fromkeys((entry.edition, entry.split) for entry in self.lists))


def official_names() -> tuple[str, ...]:
    """Returns the names of the tasks with official lists."""
    return tuple(sorted(path.stem for path in _DATA.glob("*.json")))


def read_official(name: str) -> OfficialTask:
    """Reads the lists of one task.

    Raises:
        TaskError: If there are none of that name.
    """
    if name not in official_names():
        raise TaskError("no official pair list", where=name, expected=", ".join(official_names()))
    return OfficialTask.model_validate_json((_DATA / f"{name}.json").read_text(encoding="utf-8"))


def official_form(root: Path) -> TaskForm | None:
    """Returns the official list that fits a folder by its name or its image names, or None.

    Subject numbers overlap between editions, so the edition and split of which the largest share of pairs is
    present wins; on a tie the first of the data file, which has the newest validation list first.
    """
    best: tuple[float, TaskForm] | None = None
    for task in _candidates(root):
        for edition, split in task.editions():
            pairs = [
                _pair_paths(root, task, entry, i)
                for entry in task.select(edition, split)
                for i in entry.pairs
            ]
            present = sum(fixed.is_file() and moving.is_file() for fixed, moving in pairs) / len(pairs)
            if present > 0 and (best is None or present > best[0]):
                best = present, _form(root, task, pairs, f"{edition} {split}")
    return None if best is None else best[1]


def _candidates(root: Path) -> list[OfficialTask]:
    prefixes = image_prefixes(root)
    folder = root.resolve().name.lower()
    tasks = [read_official(name) for name in official_names()]
    return [task for task in tasks if task.prefix in prefixes or folder.startswith(task.name.lower())]


def _pair_paths(
    root: Path, task: OfficialTask, entry: OfficialList, numbers: tuple[int, int]
) -> tuple[Path, Path]:
    fixed, moving = numbers
    return (
        find_image(root, task.prefix, fixed, entry.fixed_modality, folder=entry.folder),
        find_image(root, task.prefix, moving, entry.moving_modality, folder=entry.folder),
    )


def _form(root: Path, task: OfficialTask, pairs: list[tuple[Path, Path]], which: str) -> TaskForm:
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
