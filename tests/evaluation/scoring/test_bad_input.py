"""Bad input: every fault is told, at once and by name, and nothing is unpickled or unpacked on trust."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.scoring.evaluate import evaluate_task
from evaluation.scoring.faults import task_error
from pairs.errors import DisplacementError, VolumeError
from pairs.images.volume import read_labels, write_volume
from pairs.tasks.evaluation_config import read_evaluation_config
from pairs.tasks.task import Task, label_path, read_task

FieldsOf = Callable[[Task, float], Path]


def test_all_faults_of_one_pair_are_told(tiny_task: Task, fields_of: FieldsOf) -> None:
    folder = fields_of(tiny_task, 0.0)
    sorted(folder.iterdir())[0].unlink()
    path = label_path(tiny_task.pairs[0].moving)
    write_volume(path, np.full((14, 12, 16), 0.5, dtype=np.float32), np.eye(4))
    fixed = label_path(tiny_task.pairs[0].fixed)
    fixed.unlink()
    with pytest.raises(VolumeError) as caught:
        evaluate_task(tiny_task, folder)
    text = str(caught.value)
    assert "none of 3 pairs" in text
    # The folder has fields of this task, so it is not that of another.
    assert "another task" not in text
    assert "0001_0000<--0002_0000 missing" in text
    assert "not integers" in text
    # The fixed label map belongs to all pairs and is named once.
    assert text.count(fixed.name) == 1


def test_labels_given_as_whole_floats_are_labels(tiny_task: Task, fields_of: FieldsOf) -> None:
    folder = fields_of(tiny_task, 1.0)
    expected = evaluate_task(tiny_task, folder).scores
    for pair in tiny_task.pairs:
        path = label_path(pair.moving)
        write_volume(path, read_labels(path).array.astype(np.float32), np.eye(4))
    assert evaluate_task(tiny_task, folder).scores == expected


def test_a_pickled_field_is_refused_and_never_loaded(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path
) -> None:
    folder = fields_of(tiny_task, 0.0)
    victim = tmp_path / "victim"
    path = sorted(folder.iterdir())[0]
    path.unlink()
    np.savez(folder / "disp_0001_0002.npz", np.array([_Touch(victim)], dtype=object))
    (error,) = evaluate_task(tiny_task, folder).failures.values()
    assert "unknown layout" in str(error)
    assert "object" in str(error)
    assert not victim.exists()


class _Touch:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_field_that_unpacks_to_a_giant_takes_no_memory(tiny_task: Task, fields_of: FieldsOf) -> None:
    folder = fields_of(tiny_task, 0.0)
    sorted(folder.iterdir())[0].unlink()
    np.savez_compressed(folder / "disp_0001_0002.npz", np.zeros((3, 400, 300, 100), dtype=np.float16))
    tracemalloc.start()
    (error,) = evaluate_task(tiny_task, folder, jobs=1).failures.values()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unknown layout" in str(error)
    assert peak < 50_000_000


def test_fields_of_another_task_are_recognised_as_such(tiny_task: Task, tmp_path: Path) -> None:
    folder = tmp_path / "fields"
    folder.mkdir()
    (folder / "disp_0211_0250.npz").write_bytes(b"")
    with pytest.raises(DisplacementError, match=r"none of 3 pairs.*holds 1 field,.*disp_0211.*another task"):
        evaluate_task(tiny_task, folder)


def test_a_configuration_of_absent_files_tells_all_of_them(
    tiny_task: Task, fields_of: FieldsOf, tmp_path: Path
) -> None:
    names = [("Tiny_0001", "Tiny_0033"), ("Tiny_0044", "Tiny_0002"), ("Tiny_0001", "Tiny_0003")]
    document = {
        "task_name": "Tiny",
        "evaluation_methods": [{"name": "DSC", "metric": "dice", "labels": [1]}],
        "eval_pairs": [
            {"fixed": f"./imagesTr/{fixed}_0000.nii.gz", "moving": f"./imagesTr/{moving}_0000.nii.gz"}
            for fixed, moving in names
        ],
    }
    path = tmp_path / "Tiny_VAL_evaluation_config.json"
    path.write_text(json.dumps(document))
    fields, config = fields_of(tiny_task, 0.0), read_evaluation_config(path)
    evaluation = evaluate_task(read_task(tiny_task.root, pairs_file=path), fields, config)
    first, second = evaluation.failures.values()
    assert "Tiny_0033" in str(first)
    assert "Tiny_0044" in str(second)
    assert [score.name for score in evaluation.scores] == ["0001_0000<--0003_0000"]


def test_of_many_faults_the_first_ten_are_told(tmp_path: Path) -> None:
    faults = [DisplacementError("damaged", where=f"disp_{number}") for number in range(40)]
    text = str(task_error(faults, tmp_path, ()))
    assert "10) damaged: disp_9 and 30 more" in text
    assert "disp_10" not in text
