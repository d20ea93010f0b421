"""What our own methods are given: settings of the task, modalities of the pair, regions of the segmentor."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.methods import ours
from benchmarks.methods.catalogue import METHODS
from benchmarks.methods.method import NotAtHand
from pairs.images.volume import read_image, read_labels
from pairs.tasks.task import Task, read_task
from pipeline.config import TaskConfig, shipped_config
from pipeline.general.config import GeneralConfig
from pipeline.regions.segmentor import Segmentor

__all__: list[str] = []


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """What the general method was made of; it moves nothing."""
    made: list[SimpleNamespace] = []

    class Recorded:
        def __init__(self, config: TaskConfig, device: object, **settings: object) -> None:
            made.append(SimpleNamespace(config=config, device=device, **settings))

        def __call__(self, *_: Path) -> SimpleNamespace:
            return SimpleNamespace(displacement=np.zeros(3))

    monkeypatch.setattr(ours, "GeneralRegistration", Recorded)
    return made


@pytest.fixture
def task(shifted_task: Path) -> Task:
    """Named as one for which weights are shipped, of a fixed CT and a moving MR."""
    task = read_task(shifted_task)
    pair = task.pairs[0]
    crossed = replace(pair, moving_id=replace(pair.moving_id, modality="0001"))
    return replace(task, name="HippocampusMR", pairs=(crossed,))


def test_the_general_method_goes_without_regions(
    task: Task, made: list[SimpleNamespace], tmp_path: Path
) -> None:
    found = METHODS["general"].prepare(task)(task.pairs[0], tmp_path)
    assert not found().any()
    (one,) = made
    assert one.config == shipped_config("HippocampusMR")
    assert one.modalities == ("0000", "0001")
    assert one.regions is None
    assert one.device.type == "cpu"


def test_its_regions_are_those_of_the_shipped_segmentor(
    task: Task, made: list[SimpleNamespace], tmp_path: Path
) -> None:
    METHODS["general-regions"].prepare(task)(task.pairs[0], tmp_path)
    (one,) = made
    assert isinstance(one.regions, Segmentor)
    assert one.modalities == ("0000", "0001")


def test_its_regions_are_the_label_maps_that_it_is_scored_by(
    task: Task, made: list[SimpleNamespace], tmp_path: Path
) -> None:
    pair = task.pairs[0]
    METHODS["general-manual"].prepare(task)(pair, tmp_path)
    found = made[0].regions(read_image(pair.fixed))
    labels = read_labels(task.root / "labelsTr" / pair.fixed.name)
    assert labels.array.any()
    assert np.array_equal(found.labels, labels.array)


def test_without_label_maps_there_is_no_bound(task: Task, tmp_path: Path) -> None:
    images = tmp_path / "imagesTr"
    pair = replace(task.pairs[0], fixed=images / "a.nii.gz", moving=images / "b.nii.gz")
    with pytest.raises(NotAtHand, match="no label maps"):
        METHODS["general-manual"].made_by(replace(task, pairs=(pair,)))


def test_the_modalities_are_those_in_words(task: Task, made: list[SimpleNamespace], tmp_path: Path) -> None:
    worded = replace(task, modalities={"0000": "CT", "0001": "MR"})
    METHODS["general"].prepare(worded)(task.pairs[0], tmp_path)
    assert made[0].modalities == ("CT", "MR")


def test_the_networks_bring_the_moving_image_to_the_fixed_one(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}

    def register(fixed: Path, moving: Path, *_: object, **__: object) -> SimpleNamespace:
        seen.update(fixed=fixed, moving=moving)
        return SimpleNamespace(displacement=np.zeros(3))

    monkeypatch.setattr("pipeline.register.register", register)
    METHODS["bundled"].prepare(task)(task.pairs[0], tmp_path)
    assert seen == {"fixed": task.pairs[0].fixed, "moving": task.pairs[0].moving}


@pytest.mark.parametrize("name", ["general", "general-regions", "general-manual"])
def test_other_settings_are_another_version(task: Task, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = METHODS[name].made_by(task)
    changed = TaskConfig(task=task.name, general=GeneralConfig(fine_stage=None))
    monkeypatch.setattr(ours, "shipped_config", lambda _: changed)
    assert METHODS[name].made_by(task) != before
