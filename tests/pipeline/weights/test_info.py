"""`info FILE`: everything about a bundle on one screen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.weights.bundle import Bundle, BundleHeader, file_hash, write_bundle
from pipeline.weights.info import describe
from textscf.program import main

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


COMMAND = "\x1b]0;owned\x07\x9b2J\u202e"


def _with(header: BundleHeader, text: str) -> BundleHeader:
    """The header with a text in every field that takes any."""
    return header.model_copy(
        update={
            "task": text,
            "modality": text,
            "region_names": tuple(f"{name}{text}" for name in header.region_names),
            "prompts": tuple(f"{prompt}{text}" for prompt in header.prompts),
            "embedder": text,
            "background": text,
            "training": {text: {text: [text]}},
        }
    )


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_no_text_of_the_header_commands_the_terminal(
    written: Path, tiny_bundle: Bundle, capsys: pytest.CaptureFixture[str], option: tuple[str, ...]
) -> None:
    write_bundle(written, replace(tiny_bundle, header=_with(tiny_bundle.header, COMMAND)))
    assert main(["info", *option, str(written)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("owned") >= 10
    assert all(character.isprintable() or character == "\n" for character in printed)
    # A line of the header can not pass for one of the program's.
    write_bundle(written, replace(tiny_bundle, header=_with(tiny_bundle.header, "\nsha256      0")))
    assert main(["info", *option, str(written)]) == 0
    assert capsys.readouterr().out.count("\nsha256 ") == (not option)


def test_a_missing_file_ends_with_code_4_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", str(tmp_path / "absent")]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: no such file")
    assert captured.err.count("\n") == 1
