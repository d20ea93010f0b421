"""Which description a task folder has: its dataset JSON, an official list, or the list that is given."""

from dataclasses import replace
from pathlib import Path

from pairs.errors import TaskError
from pairs.tasks.dialects import read_form
from pairs.tasks.nearby import (
    descriptions,
    is_data_folder,
    list_above_hint,
    missing_task_hint,
    no_task_hint,
)
from pairs.tasks.official import official_form
from pairs.tasks.taskform import TaskForm

__all__ = ["own_form"]


def own_form(source: Path, given: TaskForm | None) -> TaskForm:
    """Returns what a task says of itself.

    Args:
        source: A task folder, or a file that describes one.
        given: A pair list from elsewhere, which stands in where the folder has neither a description nor the
            images of an official list.

    Raises:
        TaskError: If there is no task, or more than one; it says what is there one folder away.
    """
    # Also a named pipe, which its reader refuses by name.
    if source.exists() and not source.is_dir():
        return read_form(source)
    if not source.is_dir():
        raise TaskError("task folder or file is missing", where=source, remedy=missing_task_hint(source))
    documents = descriptions(source)
    if len(documents) == 1:
        return read_form(documents[0])
    if documents:
        got = ", ".join(path.name for path in documents)
        remedy = "name one of the files instead of the folder"
        raise TaskError(
            "ambiguous task folder", where=source, expected="one *_dataset.json", got=got, remedy=remedy
        )
    # A folder of images alone may hold some of an official list; its task is the folder that it lies in.
    official = None if is_data_folder(source) else official_form(source)
    if official is not None and given is None and (hint := list_above_hint(source)) is not None:
        return replace(official, warnings=(*official.warnings, hint))
    form = official or given
    if form is None:
        expected = "one *_dataset.json, or images that an official pair list names"
        raise TaskError("no task found", where=source, expected=expected, remedy=no_task_hint(source))
    return form
