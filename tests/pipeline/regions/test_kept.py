"""Kept segmentations: found by content, weights and shape, and made anew where damaged."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.errors import OutputError
from pairs.images.volume import Volume
from pipeline.regions.kept import KeptSegmentations, refuse_link
from pipeline.regions.segmentor import Segmentation, Segmentor
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import SegmentedRegions
from pipeline.weights.bundle import Bundle

__all__: list[str] = []

REGIONS = (0, 1, 4)
SHAPE = (32, 48, 40)


@pytest.fixture
def segmented(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SegmentedRegions:
    """The segmentor with a counter in the attribute `asked` of its class."""
    monkeypatch.setattr(Segmentor, "asked", 0, raising=False)
    original = Segmentor.__call__

    def count(self: Segmentor, volume: Volume) -> Segmentation:
        monkeypatch.setattr(Segmentor, "asked", Segmentor.asked + 1, raising=False)
        return original(self, volume)

    monkeypatch.setattr(Segmentor, "__call__", count)
    kept = KeptSegmentations(tmp_path, "weights cpu", len(REGIONS))
    segmentor = tiny_bundle.build_segmentor(torch.device("cpu"))
    return SegmentedRegions(segmentor, kept, SideCheck({}, REGIONS))


def asked() -> int:
    return int(Segmentor.asked)


def test_an_image_is_segmented_once(segmented: SegmentedRegions, image: Volume, tmp_path: Path) -> None:
    first, second = segmented(image), segmented(image)
    assert asked() == 1
    assert len(list(tmp_path.glob("*.npz"))) == 1
    for name in ("labels", "confidence"):
        a, b = getattr(first, name), getattr(second, name)
        assert a.dtype == b.dtype
        assert np.array_equal(a, b)


def test_other_content_or_other_weights_are_segmented_anew(
    segmented: SegmentedRegions, image: Volume, tmp_path: Path
) -> None:
    segmented(image)
    segmented(Volume(image.header, image.array.reshape(48, 32, 40)))
    segmented(Volume(image.header, image.array[::-1]))
    assert asked() == 3
    segmented(image)
    assert asked() == 3
    segmented.kept = KeptSegmentations(tmp_path, "other weights cpu", len(REGIONS))
    segmented(image)
    assert asked() == 4
    segmented(image)
    assert asked() == 4


def test_a_segmentation_names_the_file_that_it_is_kept_in(
    segmented: SegmentedRegions, image: Volume, tmp_path: Path
) -> None:
    made = segmented(image)
    (path,) = tmp_path.glob("*.npz")
    assert made.kept_as == path.name
    assert segmented(image).kept_as == path.name


def damaged(path: Path, kind: str) -> None:
    zeros, ones = np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.float16)
    content = path.read_bytes()
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "flipped":
        path.write_bytes(content[:200] + bytes(byte ^ 0x55 for byte in content[200:400]) + content[400:])
    elif kind == "bare array":
        with path.open("wb") as file:
            np.save(file, zeros)
    elif kind == "pickle":
        np.savez(path, labels=np.array([object()]), confidence=ones)
    elif kind == "other names":
        np.savez(path, a=zeros)
    elif kind == "other shape":
        np.savez(path, labels=zeros[1:], confidence=ones[1:])
    elif kind == "other type":
        np.savez(path, labels=zeros.astype(np.float32), confidence=ones)
    elif kind == "unknown region":
        np.savez(path, labels=zeros + 3, confidence=ones)
    else:
        np.savez(path, labels=zeros, confidence=ones * np.nan)


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "truncated",
        "flipped",
        "bare array",
        "pickle",
        "other names",
        "other shape",
        "other type",
        "unknown region",
        "not finite",
    ],
)
def test_a_damaged_kept_segmentation_is_made_anew(
    segmented: SegmentedRegions, image: Volume, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = segmented(image)
    (path,) = tmp_path.glob("*.npz")
    content = path.read_bytes()
    damaged(path, kind)
    assert not caplog.messages
    found = segmented(image)
    assert asked() == 2
    assert path.name in caplog.text
    assert "segmented again" in caplog.text
    assert np.array_equal(found.labels, expected.labels)
    assert path.read_bytes() == content


def test_no_flipped_bit_is_ever_taken_or_raises(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    volume = random.random(SHAPE).astype(np.float32)
    kept = KeptSegmentations(tmp_path, "weights cpu", len(REGIONS))
    made = Segmentation(
        random.integers(0, len(REGIONS), SHAPE, dtype=np.uint8), random.random(SHAPE).astype(np.float16)
    )
    kept.put(volume, made)
    (path,) = tmp_path.glob("*.npz")
    content = path.read_bytes()
    # Headers and directory lie at the ends and between the two arrays.
    between = content.find(b"PK\x03\x04", 10)
    places = [*range(128), *range(between - 16, between + 128), *range(len(content) - 160, len(content))]
    for place in places:
        flipped = content[place] ^ (1 << int(random.integers(8)))
        path.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
        found = kept.get(volume)
        assert found is None or np.array_equal(found.labels, made.labels), place
        assert found is None or np.array_equal(found.confidence, made.confidence), place


def test_a_pipe_in_place_of_a_kept_segmentation_is_not_waited_for(
    segmented: SegmentedRegions, image: Volume, tmp_path: Path
) -> None:
    segmented(image)
    (path,) = tmp_path.glob("*.npz")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OutputError, match=r"not a regular file.*a named pipe"):
        segmented(image)


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".segmentations").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match=r"\.segmentations; expected a folder.*got a link to .*elsewhere"):
        refuse_link(tmp_path / ".segmentations")
    refuse_link(tmp_path / "elsewhere")
    refuse_link(tmp_path / "absent")
