"""`fig8`: does SDlogJ measure how much a field folds? The correlation over many models."""

from collections.abc import Sequence
from pathlib import Path

from scipy.stats import pearsonr, spearmanr

from studies.plots import draw_points
from studies.setting import Setting
from studies.table import Result, Row
from studies.variant import Variant

__all__ = ["correlation_of", "smoothness_picture", "smoothness_rows"]

SMOOTHNESS_WEIGHTS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_HEADS = {"plain": "LKU-Net", "text": "LKU-Net + filters"}
_FEWEST = 3


def smoothness_rows(setting: Setting) -> list[Row]:
    """LKU-Net without and with filters at six weights of the smoothness loss, displacements not integrated.

    Integrated fields hardly fold, whatever the weight.
    """
    return [
        Row(
            f"{label}, lambda {weight:g}",
            Variant(
                f"smoothness-{head}-{weight:g}".replace(".", "_"),
                {"backbone": "lkunet", "head": head, "integration_steps": 0},
                {"smoothness": weight},
            ),
        )
        for head, label in _HEADS.items()
        for weight in SMOOTHNESS_WEIGHTS
    ]


def smoothness_picture(setting: Setting, path: Path, results: Sequence[Result]) -> str:
    """The scatter plot and the correlation."""
    groups = {
        label: [
            (result.mean(lambda s: s.sdlogj), 100 * result.mean(lambda s: s.fold_fraction), name)
            for result in results
            if result.scores
            and (name := result.row.label.removeprefix(f"{label}, lambda ")) != result.row.label
        ]
        for label in _HEADS.values()
    }
    title = f"{setting.task.name}: {sum(map(len, groups.values()))} models by smoothness weight"
    draw_points(path, title, ("SDlogJ, official", "folded voxels [%]"), groups, (True, True), joined=False)
    return f"![SDlogJ and folds]({path.name})\n\n{correlation_of(results)}".rstrip()


def correlation_of(results: Sequence[Result]) -> str:
    """One sentence: SDlogJ against the share of folded voxels over all models, each seed one model."""
    models = [one for result in results for one in result.scores]
    if len(models) < _FEWEST:
        return ""
    smoothness, folds = [one.sdlogj for one in models], [one.fold_fraction for one in models]
    if len(set(folds)) == 1 or len(set(smoothness)) == 1:
        return f"No model of the {len(models)} differs in folds or in SDlogJ: no correlation."
    linear, ranks = pearsonr(smoothness, folds), spearmanr(smoothness, folds)
    return (
        f"SDlogJ against the share of folded voxels over {len(models)} models: "
        f"Pearson's r = {linear.statistic:.3f} (p = {linear.pvalue:.2g}), "
        f"Spearman's rho = {ranks.statistic:.3f} (p = {ranks.pvalue:.2g})."
    )
