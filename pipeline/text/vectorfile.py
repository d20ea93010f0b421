"""Text vectors made elsewhere: arrays in an npz or safetensors file, their prompts beside or inside it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.errors import TaskError, UsageError, WeightsError
from pairs.fields.npzfile import read_npz_arrays
from pairs.files.damage import damage_reported
from pairs.files.document import read_document
from pipeline.configtypes import first_fault
from pipeline.text.table import is_table, read_table
from pipeline.typing import Float, Tensor
from pipeline.weights.tensorfile import read_tensors, require_file

__all__ = ["MAX_BYTES", "VectorFileEmbedder"]

MAX_BYTES = 1 << 28
"""Of the arrays of an npz: 87,000 sentences with vectors of length 768. Small files can declare more."""


class _Prompts(BaseModel):
    """The JSON file beside the arrays: sentences in row order, or a template and the names in row order."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = None
    dim: int | None = None
    dtype: str | None = None
    normalised: bool | None = None
    template: str = "{name}"
    names: tuple[str, ...] | None = None
    prompts: tuple[str, ...] | Mapping[str, tuple[str, ...]] | None = None

    def of_array(self, name: str) -> tuple[str, ...] | None:
        """Sentences of one array's rows, or None where they are not given."""
        if isinstance(self.prompts, Mapping):
            return self.prompts.get(name)
        if self.prompts is None and self.names is not None:
            return tuple(self.template.replace("{name}", row) for row in self.names)
        return self.prompts


class VectorFileEmbedder:
    """Picks rows of a file by the text of the prompt, or by rows given in label order."""

    def __init__(self, path: Path | None, rows: Sequence[int] | None = None) -> None:
        """Reads the file; pickled arrays are refused.

        Args:
            path: An npz or safetensors file, or an embedding table of this program. `NAME_embeddings.npz` has
                its prompts in `NAME_prompts.json`, any other `NAME.npz` in `NAME_prompts.json` or
                `NAME.json`, or in a text array called `prompts`.
            rows: Row of each prompt, counted from 0, for files whose sentences differ from the prompts.

        Raises:
            WeightsError: If the file is missing or holds no vectors, or its prompts do not fit them.
        """
        if path is None:
            raise WeightsError(
                "no text vectors", expected="an npz or safetensors file", remedy="give it with --vectors"
            )
        self._path = path
        self._rows = None if rows is None else tuple(rows)
        self._arrays, self._prompts = _read(path)

    def __call__(self, prompts: Sequence[str]) -> Float[Tensor, "N C1"]:
        """Vectors (N, C1) float32 as they are in the file.

        Raises:
            WeightsError: If the file has no row for a prompt, more than one array has, or it is not finite.
            UsageError: If the rows given do not fit the prompts or the file.
        """
        vectors = self._vectors(prompts)
        faulty = [prompt for prompt, row in zip(prompts, vectors, strict=True) if not row.isfinite().all()]
        if faulty:
            raise WeightsError(
                f"text vectors of {len(faulty)} of {len(prompts)} prompts are not usable",
                where=self._path,
                expected="finite numbers in the range of float32",
                got=f"NaN or infinity for {faulty[0]!r}",
            )
        return vectors

    def _vectors(self, prompts: Sequence[str]) -> Float[Tensor, "N C1"]:
        if self._rows is not None:
            return self._by_order(prompts, self._rows)
        if not self._prompts and len(self._arrays) == 1:
            # No sentences to go by: the file must then hold one row per prompt and nothing else.
            return self._by_order(prompts, range(len(next(iter(self._arrays.values())))))
        wanted = [_key(prompt) for prompt in prompts]
        keys = {name: [_key(text) for text in texts] for name, texts in self._prompts.items()}
        fitting = [name for name, have in keys.items() if set(wanted) <= set(have)]
        if len(fitting) != 1:
            raise self._no_match(prompts, fitting)
        return self._arrays[fitting[0]][[keys[fitting[0]].index(key) for key in wanted]]

    def _by_order(self, prompts: Sequence[str], rows: Sequence[int]) -> Float[Tensor, "N C1"]:
        name, vectors = next(iter(self._arrays.items()))
        outside = [row for row in rows if not 0 <= row < len(vectors)]
        if len(self._arrays) != 1 or len(rows) != len(prompts) or outside:
            several = f"arrays {', '.join(self._arrays)}" if len(self._arrays) > 1 else ""
            raise UsageError(
                "rows do not fit the text vectors",
                where=self._path,
                expected=f"one array, and {len(prompts)} of the rows 0 to {len(vectors) - 1} of {name}",
                got=several or (f"row {outside[0]}" if outside else f"{len(rows)} rows"),
                remedy="give one row per label with --rows",
            )
        return vectors[list(rows)]

    def _no_match(self, prompts: Sequence[str], fitting: Sequence[str]) -> WeightsError:
        if fitting:
            return WeightsError("prompts fit several arrays", where=self._path, got=", ".join(fitting))
        have = {_key(text) for texts in self._prompts.values() for text in texts}
        # All of them may be there, spread over arrays that must not be mixed.
        lacking = [prompt for prompt in prompts if _key(prompt) not in have] or list(prompts)
        sample = next((texts[-1] for texts in self._prompts.values() if texts), "none")
        return WeightsError(
            f"no text vector for {len(lacking)} of {len(prompts)} prompts",
            where=self._path,
            expected=repr(lacking[0]),
            got=f"sentences such as {sample!r}",
            remedy="give the file's sentence with --template, or the row of each label with --rows",
        )


def _key(text: str) -> str:
    """What spellings of one sentence share: case, spacing, "an" for "a" and the full stop do not count."""
    return re.sub(r"\ban\b", "a", " ".join(text.casefold().split())).rstrip(". ")


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, tuple[str, ...]]]:
    """Vectors (rows, C1) and sentences by array name."""
    require_file(path, "give the file of vectors with --vectors")
    if is_table(path):
        table = read_table(path)
        return {"vectors": table.vectors}, {"vectors": table.prompts}
    arrays, inside = _read_npz(path) if path.suffix == ".npz" else (read_tensors(path).tensors, None)
    vectors = {
        name: array.float()
        for name, array in arrays.items()
        if array.ndim == 2 and array.shape[1] and array.is_floating_point()
    }
    if not vectors:
        found = [
            f"{name} of {str(one.dtype).removeprefix('torch.')} {tuple(one.shape)}"
            for name, one in arrays.items()
        ]
        raise WeightsError(
            "no text vectors",
            where=path,
            expected="a 2-D array of floats, one row a region",
            got=", ".join(found[:3]) or "none",
        )
    described = _Prompts(prompts=inside) if inside else _read_beside(path)
    prompts = {name: texts for name in vectors if (texts := described.of_array(name)) is not None}
    for name, texts in prompts.items():
        if len(texts) != len(vectors[name]):
            raise WeightsError(
                "prompts do not fit the text vectors",
                where=path,
                expected=f"{len(vectors[name])} for {name}",
                got=len(texts),
            )
    return vectors, prompts


def _read_npz(path: Path) -> tuple[dict[str, Tensor], tuple[str, ...] | None]:
    """Arrays of floats in float32 and of integers, and the text array `prompts` where there is one."""
    with damage_reported(path, "text vectors", WeightsError):
        content = read_npz_arrays(path, MAX_BYTES)
        texts = content.pop("prompts", None)
        sentences = None if texts is None else tuple(str(text) for text in texts.ravel())
        # numpy takes any number for a character; one that is none fails here.
        "".join(sentences or ()).encode().decode()
    # What does not fit into float32 becomes infinite, and is refused where it is used.
    kinds = {"f": np.float32, "i": np.int64, "u": np.int64}
    with np.errstate(over="ignore"):
        arrays = {
            name: torch.from_numpy(array.astype(kinds[array.dtype.kind]))
            for name, array in content.items()
            if array.dtype.kind in kinds
        }
    return arrays, sentences


def _read_beside(path: Path) -> _Prompts:
    stem = path.stem
    names = (f"{stem.removesuffix('_embeddings')}_prompts.json", f"{stem}.json")
    beside = next((path.with_name(name) for name in names if path.with_name(name).is_file()), None)
    if beside is None:
        return _Prompts()
    try:
        return _Prompts.model_validate(read_document(beside))
    except TaskError as error:
        raise WeightsError("prompts cannot be read", got=error) from error
    except ValidationError as error:
        fault = first_fault(error, _Prompts)
        what = f"prompts field '{fault.field}'" if fault.field else "not a file of prompts"
        raise WeightsError(what, where=beside, expected=fault.expected, got=fault.got) from error
