"""The dataset JSON of PSMAReg (2026): longitudinal CT and PET, one entry for each subject."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pairs.tasks.dataset_model import Psma
from pairs.tasks.taskform import PairText, SubjectText, TaskForm

__all__ = ["parse_psma"]

_FOLLOW_UP = re.compile(r"Follow-up [0-9]{2} CT")


def parse_psma(document: Mapping[str, object]) -> TaskForm:
    """Reads a parsed PSMAReg JSON: fixed is the baseline CT, moving each follow-up CT of the same subject."""
    faults: list[str] = []
    psma = Psma.read(document, faults)
    subjects = [
        SubjectText(image, label, where)
        for key in ("training_paired", "training_unpaired")
        for index, entry in enumerate(getattr(psma, key))
        for image, label, where in _scans(entry, f"{key}[{index}]", faults)
    ]
    shape = psma.target_shape
    return TaskForm(
        name=psma.name or None,
        pairs=tuple(_pairs(psma.validation_paired, faults)),
        subjects=tuple(subjects),
        modality={int(key): word for key, word in psma.modality.items()},
        shapes={} if shape is None else {0: (shape[0], shape[1], shape[2])},
        fixed_modality=0,
        warnings=tuple(psma.warnings()),
        faults=tuple(faults),
    )


def _pairs(entries: list[dict[str, Any]], faults: list[str]) -> Iterator[PairText]:
    for index, entry in enumerate(entries):
        where = f"validation_paired[{index}]"
        scans = _scans(entry, where, faults)
        if len(scans) == 1:
            faults.append(f"{where}: has no follow-up; expected a key 'Follow-up 01 CT'")
        for image, _, place in scans[1:]:
            yield PairText(scans[0][0], image, place)


def _scans(entry: Mapping[str, Any], where: str, faults: list[str]) -> list[tuple[str, str | None, str]]:
    """Returns (image, label, place) of the baseline CT and then of every follow-up CT."""
    baseline = next((key for key in ("Baseline CT", "CT") if key in entry), None)
    if baseline is None:
        faults.append(f"{where}: has no baseline; expected a key 'Baseline CT' or 'CT'")
        return []
    scans = []
    for key in (baseline, *sorted(key for key in entry if _FOLLOW_UP.fullmatch(key))):
        image, label = entry[key], entry.get(f"{key} Label", None)
        if key == "Baseline CT" and label is None:
            label = entry.get("CT Label")
        if not isinstance(image, str) or not isinstance(label, str | None):
            faults.append(
                f"{where}.{key}: image and label must be path texts; got {image!r:.60} and {label!r:.60}"
            )
            return []
        scans.append((image, label, f"{where}.{key}"))
    return scans
