"""What a segmentor learns from where images are drawn: the maps that it may see, and no scan."""

import argparse
from pathlib import Path

import pytest
import torch

from pipeline.config import TaskConfig
from pipeline.train.command import add_arguments
from pipeline.train.job import Job, prepare
from pipeline.train.material import Material, heads_of, read_material

__all__: list[str] = []


@pytest.fixture
def job(tiny_task: Path, tiny_config: TaskConfig, tmp_path: Path) -> Job:
    return prepare_drawn(tiny_task, tiny_config, tmp_path)


def prepare_drawn(task: Path, config: TaskConfig, folder: Path) -> Job:
    """A training on the task's label maps, one of them held out."""
    segmentor = config.segmentor.model_copy(update={"orientation": "RAS", "spacing_mm": (1.0, 1.0, 1.0)})
    settings = config.segmentor_training.model_copy(update={"held_out": 1, "crop": (16, 16, 16)})
    changed = {"segmentor": segmentor, "segmentor_training": settings}
    path = folder / "drawn.json"
    path.write_text(config.model_copy(update=changed).model_dump_json())
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = ["segmentor", "--task", task, "--out", folder / "a.safetensors", "--config", path]
    return prepare(parser.parse_args([*map(str, words), "--label-maps", str(task / "labelsTr")]))


def material_of(job: Job) -> tuple[Material, int]:
    return read_material(job, heads_of(job, job.config.segmentor_training.held_out, least=1))


def test_the_last_map_is_held_out_and_never_drawn_from(job: Job) -> None:
    names = [path.name for path in job.label_maps]
    material, count = material_of(job)
    assert count == len(names) - 1
    assert [one.name for one in material.held_out] == names[-1:]
    assert [one.name for one in material.seen] == names[:1]
    generator = torch.Generator().manual_seed(0)
    assert {material.draw(generator).name for _ in range(30)} == set(names[:-1])


def test_what_is_looked_at_is_whole_and_always_the_same(job: Job) -> None:
    first, second = (material_of(job)[0].held_out[0] for _ in range(2))
    assert torch.equal(first.image, second.image)
    drawn = material_of(job)[0].draw(torch.Generator().manual_seed(0))
    assert drawn.image.shape[2:] == (16, 16, 16)
    assert min(first.image.shape[2:]) > 16


def test_a_changed_map_is_another_training_and_a_changed_scan_is_not(
    job: Job, tiny_task: Path, tiny_config: TaskConfig, tmp_path: Path
) -> None:
    next((tiny_task / "imagesTr").iterdir()).write_bytes(b"changed")
    assert prepare_drawn(tiny_task, tiny_config, tmp_path).plan.fingerprint == job.plan.fingerprint
    job.label_maps[0].write_bytes(b"changed")
    assert prepare_drawn(tiny_task, tiny_config, tmp_path).plan.fingerprint != job.plan.fingerprint
