"""The background vector: orthogonal to the organs, and the same everywhere."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pairs.errors import UsageError, WeightsError
from pipeline.text.background import BACKGROUNDS, background_vector
from pipeline.text.embedders import one_hot


def correlated(rows: int, channels: int, seed: int) -> torch.Tensor:
    """Vectors that resemble text vectors: norm about 10, cosine about 0.9 to each other."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(channels, generator=generator) * 0.35 + torch.randn(
        rows, channels, generator=generator
    ) * (3 / channels**0.5)


def cosines(vector: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cosine_similarity(vector.double()[None], vectors.double()).abs()


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 35), channels=st.sampled_from([36, 64, 512]), seed=st.integers(0, 2**31))
def test_nullspace_is_a_unit_vector_orthogonal_to_every_organ(rows: int, channels: int, seed: int) -> None:
    vectors = correlated(rows, channels, seed)
    background = background_vector(vectors)
    assert abs(background.norm() - 1) < 1e-12
    assert cosines(background, vectors).max() < 1e-6
    assert cosines(background.float(), vectors).max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=13, max_size=13))
def test_nullspace_does_not_depend_on_row_order_or_sign(seed: int, signs: list[float]) -> None:
    vectors = correlated(13, 768, seed)
    order = torch.randperm(13, generator=torch.Generator().manual_seed(seed))
    shuffled = vectors[order] * torch.tensor(signs)[:, None]
    torch.testing.assert_close(background_vector(shuffled), background_vector(vectors), atol=1e-9, rtol=0)


def test_the_reduced_svd_would_fail_where_the_null_space_passes() -> None:
    vectors = correlated(13, 768, 0).double()
    reduced = torch.linalg.svd(vectors, full_matrices=False)[2][-1]
    assert cosines(reduced, vectors).max() > 1e-3
    assert cosines(background_vector(vectors), vectors).max() < 1e-6


def test_official_is_the_last_column_of_v_transposed() -> None:
    vectors = correlated(13, 768, 0).double()
    official = background_vector(vectors, "official")
    _, _, transposed = np.linalg.svd(vectors.numpy(), full_matrices=True)
    # Rows of V^T beyond the rank are not unique; the first 13 entries of the column are, up to their signs.
    np.testing.assert_allclose(official[:13].abs().numpy(), np.abs(transposed[:13, -1]), atol=1e-9)
    assert abs(official.norm() - 1) < 1e-9
    assert 1e-5 < cosines(official, vectors).max() < 0.2


def test_dependent_rows_still_have_a_null_space() -> None:
    vectors = correlated(3, 8, 0)
    doubled = torch.cat([vectors, vectors, torch.zeros(1, 8)])
    torch.testing.assert_close(background_vector(doubled), background_vector(vectors), atol=1e-9, rtol=0)


def test_the_next_axis_is_taken_where_the_first_lies_in_the_row_space() -> None:
    vectors = torch.tensor([[5.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    assert background_vector(vectors).tolist() == [0.0, 1.0, 0.0]


def test_one_hot_regions_get_the_unit_vector_left_over() -> None:
    regions = one_hot(["a", "b", "c"])
    for variant in ("nullspace", "onehot"):
        table = torch.cat([background_vector(regions, variant)[None].float(), regions])
        assert torch.equal(table, torch.eye(4))


def test_vectors_that_fill_their_space_are_refused_but_for_onehot() -> None:
    with pytest.raises(WeightsError, match="no direction"):
        background_vector(torch.eye(3))
    assert background_vector(torch.eye(3), "onehot").tolist() == [1.0, 0.0, 0.0]


def test_prompt_variant_returns_the_vector_of_the_word() -> None:
    word = torch.arange(8.0)
    assert torch.equal(background_vector(correlated(3, 8, 0), "prompt", prompt_vector=word), word.double())
    with pytest.raises(WeightsError):
        background_vector(correlated(3, 8, 0), "prompt")


@pytest.mark.parametrize("variant", [*BACKGROUNDS, "prompt"])
def test_unusable_vectors_are_refused_by_every_variant(variant: str) -> None:
    for vectors in (torch.zeros(0, 8), torch.full((2, 8), torch.nan)):
        with pytest.raises(WeightsError):
            background_vector(vectors, variant, prompt_vector=torch.ones(8))


def test_unknown_variant_is_refused() -> None:
    with pytest.raises(UsageError, match="nullspace"):
        background_vector(torch.eye(2, 3), "svd")


def test_real_clip_vectors(shared: Path) -> None:
    path = shared / "data" / "clip-text-embeddings" / "clip_vitl14_amos16_embeddings.npz"
    with np.load(path, allow_pickle=False) as file:
        vectors = torch.from_numpy(file["ct_pos"][1:]).float()
    assert cosines(background_vector(vectors), vectors).max() < 1e-6
    reduced = torch.linalg.svd(vectors.double(), full_matrices=False)[2][-1]
    assert cosines(reduced, vectors).max() > 1e-2
