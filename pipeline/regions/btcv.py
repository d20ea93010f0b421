"""The classes of the public BTCV segmentors, and the labels that they are in a task."""

import re
from collections.abc import Mapping

__all__ = ["BTCV_CLASSES", "class_labels_by_name"]

BTCV_CLASSES = (
    "background",
    "spleen",
    "right kidney",
    "left kidney",
    "gallbladder",
    "esophagus",
    "liver",
    "stomach",
    "aorta",
    "inferior vena cava",
    "portal vein and splenic vein",
    "pancreas",
    "right adrenal gland",
    "left adrenal gland",
)
"""Class k of MONAI's BTCV weights; AbdomenCTCT has the last two the other way round."""

_LEFT_OUT = {"and", "gland", "vein", "veins", "the"}
_OTHER_SPELLINGS = {"oesophagus": "esophagus", "ivc": "inferiorvenacava", "postcava": "inferiorvenacava"}


def class_labels_by_name(names: Mapping[int, str]) -> tuple[int, ...]:
    """The task's label of each BTCV class, 0 for organs that the task does not name.

    Args:
        names: of the task's labels; case, blanks, hyphens and the words vein and gland do not count.
    """
    labels = {_key(name): label for label, name in names.items()}
    return (0, *(labels.get(_key(name), 0) for name in BTCV_CLASSES[1:]))


def _key(name: str) -> str:
    words = [word for word in re.split(r"[\W_]+", name.casefold()) if word not in _LEFT_OUT]
    joined = "".join(words)
    return _OTHER_SPELLINGS.get(joined, joined)
