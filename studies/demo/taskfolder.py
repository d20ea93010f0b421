"""A task folder of drawn subjects, in the layout and with the files of a Learn2Reg task."""

from collections.abc import Sequence
from pathlib import Path

from pairs.errors import TaskError, UsageError
from pairs.files.document import read_document
from pairs.files.wholefile import probe_writable, write_json
from pairs.images.volume import write_volume
from studies.demo.draw import draw_subject
from studies.demo.template import Template, TemplateHeader

__all__ = ["DEFAULT_TEMPLATE", "write_task"]

DEFAULT_TEMPLATE = Path(__file__).parent / "HippocampusMR-template.safetensors"
RELEASE = "drawn by textscf-l2r demo-task"
FIRST_NUMBER = 9001
"""No real subject of a Learn2Reg task has a number this high, so the two cannot be confused."""


def write_task(folder: Path, template: Template, subjects: int, seed: int) -> Path:
    """Draw the subjects and write the whole task; each subject is fixed once and moving once.

    The dataset JSON comes last: a folder that has one is complete.

    Returns:
        The dataset JSON.

    Raises:
        UsageError: the folder holds a task that was not written by this function.
        OutputError: the folder is not writable.
    """
    probe_writable(folder)
    _require_free(folder)
    for part in ("imagesTr", "labelsTr"):
        probe_writable(folder / part)
    header = template.header
    names = [f"{header.task}_{FIRST_NUMBER + index}_0000.nii.gz" for index in range(subjects)]
    for number, name in enumerate(names):
        subject = draw_subject(template, seed, number)
        write_volume(folder / "imagesTr" / name, subject.image, template.affine)
        write_volume(folder / "labelsTr" / name, subject.labels, template.affine)
    write_json(
        folder / f"{header.task}_VAL_evaluation_config.json",
        _evaluation_config(header, names, template.image.shape),
    )
    document = folder / f"{header.task}_dataset.json"
    write_json(document, _dataset(header, names, template.image.shape, seed))
    return document


def _require_free(folder: Path) -> None:
    """Refuse a folder with a task of another origin: a real one must never be written over."""
    for path in folder.glob("*_dataset.json"):
        try:
            document = read_document(path)
        except TaskError:
            document = None
        if not isinstance(document, dict) or document.get("release") != RELEASE:
            raise UsageError("the folder holds another task", where=path, remedy="name a new folder")


def _pairs(names: Sequence[str]) -> list[dict[str, str]]:
    moving = [*names[1:], names[0]]
    return [
        {"fixed": f"./imagesTr/{a}", "moving": f"./imagesTr/{b}"} for a, b in zip(names, moving, strict=True)
    ]


def _evaluation_config(
    header: TemplateHeader, names: Sequence[str], shape: tuple[int, ...]
) -> dict[str, object]:
    """The metrics of the real task, in the official evaluator's form."""
    return {
        "task_name": header.task,
        "evaluation_methods": [
            {"name": "LogJacDetStd", "metric": "sdlogj"},
            {"name": "DSC", "metric": "dice", "labels": list(header.labels)},
            {"name": "HD95", "metric": "hd95", "labels": list(header.labels)},
        ],
        "expected_shape": [*shape, 3],
        "eval_pairs": _pairs(names),
        "eval_config_version": "0.2",
    }


def _dataset(
    header: TemplateHeader, names: Sequence[str], shape: tuple[int, ...], seed: int
) -> dict[str, object]:
    regions = zip(header.labels, header.region_names, strict=True)
    return {
        "name": header.task,
        "release": RELEASE,
        "description": (
            f"{len(names)} subjects DRAWN from a population template by random smooth warps, grey-value "
            f"changes and noise (seed {seed}). No image in this folder is a scan of a patient."
        ),
        "reference": header.attribution,
        "licence": header.licence,
        "pairings": "unpaired",
        "provided_data": {"0": ["image", "label"]},
        "registration_direction": {"fixed": 0, "moving": 0},
        "modality": {"0": header.modality},
        "labels": {"0": {str(value): name for value, name in regions}},
        "tensorImageSize": {"0": "3D"},
        "tensorImageShape": {"0": list(shape)},
        "numTraining": len(names),
        "numTest": 0,
        "numPairedTraining": 0,
        "numPairedTest": 0,
        "numRegistration_val": len(names),
        "numRegistration_test": 0,
        "training": [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names],
        "registration_val": _pairs(names),
        "registration_test": [],
    }
