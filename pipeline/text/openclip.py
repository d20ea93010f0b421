"""The text tower of a CLIP model, built alone and filled from a weights file on this machine."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from pairs.errors import UsageError, WeightsError
from pairs.process.counting import first_few
from pipeline.text.torchvision_standin import torchvision_or_standin
from pipeline.typing import Float, Tensor
from pipeline.weights.tensorfile import require_file, state_faults
from pipeline.weights.torchfile import read_state

__all__ = ["OpenClipEmbedder", "build_tower", "import_open_clip", "load_tower"]

_PLAIN = {"context_length", "vocab_size", "width", "heads", "layers"}
_BATCH = 16


class OpenClipEmbedder:
    """Un-normalised `encode_text` vectors of a CLIP model."""

    def __init__(self, model: str, weights: Path | None) -> None:
        """Builds the text tower of `model` and fills it from `weights`; nothing is ever downloaded.

        Args:
            model: An open_clip name ending in `-quickgelu`, since OpenAI's weights were trained with that
                activation and open_clip's plain names load them with another one.
            weights: State dict of the full model or its text tower, safetensors or a torch file of tensors.

        Raises:
            WeightsError: If the file or open_clip is missing, or the file lacks this model's text tower.
            UsageError: If the model is not such a name.
        """
        remedy = "give it with --weights; nothing is downloaded"
        if weights is None:
            raise WeightsError(
                "no CLIP weights",
                expected=f"a local weights file of {model}",
                remedy=remedy,
            )
        require_file(weights, remedy)
        self._open_clip = import_open_clip()
        self._tower = load_tower(build_tower(self._open_clip, model), weights)
        self._limit = int(self._tower.get_parameter("positional_embedding").shape[0])
        self._tokenizer = self._open_clip.SimpleTokenizer(context_length=self._limit)

    def __call__(self, prompts: Sequence[str]) -> Float[Tensor, "N C1"]:
        """Text vectors (N, C1) float32, one row per prompt.

        Raises:
            UsageError: If a prompt is longer than the model reads.
        """
        for prompt in prompts:
            length, limit = len(self._tokenizer.encode(prompt)) + 2, self._limit
            if length > limit:
                raise UsageError(
                    "prompt is too long for CLIP",
                    where=repr(prompt),
                    expected=f"at most {limit} tokens",
                    got=length,
                )
        with torch.inference_mode():
            batches = [
                self._tower(self._tokenizer(list(prompts[start : start + _BATCH])))
                for start in range(0, len(prompts), _BATCH)
            ]
        # A clone made outside inference mode can be used in training.
        return torch.cat(batches).float().clone()


def import_open_clip() -> ModuleType:
    """The open_clip package, with a stand-in for torchvision where that is not usable.

    Raises:
        WeightsError: If open_clip is not installed.
    """
    try:
        with torchvision_or_standin():
            return importlib.import_module("open_clip")
    except ImportError as error:
        raise WeightsError(
            "open_clip cannot be imported",
            got=error,
            remedy="pip install --no-deps open_clip_torch==3.3.0 ftfy regex wcwidth",
        ) from error


def build_tower(open_clip: ModuleType, model: str) -> nn.Module:
    """Text tower of `model` with random weights, without the image tower, which is two thirds of CLIP.

    Raises:
        UsageError: If the name is unknown, has the wrong activation or a text tower of another kind.
    """
    config = open_clip.get_model_config(model)
    if config is None or not config.get("quick_gelu") or set(config["text_cfg"]) - _PLAIN:
        raise UsageError(
            "not a CLIP text model of OpenAI's kind",
            expected="an open_clip name with QuickGELU, ViT-L-14-336-quickgelu or RN50x64-quickgelu",
            got=repr(model),
        )
    transformer = importlib.import_module("open_clip.transformer")
    tower: nn.Module = transformer.TextTransformer(
        output_dim=config["embed_dim"], act_layer=transformer.QuickGELU, **config["text_cfg"]
    )
    return tower.eval()


def load_tower(tower: nn.Module, weights: Path) -> nn.Module:
    """Fills the tower from the text part of a state dict and returns it, in float32.

    Raises:
        WeightsError: If the file cannot be read safely, or lacks a tensor or has one of another shape.
    """
    wanted = tower.state_dict()
    state = read_state(weights, lambda name: _plain(name) in wanted)
    found = {_plain(name): tensor for name, tensor in state.items()}
    faults = state_faults(found, wanted)
    if faults:
        raise WeightsError(
            "weights of another model",
            where=weights,
            expected=f"{len(wanted)} text tensors",
            got=first_few(faults, 3),
            remedy="give the file of the model named by --model",
        )
    tower.load_state_dict({name: tensor.float() for name, tensor in found.items()})
    return tower


def _plain(key: str) -> str:
    """Name without the prefixes of distributed training and of a text tower kept in a submodule."""
    return key.removeprefix("module.").removeprefix("text.")
