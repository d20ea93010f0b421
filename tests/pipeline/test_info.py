"""`info FILE`: everything about a bundle on one screen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.bundle import Bundle, file_hash, write_bundle
from pipeline.info import describe

__all__: list[str] = []


@pytest.fixture
def written(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "TinyMR.safetensors"
    write_bundle(path, tiny_bundle)
    return path


def test_prints_the_bundle_in_words(
    written: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(written)]) == 0
    text = capsys.readouterr().out
    count = sum(tensor.numel() for tensor in tiny_bundle.registration.values())
    for part in (
        "TinyMR (MR)",
        file_hash(written),
        f"{count:,} parameters",
        "'A photo of a left bean.'",
        "none needed",
    ):
        assert part in text


def test_label_values_stand_beside_their_names(tiny_bundle: Bundle) -> None:
    regions = [line.split() for line in describe(tiny_bundle).splitlines() if "bean" in line]
    assert [(line[0], line[1]) for line in regions] == [("1", "left"), ("4", "right")]


def test_json_is_the_header(written: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json", str(written)]) == 0
    assert json.loads(capsys.readouterr().out) == tiny_bundle.header.model_dump(mode="json")


def test_a_bundle_without_registration_or_prompts(tiny_bundle: Bundle) -> None:
    header = tiny_bundle.header.model_copy(update={"prompts": (), "embedder": None, "background": None})
    text = describe(replace(tiny_bundle, header=header, registration={}))
    assert "registration none" in text
    assert "embedder    none" in text
    assert "4  right bean" in text


def test_a_missing_file_ends_with_code_4_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(tmp_path / "absent")]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: no such file")
    assert captured.err.count("\n") == 1
