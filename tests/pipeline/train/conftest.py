"""`train` on the tiny task, in this process, with the files that it needs; small trainings without it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.config import TaskConfig
from pipeline.text.table import make_table, write_table
from pipeline.weights.bundle import Bundle, write_bundle
from tests.pipeline.train.cubes import *  # noqa: F403
from tests.pipeline.train.noisytraining import *  # noqa: F403
from textscf.program import main

__all__ = ["config", "embedding", "equal", "segmentor", "train"]

Train = Callable[..., int]


@pytest.fixture
def config(tiny_config: TaskConfig, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(tiny_config.model_dump_json())
    return path


@pytest.fixture
def segmentor(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "segmentor.safetensors"
    write_bundle(path, Bundle(tiny_bundle.header, segmentor=tiny_bundle.segmentor))
    return path


@pytest.fixture
def embedding(tmp_path: Path) -> Path:
    path = tmp_path / "embedding.safetensors"
    vectors = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    write_table(path, make_table(vectors, ("background", "a", "b"), (0, 1, 4), "random", "prompt"))
    return path


@pytest.fixture
def train(tiny_task: Path, config: Path, segmentor: Path, embedding: Path, device: torch.device) -> Train:
    """Runs the command with the files it needs, and more arguments; options given again win."""

    def run(network: str, out: Path, *more: object) -> int:
        arguments = [
            "train",
            network,
            "--task",
            tiny_task,
            "--config",
            config,
            "--out",
            out,
            "--device",
            device.type,
        ]
        if network == "registration":
            arguments += ["--segmentor", segmentor, "--embedding", embedding]
        return main([str(argument) for argument in (*arguments, *more)])

    return run


def equal(one: nn.Module, other: nn.Module) -> bool:
    """Whether two modules have the same weights, bit for bit."""
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
