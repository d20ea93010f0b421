"""`bench NAME`: one benchmark, run as the process that it measures from."""

import argparse
import importlib
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["add_arguments", "run"]

BENCHMARKS: Mapping[str, str] = MappingProxyType(
    {
        "abdomen": "one pair of abdominal CT, by where its regions come from",
        "accuracy": "Dice, HD95 and SDlogJ of weights on a task",
        "codec": "reading, writing and decoding of fields",
        "container": "what the image costs beside the program itself",
        "exports": "exported fields, warped by the programs themselves and by `warp`",
        "evaluation": "scoring against the official evaluator's steps",
        "gpu": "agreement, speed and memory of a GPU",
        "lookup": "filters looked up by blocks against a filter for each voxel",
        "report": "the page of `report`: seconds, size, and until a browser shows it",
        "rivals": "ANTs, greedy, elastix and ConvexAdam beside our own methods on a task",
        "scale": "many pairs: what workers gain, cost and survive, and the memory of each",
        "segmentor": "Dice and boundary distance of a segmentor on labelled scans, structure by structure",
        "speed": "seconds a pair, and what bounds them",
        "training": "training steps a second of several processes beside one",
        "warping": "seconds and memory of `warp`, and the residual of its inverse",
    }
)
"""Each benchmark and what it prints."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `bench`; what follows the name is the benchmark's."""
    names = "".join(f"\n  {name:<11} {figures}" for name, figures in BENCHMARKS.items())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = f"{parser.description}\n{names}"
    parser.add_argument("name", nargs="?", choices=sorted(BENCHMARKS), metavar="NAME")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="see bench NAME --help")


def run(options: argparse.Namespace) -> int:
    """Runs the benchmark, or lists all; returns the exit code."""
    if options.name is None:
        print("\n".join(f"{name:<11} {figures}" for name, figures in BENCHMARKS.items()))
        return 0
    code: int = importlib.import_module(f"benchmarks.{options.name}").main(options.rest)
    return code
