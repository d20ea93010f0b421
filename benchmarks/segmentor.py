"""Dice and distance of boundaries of a bundle's segmentor, structure by structure, on labelled scans."""

import argparse
import json
import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.growth import Growth, dice_by_growth, grown_alike
from evaluation.metrics.overlap import dice
from evaluation.metrics.regions import box_labels, enclosing_box
from evaluation.metrics.surface import Surface
from pairs.errors import KnownError, UsageError, report_and_exit_code
from pairs.images.grid import require_same_grid
from pairs.images.volume import Volume, read_labels
from pairs.tasks.task import Subject, read_task
from pairs.tasks.taskoptions import add_link_option
from pipeline.regions.sides import sided_labels
from studies.markdown import markdown_table
from studies.process import run_module

__all__ = ["Scan", "compare", "main", "render", "structures_of"]

Structure = tuple[str, tuple[int, ...]]
"""A name and its labels: the left and the right one, or one alone."""


@dataclass(frozen=True)
class Scan:
    """How one scan was segmented.

    Attributes:
        dice: Of each label that the manual map has.
        joined: Of each structure by name, left and right as one.
        apart_mm: Of each label, the median distance of a point of either boundary to the other boundary;
            infinite where the label was not found.
        grown: Of each label, `dice_by_growth`.
        seconds: Of the segmentation alone.
        peak_mib: Of the process, Python and the weights included.
    """

    dice: Mapping[int, float]
    joined: Mapping[str, float]
    apart_mm: Mapping[int, float]
    grown: Mapping[int, Sequence[float]]
    seconds: float
    peak_mib: float


def structures_of(names: Mapping[int, str]) -> list[Structure]:
    """Structures in the order of their first labels; "left X" and "right X" are two sides of one."""
    pairs = [(organ, pair) for organ, pair in sided_labels(names).items()]
    in_pairs = {label for _, pair in pairs for label in pair}
    alone = [(name, (label,)) for label, name in names.items() if label not in in_pairs]
    return sorted([*pairs, *alone], key=lambda structure: min(structure[1]))


def compare(
    manual: Volume, found: Volume, structures: Sequence[Structure], seconds: float, peak_mib: float
) -> Scan:
    """Compares the segmentation of a scan with its manual labels.

    Raises:
        GridMismatch: The two maps lie on different grids.
    """
    require_same_grid(manual.header, found.header)
    labels = [label for _, pair in structures for label in pair]
    maps = [box_labels(volume.array, labels) for volume in (manual, found)]
    overlaps: dict[int, float] = {}
    apart: dict[int, float] = {}
    grown: dict[int, Sequence[float]] = {}
    spacing = manual.header.spacing_mm
    for label in labels:
        boxes = [one.boxes[label] for one in maps if label in one.boxes]
        if label not in maps[0].boxes:
            continue
        box = enclosing_box(boxes[0], boxes[-1])
        true, seen = (volume.array[box] == label for volume in (manual, found))
        overlaps[label] = dice(true, seen)
        apart[label] = _median_apart(Surface(true, spacing), Surface(seen, spacing))
        grown[label] = dice_by_growth(true, seen, spacing)
    joined = {
        name: dice(np.isin(manual.array, pair), np.isin(found.array, pair))
        for name, pair in structures
        if any(label in overlaps for label in pair)
    }
    return Scan(overlaps, joined, apart, grown, seconds, peak_mib)


def _median_apart(one: Surface, other: Surface) -> float:
    if one.empty or other.empty:
        return math.inf
    squares = [one.squared_distances_to(other), other.squared_distances_to(one)]
    return float(np.median(np.sqrt(np.concatenate(squares))))


def render(scans: Sequence[Scan], structures: Sequence[Structure]) -> str:
    """The two tables: structures, and what a segmentation costs."""
    growths = _growths(scans)
    rows = [_row(scans, name, pair, growths) for name, pair in structures if _seen(scans, pair)]
    of_labels = [statistics.mean(scan.dice.values()) for scan in scans]
    of_structures = [statistics.mean(scan.joined.values()) for scan in scans]
    every = [distance for scan in scans for distance in scan.apart_mm.values()]
    labels = len({label for scan in scans for label in scan.dice})
    header = ("structure", "Dice left", "Dice right", "Dice joined", "boundaries apart [mm]", *_GROWN)
    joined, apart = f"{statistics.mean(of_structures):.3f}", f"{statistics.median(every):.2f}"
    total = [f"mean of {len(rows)}", "", "", joined, apart, "", _mean_grown(growths)]
    costs = [
        ["scans", str(len(scans))],
        [f"mean Dice of {labels} labels, ± scans", _spread(of_labels)],
        [f"mean Dice of {len(rows)} structures, sides joined, ± scans", _spread(of_structures)],
        ["an image, median [s]", f"{statistics.median(scan.seconds for scan in scans):.1f}"],
        ["peak memory of the process [MiB]", f"{max(scan.peak_mib for scan in scans):.0f}"],
    ]
    return f"{markdown_table(header, [*rows, total])}\n\n{markdown_table(('segmentor', 'figure'), costs)}"


_GROWN = ("grown in all scans [mm]", "Dice then, mean of labels")


def _seen(scans: Sequence[Scan], pair: Sequence[int]) -> bool:
    return any(label in scan.dice for scan in scans for label in pair)


def _growths(scans: Sequence[Scan]) -> dict[int, Growth]:
    """Of each label that two scans or more have."""
    labels = sorted({label for scan in scans for label in scan.grown})
    curves = {label: [scan.grown[label] for scan in scans if label in scan.grown] for label in labels}
    return {label: grown_alike(each) for label, each in curves.items() if len(each) > 1}


def _mean_grown(growths: Mapping[int, Growth]) -> str:
    return f"{statistics.mean(one.dice for one in growths.values()):.3f}" if growths else ""


def _row(scans: Sequence[Scan], name: str, pair: Sequence[int], growths: Mapping[int, Growth]) -> list[str]:
    """A structure of the table."""
    each = [[scan.dice[label] for scan in scans if label in scan.dice] for label in pair]
    sides = [f"{statistics.mean(values):.3f}" if values else "" for values in each]
    joined = [scan.joined[name] for scan in scans if name in scan.joined]
    apart = [scan.apart_mm[label] for scan in scans for label in pair if label in scan.apart_mm]
    cells = sides if len(pair) == 2 else ["", ""]
    of_pair = {label: growths[label] for label in pair if label in growths}
    grown = " / ".join(f"{one.mm:+.2f}" for one in of_pair.values())
    figures = [f"{statistics.mean(joined):.3f}", f"{statistics.median(apart):.2f}"]
    return [name, *cells, *figures, grown, _mean_grown(of_pair)]


def _spread(values: Sequence[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.4f} ± {deviation:.4f}"


def _measure(
    options: argparse.Namespace, subject: Subject, structures: Sequence[Structure], work: Path
) -> Scan:
    if subject.label is None:
        raise UsageError("subject without a label map", where=subject.image)
    out = work / f"{subject.id.subject}.nii"
    arguments = (
        "--weights",
        options.weights,
        "--image",
        subject.image,
        "--out",
        out,
        "--device",
        options.device,
    )
    spent = run_module("benchmarks.onesegmentation", *arguments)
    told = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    manual, found = read_labels(subject.label), read_labels(out)
    # What no class of the network stands for is not its fault.
    known = [(name, pair) for name, pair in structures if set(pair) <= set(told["labels"])]
    if not known:
        raise UsageError("the segmentor is for other labels", where=options.weights, got=told["labels"])
    return compare(manual, found, known, told["seconds"], spent.peak_mib)


def _run(options: argparse.Namespace) -> None:
    task = read_task(options.task, follow_links=options.follow_links)
    subjects = task.training_subjects()
    if options.subjects:
        subjects = tuple(one for one in task.subjects if int(one.id.subject) in options.subjects)
    if not subjects:
        raise UsageError(
            "no labelled subjects", where=options.task, expected="such that are in no pair, or --subjects"
        )
    structures = structures_of(task.label_names)
    with tempfile.TemporaryDirectory(prefix="segmentor-") as work:
        scans = []
        for subject in subjects:
            scans.append(_measure(options, subject, structures, Path(work)))
            mean = statistics.mean(scans[-1].dice.values())
            print(f"{subject.id.subject}: Dice {mean:.4f}", file=sys.stderr, flush=True)
    print(render(scans, structures))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="segmentor", description=__doc__)
    parser.add_argument("--task", type=Path, required=True, help="task folder with labels")
    parser.add_argument("--weights", type=Path, required=True, help="bundle with a segmentor for its labels")
    parser.add_argument(
        "--subjects",
        type=int,
        nargs="+",
        default=[],
        help="numbers (default: all labelled that are in no pair)",
    )
    parser.add_argument("--device", default="auto", help="as for predict")
    add_link_option(parser)
    options = parser.parse_args(arguments)
    try:
        _run(options)
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
