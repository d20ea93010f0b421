"""`embed` with wrong arguments or files: one line, and the earlier table stays."""

import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

__all__: list[str] = []

Refused = Callable[..., None]
PROMPTS = [f"A magnetic resonance imaging of a {side} bean." for side in ("left", "right")]


@pytest.mark.parametrize(
    ("code", "sentence", "words"),
    [
        (2, "choose from 'open_clip', 'table', 'minilm', 'one-hot'", ("--embedder", "bert")),
        (2, "one of open_clip, table, minilm, one-hot, or --prompt table1-N", ()),
        (2, "does not read --weights", ("--embedder", "one-hot", "--weights", "w")),
        (2, "does not read --model", ("--embedder", "one-hot", "--model", "ViT-L-14-336-quickgelu")),
        (2, "choose from 'nullspace', 'onehot', 'official', 'prompt'", ("--background", "zero")),
        (2, "--rows is not a list", ("--embedder", "table", "--vectors", "v.npz", "--rows", "a,b")),
        (4, "no such file: v.npz", ("--embedder", "table", "--vectors", "v.npz")),
        (4, "no CLIP weights", ("--embedder", "open_clip")),
        (2, "one of the fields task, anatomy,", ("--embedder", "one-hot", "--config", "CONFIG")),
    ],
)
def test_wrong_arguments(
    refused: Refused, tiny_task: Path, tmp_path: Path, code: int, sentence: str, words: tuple[str, ...]
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"task": "A", "anatomi": "garden"}')
    refused(
        code, sentence, "embed", "--task", tiny_task, *(word.replace("CONFIG", str(config)) for word in words)
    )


@pytest.mark.skipif(importlib.util.find_spec("open_clip") is None, reason="open_clip is not installed")
@pytest.mark.parametrize("model", ["ViT-Z", "ViT-L-14-336"])
def test_an_unknown_clip_model(refused: Refused, tiny_task: Path, tmp_path: Path, model: str) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"never read")
    words = ("--embedder", "open_clip", "--weights", tmp_path / "w.safetensors", "--model", model)
    refused(2, "ViT-L-14-336-quickgelu or RN50x64-quickgelu", "embed", "--task", tiny_task, *words)


@pytest.mark.parametrize(
    ("code", "sentence", "rows", "prompts"),
    [
        (4, "NaN or infinity for 'A magnetic resonance imaging of a left", [[np.nan, 1], [1, 2]], PROMPTS),
        (4, "expected 3 for v, got 2", [[1, 1, 3], [1, 2, 3], [1, 2, 4]], PROMPTS),
        (2, "2 of the rows 0 to 2 of v, got 3 rows", [[1, 1, 3], [1, 2, 3], [1, 2, 4]], None),
        (4, "no text vector for 1 of 2 prompts", [[1, 1, 3], [1, 2, 3]], [PROMPTS[0], "a liver"]),
        (4, "leave no direction for the background", [[1, 1], [1, 2]], PROMPTS),
    ],
)
def test_vectors_that_do_not_fit(
    refused: Refused,
    tiny_task: Path,
    tmp_path: Path,
    code: int,
    sentence: str,
    rows: list[list[float]],
    prompts: list[str] | None,
) -> None:
    np.savez(tmp_path / "v.npz", v=np.array(rows, np.float32))
    if prompts:
        (tmp_path / "v.json").write_text(json.dumps({"prompts": prompts}))
    words = ("--embedder", "table", "--vectors", tmp_path / "v.npz")
    refused(code, sentence, "embed", "--task", tiny_task, *words)


@pytest.mark.parametrize(
    ("sentence", "labels"),
    [
        ("label 4; expected a printable name, got ''", {"1": "left bean", "4": ""}),
        ("label 1; expected a printable name, got ' -'", {"1": " -", "4": "right bean"}),
        ("labels.0.4: expected text", {"1": "left bean", "4": None}),
        ("name every label in `labels` of the dataset JSON", {}),
    ],
)
def test_a_label_without_a_name(
    refused: Refused, tiny_task: Path, sentence: str, labels: dict[str, str | None]
) -> None:
    path = tiny_task / "TinyMR_dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": {"0": labels}}))
    refused(2, sentence, "embed", "--task", tiny_task, "--embedder", "one-hot")


def test_the_table_replaces_no_input(refused: Refused, tiny_task: Path, tmp_path: Path) -> None:
    words = ("--embedder", "table", "--vectors", tmp_path / "results" / "a.safetensors")
    refused(2, "also an input", "embed", "--task", tiny_task, *words)


@pytest.mark.parametrize("words", [("table", "--vectors"), ("open_clip", "--weights")])
def test_a_pipe_in_place_of_vectors_is_told_as_one(
    refused: Refused, tiny_task: Path, tmp_path: Path, words: tuple[str, str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    arguments = ("--embedder", *words, tmp_path / "pipe")
    refused(4, "pipe; got a named pipe; give ", "embed", "--task", tiny_task, *arguments)
