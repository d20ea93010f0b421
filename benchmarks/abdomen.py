"""Time and memory of the whole abdomen path on one pair, regions to field, with random weights."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pairs.errors import KnownError, report_and_exit_code
from pairs.tasks.task import read_task
from studies.markdown import markdown_table
from studies.process import run_module

__all__ = ["main"]

GIVEN = "labels"
SOURCES = (GIVEN, "tiny", "small", "base")


def _row(task: Path, source: str, folder: Path) -> list[str]:
    """One prediction in a process of its own; regions from a segmentor of a size, or from the label maps."""
    weights, output, pairs = folder / f"{source}.safetensors", folder / source, folder / "pairs.json"
    run_module("benchmarks.randomweights", "--out", weights, "--size", "tiny" if source == GIVEN else source)
    arguments: list[str | Path] = [task, output, "--weights", weights, "--pairs", pairs, "--device", "cpu"]
    if source == GIVEN:
        arguments += ["--segmentations", read_task(task).pairs[0].fixed.parent.with_name("labelsTr")]
    spent = run_module("textscf", "predict", *arguments)
    (record,) = json.loads((output / "report.json").read_text(encoding="utf-8"))["pairs"]
    name = "label maps given" if source == GIVEN else f"SwinUNETR {source}"
    return [name, f"{record['seconds'] / 60:.1f}", f"{spent.wall_s / 60:.1f}", f"{spent.peak_mib / 1024:.2f}"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns 0, or the code of what went wrong."""
    parser = argparse.ArgumentParser(prog="abdomen", description=__doc__)
    parser.add_argument("--task", type=Path, required=True, help="AbdomenCTCT folder")
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=[GIVEN, "tiny", "base"])
    options = parser.parse_args(arguments)
    try:
        pair = read_task(options.task).pairs[0]
        with tempfile.TemporaryDirectory(prefix="abdomen-") as temporary:
            folder = Path(temporary)
            fixed, moving = (path.relative_to(options.task).as_posix() for path in (pair.fixed, pair.moving))
            (folder / "pairs.json").write_text(json.dumps([{"fixed": fixed, "moving": moving}]))
            rows = [_row(options.task, source, folder) for source in options.sources]
    except KnownError as error:
        return report_and_exit_code(error)
    print(markdown_table(("regions from", "pair [min]", "process [min]", "peak [GiB]"), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
