"""Registers all pairs of a task with labels, lists the hardest ones, and writes a page to look at them.

python examples/hardest_pairs.py TASK OUT [HOW_MANY]
"""

import sys
from pathlib import Path

import textscf


def main(task: Path, out: Path, how_many: int = 5) -> None:
    """Writes the fields and `report.html` into a folder; fields that are finished there are kept."""
    records = textscf.predict(task, out)
    for record in records:
        if record.status != "done":
            print(f"{record.pair}: {record.error}")

    evaluation = textscf.report(task, out, out / "report.html", pictures=how_many)
    scores = sorted(evaluation.scores, key=lambda score: score.after["DSC"].mean)
    for score in scores[:how_many]:
        worst = min(score.structures, key=lambda structure: structure.dice)
        name = evaluation.label_names[worst.label]
        print(f"{score.name}: Dice {score.after['DSC'].mean:.3f}, least for {name} ({worst.dice:.3f})")
    print(f"{len(scores)} pairs, page: {out / 'report.html'}")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:4]))
    except textscf.KnownError as error:
        sys.exit(f"error: {error}")
