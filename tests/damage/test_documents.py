"""Damaged documents: tasks, pair lists, configurations, results, reports, points and journals."""

import dataclasses
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from evaluation.htmlreport.facts import run_facts
from evaluation.htmlreport.methodtext import method_paragraph
from evaluation.htmlreport.runrecord import read_run
from evaluation.metrics.jacobian import Regularity
from evaluation.ranking.results import read_results
from evaluation.ranking.runtime import read_runtimes
from evaluation.scoring.evaluator import EVALUATORS
from evaluation.scoring.journal import Journal
from evaluation.scoring.landmarks import read_point_pairs
from evaluation.scoring.score import PairScore, Score, StructureScore
from evaluation.submission.summary import summarise_run
from pairs.tasks.evaluation_config import read_evaluation_config
from pairs.tasks.imageid import ImageId
from pairs.tasks.pair import Pair
from pairs.tasks.task import read_task
from pipeline.predict.fieldfolder import is_as_written
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import read_report
from transforms.points.pointfile import read_points

__all__: list[str] = []

SHAPE = (4, 6, 8)
PAIR = Pair(
    Path("imagesTr/A_0001_0000.nii.gz"),
    Path("imagesTr/A_0002_0000.nii.gz"),
    ImageId("0001", "0000"),
    ImageId("0002", "0000"),
)


def _document(name: str, document: object, folder: Path) -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def _task(path: Path) -> None:
    task = read_task(path)
    task.training_subjects()
    for pair in task.pairs:
        pair.fixed.is_file()


ITEMS = [
    {"image": f"imagesTr/A_000{n}_0000.nii.gz", "label": f"labelsTr/A_000{n}_0000.nii.gz"} for n in (3, 4)
]
PAIRS = [{"fixed": "imagesTr/A_0001_0000.nii.gz", "moving": "imagesTr/A_0002_0000.nii.gz"}]
DATASET = {
    "name": "A",
    "modality": {"0": "MR"},
    "labels": {"0": {"1": "one", "2": "two"}},
    "tensorImageShape": {"0": list(SHAPE)},
    "registration_direction": {"fixed": 0, "moving": 0},
    "numTraining": 2,
    "training": ITEMS,
    "test": {"0": ITEMS},
    "training_paired_images": [{"0": "imagesTr/A_0005_0000.nii.gz", "1": "imagesTr/A_0005_0001.nii.gz"}],
    "registration_val": PAIRS,
}
PSMA = {
    "name": "P",
    "modality": {"0": "CT"},
    "target_shape": list(SHAPE),
    "numValidationPaired": 1,
    "validation_paired": [
        {"Baseline CT": "imagesTr/P_0001_0000_00.nii.gz", "Follow-up 01 CT": "imagesTr/P_0001_0000_01.nii.gz"}
    ],
    "training_unpaired": [
        {"CT": "imagesTr/P_0002_0000_00.nii.gz", "CT Label": "labelsTr/P_0002_0000_00.nii.gz"}
    ],
}
METHODS = [
    {"name": "DSC", "metric": "dice", "labels": [1, 2]},
    {"name": "TRE", "metric": "tre", "dest": "keypoints"},
    {"name": "SDlogJ", "metric": "sdlogj"},
]
CONFIG = {"task_name": "A", "evaluation_methods": METHODS, "expected_shape": [*SHAPE, 3], "eval_pairs": PAIRS}
CONFIG_01 = CONFIG | {"evaluation_methods": {"sdlogj": True, "dice": [1, 2], "tre": True}}
SCORES = {"DSC": {"mean": 0.5, "detailed": [0.4, 0.6]}, "LogJacDetStd": {"mean": 0.1, "detailed": 0.1}}
RESULTS = {
    "name": "A",
    "eval_version": "2.0",
    "cases": {PAIR.name: SCORES},
    "true": {
        "aggregates": {"structures": {"DSC": [{"label": 1}, {"label": 2}]}},
        "cases": {PAIR.name: {"before": SCORES, "after": SCORES}},
    },
}
REPORT = {
    "task": "A",
    "profile": "l2r2021",
    "device": "cpu",
    "torch": "2",
    "weights": "A.safetensors",
    "weights_sha256": "0",
    "method": "network",
    "training": {"segmentor": {"task": "A"}},
    "config": {"task": "A"},
    "pairs": [
        {
            "pair": PAIR.name,
            "status": "done",
            "fingerprint": "0",
            "file": "disp_0001_0002.npz",
            "file_sha256": "0",
            "seconds": 1.5,
            "peak_memory_mib": 100.0,
            "device": "cpu",
        }
    ],
}


def _report(path: Path) -> None:
    read_runtimes([f"m={path}"], ["m"], [PAIR.name])


def _told_report(path: Path) -> None:
    run, fault = read_run(path.parent, "A")
    assert (run is None) == (fault is not None)
    if run is not None:
        told = [method_paragraph(run, EVALUATORS["2.0"], 1), *map(str, run_facts(run, run.pairs))]
        assert "".join(told).encode()


def _own_report(path: Path) -> None:
    summarise_run(path.parent, [PAIR]).lines()
    report = read_report(path.parent)
    for record in report.pairs if report else ():
        assert isinstance(record, PairRecord)
        assert not is_as_written(path.parent, record)


def _points(folder: Path) -> Path:
    (folder / "keypointsTr").mkdir(exist_ok=True)
    for number in (1, 2):
        (folder / "keypointsTr" / f"A_000{number}_0000.csv").write_text("1,2,3\n4.5,5,6\n1e1,2,3\n")
    return folder / "keypointsTr" / "A_0001_0000.csv"


def _point_pairs(path: Path) -> None:
    images = (path.parents[1] / PAIR.fixed, path.parents[1] / PAIR.moving)
    read_point_pairs(dataclasses.replace(PAIR, fixed=images[0], moving=images[1]), "keypoints")


PAIR_SCORE = PairScore(
    name=PAIR.name,
    field=Path("disp_0001_0002.npz"),
    profile="l2r2021",
    after={"DSC": Score(0.5, (0.4, 0.6)), "HD95": Score(math.inf, (2.0, math.inf))},
    before={"DSC": Score(0.5, (0.5, 0.5))},
    regularity=Regularity(0.1, 0.4, 0.0, 0.0),
    structures=(StructureScore(2, "lost", 0.5, 0.0, math.inf, math.inf),),
)


def _journal(folder: Path) -> Path:
    for key in ("a" * 64, "b" * 64):
        Journal(folder / "a.journal.jsonl").add(key, PAIR_SCORE)
    return folder / "a.journal.jsonl"


def _known_scores(path: Path) -> None:
    journal = Journal(path)
    for key in ("a" * 64, "b" * 64):
        assert journal.find(key, PAIR_SCORE.field) in (None, PAIR_SCORE)


FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = LPS
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
1,1,2,3,0,0,0,1,1,1,0,AC,"one, two",
"""
MARKUPS = {
    "markups": [
        {
            "coordinateSystem": "LPS",
            "coordinateUnits": ["mm", "UCUM", "millimeter"],
            "controlPoints": [{"label": "AC", "position": [1, 2, 3]}, {"positionStatus": "undefined"}],
        }
    ]
}


def _moved_points(path: Path) -> None:
    points = read_points(path)
    points.text_with(points.coordinates + 1)


Reader = tuple[Callable[[Path], Path], Callable[[Path], object]]
READERS: dict[str, Reader] = {
    "dataset JSON": (partial(_document, "A_dataset.json", DATASET), _task),
    "PSMA JSON": (partial(_document, "P_dataset.json", PSMA), _task),
    "pair list": (partial(_document, "pairs.json", PAIRS), _task),
    "ids": (partial(_document, "pairs.csv", "fixed, moving\n1,2\n0003,4\n"), _task),
    "paths": (
        partial(
            _document, "pairs.csv", "fixed,moving\nimagesTr/A_0001_0000.nii.gz,imagesTr/A_0002_0000.nii\n"
        ),
        _task,
    ),
    "evaluation config as task": (partial(_document, "c.json", CONFIG), _task),
    "evaluation config": (partial(_document, "c.json", CONFIG), read_evaluation_config),
    "evaluation config 0.1": (partial(_document, "c.json", CONFIG_01), read_evaluation_config),
    "results": (partial(_document, "r.json", RESULTS), partial(read_results, name="m")),
    "report": (partial(_document, "report.json", REPORT), _report),
    "own report": (partial(_document, "report.json", REPORT), _own_report),
    "report of a page": (partial(_document, "report.json", REPORT), _told_report),
    "points": (_points, _point_pairs),
    "journal": (_journal, _known_scores),
    "table of points": (partial(_document, "p.csv", 'name,x,y,z\na,1,2,3\n"b",4,5,6\n'), _moved_points),
    "fiducials": (partial(_document, "p.fcsv", FCSV), _moved_points),
    "markups": (partial(_document, "p.mrk.json", MARKUPS), _moved_points),
}


def test_a_damaged_file_ends_in_a_known_error(reader: Reader, survives_damage: Callable[..., None]) -> None:
    survives_damage(*reader)


def test_what_is_no_file_is_not_waited_for(reader: Reader, waits_for_nothing: Callable[..., None]) -> None:
    waits_for_nothing(*reader)
