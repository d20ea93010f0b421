"""Where images and label maps lie in a task folder, under the names the releases have used."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pairs.errors import TaskError
from pairs.files.regularfile import is_regular
from pairs.tasks.imageid import ImageId, parse_image_id

__all__ = [
    "find_image",
    "has_name_of_2021",
    "image_id",
    "image_prefixes",
    "image_texts",
    "label_path",
    "list_images",
    "sibling_path",
]

_IMAGE_FOLDERS = ("imagesTr", "imagesVal", "imagesTs", ".")
_MAX_TEXT = 200
_PREFIXED = re.compile(r"(.+)_[0-9]{4}_[0-9]{4}\.nii(\.gz)?")
_NAME_2021 = re.compile(r"img([0-9]{4})\.nii(?:\.gz)?")


def has_name_of_2021(image: Path) -> bool:
    """Says whether an image is called `img0001.nii.gz`, as in the releases until 2021."""
    return _NAME_2021.fullmatch(image.name) is not None


def label_path(image: Path) -> Path:
    """Returns the label map of an image: the same name in `labelsXx` beside `imagesXx`.

    For `img0001.nii.gz` of 2020/21 it is `label0001.nii.gz` or `seg0001.nii.gz`, whichever exists.
    """
    folder = image.parent
    if folder.name.startswith("images"):
        folder = folder.with_name("labels" + folder.name.removeprefix("images"))
    if not has_name_of_2021(image):
        return folder / image.name
    candidates = [folder / (word + image.name.removeprefix("img")) for word in ("label", "seg")]
    return next((path for path in candidates if is_regular(path)), candidates[0])


def sibling_path(image: Path, word: str, suffix: str | None = None) -> Path:
    """Returns the path of what belongs to an image: imagesTr/A.nii.gz -> {word}Tr/A.nii.gz.

    Args:
        image: Path of the image, in a folder named images, imagesTr, imagesTs or imagesVal.
        word: What takes the place of "images" in the folder's name.
        suffix: What takes the place of .nii.gz or .nii; None leaves it.

    Raises:
        TaskError: If the folder's name does not begin with "images".
    """
    folder = image.parent.name
    if not folder.startswith("images"):
        raise TaskError(
            "image is in an unknown folder", where=image, expected="a folder named images...", got=folder
        )
    name = image.name
    if suffix is not None:
        name = name.removesuffix(".gz").removesuffix(".nii") + suffix
    return image.parent.parent / (word + folder.removeprefix("images")) / name


def image_id(path: Path) -> ImageId:
    """Returns the id in a file name; `img0001.nii.gz` of 2020/21 has one modality, 0000.

    Raises:
        TaskError: If the name holds no id.
    """
    old = _NAME_2021.fullmatch(path.name)
    return ImageId(old.group(1), "0000") if old else parse_image_id(path.name)


def list_images(root: Path) -> list[Path]:
    """Returns all NIfTI files in the image folders of a task, in order of their names."""
    folders = [root / name for name in _IMAGE_FOLDERS if (root / name).is_dir()]
    return [
        path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.name.endswith((".nii.gz", ".nii")) and not path.name.startswith(".")
    ]


def image_prefixes(root: Path) -> list[str]:
    """Returns the first words of the image names (`OASIS` in `OASIS_0395_0000.nii.gz`), by frequency."""
    names = (_PREFIXED.fullmatch(path.name) for path in list_images(root))
    return [prefix for prefix, _ in Counter(name.group(1) for name in names if name).most_common()]


def image_texts(root: Path, text: str) -> Iterator[str]:
    """Yields the images of a task that a text may mean which lacks the folder or the ending of its file.

    Args:
        root: The task folder.
        text: A file name without slashes, or a path without `.nii.gz`; a text of any other kind means itself.
    """
    bare = "/" not in text and not text.startswith("~")
    if len(text) > _MAX_TEXT or not text.isprintable():
        return
    endings = ("",) if text.lower().endswith((".nii", ".nii.gz")) else (".nii.gz", ".nii")
    # A text with a folder is looked for where it says, once its ending is there.
    places = _IMAGE_FOLDERS if bare else (".",) if endings[0] and ".." not in text else ()
    for place in places:
        for ending in endings:
            relative = PurePosixPath(place, text + ending)
            if not relative.is_absolute() and (root / relative).is_file():
                yield relative.as_posix()


def find_image(root: Path, prefix: str, number: int, modality: int, *, folder: str = "imagesTr") -> Path:
    """Returns the image of a subject in any of the folders and under any of the names the releases have used.

    Where none exists the current name is returned: the missing file is reported when the image is read.

    Args:
        root: The task folder.
        prefix: The first word of the file names.
        number: Subject number.
        modality: Modality number.
        folder: The folder to look in first.
    """
    stems = (f"{prefix}_{number:04d}_{modality:04d}", f"img{number:04d}")
    folders = dict.fromkeys((folder, *_IMAGE_FOLDERS))
    candidates = [
        root / place / f"{stem}{suffix}"
        for stem in stems
        for place in folders
        for suffix in (".nii.gz", ".nii")
    ]
    return next((path for path in candidates if path.is_file()), candidates[0])
