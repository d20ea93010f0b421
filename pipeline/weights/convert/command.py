"""`convert` from the command line: one checkpoint of others into one weights bundle."""

import argparse
import logging
from pathlib import Path

from pairs.files.outputs import require_outputs
from pairs.tasks.taskoptions import add_link_option
from pipeline.weights.bundle import write_bundle
from pipeline.weights.convert import segmentor
from pipeline.weights.convert import textscf as registration
from pipeline.weights.convert.target import target_of

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)

DEFAULT_TASK = "AbdomenCTCT"
CONVERTERS = {
    "segmentor": (segmentor, "SwinUNETR checkpoint, such as the public BTCV ones, or brainchop's MeshNet"),
    "registration": (registration, "the authors' checkpoint of their brain model"),
}
"""What can be converted: each module has `add_arguments(parser)` and `convert(path, target, options)`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `convert`."""
    source = parser.add_mutually_exclusive_group(required=True)
    for name, (_, summary) in CONVERTERS.items():
        source.add_argument(f"--{name}", type=Path, metavar="FILE", help=summary)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="bundle to write")
    parser.add_argument(
        "--task", default=DEFAULT_TASK, help="task folder, or a Learn2Reg task's name (default: %(default)s)"
    )
    add_link_option(parser)
    parser.add_argument(
        "--config", type=Path, help="task configuration (default: the shipped one of the task)"
    )
    parser.add_argument("--licence", default="", help="licence of the weights, kept in the bundle")
    for module, _ in CONVERTERS.values():
        module.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Convert and write the bundle; returns 0.

    Raises:
        KnownError: see the converters; nothing is written then.
    """
    name = next(name for name in CONVERTERS if getattr(options, name) is not None)
    target = target_of(options.task, options.config, follow_links=options.follow_links)
    inputs = (options.segmentor, options.registration, options.embedding, options.config)
    require_outputs((options.out,), tasks=(Path(options.task),), inputs=inputs)
    bundle = CONVERTERS[name][0].convert(getattr(options, name), target, options)
    write_bundle(options.out, bundle)
    log.info("wrote %s", options.out)
    return 0
