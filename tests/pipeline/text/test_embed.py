"""The embed command, from label names to a table on disk."""

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.errors import UsageError, WeightsError
from pipeline.text import embed as embed_module
from pipeline.text.embed import add_arguments, embed, largest_cosines, run
from pipeline.text.prompts import prompts_for
from pipeline.text.table import EmbeddingTable, read_table

NAMES = {2: "tail", 1: "head"}
VIT = "ViT-L-14-336-quickgelu"
MR = "A magnetic resonance imaging of a left bean."
PROMPTS = prompts_for(NAMES, "MR", "brain")


def arguments(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def vector_file(folder: Path, prompts: tuple[str, ...], channels: int = 6) -> Path:
    rows = np.random.default_rng(0).normal(3, 1, (len(prompts), channels)).astype(np.float32)
    np.savez(folder / "v.npz", v=rows)
    (folder / "v.json").write_text(json.dumps({"prompts": prompts}))
    return folder / "v.npz"


def test_one_hot_table_is_the_identity() -> None:
    table = embed(NAMES, PROMPTS, "one-hot")
    assert torch.equal(table.vectors, torch.eye(3))
    assert table.labels == (0, 1, 2)
    assert table.prompts == ("background", *PROMPTS)
    assert (table.embedder, table.background) == ("one-hot", "nullspace")


@pytest.mark.parametrize("background", ["nullspace", "onehot", "official"])
def test_rows_follow_the_labels_and_the_background_comes_first(tmp_path: Path, background: str) -> None:
    path = vector_file(tmp_path, PROMPTS[::-1])
    table = embed([0, 2, 1], PROMPTS, "table", vectors=path, background=background)
    with np.load(path) as file:
        assert torch.equal(table.vectors[1:], torch.from_numpy(file["v"][::-1].copy()))
    assert abs(table.vectors[0].norm() - 1) < 1e-6
    if background == "nullspace":
        unit = torch.nn.functional.normalize(table.vectors, dim=1)
        assert (unit[1:] @ unit[0]).abs().max() < 1e-5


def test_prompt_background_is_embedded_like_the_others(tmp_path: Path) -> None:
    path = vector_file(tmp_path, (*PROMPTS, "no organ"))
    table = embed(NAMES, PROMPTS, "table", vectors=path, background="prompt", background_prompt="No organ.")
    with np.load(path) as file:
        assert torch.equal(table.vectors[0], torch.from_numpy(file["v"][2]))
    assert table.prompts[0] == "background"


def test_labels_and_prompts_must_fit() -> None:
    with pytest.raises(UsageError, match="expected 3, got 2"):
        embed([1, 2, 3], PROMPTS, "one-hot")
    with pytest.raises(UsageError):
        embed([1], [""], "one-hot")


def test_no_clip_weights_stops_the_command_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as raised:
        embed(NAMES, PROMPTS, "open_clip")
    assert raised.value.exit_code == 4


def test_largest_cosine_ignores_the_row_itself() -> None:
    found = largest_cosines(torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]]))
    torch.testing.assert_close(found, torch.full((3,), 0.5**0.5, dtype=torch.float64))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What the command asks `embed` for; the table that it gets is made of one-hot vectors."""
    asked = []

    def note(labels: Sequence[int], prompts: Sequence[str], embedder: str, **more: object) -> EmbeddingTable:
        asked.append({"labels": tuple(labels), "prompts": tuple(prompts), "embedder": embedder} | more)
        return embed(labels, prompts, "one-hot")

    monkeypatch.setattr(embed_module, "embed", note)
    return asked


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--embedder", "open_clip"], ("open_clip", "nullspace", VIT, MR)),
        (["--prompt", "table1-1"], ("one-hot", "onehot", VIT, MR)),
        (["--prompt", "table1-2"], ("open_clip", "prompt", VIT, "A photo of a left bean.")),
        (["--prompt", "table1-3"], ("open_clip", "nullspace", VIT, "A photo of a left bean.")),
        (
            ["--prompt", "table1-4", "--anatomy", "pot"],
            ("open_clip", "nullspace", VIT, "A photo of a left bean in human pot."),
        ),
        (["--prompt", "table1-5"], ("open_clip", "nullspace", "RN50x64-quickgelu", MR)),
        (["--prompt", "table1-6"], ("open_clip", "nullspace", VIT, MR)),
        (["--prompt", "table1-7"], ("table", "nullspace", VIT, MR)),
        (
            [
                "--prompt",
                "table1-2",
                "--background",
                "official",
                "--embedder",
                "table",
                "--template",
                "{name}!",
            ],
            ("table", "official", VIT, "left bean!"),
        ),
    ],
)
def test_rows_of_table_1_and_what_changes_them(
    tiny_task: Path,
    made: list[dict[str, object]],
    tmp_path: Path,
    words: list[str],
    expected: tuple[str, ...],
) -> None:
    assert run(arguments("--task", tiny_task, "--out", tmp_path / "t", *words)) == 0
    (asked,) = made
    assert (asked["embedder"], asked["background"], asked["model"], asked["prompts"][0]) == expected


def test_an_embedder_or_a_row_must_be_named(tiny_task: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="open_clip, table, minilm, one-hot, or --prompt table1-N"):
        run(arguments("--task", tiny_task, "--out", tmp_path / "t"))
    for words in (["--embedder", "bert"], ["--prompt", "table1-0"]):
        with pytest.raises(SystemExit):
            arguments("--task", "t", "--out", "o", *words)
    assert not (tmp_path / "t").exists()


def test_regions_of_an_auxiliary_task_join_in_its_own_words(
    tiny_task: Path, other_task: Path, made: list[dict[str, object]], tmp_path: Path
) -> None:
    words = ["--task", tiny_task, "--aux-task", other_task, "--embedder", "one-hot"]
    assert run(arguments(*words, "--out", tmp_path / "t")) == 0
    assert made[0]["labels"] == (0, 1, 4, 5)
    assert made[0]["prompts"] == (
        MR,
        MR.replace("left", "right"),
        "A computerized tomography of a lung.",
    )


def test_command_on_a_real_task(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "t.safetensors"
    task = shared / "data" / "HippocampusMR"
    assert run(arguments("--task", task, "--embedder", "one-hot", "--out", out)) == 0
    table = read_table(out)
    assert table.prompts[1:] == (
        "A magnetic resonance imaging of a hippocampus head in human brain.",
        "A magnetic resonance imaging of a hippocampus tail in human brain.",
    )
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[2].split()[0] == "1"


def test_command_takes_the_real_vectors_by_template_or_by_rows(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out, vectors = tmp_path / "t.safetensors", shared / "data" / "clip-text-embeddings"
    amos = vectors / "clip_vitl14_amos16_embeddings.npz"
    words = ["--task", shared / "data" / "AbdomenMRMR", "--embedder", "table", "--out", out, "--vectors"]
    with pytest.raises(WeightsError, match="--template"):
        run(arguments(*words, amos))
    assert run(arguments(*words, amos, "--template", "a magnetic resonance image of a {name}")) == 0
    table = read_table(out)
    assert table.vectors.shape == (5, 768)
    with np.load(amos, allow_pickle=False) as file:
        assert torch.equal(table.vectors[1:], torch.from_numpy(file["mri_pos"][[6, 2, 3, 1]]).float())
    universal = vectors / "clip_vitb32_universal32_embeddings.npz"
    with caplog.at_level(logging.WARNING):
        assert run(arguments(*words, universal, "--rows", "5,1,1,0")) == 0
    assert "labels [2, 3]" in caplog.text
    with pytest.raises(UsageError, match="--rows"):
        run(arguments(*words, universal, "--rows", "5,x"))


def test_names_and_anatomy_of_a_configuration_serve_a_dataset_that_names_no_labels(
    tiny_task: Path, tmp_path: Path
) -> None:
    path = tiny_task / "TinyMR_dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"labels": {"0": {}}}))
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"task": "TinyMR", "anatomy": "garden", "labels": {"4": "b", "1": "a"}}))
    out = tmp_path / "vectors.safetensors"
    words = ("--task", tiny_task, "--config", config, "--embedder", "one-hot", "--out", out)
    assert run(arguments(*words)) == 0
    table = read_table(out)
    assert table.labels == (0, 1, 4)
    assert table.prompts[1] == "A magnetic resonance imaging of a a in human garden."
