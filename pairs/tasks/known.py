"""What is known of the tasks of the challenge: one JSON file for each, with all of it."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pairs.errors import TaskError
from pairs.fields.profile import Shape3

__all__ = ["Edition", "KnownTask", "OfficialList", "known_task", "known_tasks"]

_DATA = Path(__file__).parent / "data"

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


class Edition(BaseModel):
    """What the host of one or more years reads.

    Attributes:
        years: Of the challenge, in words.
        profile: Name of the output profile.
        grid: (X, Y, Z) of the images, where only this edition has it.
        old_names: Whether its images are called `img0001.nii.gz`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    years: str
    profile: str
    grid: Shape3 | None = None
    old_names: bool = False

    def __str__(self) -> str:
        return f"{self.profile} ({self.years})"


class KnownTask(BaseModel):
    """One task.

    Attributes:
        name: As the organisers write it.
        begins: What the name of a dataset begins with, in small letters, to be one of this task.
        prefix: First part of the names of its images.
        anatomy: Part of the body, as prompts name it.
        modality: Name of each modality number.
        labels: Names of the labels, for each modality number.
        zip_number: Number of the task in the zips of 2020 and 2021.
        editions: Editions, the oldest first; none of a task that is not of the challenge.
        lists: Official pair lists, the newest first.
        weights: Name of the task whose weights register this one too, where it has none of its own.
        configuration: Settings of its networks and trainings, as `pipeline.config` reads them; None where
            none are shipped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    begins: str
    prefix: str = ""
    anatomy: str | None = None
    modality: dict[int, str] = {}
    labels: dict[int, dict[int, str]] = {}
    zip_number: int | None = None
    editions: tuple[Edition, ...] = ()
    lists: tuple[OfficialList, ...] = ()
    weights: str | None = None
    configuration: dict[str, Any] | None = None

    def select(self, edition: str, split: str) -> tuple[OfficialList, ...]:
        """Returns the lists of one edition and split; ThoraxCBCT has one for each of its fixed modalities.

        Raises:
            TaskError: If the task has no such list.
        """
        chosen = tuple(entry for entry in self.lists if (entry.edition, entry.split) == (edition, split))
        if not chosen:
            known = ", ".join(" ".join(which) for which in self.splits())
            raise TaskError(
                "no such official list", where=self.name, expected=known, got=f"{edition} {split}"
            )
        return chosen

    def splits(self) -> tuple[tuple[str, str], ...]:
        """Returns every (edition, split) that has a list, in the order of the file."""
        return tuple(dict.fromkeys((entry.edition, entry.split) for entry in self.lists))


@cache
def known_tasks() -> tuple[KnownTask, ...]:
    """Returns all of them, by name."""
    paths = sorted(_DATA.glob("*.json"))
    return tuple(KnownTask.model_validate_json(path.read_text(encoding="utf-8")) for path in paths)


def known_task(name: str) -> KnownTask | None:
    """Returns the task that a dataset of this name is of, or None for a task of one's own."""
    return next((task for task in known_tasks() if name.lower().startswith(task.begins)), None)
