"""A bundle of random weights for a task as configured: it costs what trained weights cost."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline.network.model import build_for_training, freeze
from pipeline.regions.config import SegmentorConfig
from pipeline.regions.networks import SWIN_FEATURES, build_network
from pipeline.weights.bundle import Bundle, write_bundle
from pipeline.weights.convert.target import target_of

__all__ = ["main", "random_bundle"]

VECTOR_LENGTH = 768


def random_bundle(task: str, size: str | None = None, seed: int = 0, channels: int | None = None) -> Bundle:
    """The networks of the task's shipped configuration.

    Args:
        task: A Learn2Reg task's name, or a task folder.
        size: Of a SwinUNETR in the place of the configuration's segmentor; None keeps that.
        seed: Of the weights.
        channels: Start channels of the registration, in place of the configuration's.
    """
    target = target_of(task, None)
    count, config = len(target.regions), target.config
    if size is not None:
        section = config.segmentor.model_dump() | {"network": f"swinunetr-{size}"}
        config = config.model_copy(update={"segmentor": SegmentorConfig.model_validate(section)})
    if channels is not None:
        network = config.registration.model_copy(update={"start_channels": channels})
        config = config.model_copy(update={"registration": network})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        segmentor = build_network(config.segmentor, count).state_dict()
        net = freeze(build_for_training(config.registration, torch.randn(count, VECTOR_LENGTH)))
    header = target.header(config, {"note": "random weights, for time and memory only"})
    return Bundle(header, segmentor=segmentor, registration=net.state_dict())


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the bundle; returns 0."""
    parser = argparse.ArgumentParser(prog="randomweights", description=__doc__)
    parser.add_argument("--task", default="AbdomenCTCT", help="a Learn2Reg task's name, or a task folder")
    parser.add_argument("--size", choices=tuple(SWIN_FEATURES), default="tiny")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    write_bundle(options.out, random_bundle(options.task, options.size))
    return 0


if __name__ == "__main__":
    sys.exit(main())
