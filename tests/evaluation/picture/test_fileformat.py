"""A picture is in the format that its name says, or refused before anything is drawn."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from evaluation.picture.fileformat import write_picture
from pairs.errors import UsageError

__all__: list[str] = []


@pytest.mark.parametrize(
    ("name", "start"),
    [("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")],
)
def test_the_content_is_what_the_name_says(tmp_path: Path, name: str, start: bytes) -> None:
    write_picture(Figure(figsize=(1, 1)), tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert content.startswith(start)
    assert b"Date" not in content


@pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a", "png"])
def test_other_formats_are_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"a picture cannot be written in this format.*\.png, \.pdf, \.svg"):
        write_picture(Figure(figsize=(1, 1)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
