"""The embedding table: one text vector per region with the prompts it came from, and its file."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.errors import WeightsError
from pipeline.configtypes import first_fault
from pipeline.typing import Float, Tensor
from pipeline.weights.tensorfile import read_own, read_tensors, write_tensors

__all__ = [
    "BACKGROUND_PROMPT",
    "EmbeddingTable",
    "digest",
    "is_table",
    "make_table",
    "read_table",
    "write_table",
]

BACKGROUND_PROMPT = "background"
_FORMAT = 1
_KEY = "textscf_embedding_table"


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """Text vectors of a task's regions.

    Attributes:
        vectors: (N, C1) float32; row 0 is the background.
        prompts: Sentence of each row; row 0 is "background" whatever its vector was made of.
        labels: Label of each row, ascending, 0 first.
        embedder: What made the vectors, such as `open_clip:ViT-L-14-336-quickgelu`.
        background: Variant that made row 0, see `pipeline.text.background`.
        sha256: `digest` of the vectors, prompts and labels.
    """

    vectors: Float[Tensor, "N C1"]
    prompts: tuple[str, ...]
    labels: tuple[int, ...]
    embedder: str
    background: str
    sha256: str


class _Header(BaseModel):
    """What the file says beside the vectors."""

    model_config = ConfigDict(extra="forbid")

    format: int
    prompts: tuple[str, ...]
    labels: tuple[int, ...]
    embedder: str
    background: str
    sha256: str


def digest(vectors: Float[Tensor, "N C1"], prompts: Sequence[str], labels: Sequence[int]) -> str:
    """SHA-256 in hex over the shape, the prompts, the labels and the little-endian float32 values."""
    summary = hashlib.sha256(json.dumps([list(vectors.shape), list(prompts), list(labels)]).encode())
    summary.update(vectors.detach().cpu().contiguous().numpy().astype("<f4").tobytes())
    return summary.hexdigest()


def make_table(
    vectors: Float[Tensor, "N C1"],
    prompts: Sequence[str],
    labels: Sequence[int],
    embedder: str,
    background: str,
) -> EmbeddingTable:
    """Checks the parts and makes the table; arguments are the attributes of `EmbeddingTable`.

    Raises:
        WeightsError: If the parts do not fit each other or a vector is not finite.
    """
    rows = vectors.detach().to("cpu", torch.float32).contiguous()
    _require_sound(rows, prompts, labels, "text vectors")
    sha256 = digest(rows, prompts, labels)
    return EmbeddingTable(rows, tuple(prompts), tuple(labels), embedder, background, sha256)


def write_table(path: Path, table: EmbeddingTable) -> None:
    """Writes the table as safetensors, its words in the header; the same table gives the same bytes.

    Raises:
        OutputError: If the file cannot be written.
    """
    header = _Header(
        format=_FORMAT,
        prompts=table.prompts,
        labels=table.labels,
        embedder=table.embedder,
        background=table.background,
        sha256=table.sha256,
    )
    write_tensors(path, {"vectors": table.vectors}, _KEY, header.model_dump(mode="json"))


def is_table(path: Path) -> bool:
    """Whether `path` is a safetensors file that `write_table` made; damage counts as not one."""
    try:
        return _KEY in read_tensors(path, lambda _: False).metadata
    except WeightsError:
        return False


def read_table(path: Path) -> EmbeddingTable:
    """Reads a table and checks it against its own hash.

    Raises:
        WeightsError: If the file is missing, is no embedding table, or was altered.
    """
    remedy = "write it again with the embed command"
    file = read_own(path, _KEY)
    if not file.header or "vectors" not in file.tensors:
        raise WeightsError(
            "not an embedding table",
            where=path,
            expected="what the embed command writes",
            got=f"tensors such as {', '.join(sorted(file.tensors)[:3])}" if file.tensors else "no tensor",
            remedy=remedy,
        )
    try:
        header = _Header.model_validate_json(file.header)
    except ValidationError as error:
        fault = first_fault(error, _Header)
        raise WeightsError(
            f"embedding table's header field '{fault.field}'",
            where=path,
            expected=fault.expected,
            got=fault.got,
            remedy=remedy,
        ) from error
    vectors = file.tensors["vectors"]
    if header.format != _FORMAT:
        raise WeightsError(
            "embedding table of another format", where=path, expected=_FORMAT, got=header.format
        )
    _require_sound(vectors, header.prompts, header.labels, path)
    found = digest(vectors, header.prompts, header.labels)
    if found != header.sha256:
        raise WeightsError(
            "embedding table was altered", where=path, expected=header.sha256, got=found, remedy=remedy
        )
    return EmbeddingTable(
        vectors, header.prompts, header.labels, header.embedder, header.background, header.sha256
    )


def _require_sound(vectors: Tensor, prompts: Sequence[str], labels: Sequence[int], where: object) -> None:
    """Refuses parts that do not fit each other."""
    rows = len(labels)
    if (
        vectors.ndim != 2
        or not vectors.shape[1]
        or vectors.dtype != torch.float32
        or not vectors.isfinite().all()
    ):
        fault = f"{vectors.dtype} values of shape {tuple(vectors.shape)}, or some not finite"
    elif len(vectors) != rows or len(prompts) != rows or rows < 1:
        fault = f"{len(vectors)} vectors, {len(prompts)} prompts and {rows} labels"
    elif list(labels) != sorted(set(labels)) or labels[0] != 0 or prompts[0] != BACKGROUND_PROMPT:
        fault = f"labels {tuple(labels)}, first prompt {prompts[0]!r}"
    else:
        return
    raise WeightsError(
        "embedding table contradicts itself",
        where=where,
        expected="finite float32 rows, one per prompt and label, labels ascending, background first",
        got=fault,
    )
