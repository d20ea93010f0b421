"""Weights and tasks that belong together, in whatever words, and those that do not."""

from pathlib import Path

import pytest

from pairs.errors import WeightsError
from pairs.tasks.task import Task
from pipeline.config import TaskConfig
from pipeline.predict.fit import require_fit, weights_warnings
from pipeline.weights.bundle import BundleHeader

__all__: list[str] = []

WEIGHTS = Path("w.safetensors")
HEADER = BundleHeader(
    task="AbdomenMRMR",
    modality="MR T2",
    regions=(0, 1, 2),
    region_names=("background", "liver", "right kidney"),
    config=TaskConfig(task="AbdomenMRMR"),
)
NAMES = {1: "liver", 2: "right kidney"}


def task(name: str = "AbdomenMRMR", modality: str = "MR", labels: dict[int, str] = NAMES) -> Task:
    return Task(name, Path(), (), (), labels, modality, None, ())


@pytest.mark.parametrize(
    "given",
    [
        task(),
        # The releases of one task have written its labels in different words.
        task(labels={1: "hepar", 2: "kidney R"}),
        task("Other", labels={1: "Liver", 2: "right_kidney"}),
        task(modality=""),
        task(modality="mr"),
        task(labels={}),
    ],
)
def test_what_fits(given: Task) -> None:
    require_fit(HEADER, given, WEIGHTS)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (task(labels={1: "liver"}), "labels 1 liver of AbdomenMRMR, got labels 1 liver, 2 right kidney"),
        (task(labels={1: "liver", 3: "right kidney"}), "3 right kidney"),
        (task("Other", labels={1: "liver", 2: "spleen"}), "2 spleen of Other"),
        (task(labels=dict.fromkeys(range(1, 40), "part")), "and 29 more"),
        (task(modality="CT"), "CT of AbdomenMRMR, got MR T2"),
    ],
)
def test_what_does_not_fit_is_named(given: Task, words: str) -> None:
    with pytest.raises(WeightsError, match=words) as caught:
        require_fit(HEADER, given, WEIGHTS)
    assert "w.safetensors" in str(caught.value)
    assert "give --weights FILE" in str(caught.value)


def test_weights_without_a_modality_fit_any() -> None:
    require_fit(HEADER.model_copy(update={"modality": ""}), task(modality="CT"), WEIGHTS)


def test_weights_of_another_name_are_told() -> None:
    assert weights_warnings(HEADER, task()) == ()
    assert weights_warnings(HEADER, task("Other")) == (
        "the weights were trained on AbdomenMRMR, the task is Other",
    )


def test_the_weights_of_oasis_serve_lumir_whatever_its_labels() -> None:
    header = HEADER.model_copy(update={"task": "OASIS"})
    given = task("LUMIR", labels={number: f"part {number}" for number in range(1, 133)})
    require_fit(header, given, WEIGHTS)
    assert weights_warnings(header, given) == ()
    with pytest.raises(WeightsError, match="other labels"):
        require_fit(HEADER, given, WEIGHTS)
