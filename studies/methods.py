"""Rows of `table2` to `table4`: backbones without filters and with them, and subjects of other tasks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pairs.errors import UsageError
from studies.plots import draw_dice
from studies.setting import Setting
from studies.smoothness import correlation_of
from studies.table import ABDOMEN, BRAIN, UNKNOWN, Published, Result, Row
from studies.variant import Variant

__all__ = [
    "INITIAL",
    "abdomen_rows",
    "brain_rows",
    "dice_picture",
    "filtered",
    "joint_rows",
    "plain",
    "two_rows",
]

INITIAL = "initial"
_FILTERS = " + filters"
_FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "LKU-Net": {"backbone": "lkunet"},
    "VoxelMorph": {"backbone": "voxelmorph"},
    "TransMorph tiny": {"backbone": "transmorph-tiny"},
    "LapIRN disp": {"backbone": "lapirn", "integration_steps": 0},
    "Fourier-Net": {"backbone": "fouriernet"},
}
_SIZES: Mapping[str, Mapping[str, Any]] = {
    "VoxelMorph-1": {"backbone": "voxelmorph-1"},
    "VoxelMorph-2": {"backbone": "voxelmorph-2"},
    "VoxelMorph doubled": {"backbone": "voxelmorph-double"},
    "TransMorph small": {"backbone": "transmorph-small"},
    "LapIRN diff": {"backbone": "lapirn", "integration_steps": 7},
    "TransMorph base": {"backbone": "transmorph-base"},
    "TransMorph large": {"backbone": "transmorph-large"},
}


def plain(label: str, network: Mapping[str, Any], published: Published = UNKNOWN) -> Row:
    """A backbone with one convolution in the place of the filters."""
    variant = Variant(f"{_file_name(label)}-plain", {**network, "head": "plain"})
    return Row(label, variant, published)


def filtered(label: str, network: Mapping[str, Any], published: Published = UNKNOWN) -> Row:
    """The same backbone with the covariant filters, tested against it."""
    variant = Variant(f"{_file_name(label)}-text", {**network, "head": "text"})
    return Row(label + _FILTERS, variant, published, against=label)


def two_rows(setting: Setting) -> list[Row]:
    """The images as they are, LKU-Net, and textSCF on it."""
    network = {"backbone": "lkunet"}
    return [Row(INITIAL), plain("LKU-Net", network), filtered("LKU-Net", network)]


def brain_rows(setting: Setting) -> list[Row]:
    """Methods beside each other, as in the paper's comparison on OASIS."""
    rows = [Row(INITIAL, published=BRAIN["initial"])]
    published_sizes = {label: net for label, net in _FAMILIES.items() if label != "TransMorph tiny"}
    published_sizes["TransMorph large"] = _SIZES["TransMorph large"]
    rows += [plain(label, network) for label, network in published_sizes.items()]
    return [*rows, filtered("LKU-Net", _FAMILIES["LKU-Net"], BRAIN["textSCF"])]


def abdomen_rows(setting: Setting) -> list[Row]:
    """Every backbone without filters and with them; the paper's figures are those of abdominal CT."""
    stride = 3 - setting.config.registration.decoder_stride
    other = "LKU-Net, half decoder" if stride == 2 else "LKU-Net, full decoder"
    backbones = {**_FAMILIES, other: {"backbone": "lkunet", "decoder_stride": stride}, **_SIZES}
    rows = [Row(INITIAL, published=ABDOMEN["initial"])]
    for label, network in backbones.items():
        unfiltered, with_filters = UNKNOWN, UNKNOWN
        if label == "LKU-Net":
            unfiltered, with_filters = ABDOMEN["LKU-Net"], ABDOMEN["textSCF"]
        rows += [plain(label, network, unfiltered), filtered(label, network, with_filters)]
    return rows


def joint_rows(setting: Setting) -> list[Row]:
    """The task alone; with the others, their regions background; with the others, their regions named.

    Raises:
        UsageError: No auxiliary task was given.
    """
    if not setting.auxiliary:
        raise UsageError("table4 trains with subjects of other tasks", remedy="give --aux-task DIR")
    alone = filtered("LKU-Net", {"backbone": "lkunet"}, ABDOMEN["textSCF"])
    joined = tuple(part for one in setting.auxiliary for part in ("--aux-task", *one))
    named = tuple(part for one in setting.auxiliary for part in ("--aux-task", one[0]))
    text = {"backbone": "lkunet", "head": "text"}
    unnamed = Variant("joint-background", text, arguments=(*joined, "--aux-regions", "background"))
    encoded = Variant("joint-encoded", text, arguments=joined, embed_arguments=named)
    note = ("the other subjects are those given, where the paper has 20 lung CT",)
    return [
        Row(INITIAL, published=ABDOMEN["initial"]),
        Row("the task alone", alone.variant, alone.published),
        Row("others join, their regions background", unnamed, against="the task alone", notes=note),
        Row("others join, their regions encoded", encoded, against="the task alone", notes=note),
    ]


def dice_picture(setting: Setting, path: Path, results: Sequence[Result]) -> str:
    """Boxes of all pairs, row by row; and how SDlogJ and folds go together over the rows."""
    draw_dice(path, f"{setting.task.name}, {len(setting.task.pairs)} pairs", results)
    return f"![Dice of every row]({path.name})\n\n{correlation_of(results)}".rstrip()


def _file_name(label: str) -> str:
    return label.lower().replace(",", "").replace(" ", "-")
