"""Class names of others in a task's labels: a name is known in its usual spellings."""

import re
from collections.abc import Mapping, Sequence

__all__ = ["labels_by_name"]

_LEFT_OUT = {"and", "area", "gland", "proper", "the", "vein", "veins"}
_OTHER_SPELLINGS = {
    "oesophagus": "esophagus",
    "ivc": "inferiorvenacava",
    "postcava": "inferiorvenacava",
    "inf": "inferior",
    "lat": "lateral",
    "vent": "ventricle",
    "third": "3rd",
    "fourth": "4th",
}
"""Of a word, or of a whole name without its blanks."""


def labels_by_name(names: Mapping[int, str], classes: Sequence[str]) -> tuple[int, ...]:
    """The task's label of each class, 0 for what the task does not name; the first class is background.

    Args:
        names: Of the task's labels; case, blanks, hyphens and words such as vein and gland do not count.
        classes: Names of the classes.
    """
    labels = {_key(name): label for label, name in names.items()}
    return (0, *(labels.get(_key(name), 0) for name in classes[1:]))


def _key(name: str) -> str:
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word not in _LEFT_OUT]
    joined = "".join(_OTHER_SPELLINGS.get(word, word) for word in words)
    return _OTHER_SPELLINGS.get(joined, joined)
