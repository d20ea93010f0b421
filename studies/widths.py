"""`fig4` and `fig5`: accuracy against the size of the network and against the width of the filters' MLP."""

from collections.abc import Sequence
from pathlib import Path

from studies.counting import complexity_of
from studies.methods import INITIAL
from studies.plots import draw_points
from studies.setting import Setting
from studies.table import ABDOMEN, Result, Row
from studies.variant import Variant

__all__ = ["channel_rows", "complexity_picture", "mlp_picture", "mlp_rows"]

START_CHANNELS = (4, 8, 16, 32)
MLP_WIDTHS = (64, 256, 512, 1024, 2048)
_HEADS = {"plain": "LKU-Net", "text": "LKU-Net + filters"}
_PARAMETERS, _MULTI_ADDS, _WIDTH = "parameters", "multi-adds [G]", "C_Phi"


def channel_rows(setting: Setting) -> list[Row]:
    """LKU-Net of several widths without filters and with them, and what each costs at run time."""
    rows = [Row(INITIAL, published=ABDOMEN["initial"])]
    for width in START_CHANNELS:
        for head, name in _HEADS.items():
            network = {"backbone": "lkunet", "head": head, "start_channels": width}
            variant = Variant(f"ns-{width}-{head}", network)
            against = f"{_HEADS['plain']}, Ns {width}" if head == "text" else None
            columns = _cost(setting, variant)
            rows.append(Row(f"{name}, Ns {width}", variant, against=against, columns=columns))
    return rows


def complexity_picture(setting: Setting, path: Path, results: Sequence[Result]) -> str:
    """Dice against multi-adds."""
    groups = {
        name: [
            (
                float(r.row.columns[_MULTI_ADDS]),
                100 * r.mean(lambda s: s.dice),
                r.row.label.rpartition(", ")[2],
            )
            for r in results
            if r.scores and r.row.label.startswith(f"{name}, ")
        ]
        for name in _HEADS.values()
    }
    labels = ("multi-adds of a pair [G]", "Dice [%]")
    draw_points(path, f"{setting.task.name}: accuracy and cost", labels, groups, (True, False))
    return f"![Dice against multi-adds]({path.name})"


def mlp_rows(setting: Setting) -> list[Row]:
    """textSCF with an MLP of several widths; at run time all cost the same."""
    rows = [Row(INITIAL)]
    for width in MLP_WIDTHS:
        variant = Variant(f"mlp-{width}", {"backbone": "lkunet", "head": "text", "mlp_width": width})
        rows.append(Row(f"C_Phi {width}", variant, columns={_WIDTH: str(width)}))
    return rows


def mlp_picture(setting: Setting, path: Path, results: Sequence[Result]) -> str:
    """Dice against C_Phi."""
    points = [
        (
            float(r.row.columns[_WIDTH]),
            100 * r.mean(lambda s: s.dice),
            f"{100 * r.mean(lambda s: s.dice):.1f}",
        )
        for r in results
        if r.scores
    ]
    title = f"{setting.task.name}: width of the MLP"
    draw_points(path, title, ("C_Phi", "Dice [%]"), {"LKU-Net + filters": points}, (True, False))
    return f"![Dice against C_Phi]({path.name})\n\nThe paper finds C_Phi 2048 best."


def _cost(setting: Setting, variant: Variant) -> dict[str, str]:
    config = setting.config_of(variant)
    seen = config.registration_training.crop or setting.shape
    shape = [-(-side // 2) for side in seen] if config.registration.grid == "half" else list(seen)
    count = complexity_of(config.registration, len(setting.task.label_names) + 1, shape)
    return {_PARAMETERS: str(count.parameters), _MULTI_ADDS: f"{count.published_macs / 1e9:.3f}"}
