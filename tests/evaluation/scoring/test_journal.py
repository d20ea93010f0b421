"""The journal: scores come back as they were, and no line is trusted that is damaged or of other inputs."""

import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import pytest

from evaluation.metrics.jacobian import Regularity
from evaluation.scoring.journal import Journal, fingerprint
from evaluation.scoring.score import PairScore, Score, StructureScore
from pairs.errors import OutputError

_FIELD = Path("fields/disp_0001_0002.npz")


def _score(name: str = "0001_0000<--0002_0000") -> PairScore:
    return PairScore(
        name=name,
        field=_FIELD,
        profile="l2r2021",
        after={
            "DSC": Score(0.1 + 0.2, (1 / 3, 0.0)),
            "HD95": Score(math.inf, (2.0, math.inf)),
            "S": Score(1e-17, 1e-17),
        },
        before={"DSC": Score(0.5, (0.5, 0.5))},
        regularity=Regularity(0.1, 0.4, 0.0, 0.0),
        structures=(StructureScore(2, "lost", 0.5, 0.0, math.inf, math.inf),),
    )


def _kept(path: Path, *keys: str) -> list[bool]:
    journal = Journal(path)
    return [journal.find(key, _FIELD) is not None for key in keys]


def test_a_score_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    journal = Journal(path)
    journal.add("one", _score())
    assert Journal(path).find("one", _FIELD) == _score()
    moved = Journal(path).find("one", Path("elsewhere"))
    assert moved == dataclasses.replace(_score(), field=Path("elsewhere"))


def test_nan_comes_back_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a")
    journal.add("one", dataclasses.replace(_score(), after={"DSC": Score(math.nan, (math.nan,))}))
    found = Journal(tmp_path / "a").find("one", _FIELD)
    assert found is not None
    assert math.isnan(found.after["DSC"].mean)


@pytest.mark.parametrize("cut", [1, 2, 40, 200])
def test_a_line_cut_off_is_dropped_and_the_next_one_begins_anew(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.journal"
    for key in ("one", "two"):
        Journal(path).add(key, _score())
    path.write_bytes(path.read_bytes()[:-cut])
    whole = cut == 1
    assert _kept(path, "one", "two") == [True, whole]
    Journal(path).add("three", _score())
    assert _kept(path, "one", "two", "three") == [True, whole, True]


def test_damaged_lines_are_dropped_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    for key in ("one", "two", "three"):
        Journal(path).add(key, _score())
    lines = path.read_text().splitlines()
    lines[1] = '{"fingerprint": "two", "score": {"name": 3}}'
    path.write_text("\n".join([*lines, "[]", "null", "\x00"]) + "\n")
    assert _kept(path, "one", "two", "three") == [True, False, True]


def test_only_the_first_bytes_of_the_first_line_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(b'{"finger')
    assert _kept(path, "one") == [False]


@pytest.mark.slow
def test_no_flipped_bit_gives_another_score(tmp_path: Path) -> None:
    """A digit or the name of a metric may change into another that is as well-formed."""
    path = tmp_path / "a.journal"
    Journal(path).add("one", _score())
    content = path.read_bytes()
    for place in range(20, len(content)):
        for bit in range(8):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            assert Journal(path).find("one", _FIELD) in (None, _score()), place


def test_a_line_nested_without_end_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    nested = '{"a":' * 50_000
    path.write_text(f'{{"fingerprint": "one", "sha256": "{"0" * 64}", "score": {nested}}}}}\n')
    assert _kept(path, "one") == [False]


def test_a_pipe_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match=r"cannot be used.*named pipe"):
        Journal(tmp_path / "pipe")


@pytest.mark.parametrize("content", [b"my notes\n", b'{"name": "Toy"}\n', b"\x1f\x8b\x08"])
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(content)
    with pytest.raises(OutputError, match="not a journal"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be used"):
        Journal(tmp_path)
    with pytest.raises(OutputError, match="cannot be used"):
        Journal(tmp_path / "missing" / "a.journal").add("one", _score())


def test_without_a_path_nothing_is_kept(tmp_path: Path) -> None:
    journal = Journal(None)
    journal.add("one", _score())
    assert not journal.wanted
    assert journal.find("one", _FIELD) is None


def test_fingerprints_differ_with_settings_contents_and_their_order(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    array = np.arange(3.0)
    keys = {
        fingerprint(("a",), (one, other)),
        fingerprint(("b",), (one, other)),
        fingerprint(("a",), (other, one)),
        fingerprint(("a",), (one,)),
        fingerprint(("a",), (array,)),
        fingerprint(("a",), (array + 1,)),
    }
    assert len(keys) == 6
    copy = tmp_path / "copy"
    copy.write_bytes(b"1")
    assert fingerprint(("a",), (copy, other)) in keys
    with pytest.raises(OSError, match="missing"):
        fingerprint((), (tmp_path / "missing",))
