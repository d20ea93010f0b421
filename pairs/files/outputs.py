"""The files and folders that a command writes, none of which may be one that it reads."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pairs.errors import UsageError
from pairs.files.reportnames import is_report
from pairs.files.wholefile import probe_file
from pairs.tasks.nearby import descriptions

__all__ = ["require_output_folder", "require_outputs"]

# Folders of a task that hold nothing but data: imagesTr, labelsVal, landmarksTs.
_DATA_FOLDER = re.compile(r"[a-z]+(Tr|Ts|Val)")
# Images, label maps, fields and affine matrices; no command but `predict` writes such files.
_DATA = (".nii", ".gz", ".npz", ".npy", ".mha", ".mhd", ".raw", ".nrrd", ".mat", ".h5", ".txt")


def require_outputs(
    outputs: Iterable[Path | None], *, tasks: Iterable[Path] = (), inputs: Iterable[Path | None] = ()
) -> None:
    """Refuses output files that would replace what is read, and those that cannot be written.

    In a folder that is read, descriptions, data and the report of `predict` are taken; results of an earlier
    run, such as a table of scores, may be replaced.

    Args:
        outputs: Files to write; None where an option is not given.
        tasks: Task folders, or files that describe one and lie in its folder.
        inputs: All else that is read, files and folders; None where an option is not given.

    Raises:
        UsageError: If an output is an input or another output.
        OutputError: If an output cannot be written; see `probe_file`.
    """
    wanted = [path for path in outputs if path is not None]
    tasks = list(tasks)
    read = [*tasks, *(path for path in inputs if path is not None)]
    folders = {*(path for path in read if path.is_dir()), *(path.parent for path in tasks if path.is_file())}
    taken = {path.resolve() for path in read}
    for path in wanted:
        if path.resolve() in taken or any(_is_data(path, folder) for folder in folders):
            raise UsageError(
                "output is also an input or another output", where=path, remedy="give the name of a new file"
            )
        taken.add(path.resolve())
    for path in wanted:
        probe_file(path)


def require_output_folder(folder: Path, root: Path, inputs: Iterable[Path]) -> None:
    """Refuses a folder for output that holds what is read.

    Args:
        folder: Where the output goes; may be absent.
        root: The task folder.
        inputs: Folders of images or segmentations.

    Raises:
        UsageError: If it is one of them, or a folder of data in the task folder, such as `labelsTr`.
    """
    place = folder.resolve()
    is_in_task = place.parent == root.resolve() and _DATA_FOLDER.fullmatch(place.name)
    if is_in_task or place in {path.resolve() for path in inputs}:
        raise UsageError("output is also an input", where=folder, remedy="give a folder for the fields alone")


def _is_data(path: Path, folder: Path) -> bool:
    """Whether a file is there that belongs to a folder that is read; links are looked at from both ends."""
    if not os.path.lexists(path):
        return False
    described = {one.resolve() for one in descriptions(folder)}
    for place, root in ((path.absolute(), folder.absolute()), (path.resolve(), folder.resolve())):
        place, root = Path(os.path.normpath(place)), Path(os.path.normpath(root))
        if not place.is_relative_to(root):
            continue
        *parents, name = place.relative_to(root).parts
        # The folder itself may be one of images.
        in_data_folder = any(_DATA_FOLDER.fullmatch(part) for part in (root.name, *parents))
        if in_data_folder or is_report(name) or name.lower().endswith(_DATA) or place.resolve() in described:
            return True
    return False
