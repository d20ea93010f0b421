"""Configurations: what is unknown or senseless is refused by its field's name."""

import json
import re
from pathlib import Path

import pytest

from pairs.errors import UsageError
from pairs.tasks.imagefiles import image_id
from pairs.tasks.known import known_tasks
from pairs.tasks.official import read_official
from pipeline import config as module
from pipeline.config import TaskConfig, read_config, shipped_config
from pipeline.weights.convert.names import labels_by_name
from pipeline.weights.convert.swinunetr import CLASSES

__all__: list[str] = []

PAPER_SPLIT = Path(module.__file__).parents[1] / "studies" / "papersplit"


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_round_trip(tmp_path: Path, tiny_config: TaskConfig) -> None:
    assert read_config(write(tmp_path / "a.json", tiny_config.model_dump(mode="json"))) == tiny_config


SIDED = {"orientation": "LIA", "spacing_mm": [1, 1, 1], "class_labels": [0, 1]}


def test_only_the_task_must_be_given(tmp_path: Path) -> None:
    assert read_config(write(tmp_path / "a.json", {"task": "A"})) == TaskConfig(task="A")


def test_learning_rates_and_weights_are_those_of_the_paper() -> None:
    training = TaskConfig(task="A").registration_training
    assert (training.learning_rate, training.power) == (1e-4, 0.9)
    assert (training.similarity, training.dice, training.smoothness) == (1.0, 1.0, 0.1)


@pytest.mark.parametrize(
    ("field", "document"),
    [
        ("task", {}),
        ("colour", {"task": "A", "colour": 1}),
        ("registration.backbones", {"task": "A", "registration": {"backbones": "lkunet"}}),
        ("registration.decoder_stride", {"task": "A", "registration": {"decoder_stride": 3}}),
        ("registration.start_channels", {"task": "A", "registration": {"start_channels": 0}}),
        ("registration.window.1", {"task": "A", "registration": {"window": [3, 0, 4]}}),
        ("registration.integration_steps", {"task": "A", "registration": {"integration_steps": -1}}),
        ("segmentor.channels", {"task": "A", "segmentor": {"channels": [8]}}),
        ("segmentor.overlap", {"task": "A", "segmentor": {"overlap": 1}}),
        ("segmentor.network", {"task": "A", "segmentor": {"network": "nnunet"}}),
        ("segmentor.roi.2", {"task": "A", "segmentor": {"roi": [64, 64]}}),
        ("segmentor.spacing_mm.1", {"task": "A", "segmentor": {"spacing_mm": [1, 0, 1]}}),
        ("segmentor.orientation", {"task": "A", "segmentor": {"orientation": "RRS"}}),
        ("registration.orientation", {"task": "A", "registration": {"orientation": "RA"}}),
        ("segmentor.orientation", {"task": "A", "segmentor": {"orientation": "ras"}}),
        ("segmentor", {"task": "A", "segmentor": {"class_labels": [1, 2]}}),
        ("segmentor", {"task": "A", "segmentor": {"right_class_labels": [0, 2]}}),
        ("segmentor", {"task": "A", "segmentor": {"class_labels": [0, 1], "right_class_labels": [0, 2]}}),
        (
            "segmentor",
            {"task": "A", "segmentor": SIDED | {"class_labels": [0, 1, 2], "right_class_labels": [0, 2]}},
        ),
        ("segmentor", {"task": "A", "segmentor": SIDED | {"right_class_labels": [3, 2]}}),
        ("labels.-1.[key]", {"task": "A", "labels": {"-1": "liver"}}),
        ("labels.4", {"task": "A", "labels": {"4": ""}}),
        ("registration.grid", {"task": "A", "registration": {"grid": "quarter"}}),
        ("split", {"task": "A", "split": {"training": [1, 2], "test": [2]}}),
        ("split.training", {"task": "A", "split": {"training": [1]}}),
        ("intensity", {"task": "A", "intensity": {"low": 5, "high": 5}}),
        ("intensity", {"task": "A", "intensity": {"low": 1, "high": 101}}),
        ("intensity", {"task": "A", "intensity": {"kind": "window", "low": 0, "high": 1, "of": "all"}}),
        ("intensity.headroom", {"task": "A", "intensity": {"headroom": 0.5}}),
        ("intensity", {"task": "A", "intensity": {"kind": "window", "low": 0, "high": 1, "headroom": 2}}),
        ("segmentor_training.learning_rate", {"task": "A", "segmentor_training": {"learning_rate": 0}}),
        ("registration_training.steps", {"task": "A", "registration_training": {"steps": 0}}),
        ("registration_training.ncc_window", {"task": "A", "registration_training": {"ncc_window": 4}}),
        ("refinement", {"task": "A", "refinement": {"ncc_window": 3, "ncc_scales": 2}}),
        ("refinement.dice_kind", {"task": "A", "refinement": {"dice_kind": "host"}}),
        ("registration_training.dice", {"task": "A", "registration_training": {"dice": -1}}),
        ("registration_training.crop.0", {"task": "A", "registration_training": {"crop": [0, 16, 16]}}),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, document: object) -> None:
    with pytest.raises(UsageError, match=re.escape(f"configuration field '{field}'")) as caught:
        read_config(write(tmp_path / "a.json", document))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"registration": {"decoder_stride": 3}}, "expected 1 or 2, got 3"),
        ({"registration": {"head": "txt"}}, "expected 'text', 'coordinates' or 'plain', got 'txt'"),
        (
            {"registration": {"bakbone": "a"}},
            "one of the fields orientation, spacing_mm, backbone, ",
        ),
        ({"refinement_for_half_grid": {"steps": 1}}, "expected one of the fields similarity, "),
        ({"colour": 1}, "expected one of the fields task, anatomy, labels, "),
        ({"segmentor": {"roi": [64, 64]}}, "expected a value, got none"),
        ({"segmentor": {"channels": [8]}}, "expected at least 2 items after validation, not 1, got [8]"),
        ({"intensity": {"low": 5, "high": 5}}, "expected low to be below high"),
        ({"labels": {"4": " "}}, "expected a name, got ' '"),
    ],
)
def test_a_wrong_field_is_told_with_what_is_right(tmp_path: Path, document: dict, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_config(write(tmp_path / "a.json", {"task": "A"} | document))
    assert words in str(caught.value)


def test_the_background_needs_no_name_among_the_labels(tmp_path: Path) -> None:
    labels = {"0": "background", "4": "liver"}
    assert read_config(write(tmp_path / "a.json", {"task": "A", "labels": labels})).labels == {4: "liver"}


def test_window_may_leave_the_percent_range(tmp_path: Path) -> None:
    intensity = {"kind": "window", "low": -175, "high": 250}
    assert (
        read_config(write(tmp_path / "a.json", {"task": "A", "intensity": intensity})).intensity.low == -175
    )


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"task": NaN}', '{"task": "A", "intensity": {"high": NaN}}']
)
def test_what_is_no_configuration(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.json"):
        read_config(tmp_path / "a.json")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the configuration"):
        read_config(tmp_path / "absent.json")


def test_a_configuration_cannot_be_changed(tiny_config: TaskConfig) -> None:
    with pytest.raises(ValueError, match="frozen"):
        tiny_config.task = "other"  # type: ignore[misc]


def test_shipped_configurations_are_valid_and_named_after_their_task() -> None:
    shipped = [task for task in known_tasks() if task.configuration is not None]
    assert {"AbdomenMRMR", "HippocampusMR", "OASIS"} <= {task.name for task in shipped}
    for task in shipped:
        config = shipped_config(task.name)
        assert (config.task, config.anatomy) == (task.name, task.anatomy)


def test_the_example_of_the_documentation_is_valid() -> None:
    config = read_config(Path(module.__file__).parents[1] / "docs" / "own-task.json")
    assert config.split is not None
    assert set(config.segmentor.class_labels or ()) == {0, *config.labels}


def test_the_papers_split_has_its_numbers_of_pairs() -> None:
    """380 ordered training pairs, 6 held-out ones and 42 to test."""
    config = read_config(PAPER_SPLIT / "AbdomenCTCT.json")
    assert config.split is not None
    sizes = [len(part) for part in (config.split.training, config.split.held_out, config.split.test)]
    assert [n * (n - 1) for n in sizes] == [380, 6, 42]
    assert sorted((*config.split.training, *config.split.held_out, *config.split.test)) == list(range(1, 31))
    pairs = json.loads((PAPER_SPLIT / "AbdomenCTCT_pairs.json").read_text())
    listed = {(image_id(Path(pair["fixed"])), image_id(Path(pair["moving"]))) for pair in pairs}
    assert len(listed) == len(pairs) == 42
    subjects = {int(one.subject) for pair in listed for one in pair}
    assert subjects == set(config.split.test)


@pytest.mark.parametrize("source", ["shipped", "paper"])
def test_abdomen_ct_is_the_papers(source: str) -> None:
    config = (
        shipped_config("AbdomenCTCT")
        if source == "shipped"
        else read_config(PAPER_SPLIT / "AbdomenCTCT.json")
    )
    assert (config.intensity.low, config.intensity.high) == (-500, 800)
    assert (config.registration.grid, config.registration.decoder_stride) == ("half", 1)
    # 100 epochs of 380 pairs.
    assert config.registration_training.steps == 100 * 380
    segmentor = config.segmentor
    assert segmentor.class_labels == labels_by_name(read_official("AbdomenCTCT").labels[0], CLASSES)
    assert (segmentor.merging, segmentor.spacing_mm, segmentor.roi) == ("legacy", (1.5, 1.5, 2.0), (96,) * 3)


@pytest.mark.parametrize("name", ["LungCT", "NLST"])
def test_tasks_without_labels_do_without(name: str) -> None:
    config = shipped_config(name)
    assert not config.labels
    assert not read_official(name).labels
    assert config.registration_training.dice == 0
    assert config.registration_training.pairs == "within-subject"


def test_oasis_names_its_35_labels() -> None:
    names = shipped_config("OASIS").labels
    assert sorted(names) == list(range(1, 36))
    assert (names[1], names[13], names[19], names[20], names[35]) == (
        "left cerebral white matter",
        "brain stem",
        "left choroid plexus",
        "right cerebral white matter",
        "right choroid plexus",
    )
    assert len(set(names.values())) == 35


@pytest.mark.parametrize("name", ["Unheard", "../../tests/x", ""])
def test_a_task_without_a_shipped_configuration_gets_the_defaults(name: str) -> None:
    assert shipped_config(name) == TaskConfig(task=name)
