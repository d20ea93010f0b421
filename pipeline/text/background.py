"""The background's text vector: a direction unrelated to every organ's (SVD in the paper's Table 1)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from pairs.errors import UsageError, WeightsError
from pipeline.typing import Float, Tensor

__all__ = ["BACKGROUNDS", "background_vector"]

_TINY = 1e-3


def background_vector(
    vectors: Float[Tensor, "M C1"],
    variant: str = "nullspace",
    *,
    prompt_vector: Float[Tensor, " C1"] | None = None,
) -> Float[Tensor, " C1"]:
    """Background vector for the M = N-1 organ vectors, in float64.

    Args:
        vectors: Organ vectors, one per row.
        variant: A name in `BACKGROUNDS`, or `prompt`: the text vector of the word "background" itself.
        prompt_vector: That vector, needed by `prompt` only.

    Raises:
        UsageError: If the variant is not known.
        WeightsError: If the vectors are not finite or span their whole space (`nullspace`), or if `prompt` is
            asked for without its vector.
    """
    if vectors.shape[0] == 0 or not torch.isfinite(vectors).all():
        raise WeightsError("no background vector", expected="finite organ vectors", got=tuple(vectors.shape))
    if variant == "prompt":
        if prompt_vector is None:
            raise WeightsError("no background vector", expected='the text vector of "background"', got="none")
        return prompt_vector.double()
    if variant not in BACKGROUNDS:
        known = ", ".join([*BACKGROUNDS, "prompt"])
        raise UsageError("unknown background variant", expected=known, got=repr(variant))
    return BACKGROUNDS[variant](vectors.double())


def _nullspace(vectors: Float[Tensor, "M C1"]) -> Float[Tensor, " C1"]:
    """Unit vector e_0, or the first e_i that has one, projected on the null space of the rows.

    The null space has C1 - (N-1) dimensions, so "the last right singular vector" differs between machines and
    row orders. The projection of a fixed vector depends on neither, and its sign is fixed too.
    """
    channels = vectors.shape[1]
    _, values, rows = torch.linalg.svd(vectors, full_matrices=False)
    rows = rows[values > values[0] * max(vectors.shape) * torch.finfo(values.dtype).eps]
    if len(rows) < channels:
        for axis in range(channels):
            seed = torch.zeros(channels, dtype=vectors.dtype)
            seed[axis] = 1.0
            rest = seed - rows.T @ (rows @ seed)
            if rest.norm() > _TINY:
                rest = rest - rows.T @ (rows @ rest)  # the second pass removes what rounding left of the rows
                return torch.nn.functional.normalize(rest, dim=0)
    raise WeightsError(
        "the organ vectors leave no direction for the background",
        expected=f"fewer than {channels} independent vectors of length {channels}",
        got=len(rows),
        remedy="use --background onehot or prompt",
    )


def _onehot(vectors: Float[Tensor, "M C1"]) -> Float[Tensor, " C1"]:
    """The 0-th unit vector, row 1 of the paper's Table 1."""
    unit = torch.zeros(vectors.shape[1], dtype=vectors.dtype)
    unit[0] = 1.0
    return unit


def _official(vectors: Float[Tensor, "M C1"]) -> Float[Tensor, " C1"]:
    """Last column of V^T, which the authors' code takes for the last column of V; for their weights only.

    It is not orthogonal to the organ vectors (|cosine| 1e-3 to 1e-2) and depends on the linear algebra
    library.
    """
    transposed: Tensor = torch.linalg.svd(vectors, full_matrices=True)[2]
    return transposed[:, -1]


BACKGROUNDS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"nullspace": _nullspace, "onehot": _onehot, "official": _official}
)
"""Variants that need the organ vectors only."""
