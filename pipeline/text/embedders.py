"""The embedders by name: each turns prompts into one text vector per row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from pairs.errors import UsageError
from pipeline.text.openclip import OpenClipEmbedder
from pipeline.text.sentence import MinilmEmbedder
from pipeline.text.vectorfile import VectorFileEmbedder
from pipeline.typing import Float, Tensor

__all__ = ["DEFAULT_MODEL", "EMBEDDERS", "Embedder", "EmbedderKind", "Sources", "build_embedder", "one_hot"]

DEFAULT_MODEL = "ViT-L-14-336-quickgelu"
"""The paper's text encoder, CLIP ViT-L/14@336px."""

Embedder = Callable[[Sequence[str]], Tensor]
"""From N prompts to their vectors (N, C1) float32."""


@dataclass(frozen=True)
class Sources:
    """What an embedder may be built from.

    Attributes:
        weights: Weights file of a text model.
        vectors: File of ready-made vectors.
        model: Name of the text model.
        rows: Row of each prompt in `vectors`.
    """

    weights: Path | None = None
    vectors: Path | None = None
    model: str = DEFAULT_MODEL
    rows: tuple[int, ...] | None = None


@dataclass(frozen=True)
class EmbedderKind:
    """One way to make text vectors.

    Attributes:
        build: Makes the embedder; raises WeightsError where its package or file is missing.
        takes: Attributes of `Sources` it reads; others must not be given.
    """

    build: Callable[[Sources], Embedder]
    takes: frozenset[str] = frozenset()


def one_hot(prompts: Sequence[str]) -> Float[Tensor, "M C1"]:
    """Unit vectors e_1 to e_M of length M+1 (Table 1, row 1); e_0 is left to the background."""
    return torch.eye(len(prompts) + 1)[1:]


EMBEDDERS: Mapping[str, EmbedderKind] = MappingProxyType(
    {
        "open_clip": EmbedderKind(lambda of: OpenClipEmbedder(of.model, of.weights), frozenset({"weights"})),
        "table": EmbedderKind(
            lambda of: VectorFileEmbedder(of.vectors, of.rows), frozenset({"vectors", "rows"})
        ),
        "minilm": EmbedderKind(lambda of: MinilmEmbedder()),
        "one-hot": EmbedderKind(lambda of: one_hot),
    }
)


def build_embedder(
    name: str,
    *,
    weights: Path | None = None,
    vectors: Path | None = None,
    model: str = DEFAULT_MODEL,
    rows: Sequence[int] | None = None,
) -> Embedder:
    """Makes the embedder of that name; no other one is ever taken in its place.

    Args:
        name: A name in `EMBEDDERS`.
        weights: Weights file, for `open_clip`.
        vectors: Vectors file, for `table`.
        model: Model name, for `open_clip`.
        rows: Row of each prompt, for `table`.

    Raises:
        UsageError: If the name is unknown, or a file is given to an embedder that does not read it.
        WeightsError: If weights, vectors or an optional package are missing or unusable.
    """
    if name not in EMBEDDERS:
        raise UsageError("unknown embedder", expected=", ".join(EMBEDDERS), got=repr(name))
    kind = EMBEDDERS[name]
    given = {"weights": weights, "vectors": vectors, "rows": rows}
    unread = [option for option, value in given.items() if value is not None and option not in kind.takes]
    if unread:
        raise UsageError(
            f"embedder {name} does not read --{unread[0]}", remedy="leave it out or name another embedder"
        )
    return kind.build(Sources(weights, vectors, model, None if rows is None else tuple(rows)))
