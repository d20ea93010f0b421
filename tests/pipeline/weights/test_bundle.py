"""Bundles: what is written is read again, as a whole and byte for byte."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pairs.errors import OutputError
from pipeline.weights.bundle import Bundle, file_hash, read_bundle, write_bundle
from tests.pipeline.weights.conftest import rewrite

__all__: list[str] = []

PARTS = ("segmentor", "registration", "text")


def test_round_trip(written: Path, tiny_bundle: Bundle) -> None:
    back = read_bundle(written)
    assert back.header == tiny_bundle.header
    assert back.sha256 == file_hash(written)
    for part in PARTS:
        before, after = getattr(tiny_bundle, part), getattr(back, part)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_equal_bundles_give_equal_bytes_and_nothing_else(written: Path, tiny_bundle: Bundle) -> None:
    other = written.with_name("other.safetensors")
    write_bundle(other, tiny_bundle)
    assert other.read_bytes() == written.read_bytes()
    assert sorted(path.name for path in written.parent.iterdir()) == [
        "TinyMR.safetensors",
        "other.safetensors",
    ]


def test_writing_replaces_the_earlier_file_as_a_whole(written: Path, tiny_bundle: Bundle) -> None:
    write_bundle(written, replace(tiny_bundle, segmentor={}))
    assert read_bundle(written).segmentor == {}


def test_a_folder_that_is_not_there_is_an_output_error(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_bundle(tmp_path / "absent" / "a.safetensors", tiny_bundle)


def test_views_of_one_tensor_are_written_apart(tiny_bundle: Bundle, tmp_path: Path) -> None:
    both = torch.arange(6.0).view(2, 3)
    text = {"vectors": both.T, "row": both[0]}
    write_bundle(tmp_path / "a.safetensors", replace(tiny_bundle, text=text))
    back = read_bundle(tmp_path / "a.safetensors").text
    assert all(torch.equal(back[key], text[key]) for key in text)


def test_a_bundle_of_an_earlier_version_is_read_with_a_warning(
    written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read_bundle(written)
    assert not caplog.messages
    rewrite(written)
    assert read_bundle(written).registration
    assert "holds no hash of its content" in caplog.text
