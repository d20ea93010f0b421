"""Bundles that nobody names: a mounted one goes before a shipped one."""

from pathlib import Path

import pytest

from pipeline.weights import folders as weightfolders
from pipeline.weights.folders import bundle_of, bundles

__all__: list[str] = []


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    mounted, shipped = tmp_path / "mounted", tmp_path / "shipped"
    shipped.mkdir()
    for task in ("LungCT", "OASIS"):
        (shipped / f"{task}.safetensors").touch()
    monkeypatch.setattr(weightfolders, "WEIGHT_FOLDERS", (mounted, shipped))
    return mounted, shipped


def test_without_a_mount_the_shipped_bundle_is_taken(folders: tuple[Path, Path]) -> None:
    assert bundle_of("OASIS") == folders[1] / "OASIS.safetensors"
    assert [path.stem for path in bundles()] == ["LungCT", "OASIS"]


def test_a_mounted_bundle_goes_first(folders: tuple[Path, Path]) -> None:
    mounted, shipped = folders
    mounted.mkdir()
    (mounted / "OASIS.safetensors").touch()
    assert bundles() == [shipped / "LungCT.safetensors", mounted / "OASIS.safetensors"]


def test_a_task_without_a_bundle_is_told_where_it_would_ship(folders: tuple[Path, Path]) -> None:
    assert bundle_of("NLST") == folders[1] / "NLST.safetensors"


def test_a_task_without_a_bundle_takes_that_of_a_task_like_it(folders: tuple[Path, Path]) -> None:
    mounted, shipped = folders
    assert bundle_of("LUMIR") == shipped / "OASIS.safetensors"
    mounted.mkdir()
    (mounted / "LUMIR.safetensors").touch()
    assert bundle_of("LUMIR") == mounted / "LUMIR.safetensors"
