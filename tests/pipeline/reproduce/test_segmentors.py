"""Dice of segmentors: which images it is taken over."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from pairs.errors import UsageError
from pairs.task import read_task
from pipeline.config import TaskConfig
from pipeline.reproduce import segmentors
from pipeline.reproduce.setting import Setting

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
    weights = SimpleNamespace(build_volume_segmentor=lambda _: None)
    monkeypatch.setattr(segmentors, "read_bundle", lambda _: weights)
    # Of a setting, what this figure depends on.
    setting = object.__new__(Setting)
    vars(setting).update(task=task, device="cpu", config=TaskConfig(task=task.name))
    with pytest.raises(UsageError, match=f"table5 needs label maps of the fixed images: .*; got {got}"):
        segmentors.segmentor_dice(setting, Path("bundle.safetensors"))
