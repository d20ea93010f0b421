"""Scores a folder of fields that another tool wrote, pair by pair.

python examples/score_other_tool.py TASK FIELDS ants|elastix|greedy|itk|npz
"""

import sys
from pathlib import Path

import textscf


def main(task: Path, fields: Path, tool: str) -> None:
    """Prints the mean Dice of each pair before and after, and what its field does to volumes."""
    evaluation = textscf.evaluate(task, fields, tool=tool)
    print(f"{'pair':<24} {'Dice before':>11} {'after':>6} {'SDlogJ':>7} {'folded':>7}")
    for score in evaluation.scores:
        before, after, smoothness = score.before["DSC"].mean, score.after["DSC"].mean, score.regularity
        figures = f"{before:>11.3f} {after:>6.3f} {smoothness.sdlogj:>7.3f} {smoothness.fold_fraction:>7.2%}"
        print(f"{score.name:<24} {figures}")
    for pair, error in evaluation.failures.items():
        print(f"{pair:<24} not scored: {error}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    except textscf.KnownError as error:
        sys.exit(f"error: {error}")
