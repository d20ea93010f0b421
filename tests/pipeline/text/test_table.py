"""The embedding table's file: round trip, and every alteration noticed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from pairs.errors import OutputError, WeightsError
from pipeline.text.table import _KEY, EmbeddingTable, digest, is_table, make_table, read_table, write_table
from pipeline.weights.tensorfile import HASH_KEY, read_tensors


def small_table(channels: int = 5) -> EmbeddingTable:
    vectors = torch.randn(3, channels, generator=torch.Generator().manual_seed(0))
    return make_table(vectors, ("background", "a liver", "a spl\u00e9en"), (0, 2, 7), "one-hot", "nullspace")


@pytest.mark.parametrize("channels", [1, 768, 5000])
def test_round_trip(tmp_path: Path, channels: int) -> None:
    table = small_table(channels)
    write_table(tmp_path / "t.safetensors", table)
    back = read_table(tmp_path / "t.safetensors")
    assert torch.equal(back.vectors, table.vectors)
    assert back.vectors.dtype == torch.float32
    assert (back.prompts, back.labels) == (table.prompts, table.labels)
    assert (back.embedder, back.background, back.sha256) == (table.embedder, table.background, table.sha256)


def test_same_table_gives_same_bytes_and_nothing_else_in_the_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_table(tmp_path / name, small_table())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_hash_depends_on_each_part() -> None:
    vectors, prompts, labels = torch.zeros(2, 3), ("background", "a"), (0, 1)
    changed = vectors.clone()
    changed[1, 2] = 1e-30
    hashes = {
        digest(vectors, prompts, labels),
        digest(changed, prompts, labels),
        digest(vectors.reshape(3, 2), prompts, labels),
        digest(vectors, ("background", "b"), labels),
        digest(vectors, prompts, (0, 2)),
    }
    assert len(hashes) == 5


def test_every_changed_bit_of_a_vector_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    write_table(path, small_table(2))
    whole = path.read_bytes()
    for position in range(len(whole) - 24, len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(WeightsError, match="altered"):
            read_table(path)


@pytest.mark.parametrize(
    ("old", "new"), [(b"a liver", b"a lifer"), (b"0,2,7", b"0,2,8"), (b"one-hot", b"one_hot")]
)
def test_changed_words(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "t.safetensors"
    write_table(path, small_table())
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))
    with pytest.raises(WeightsError, match="altered"):
        read_table(path)


def test_changed_words_in_a_table_of_an_earlier_version(tmp_path: Path) -> None:
    """Without the hash of the whole content, the table's own still covers what filters are made of."""
    path = tmp_path / "t.safetensors"
    write_table(path, small_table())
    file = read_tensors(path)
    ((key, text),) = file.metadata.items()
    entries = json.loads(text)
    del entries[HASH_KEY]
    save_file(file.tensors, path, metadata={key: json.dumps(entries)})
    assert read_table(path).prompts == small_table().prompts
    entries["prompts"][1] = "a lifer"
    save_file(file.tensors, path, metadata={key: json.dumps(entries)})
    with pytest.raises(WeightsError, match="embedding table was altered"):
        read_table(path)


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_cut_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "t.safetensors"
    write_table(path, small_table())
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError):
        read_table(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        read_table(tmp_path / "missing")
    save_file({"vectors": torch.zeros(2, 2)}, tmp_path / "plain")
    assert not is_table(tmp_path / "plain")
    assert not is_table(tmp_path / "missing")
    with pytest.raises(
        WeightsError, match=r"not an embedding table.*tensors such as vectors; write it again"
    ):
        read_table(tmp_path / "plain")
    save_file({"vectors": torch.zeros(2, 2)}, tmp_path / "odd", metadata={_KEY: '{"format": 1}'})
    with pytest.raises(WeightsError, match=r"field 'prompts': .*odd; expected a value, got none"):
        read_table(tmp_path / "odd")


def test_vectors_without_a_length_are_refused() -> None:
    with pytest.raises(WeightsError, match=r"shape \(2, 0\)"):
        make_table(torch.zeros(2, 0), ("background", "a"), (0, 1), "e", "b")


def test_swapped_vectors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    write_table(path, small_table())
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    for vectors in (torch.zeros(3), torch.zeros(3, 5, dtype=torch.float64), torch.full((3, 5), torch.inf)):
        save_file({"vectors": vectors}, path, metadata=metadata)
        assert is_table(path)
        with pytest.raises(WeightsError):
            read_table(path)
    assert set(load_file(path)) == {"vectors"}


@pytest.mark.parametrize(
    ("prompts", "labels"),
    [
        (("background", "a"), (0, 1, 2)),
        (("background", "a", "b"), (0, 2, 1)),
        (("background", "a", "b"), (0, 1, 1)),
        (("background", "a", "b"), (1, 2, 3)),
        (("a", "b", "c"), (0, 1, 2)),
    ],
)
def test_parts_that_do_not_fit_are_refused(prompts: tuple[str, ...], labels: tuple[int, ...]) -> None:
    with pytest.raises(WeightsError):
        make_table(torch.zeros(3, 4), prompts, labels, "e", "b")


def test_unwritable_folder(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_table(tmp_path / "no" / "t.safetensors", small_table())
