"""The picture of points and images is drawn from the same map that it explains."""

from pathlib import Path

from matplotlib.image import imread

from studies.directions import main

__all__: list[str] = []


def test_the_picture_is_a_png_of_its_size(tmp_path: Path) -> None:
    assert main([str(tmp_path / "a.png")]) == 0
    assert imread(tmp_path / "a.png").shape[:2] == (572, 1155)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
