"""Vectors from a file: rows by prompt or by order, and nothing guessed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pairs.errors import UsageError, WeightsError
from pipeline.text import vectorfile
from pipeline.text.table import make_table, write_table
from pipeline.text.vectorfile import VectorFileEmbedder

ROWS = np.arange(12, dtype=np.float16).reshape(3, 4)


def write(folder: Path, prompts: object = None, **arrays: np.ndarray) -> Path:
    path = folder / "x_embeddings.npz"
    np.savez(path, **(arrays or {"embeddings": ROWS}))
    if prompts is not None:
        (folder / "x_prompts.json").write_text(json.dumps(prompts))
    return path


def test_rows_are_picked_by_prompt_whatever_the_order(tmp_path: Path) -> None:
    path = write(tmp_path, {"prompts": ["a liver", "an aorta", "a spleen"]})
    found = VectorFileEmbedder(path)(["A  spleen.", "a aorta"])
    assert found.dtype == torch.float32
    assert found.tolist() == ROWS[[2, 1]].tolist()


def test_template_and_names_make_the_prompts(tmp_path: Path) -> None:
    path = write(tmp_path, {"template": "A CT of a {name}", "names": ["Liver", "Spleen", "Aorta"]})
    assert VectorFileEmbedder(path)(["A CT of a aorta."]).tolist() == ROWS[[2]].tolist()


def test_prompts_inside_the_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", v=ROWS, prompts=np.array(["x", "y", "z"]))
    assert VectorFileEmbedder(tmp_path / "x.npz")(["z", "x"]).tolist() == ROWS[[2, 0]].tolist()


def test_safetensors_with_prompts_beside(tmp_path: Path) -> None:
    save_file({"v": torch.from_numpy(ROWS)}, tmp_path / "x.safetensors")
    (tmp_path / "x.json").write_text('{"prompts": ["x", "y", "z"]}')
    assert VectorFileEmbedder(tmp_path / "x.safetensors")(["y"]).tolist() == ROWS[[1]].tolist()


def test_own_table_is_read_with_its_prompts_and_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    write_table(
        path, make_table(torch.from_numpy(ROWS).float(), ("background", "x", "y"), (0, 1, 2), "e", "onehot")
    )
    assert VectorFileEmbedder(path)(["y", "x"]).tolist() == ROWS[[2, 1]].tolist()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WeightsError, match="altered"):
        VectorFileEmbedder(path)


def test_without_prompts_the_order_counts_and_must_be_complete(tmp_path: Path) -> None:
    embedder = VectorFileEmbedder(write(tmp_path))
    assert embedder(["x", "y", "z"]).tolist() == ROWS.tolist()
    with pytest.raises(UsageError, match="--rows"):
        embedder(["x", "y"])


def test_rows_given_in_label_order(tmp_path: Path) -> None:
    path = write(tmp_path, {"prompts": ["one", "two", "three"]})
    assert VectorFileEmbedder(path, (2, 0))(["x", "y"]).tolist() == ROWS[[2, 0]].tolist()
    for rows, got in (((0,), "1 rows"), ((0, 1, 2), "3 rows"), ((0, 3), "row 3"), ((-1, 0), "row -1")):
        with pytest.raises(UsageError, match=f"2 of the rows 0 to 2 of embeddings, got {got};"):
            VectorFileEmbedder(path, rows)(["x", "y"])


def test_a_missing_prompt_is_named_and_never_replaced_by_order(tmp_path: Path) -> None:
    path = write(tmp_path, {"prompts": ["a liver", "a spleen", "an aorta"]})
    with pytest.raises(WeightsError, match=r"1 of 3 prompts.*'a pancreas'"):
        VectorFileEmbedder(path)(["a liver", "a spleen", "a pancreas"])


def test_arrays_are_told_apart_by_their_prompts_and_never_mixed(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"prompts": {"ct": ["ct x", "ct y", "none"], "mr": ["mr x", "mr y", "none"]}},
        ct=ROWS,
        mr=ROWS + 1,
    )
    embedder = VectorFileEmbedder(path)
    assert embedder(["mr y", "none"]).tolist() == (ROWS + 1)[[1, 2]].tolist()
    with pytest.raises(WeightsError, match="several arrays"):
        embedder(["none"])
    with pytest.raises(WeightsError, match="no text vector"):
        embedder(["mr x", "ct y"])


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ({"prompts": ["x"]}, "expected 3 for embeddings, got 1"),
        ({"prompts": [1, 2, 3]}, "prompts field 'prompts"),
        ({"unknown": 1}, "expected one of the fields model, dim, "),
        ([], "expected an object of named fields"),
        ({"names": ["x", "y", "z", "w"]}, "expected 3 for embeddings, got 4"),
    ],
)
def test_prompts_that_do_not_fit_are_refused(tmp_path: Path, prompts: object, words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        VectorFileEmbedder(write(tmp_path, prompts))
    assert words in str(caught.value)
    assert "\\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "\xff"])
def test_prompts_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = write(tmp_path)
    (tmp_path / "x_prompts.json").write_text(text, encoding="latin-1")
    with pytest.raises(WeightsError, match=r"prompts cannot be read.*x_prompts\.json"):
        VectorFileEmbedder(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([np.zeros(3), np.zeros(4)], dtype=object), "pickled objects, such as rows of different"),
        (np.zeros((3, 4), dtype=">i8"), "got v of int64 (3, 4)"),
        (np.zeros(4), "got v of float32 (4,)"),
        (np.zeros((2, 0)), "got v of float32 (2, 0)"),
        (np.array(["x"]), "got none"),
    ],
)
def test_arrays_that_are_no_vectors(tmp_path: Path, array: np.ndarray, words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        VectorFileEmbedder(write(tmp_path, v=array))
    assert words in str(caught.value)
    # numpy's own words say how to unpickle all the same.
    assert "allow_pickle" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_vectors_beyond_float32_are_refused_where_they_are_used(tmp_path: Path, value: float) -> None:
    rows = ROWS.astype(np.float64)
    rows[1, 2] = value
    embedder = VectorFileEmbedder(write(tmp_path, {"prompts": ["a", "b", "c"]}, v=rows))
    assert embedder(["a", "c"]).tolist() == ROWS[[0, 2]].tolist()
    with pytest.raises(WeightsError, match=r"1 of 2 prompts.*x_embeddings\.npz.*infinity for 'b'"):
        embedder(["a", "b"])


@pytest.mark.parametrize("kind", [">f4", "<f8", np.longdouble])
def test_every_kind_of_float_is_read(tmp_path: Path, kind: str) -> None:
    assert VectorFileEmbedder(write(tmp_path, v=ROWS.astype(kind)))(["x", "y", "z"]).tolist() == ROWS.tolist()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("noise.npz", "cannot be read.*not a zip file"),
        ("empty.npz", "cannot be read.*not a zip file"),
        ("noise.safetensors", "expected a safetensors file"),
        ("missing.npz", "no such file"),
        ("folder.npz", "not a regular file: .*; got a folder"),
    ],
)
def test_files_that_hold_no_vectors_are_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "noise.npz").write_bytes(b"noise")
    (tmp_path / "empty.npz").touch()
    (tmp_path / "noise.safetensors").write_bytes(b"noise")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(WeightsError, match=words) as caught:
        VectorFileEmbedder(tmp_path / name)
    assert name in str(caught.value)


def test_a_small_file_that_declares_much_takes_no_memory_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vectorfile.MAX_BYTES == 256 * 2**20
    monkeypatch.setattr(vectorfile, "MAX_BYTES", 2**20)
    path = tmp_path / "v.npz"
    # Members that fit one by one and not together.
    np.savez_compressed(path, **{f"v{n}": np.zeros((1024, 64), np.float32) for n in range(5)})
    assert path.stat().st_size < 10_000
    with pytest.raises(WeightsError, match="arrays of more than 1 MiB"):
        VectorFileEmbedder(path)


def test_numbers_that_are_no_characters_are_refused(tmp_path: Path) -> None:
    for code in (0xD800, 0x110000):
        texts = np.array([code] * 3, np.uint32).view("<U1")
        np.savez(tmp_path / "x.npz", v=ROWS, prompts=texts)
        with pytest.raises(WeightsError, match="text vectors cannot be read"):
            VectorFileEmbedder(tmp_path / "x.npz")


def test_a_file_must_be_named() -> None:
    with pytest.raises(WeightsError, match="--vectors"):
        VectorFileEmbedder(None)


def test_real_universal_vectors(shared: Path) -> None:
    path = shared / "data" / "clip-text-embeddings" / "clip_vitb32_universal32_embeddings.npz"
    template = "A computerized tomography of a {}"
    found = VectorFileEmbedder(path)([template.format(name) for name in ("liver", "left kidney")])
    with np.load(path, allow_pickle=False) as file:
        rows = torch.from_numpy(file["embeddings"]).float()
    assert torch.equal(found, rows[[5, 2]])
    assert torch.equal(VectorFileEmbedder(path, range(13))(["x"] * 13), rows[:13])


def test_real_amos_vectors(shared: Path) -> None:
    path = shared / "data" / "clip-text-embeddings" / "clip_vitl14_amos16_embeddings.npz"
    prompts = ["a magnetic resonance image of a liver.", "a magnetic resonance image of a esophagus."]
    with np.load(path, allow_pickle=False) as file:
        rows = torch.from_numpy(file["mri_pos"]).float()
    assert torch.equal(VectorFileEmbedder(path)(prompts), rows[[6, 5]])
