"""A Learn2Reg task: its pairs, its training subjects and its label names, read from any dialect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pairs.errors import NothingToDo, TaskError
from pairs.tasks.dialects import read_form
from pairs.tasks.imagefiles import find_image, image_id, image_prefixes, image_texts, label_path
from pairs.tasks.imageid import ImageId
from pairs.tasks.modalities import modality_words
from pairs.tasks.nearby import missing_images_hint
from pairs.tasks.pair import Pair, Subject, output_name_faults, short_name_warnings
from pairs.tasks.pathrules import SymlinkLeaves, link_faults, resolve_inside
from pairs.tasks.taskfolder import own_form
from pairs.tasks.taskform import FixedModality, PairText, SubjectText, TaskForm

__all__ = ["Pair", "Subject", "Task", "label_path", "read_task"]

_NAMELESS_SHOWN = 3


@dataclass(frozen=True)
class Task:
    """A task folder as its description has it; image files may still be missing.

    Attributes:
        name: Task name.
        root: The task folder.
        pairs: The pairs to register, each once, in the order of the file.
        subjects: The images of the training list.
        label_names: Names by label id of the fixed modality, without background; empty where there are none.
        modality: The word for the modality of the fixed images, such as "MR"; empty where unknown.
        shape: (X, Y, Z) of the fixed images as the file states it, or None; the images themselves decide.
        warnings: What is odd and harmless, one sentence each.
        held_out: Subject numbers of every pair in the task's own lists, also when another pair list is used.
        left_out: The pairs of the task's own list that are not done, where the list in use is a part of it.
        modalities: The word of each modality number as file names have it ("0000"), where it is known.
    """

    name: str
    root: Path
    pairs: tuple[Pair, ...]
    subjects: tuple[Subject, ...]
    label_names: Mapping[int, str]
    modality: str
    shape: tuple[int, int, int] | None
    warnings: tuple[str, ...]
    held_out: frozenset[str] = field(default_factory=frozenset)
    left_out: tuple[Pair, ...] = ()
    modalities: Mapping[str, str] = field(default_factory=dict)

    def modalities_of(self, pair: Pair) -> tuple[str, str]:
        """Returns those of the fixed and the moving image: words where both are known, else the numbers."""
        numbers = pair.fixed_id.modality, pair.moving_id.modality
        fixed, moving = (self.modalities.get(number, "") for number in numbers)
        return (fixed, moving) if fixed and moving else numbers

    def training_subjects(self, *, labelled: bool = True) -> tuple[Subject, ...]:
        """Returns the images of subjects that occur in no pair; official lists hold validation images too.

        Args:
            labelled: Whether images without a label map are left out.
        """
        paired = self.held_out.union(
            *((pair.fixed_id.subject, pair.moving_id.subject) for pair in self.pairs)
        )
        return tuple(
            one
            for one in self.subjects
            if (one.label is not None or not labelled) and one.id.subject not in paired
        )


def read_task(source: Path, *, pairs_file: Path | None = None, follow_links: bool = False) -> Task:
    """Reads a task folder, or a dataset JSON, evaluation configuration, pair list or CSV file in it.

    Args:
        source: A folder with exactly one `*_dataset.json`, or with the images of a task that has an official
            pair list; or a file of any dialect, whose folder is then the task folder.
        pairs_file: A file of any dialect whose pairs replace those of the task; its paths are relative to the
            task folder, wherever the file itself lies.
        follow_links: Whether symlinks may lead out of the task folder.

    Raises:
        TaskError: If the description has faults; all are reported at once. Missing images are no fault here.
        NothingToDo: If there are no pairs.

    Examples:
        >>> import json
        >>> from pathlib import Path
        >>> pair = {"fixed": "./imagesTr/Toy_0001_0000.nii.gz", "moving": "./imagesTr/Toy_0002_0000.nii.gz"}
        >>> labels = {"0": {"1": "liver"}}
        >>> document = {"name": "Toy", "modality": {"0": "MR"}, "labels": labels, "registration_val": [pair]}
        >>> _ = Path("Toy_dataset.json").write_text(json.dumps(document))
        >>> task = read_task(Path())
        >>> task.name, task.label_names[1], [pair.name for pair in task.pairs]
        ('Toy', 'liver', ['0001_0000<--0002_0000'])
    """
    root = source if source.is_dir() else source.parent
    given = None if pairs_file is None else read_form(pairs_file)
    own = own_form(source, given)
    form = own if given is None else given
    reading = _Reading(root, own, follow_links)
    pairs = reading.pairs(form.pairs)
    own_pairs = pairs if own is form else reading.pairs(own.pairs)
    subjects = reading.subjects(own.subjects)
    reading.check(own.listed)
    name = own.name or form.name or root.resolve().name
    faults = (*own.faults, *form.faults, *_name_faults(name), *reading.faults, *output_name_faults(pairs))
    if faults:
        raise TaskError.collect(source, tuple(dict.fromkeys(faults)))
    if not pairs:
        remedy = "give a list of pairs with --pairs" if pairs_file is None else None
        where = source if pairs_file is None else pairs_file
        raise NothingToDo("no pairs to register", where=where, remedy=remedy)
    absent = missing_images_hint(root, pairs)
    odd = (*own.warnings, *form.warnings, *reading.warnings, *short_name_warnings(pairs))
    words = FixedModality(own, form, pairs[0].fixed_id)
    return Task(
        name,
        root,
        pairs,
        subjects,
        words.label_names(),
        words.modality(),
        words.shape(),
        warnings=tuple(dict.fromkeys(odd if absent is None else (*odd, absent))),
        held_out=frozenset(id_.subject for pair in own_pairs for id_ in (pair.fixed_id, pair.moving_id)),
        left_out=tuple(one for one in own_pairs if one not in pairs) if set(pairs) < set(own_pairs) else (),
        modalities=modality_words(name, own, form),
    )


class _Reading:
    """Turns path texts into checked paths and gathers what is wrong on the way."""

    def __init__(self, root: Path, form: TaskForm, follow_links: bool) -> None:
        self._faults: list[str] = []
        self._links: dict[str, str] = {}
        self._odd: list[str] = []
        self._nameless: list[str] = []
        self._root = root
        self._form = form
        self._follow_links = follow_links

    @property
    def faults(self) -> tuple[str, ...]:
        """What makes the task unusable."""
        return (*self._faults, *link_faults(self._links))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd and harmless; of many images without ids the first are named."""
        more = len(self._nameless) - _NAMELESS_SHOWN
        shown = self._nameless[:_NAMELESS_SHOWN]
        rest = [f"{more} more images have no identifiers in their names; not used"] if more > 0 else []
        return (*self._odd, *shown, *rest)

    def pairs(self, texts: Sequence[PairText]) -> tuple[Pair, ...]:
        """Returns each pair once."""
        found: dict[tuple[Path, Path], Pair] = {}
        for text in texts:
            fixed = self._side(text.fixed, text.where + text.sides[0], self._form.fixed_modality)
            moving = self._side(text.moving, text.where + text.sides[1], self._form.moving_modality)
            if fixed is None or moving is None:
                continue
            pair = Pair(fixed[0], moving[0], fixed[1], moving[1])
            key = (pair.fixed, pair.moving)
            if key in found:
                self._odd.append(f"{text.where}: pair {pair.name} is listed before; it is done once")
            elif pair.fixed == pair.moving:
                self._odd.append(f"{text.where}: fixed and moving are the same image ({pair.name})")
            found.setdefault(key, pair)
        return tuple(found.values())

    def subjects(self, texts: Sequence[SubjectText]) -> tuple[Subject, ...]:
        """Returns each image once; a name without ids is a warning, since official lists have wrong names."""
        found: dict[Path, Subject] = {}
        for text in texts:
            image = self._path(text.image, text.where)
            label = None if text.label is None else self._path(text.label, text.where)
            if image is None or (id_ := self._id_or_warning(image, text.where)) is None:
                continue
            if image in found:
                self._odd.append(f"{text.where}: {image.name} is listed before; it is used once")
            found.setdefault(image, Subject(id_, image, label))
        return tuple(found.values())

    def check(self, listed: Sequence[tuple[str, str]]) -> None:
        """Checks path texts that nothing here uses, because other tools would open them."""
        for text, where in listed:
            path = self._path(text, where)
            if path is not None:
                self._id_or_warning(path, where)

    def _side(self, text: str | int, where: str, modality: int | None) -> tuple[Path, ImageId] | None:
        if isinstance(text, int):
            # A link that leaves the task folder is refused for a number as for a path.
            numbered = self._path(self._numbered(text, modality or 0), where)
            identity = ImageId(f"{text:04d}", f"{modality or 0:04d}")
            return None if numbered is None else (numbered, identity)
        path = self._path(self._named(text), where)
        try:
            return None if path is None else (path, image_id(path))
        except TaskError as error:
            self._faults.append(f"{where}: {error}")
            return None

    def _numbered(self, number: int, modality: int) -> str:
        prefix = next(iter(image_prefixes(self._root)), self._form.name or self._root.resolve().name)
        return find_image(self._root, prefix, number, modality).relative_to(self._root).as_posix()

    def _named(self, text: str) -> str:
        """Completes a bare file name, or one without its ending, where that names an image of the task."""
        return next(iter(image_texts(self._root, text)), text)

    def _path(self, text: str, where: str) -> Path | None:
        try:
            return resolve_inside(self._root, text, follow_links=self._follow_links)
        except SymlinkLeaves as error:
            self._links.setdefault(text, f"{where}: {error}")
        except TaskError as error:
            self._faults.append(f"{where}: {error}")
        return None

    def _id_or_warning(self, path: Path, where: str) -> ImageId | None:
        try:
            return image_id(path)
        except TaskError as error:
            self._nameless.append(f"{where}: {error}; not used")
            return None


def _name_faults(name: str) -> list[str]:
    """Refuses what cannot be part of a file name, because outputs and weights are named after the task."""
    if (
        0 < len(name) <= 100
        and name.isprintable()
        # File systems count bytes, 255 of them with what is added to the name.
        and len(name.encode()) <= 200
        and not name.startswith(".")
        and not set(name) & set("/\\")
    ):
        return []
    return [f"name: expected 1 to 100 printable characters without slashes, got {name[:100]!r}"]
