"""Files that belong to an image: its mask and its points lie in folders beside the images."""

from pathlib import Path

from pairs.errors import TaskError

__all__ = ["sibling_path"]

_IMAGES = "images"


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
    if not folder.startswith(_IMAGES):
        raise TaskError(
            "image is in an unknown folder", where=image, expected="a folder named images...", got=folder
        )
    name = image.name
    if suffix is not None:
        name = name.removesuffix(".gz").removesuffix(".nii") + suffix
    return image.parent.parent / (word + folder.removeprefix(_IMAGES)) / name
