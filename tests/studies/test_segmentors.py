"""Segmentors for the tables: trained on all subjects, and which images their Dice is taken over."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pairs.errors import UsageError
from pairs.tasks.task import read_task
from pipeline.config import TaskConfig
from studies import ownsegmentor, segmentors
from studies.process import NoFigure
from studies.setting import Setting

__all__: list[str] = []


@pytest.mark.parametrize(
    ("listed", "got"), [(True, "volume does not exist"), (False, "none in the training")]
)
def test_fixed_images_without_label_maps_are_told(
    tiny_task: Path, monkeypatch: pytest.MonkeyPatch, listed: bool, got: str
) -> None:
    task = read_task(tiny_task)
    for subject in task.subjects:
        if subject.label is not None:
            subject.label.unlink()
    task = task if listed else replace(task, subjects=())
    weights = SimpleNamespace(build_segmentor=lambda _: None)
    monkeypatch.setattr(segmentors, "read_bundle", lambda _: weights)
    # Of a setting, what this figure depends on.
    setting = object.__new__(Setting)
    vars(setting).update(task=task, device="cpu", config=TaskConfig(task=task.name))
    with pytest.raises(UsageError, match=f"table5 needs label maps of the fixed images: .*; got {got}"):
        segmentors.segmentor_dice(setting, Path("bundle.safetensors"))


def test_a_segmentor_that_lacks_subjects_is_not_taken_by_the_next_call(
    tiny_task: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a training writes its bundle and ends with exit code 1."""

    def without_a_subject(*words: str | Path, log: Path) -> None:
        Path(words[words.index("--out") + 1]).write_bytes(b"bundle")
        raise NoFigure("command failed", got="exit 1", where=log)

    monkeypatch.setattr(ownsegmentor, "run_module", without_a_subject)
    task = read_task(tiny_task)
    for _ in range(2):
        with pytest.raises(NoFigure):
            ownsegmentor.own_segmentor(task, TaskConfig(task=task.name), (), "cpu", tmp_path)
