"""What a pair list or dataset description says, in one form whichever dialect it was written in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pairs.tasks.imageid import ImageId

__all__ = ["FixedModality", "PairText", "SubjectText", "TaskForm"]


@dataclass(frozen=True)
class PairText:
    """One pair as it is written: path texts, or the integer ids of a 2020/21 list.

    Attributes:
        fixed: The fixed image.
        moving: The moving image.
        where: Place of the pair in its file.
        sides: What leads from there to the fixed and to the moving image.
    """

    fixed: str | int
    moving: str | int
    where: str
    sides: tuple[str, str] = (".fixed", ".moving")


@dataclass(frozen=True)
class SubjectText:
    """One image of a training list as it is written."""

    image: str
    label: str | None
    where: str


@dataclass(frozen=True)
class TaskForm:
    """A parsed description; paths are texts and nothing of the task folder has been looked at.

    Attributes:
        name: Task name, where the file has one.
        pairs: The pairs to register.
        subjects: The training images.
        listed: Other path texts of the file, with their places, that are checked and not used.
        labels: Label names by modality number.
        modality: Modality words by modality number.
        shapes: Image shapes (X, Y, Z) by modality number.
        fixed_modality: Modality number of the fixed images, where the file states it.
        moving_modality: The same of the moving images.
        warnings: What is odd and harmless.
        faults: What is wrong, one sentence each.
    """

    name: str | None = None
    pairs: tuple[PairText, ...] = ()
    subjects: tuple[SubjectText, ...] = ()
    listed: tuple[tuple[str, str], ...] = ()
    labels: Mapping[int, Mapping[int, str]] = field(default_factory=dict)
    modality: Mapping[int, str] = field(default_factory=dict)
    shapes: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    fixed_modality: int | None = None
    moving_modality: int | None = None
    warnings: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class FixedModality:
    """What is said of the modality of the fixed images; the task's own words come before the pair list's.

    Args:
        own: The task's own description.
        given: The pair list in use.
        first_fixed: Identifiers of the first fixed image.
    """

    def __init__(self, own: TaskForm, given: TaskForm, first_fixed: ImageId) -> None:
        self._forms = (own, given)
        # ThoraxCBCT pairs have two fixed modalities; the stated direction decides, else the first pair.
        self._number = own.fixed_modality if own.fixed_modality is not None else int(first_fixed.modality)

    def label_names(self) -> dict[int, str]:
        """Returns the names by label id, empty where there are none."""
        return next((dict(names) for form in self._forms if (names := form.labels.get(self._number))), {})

    def modality(self) -> str:
        """Returns the word for it, empty where it is unknown."""
        return next((word for form in self._forms if (word := form.modality.get(self._number))), "")

    def shape(self) -> tuple[int, int, int] | None:
        """Returns the stated shape of the fixed modality, or the one shape that all modalities share."""
        for form in self._forms:
            shapes = set(form.shapes.values())
            if self._number in form.shapes:
                return form.shapes[self._number]
            if len(shapes) == 1:
                return shapes.pop()
        return None
