"""One evaluation of a phantom in a process of its own: SIDE FOLDER OUT, SIDE being `official` or `ours`."""

import dataclasses
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.officialsteps import OfficialNumbers, official_numbers
from evaluation.scoring.evaluate import evaluate_task
from pairs.errors import KnownError, report_and_exit_code
from pairs.tasks.task import read_task

__all__ = ["OnePair", "main", "measure", "read_one_pair"]


@dataclass(frozen=True)
class OnePair:
    """What one side took from the files to the numbers, without the start of Python and its imports.

    Attributes:
        wall_s: Wall-clock seconds.
        cpu_s: Seconds of all cores together.
        numbers: The official numbers.
    """

    wall_s: float
    cpu_s: float
    numbers: OfficialNumbers


def measure(side: str, folder: Path) -> OnePair:
    """Scores the only pair of a phantom by the official steps or by this project, with the truth beside."""
    (dataset,) = folder.glob("*_dataset.json")
    labels = len(json.loads(dataset.read_text(encoding="utf-8"))["labels"]["0"])
    fixed, moving = sorted((folder / "labelsTr").iterdir())
    (field,) = (folder / "fields").iterdir()
    wall, cpu = time.perf_counter(), time.process_time()
    official = side == "official"
    numbers = official_numbers(fixed, moving, field, labels) if official else _our_numbers(folder)
    return OnePair(time.perf_counter() - wall, time.process_time() - cpu, numbers)


def _our_numbers(folder: Path) -> OfficialNumbers:
    (score,) = evaluate_task(read_task(folder), folder / "fields").scores
    smoothness, dice, hd95 = (score.after[name].detailed for name in score.after)
    if not (isinstance(smoothness, float) and isinstance(dice, tuple) and isinstance(hd95, tuple)):
        raise TypeError("expected SDlogJ, Dice and HD95 in this order")
    return OfficialNumbers(smoothness, dice, hd95)


def read_one_pair(path: Path) -> OnePair:
    """Reads what `main` wrote."""
    document = json.loads(path.read_text(encoding="utf-8"))
    numbers = document.pop("numbers")
    return OnePair(
        **document, numbers=OfficialNumbers(numbers["sdlogj"], tuple(numbers["dice"]), tuple(numbers["hd95"]))
    )


def main(arguments: Sequence[str]) -> int:
    """Measures and writes JSON; returns the exit code."""
    side, folder, out = arguments
    try:
        result = measure(side, Path(folder))
    except KnownError as error:
        return report_and_exit_code(error)
    Path(out).write_text(json.dumps(dataclasses.asdict(result)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
