"""What lies one folder away from where a task or its images were looked for, and what to type instead."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from pairs.tasks.imagefiles import label_path, list_images
from pairs.tasks.pair import Pair

__all__ = [
    "descriptions",
    "is_data_folder",
    "list_above_hint",
    "missing_images_hint",
    "missing_task_hint",
    "no_task_hint",
]

_IMAGES = "images"
# Label maps are named as their images are.
_DATA = (_IMAGES, "labels", "masks")
_TOLD = 3


def descriptions(folder: Path) -> list[Path]:
    """Returns the dataset JSONs of a folder; `dataset.json` counts where there is no other."""
    try:
        named = sorted(path for path in folder.glob("*_dataset.json") if not path.name.startswith("."))
        return named or [path for path in (folder / "dataset.json",) if path.is_file()]
    except OSError:
        return []


def is_data_folder(source: Path) -> bool:
    """Says whether a folder is one of images or label maps in a task, by its name."""
    return source.absolute().name.startswith(_DATA)


def missing_task_hint(source: Path) -> str | None:
    """Returns what to type for a folder or file that does not exist."""
    parent = source.absolute().parent
    others = [name for name in _names(parent) if name != source.name]
    close = difflib.get_close_matches(source.name, others, n=1)
    if close:
        return f"did you mean {source.with_name(close[0])}?"
    if found := descriptions(parent):
        return f"{found[0].name} lies one folder up: give {source.parent}"
    return None


def no_task_hint(source: Path) -> str:
    """Returns what to type for a folder that is no task by itself."""
    parent = source.absolute().parent
    if source.absolute().name.startswith(_IMAGES):
        return f"this is a folder of images; give the task folder that it lies in: {_shown(source)}"
    if below := [folder for folder in _folders(source) if descriptions(folder)]:
        return f"one folder down are tasks: give {' or '.join(map(str, below[:_TOLD]))}"
    if found := descriptions(parent):
        own = any(folder.name.startswith(_IMAGES) for folder in _folders(source))
        if own:
            return f"{found[0].name} lies one folder up: move it here, or give it with --pairs"
        return f"{found[0].name} lies one folder up: give {_shown(source)}"
    if is_data_folder(source):
        return f"this is a folder of label maps; give the task folder that it lies in: {_shown(source)}"
    if below := [folder for folder in _folders(source) if _has_images(folder)]:
        return f"one folder down are images: give {' or '.join(map(str, below[:_TOLD]))}"
    if _has_images(source):
        return "there are images and no dataset JSON: give a list of their pairs with --pairs"
    return "give the folder that holds the dataset JSON, or a list of pairs with --pairs"


def list_above_hint(source: Path) -> str | None:
    """Says that the folder above describes a task, where this one has no description of its own."""
    found = descriptions(source.absolute().parent)
    return f"{found[0].name} lies one folder up: give it with --pairs for its pairs" if found else None


def missing_images_hint(root: Path, pairs: Sequence[Pair]) -> str | None:
    """Says where the images of the pairs are, when none of them is where the list says.

    Returns:
        A sentence; None where an image or its label map is in its place, or there are no images at all.
    """
    images = {path for pair in pairs for path in (pair.fixed, pair.moving)}
    if any(_exists(path) or _exists(label_path(path)) for path in images):
        return None
    first = min(images)
    place = first.relative_to(root).as_posix()
    what = f"none of the {len(images)} images of the pairs is in the task folder, such as {place}"
    near = _folders(root)
    for folder in (*near, *(inner for one in near for inner in _folders(one))):
        if _exists(folder / first.name):
            return f"{what}; {first.name} lies in {folder}: {_move(folder, first.parent, root)}"
    above = root.absolute().parent
    if _exists(above / place):
        return f"{what}; they lie one folder up, in {above}: give that folder, and this list with --pairs"
    return f"{what}; is the list that of another task or edition?" if list_images(root) else None


def _move(folder: Path, expected: Path, root: Path) -> str:
    if folder.parent == root:
        return f"rename that folder to {expected.name}, or write {folder.name} in the list"
    return f"give {folder.parent} as the task folder, and this list with --pairs"


def _shown(source: Path) -> Path:
    """Returns the folder above, as the user would write it."""
    return source.parent if source.name and source.parent != source else source.absolute().parent


def _has_images(folder: Path) -> bool:
    return any(one.name.startswith(_IMAGES) for one in _folders(folder))


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
