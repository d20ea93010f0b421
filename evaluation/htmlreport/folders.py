"""File names as a page may show them: without the folders above, which may name a person or a hospital."""

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["without_folders"]


def without_folders(text: str, folders: Iterable[Path]) -> str:
    """Returns a sentence in which the files of some folders are named from their folder on."""
    for folder in sorted(folders, key=lambda one: len(str(one)), reverse=True):
        if folder == Path():
            continue
        # Itself, with what is in it; no folder whose name only begins or ends so.
        place = rf"(?<![\w./-]){re.escape(str(folder))}"
        text = re.sub(rf"{place}(?![\w/-])", folder.name.replace("\\", r"\\"), re.sub(f"{place}/", "", text))
    return text
