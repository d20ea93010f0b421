"""`convert --registration FILE`: the authors' released brain model, `oasis_9002_64_2048_0_vit.pth`."""

import argparse
import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from pairs.errors import UsageError, WeightsError
from pairs.process.counting import first_few
from pipeline.config import IntensityConfig, RegistrationConfig, TaskConfig
from pipeline.network.model import RegistrationNet, build_for_training, freeze
from pipeline.text.table import EmbeddingTable, read_table
from pipeline.typing import Tensor
from pipeline.weights.bundle import Bundle, BundleHeader
from pipeline.weights.convert.target import Target
from pipeline.weights.tensorfile import state_faults
from pipeline.weights.torchfile import read_state

__all__ = ["add_arguments", "convert", "convert_registration"]

log = logging.getLogger(__name__)

# Their names of the blocks, in the order of computation, and ours.
_CONVOLUTIONS = {
    "eninput": "stem.0",
    "ec1": "stem.1",
    **{f"ec{2 * level + 2}": f"down.{level}.0" for level in range(4)},
    **{f"up{level + 1}": f"up.{level}.up" for level in range(3)},
    **{f"dc{2 * level + step + 1}": f"up.{level}.merge.{step}" for level in range(3) for step in range(2)},
}
_LARGE_KERNELS = {f"ec{2 * level + 3}": f"down.{level}.1" for level in range(4)}
_PARTS = {2: "0", 3: "0", None: "1"}
"""Our name of a block's part by the side of its kernel; None is the activation."""
_LARGE_PARTS = {3: "regular", 5: "large", 1: "one", None: "activation"}
_FLOW = "flow.generate_flow_{axis}.mlp"
_UNUSED = ("up4.", "transformer.", "integrate.")
"""What the checkpoint has and no displacement depends on: a level that is never run, and sampling grids."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `convert --registration`."""
    parser.add_argument(
        "--embedding",
        type=Path,
        metavar="FILE",
        help="registration: text vectors of the regions, written by `embed`; the checkpoint has none",
    )


def convert(path: Path, target: Target, options: argparse.Namespace) -> Bundle:
    """A bundle with the registration network only.

    Raises:
        UsageError: no text vectors.
        WeightsError: see `convert_registration`; also a checkpoint or table that cannot be read.
    """
    if options.embedding is None:
        raise UsageError("no text vectors given", where="--embedding", remedy="write them with `embed`")
    return convert_registration(
        read_state(path),
        read_table(options.embedding),
        target.config,
        modality=target.modality,
        label_names=target.label_names,
        where=path,
        licence=options.licence,
    )


def convert_registration(
    state: Mapping[str, Tensor],
    table: EmbeddingTable,
    config: TaskConfig,
    *,
    modality: str,
    label_names: Mapping[int, str],
    where: Path,
    licence: str = "",
) -> Bundle:
    """The run-time bundle of a checkpoint of the authors' network; it holds no segmentor.

    The network has the half-resolution LKU-Net, an MLP for each component and a 3x3x3 convolution in place of
    the confidence. The checkpoint has no text vectors, so they are given.

    Args:
        state: The checkpoint's tensors by name. Inside a block their shapes identify them, not their names.
        table: Text vectors of the regions; the authors' have CLIP ViT-L/14@336px, background `official`.
        config: Of the task; its registration section gives way to the checkpoint's.
        modality: Of the task.
        label_names: Names by label of the task.
        where: The checkpoint's file, for messages.
        licence: Of the weights, kept in the bundle.

    Raises:
        WeightsError: The checkpoint is of another architecture, or the vectors are of another width or for
            other labels.
    """
    labels = (0, *sorted(label for label in label_names if label != 0))
    if table.labels != labels:
        raise WeightsError(
            "the text vectors are for other labels",
            where=f"task {config.task}",
            expected=labels,
            got=table.labels,
            remedy="write them with `embed` for this task",
        )
    net = _network(state, table, where)
    if table.background != "official":
        log.warning("the weights were trained with the background `official`, not `%s`", table.background)
    # Their volumes come scaled to 0..1, and the network saw them whole and as they are.
    intensity = IntensityConfig(kind="window", low=0, high=1)
    training = config.registration_training.model_copy(update={"crop": None})
    changes = {"intensity": intensity, "registration": net.config, "registration_training": training}
    header = BundleHeader(
        task=config.task,
        modality=modality,
        regions=labels,
        region_names=("background", *(label_names[label] for label in labels[1:])),
        config=config.model_copy(update=changes),
        prompts=table.prompts,
        embedder=table.embedder,
        background=table.background,
        embedding_sha256=table.sha256,
        training={"registration": {"converted_from": where.name, "licence": licence}},
    )
    return Bundle(header, registration=freeze(net).state_dict(), text={"vectors": table.vectors})


def _network(state: Mapping[str, Tensor], table: EmbeddingTable, where: Path) -> RegistrationNet:
    """The network in training form, with the checkpoint's weights."""
    ours = _renamed(state, where)
    start, first = ours.get("backbone.stem.0.0.weight"), ours.get("head.mlp.x.0.weight")
    if start is None or start.ndim != 5 or first is None or first.ndim != 2:
        raise _other_architecture(where, "no eninput or no flow.generate_flow_x.mlp")
    width, length = first.shape
    if table.vectors.shape[1] != length:
        raise WeightsError(
            "the text vectors do not fit the checkpoint",
            where=where,
            expected=f"vectors of length {length}",
            got=table.vectors.shape[1],
            remedy="the released model takes CLIP ViT-L/14@336px",
        )
    config = RegistrationConfig(
        start_channels=start.shape[0], decoder_stride=2, mlp_width=width, mlp="per_axis", blend="official"
    )
    with torch.device("meta"):
        net = build_for_training(config, table.vectors)
    ours["head.embeddings"] = table.vectors
    faults = state_faults(ours, net.state_dict())
    if faults:
        raise _other_architecture(where, f"under our names: {first_few(faults, 3)}")
    net.load_state_dict({name: value.float() for name, value in ours.items()}, assign=True)
    return net


def _renamed(state: Mapping[str, Tensor], where: Path) -> dict[str, Tensor]:
    """The tensors under our names."""
    renamed: dict[str, Tensor] = {}
    strange = []
    for key, tensor in state.items():
        if key.startswith(_UNUSED):
            continue
        name = _head_name(key) or _backbone_name(key, state)
        if name is None or name in renamed:
            strange.append(f"a tensor {key} of shape {tuple(tensor.shape)}")
        else:
            renamed[name] = tensor
    if strange:
        raise _other_architecture(where, first_few(strange, 3))
    return renamed


def _head_name(key: str) -> str | None:
    parent, _, kind = key.rpartition(".")
    if parent == "flow.flow":
        return f"head.free_conv.{kind}"
    for axis in "xyz":
        before = _FLOW.format(axis=axis) + "."
        if key.startswith(before):
            return f"head.mlp.{axis}.{key.removeprefix(before)}"
    return None


def _backbone_name(key: str, state: Mapping[str, Tensor]) -> str | None:
    """By the block's name and the kernel of the convolution that the tensor belongs to."""
    block = key.partition(".")[0]
    parent, _, kind = key.rpartition(".")
    weight = state.get(f"{parent}.weight")
    kernel = weight.shape[-1] if weight is not None and weight.ndim == 5 else None
    places = (
        (_CONVOLUTIONS.get(block), _PARTS.get(kernel)),
        (_LARGE_KERNELS.get(block), _LARGE_PARTS.get(kernel)),
    )
    return next((f"backbone.{ours}.{part}.{kind}" for ours, part in places if ours and part), None)


def _other_architecture(where: Path, got: str) -> WeightsError:
    return WeightsError(
        "the checkpoint is not of the authors' textSCF network for OASIS",
        where=where,
        expected="eninput, ec1-ec9, up1-up3, dc1-dc6, flow.generate_flow_{x,y,z}.mlp and flow.flow",
        got=got,
    )
