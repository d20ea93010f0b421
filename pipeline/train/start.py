"""The weights that a segmentor's training starts from, where they are not random."""

import argparse
from collections.abc import Mapping

import torch
from torch import nn

from pairs.errors import UsageError, WeightsError
from pipeline.config import TaskConfig
from pipeline.regions.blocks import BlockGrid, begun_from_half
from pipeline.regions.source import read_segmentor
from pipeline.typing import Tensor
from pipeline.weights.bundle import Bundle

__all__ = ["begun", "read_start"]


def read_start(options: argparse.Namespace, config: TaskConfig, regions: tuple[int, ...]) -> Bundle | None:
    """The bundle that `--from` names; None where the training starts from random weights.

    Raises:
        UsageError: a registration is asked for.
        WeightsError: the bundle cannot be read, holds no segmentor, or one that is another network.
    """
    if options.start is None:
        return None
    if options.network != "segmentor":
        raise UsageError(
            "argument --from: a registration starts from random weights",
            remedy="leave it out; a bundle holds the filters of its regions, not the network that made them",
        )
    bundle = read_segmentor(options.start, regions, config.task)
    if not bundle.segmentor:
        raise WeightsError("the weights to start from hold no segmentor", where=options.start)
    own, theirs = config.segmentor, bundle.header.config.segmentor
    # Windows and looks may be others: the network is the same. From the half grid blocks can be begun.
    alike = {"roi": own.roi, "overlap": own.overlap, "interleaved": own.interleaved}
    if (theirs.grid, own.grid) == ("half", "blocks"):
        alike["grid"] = own.grid
    if theirs.model_copy(update=alike) != own:
        raise WeightsError(
            "the segmentor to start from is another network",
            where=options.start,
            expected=own.model_dump_json(),
            got=theirs.model_dump_json(),
            remedy="give a --config with the same `segmentor`",
        )
    # Its tensors are compared with its settings now, and not after all images are read.
    bundle.build_segmentor(torch.device("cpu"))
    return bundle


def begun(network: nn.Module, start: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights that a network begins with.

    Args:
        network: the one to train, with random weights.
        start: the segmentor's weights in the bundle that `read_start` gave.
    """
    own = network.state_dict()
    is_of_half = isinstance(network, BlockGrid) and any(start[name].shape != own[name].shape for name in own)
    return begun_from_half(own, start) if is_of_half else start
