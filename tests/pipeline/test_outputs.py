"""No verb that makes one file writes it over one that it reads."""

from pathlib import Path

import pytest

from pipeline.config import TaskConfig
from pipeline.weights.bundle import Bundle, write_bundle
from textscf.program import main

__all__: list[str] = []


@pytest.fixture
def read(tiny_task: Path, tiny_config: TaskConfig, tiny_bundle: Bundle, tmp_path: Path) -> dict[str, Path]:
    """What the verbs read: a task, and by the names of their options the files beside it."""
    config, weights, embedding = (tmp_path / name for name in ("config.json", "weights", "embedding"))
    config.write_text(tiny_config.model_dump_json())
    write_bundle(weights, tiny_bundle)
    embedding.write_bytes(b"vectors")
    named = dict.fromkeys(("weights", "segmentor", "registration"), weights)
    return named | {"task": tiny_task, "config": config, "embedding": embedding}


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("train segmentor", ("task", "config")),
        ("train registration", ("task", "config", "segmentor", "embedding")),
        ("convert", ("task", "config", "segmentor")),
        ("convert", ("task", "config", "registration", "embedding")),
        ("template", ("task", "weights")),
    ],
)
def test_an_output_replaces_no_input(
    read: dict[str, Path], capsys: pytest.CaptureFixture[str], verb: str, options: tuple[str, ...]
) -> None:
    words = [*verb.split(), *(word for name in options for word in (f"--{name}", str(read[name])))]
    in_task = (read["task"] / "TinyMR_dataset.json", next((read["task"] / "labelsTr").iterdir()))
    for path in (*in_task, *(read[name] for name in options if name != "task")):
        before = path.read_bytes()
        assert main([*words, "--out", str(path)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: output is also an input or another output: {path}")
        assert path.read_bytes() == before
