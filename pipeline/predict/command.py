"""`predict INPUT OUTPUT` from the command line."""

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from cluster.options import add_cluster_options
from pairs.fields.profile import PROFILES
from pairs.files.reportnames import REPORT_NAME
from pairs.process.counting import counted, first_few
from pairs.tasks.taskoptions import add_link_option, add_pairs_option
from pipeline.machine.device import DEVICES
from pipeline.predict.choice import METHODS
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.shard import shard_of
from pipeline.predict.taskrun import ON_ERROR, predict

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `predict`."""
    parser.add_argument("input", type=Path, help="task folder, its dataset JSON, or a pair list inside it")
    parser.add_argument("output", type=Path, help="folder for the fields and report.json")
    parser.add_argument(
        "--profile",
        choices=sorted(PROFILES),
        help="form of the fields (default: what the edition of the task asks for)",
    )
    parser.add_argument("--short-names", action="store_true", help="disp_FFFF_MMMM in place of long names")
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="auto",
        help="networks, the general method that needs no weights, or (auto) networks where weights fit",
    )
    parser.add_argument("--weights", type=Path, help="bundle (default: the shipped one of the task)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    add_pairs_option(parser)
    parser.add_argument(
        "--segmentations", type=Path, help="own label maps or probabilities, named as the images"
    )
    add_link_option(parser)
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="the I-th of N parts of the pairs, or slurm in a job array; merge joins their reports",
    )
    add_cluster_options(parser)
    parser.add_argument("--on-error", choices=ON_ERROR, default="fail")


def run(options: argparse.Namespace) -> int:
    """Registers the task's pairs; returns 0, or 1 where pairs failed.

    Raises:
        KnownError: As the parts say.
    """
    records = predict(
        options.input,
        options.output,
        profile=options.profile,
        short_names=options.short_names,
        method=options.method,
        weights=options.weights,
        device=options.device,
        pairs=options.pairs,
        segmentations=options.segmentations,
        follow_links=options.follow_links,
        on_error=options.on_error,
        shard=options.shard,
        workers=options.workers,
        scheduler=options.scheduler,
    )
    name = REPORT_NAME if options.shard is None else shard_of(options.shard, os.environ).report_name
    return _summary(records, options.output / name)


def _summary(records: Sequence[PairRecord], report: Path) -> int:
    """Counts the pairs that were asked for; the report may hold more."""
    failed = [record.pair for record in records if record.status != "done"]
    done = len(records) - len(failed)
    log.info("%d of %s done, report in %s", done, counted(len(records), "pair"), report)
    if failed:
        log.error("%s failed: %s", counted(len(failed), "pair"), first_few(failed))
    return 1 if failed else 0
