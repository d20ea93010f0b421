"""`convert` with checkpoints and vectors that do not fit: one line, and the earlier bundle stays."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.config import RegistrationConfig
from pipeline.network.model import build_for_training
from pipeline.text.table import make_table, write_table

__all__: list[str] = []

Refused = Callable[..., None]
OURS = build_for_training(RegistrationConfig(start_channels=1, mlp_width=2), torch.zeros(3, 4)).state_dict()

SEGMENTOR = ("--segmentor", "absent.pt", "--size", "tiny")


class Code:
    """Would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.safetensors"
    write_table(
        path, make_table(torch.randn(3, 4), ("background", "a", "b"), (0, 1, 4), "random", "official")
    )
    return path


@pytest.mark.parametrize("option", ["--registration", "--segmentor"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (OURS, " and "),
        ({"state_dict": Code()}, "holds more than tensors"),
        ({"state_dict": OURS, "notes": Code()}, "holds more than tensors"),
        (torch.nn.Linear(1, 1), "got torch.nn.modules.linear.Linear"),
        ({"epoch": 3}, "no state dict in the checkpoint"),
        (b"not a checkpoint", "cannot read the checkpoint"),
    ],
)
def test_a_checkpoint(
    refused: Refused,
    tiny_task: Path,
    table: Path,
    tmp_path: Path,
    option: str,
    content: object,
    sentence: str,
) -> None:
    path = tmp_path / "model.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    words = ("--embedding", table, "--size", "tiny", "--class-labels", "0,1,4", "--task", tiny_task)
    refused(4, sentence, "convert", option, path, *words)


def test_another_architecture_is_told_by_its_first_tensors(
    refused: Refused, tiny_task: Path, table: Path, tmp_path: Path
) -> None:
    torch.save(OURS, tmp_path / "model.pt")
    second, third = "backbone.stem.0.0.bias of shape (1,)", "backbone.stem.0.1.weight of shape (1,)"
    sentence = f"a tensor {second}, a tensor {third} and {len(OURS) - 3} more"
    words = ("--embedding", table, "--task", tiny_task)
    refused(4, sentence, "convert", "--registration", tmp_path / "model.pt", *words)


@pytest.mark.parametrize(
    ("code", "sentence", "words"),
    [
        (2, "no text vectors given", ("--registration", "absent.pt")),
        (4, "no such file: absent.pt", ("--registration", "absent.pt", "--embedding", "TABLE")),
        (4, "no such file: absent.pt", ("--segmentor", "absent.pt")),
        (2, "expected one of base, small, tiny", ("--segmentor", "OTHER")),
        (
            2,
            "one of fouriernet, lapirn,",
            ("--segmentor", "absent.pt", "--size", "tiny", "--config", "CONFIG"),
        ),
        (
            4,
            "background only; got [0, 0]; give the task's label of each class",
            ("--segmentor", "OTHER", "--size", "tiny", "--class-labels", "0,0"),
        ),
    ],
)
def test_arguments(
    refused: Refused,
    tiny_task: Path,
    table: Path,
    tmp_path: Path,
    code: int,
    sentence: str,
    words: tuple[str, ...],
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"task": "TinyMR", "registration": {"backbone": "lkunot"}}))
    torch.save({"weight": torch.zeros(1)}, tmp_path / "model.pt")
    paths = {"TABLE": str(table), "CONFIG": str(config), "OTHER": str(tmp_path / "model.pt")}
    refused(code, sentence, "convert", "--task", tiny_task, *(paths.get(word, word) for word in words))
