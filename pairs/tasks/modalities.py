"""The modalities of a task in words, such as "MR": of its descriptions, and of what is known of it."""

from pairs.tasks.known import known_task
from pairs.tasks.taskform import TaskForm

__all__ = ["modality_words"]


def modality_words(name: str, *forms: TaskForm) -> dict[str, str]:
    """Returns the word of each modality number as file names have it ("0000"), where it is known.

    Args:
        name: Of the task; what is known of it stands in where no description has a word.
        forms: Its descriptions; the words of an earlier one come before those of a later one.
    """
    known = known_task(name)
    words = [form.modality for form in forms] + ([] if known is None else [known.modality])
    return {f"{number:04d}": word for some in reversed(words) for number, word in some.items() if word}
