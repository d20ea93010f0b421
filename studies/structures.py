"""`fig3` and `fig6`: LKU-Net without filters and with them, structure by structure and as pictures."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

from studies.markdown import markdown_table
from studies.methods import INITIAL
from studies.plots import draw_regions
from studies.process import run_module
from studies.scores import PairScores
from studies.setting import Setting
from studies.table import Result
from studies.trial import Trial

__all__ = ["pair_pictures", "region_picture"]


def region_picture(setting: Setting, path: Path, results: Sequence[Result]) -> str:
    """Boxes of every structure before and after, and its mean Dice in each row."""
    names = [setting.task.label_names[label] for label in sorted(setting.task.label_names) if label > 0]
    scored = [result for result in results if result.scores]
    if not scored:
        return ""
    before = scored[0].scores[0].pairs.values()
    series = {INITIAL: [[pair.region_dice_before[k] for pair in before] for k in range(len(names))]}
    for result in scored:
        series[result.row.label] = [
            list(result.pairs(partial(_dice_of, k)).values()) for k in range(len(names))
        ]
    draw_regions(path, f"{setting.task.name}, {len(setting.task.pairs)} pairs", names, series)
    cells = [
        [name, *(f"{100 * fmean(v for v in values[k] if v == v):.2f}" for values in series.values())]
        for k, name in enumerate(names)
    ]
    table = markdown_table(["Dice [%]", *series], cells)
    return f"![Dice of every structure]({path.name})\n\n{table}"


def pair_pictures(setting: Setting, path: Path, results: Sequence[Result]) -> str:
    """The first pair under the first seed of every row; the fields are made again and removed."""
    links = []
    for result in results:
        if result.row.variant is None or len(result.scores) < setting.seeds:
            continue
        picture = path.with_name(f"{path.stem}-{result.row.variant.name}.png")
        fields = Trial(setting, result.row.variant, 0).predict()
        arguments = (*setting.task_arguments, "--fields", fields, "--out", picture)
        run_module("textscf", "picture", *arguments)
        shutil.rmtree(fields)
        links.append(f"{result.row.label}:\n\n![{result.row.label}]({picture.name})")
    return "\n\n".join(links)


def _dice_of(region: int, pair: PairScores) -> float:
    return pair.region_dice[region]
