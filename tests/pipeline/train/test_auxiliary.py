"""Auxiliary tasks: regions by name, from label maps or a segmentor, and the bundle, still the main task's."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from pairs.errors import UsageError, WeightsError
from pairs.tasks.task import read_task
from pipeline.config import TaskConfig
from pipeline.text.table import make_table, write_table
from pipeline.train.auxiliary import Auxiliary, AuxiliaryTask, load_auxiliary, read_auxiliary
from pipeline.train.leftout import LeftOut
from pipeline.train.segmented import SegmentedSample
from pipeline.weights.bundle import Bundle, read_bundle, write_bundle

__all__: list[str] = []

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")

Train = Callable[..., int]


@pytest.fixture
def joint_embedding(tmp_path: Path) -> Path:
    path = tmp_path / "joint.safetensors"
    vectors = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    table = make_table(vectors, ("background", "a", "b", "lung"), (0, 1, 4, 5), "random", "prompt")
    write_table(path, table)
    return path


@pytest.fixture
def other_segmentor(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    """A bundle for the other task's labels 1 and 2."""
    path = tmp_path / "other.safetensors"
    header = tiny_bundle.header.model_copy(update={"regions": (0, 1, 2)})
    write_bundle(path, Bundle(header, segmentor=tiny_bundle.segmentor))
    return path


def loaded(
    main: Path, other: Path, config: TaskConfig, *, encoded: bool = True, segmentor: Path | None = None
) -> Sequence[SegmentedSample]:
    auxiliary = Auxiliary((AuxiliaryTask(read_task(other), segmentor),), encoded)
    joint = auxiliary.joined(read_task(main))
    (group,) = load_auxiliary(auxiliary, joint, config, main / "kept", CPU, LeftOut())
    return group.subjects


def voxels(samples: Sequence[SegmentedSample]) -> dict[int, int]:
    rows, counts = torch.stack([one.sample.labels for one in samples]).unique(return_counts=True)
    return dict(zip(rows.tolist(), counts.tolist(), strict=True))


def test_labels_become_rows_of_the_joint_table(
    tiny_task: Path, other_task: Path, tiny_config: TaskConfig
) -> None:
    """The right bean is row 2 of both; what the other task calls lung are the voxels of the left bean."""
    encoded = loaded(tiny_task, other_task, tiny_config)
    assert [one.sample.name for one in encoded] == ["0001", "0002", "0003", "0004", "0005"]
    counts = voxels(encoded)
    assert counts.keys() == {0, 2, 3}
    background = voxels(loaded(tiny_task, other_task, tiny_config, encoded=False))
    assert background == {0: counts[0] + counts[3], 2: counts[2]}


def test_label_maps_are_certain_regions(tiny_task: Path, other_task: Path, tiny_config: TaskConfig) -> None:
    for one in loaded(tiny_task, other_task, tiny_config):
        assert torch.equal(one.regions, one.sample.labels)
        assert (one.confidence == 1).all()
        assert one.sample.image.shape == (1, 1, 32, 32, 32)


def test_regions_of_a_segmentor_are_rows_too(
    tiny_task: Path, other_task: Path, tiny_config: TaskConfig, other_segmentor: Path
) -> None:
    segmented = loaded(tiny_task, other_task, tiny_config, segmentor=other_segmentor)
    rows = torch.stack([one.regions for one in segmented]).unique().tolist()
    assert set(rows) <= {0, 2, 3}
    assert len(rows) > 1
    assert all(one.confidence.min() < 1 for one in segmented)


def test_a_segmentor_of_other_labels_is_refused(
    tiny_task: Path, other_task: Path, tiny_config: TaskConfig, segmentor: Path, other_segmentor: Path
) -> None:
    with pytest.raises(WeightsError, match="other labels"):
        loaded(tiny_task, other_task, tiny_config, segmentor=segmentor)


def options(network: str, *tasks: list[Path]) -> argparse.Namespace:
    return argparse.Namespace(network=network, aux_task=list(tasks), aux_regions="encode")


def test_what_cannot_be_an_auxiliary_task(other_task: Path, tmp_path: Path) -> None:
    assert read_auxiliary(options("segmentor")) == Auxiliary()
    with pytest.raises(UsageError, match="for the registration only"):
        read_auxiliary(options("segmentor", [other_task]))
    with pytest.raises(UsageError, match="2 bundles"):
        read_auxiliary(options("registration", [other_task, tmp_path, tmp_path]))
    with pytest.raises(WeightsError, match="no such file"):
        read_auxiliary(options("registration", [other_task, tmp_path / "absent"]))


@pytest.mark.parametrize("regions", ["encode", "background"])
def test_training_writes_a_bundle_of_the_main_task(
    train: Train,
    other_task: Path,
    other_segmentor: Path,
    embedding: Path,
    joint_embedding: Path,
    tmp_path: Path,
    regions: str,
) -> None:
    out = tmp_path / "joint" / "TinyMR.safetensors"
    table = joint_embedding if regions == "encode" else embedding
    more = ("--aux-task", other_task, other_segmentor, "--aux-task", other_task, "--aux-regions", regions)
    assert train("registration", out, *more, "--embedding", table) == 0
    bundle = read_bundle(out)
    assert bundle.header.regions == (0, 1, 4)
    assert bundle.header.prompts == ("background", "a", "b")
    assert bundle.registration["head.filters"].shape == (3, 4, 3)
    assert bundle.text["vectors"].shape == (3, 6)
    told = bundle.header.training["registration"]
    assert [one["task"] for one in told["auxiliary"]] == ["OtherCT", "OtherCT"]
    assert told["auxiliary"][1]["regions"] == "label maps"
    assert told["auxiliary_regions_encoded"] == (regions == "encode")
    assert train("registration", tmp_path / "alone.safetensors") == 0
    alone = read_bundle(tmp_path / "alone.safetensors")
    assert "auxiliary" not in alone.header.training["registration"]
    assert not torch.equal(
        alone.registration["backbone.stem.0.0.weight"], bundle.registration["backbone.stem.0.0.weight"]
    )


def test_text_vectors_must_cover_the_joint_regions(
    train: Train, other_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.safetensors"
    assert train("registration", out, "--aux-task", other_task) == 4
    (line,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith("error")]
    assert "expected (0, 1, 4, 5), got (0, 1, 4); write them with `embed`" in line
    assert not out.exists()
