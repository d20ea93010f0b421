"""`table5`: how good must the segmentor be? Manual labels, the trained segmentor, and two weaker ones."""

from pathlib import Path
from statistics import fmean

import torch

from pairs.errors import UsageError
from pairs.images.volume import read_image
from pairs.process.counting import first_few
from pipeline.machine.device import choose_device
from pipeline.train.leftout import LeftOut
from pipeline.train.quality import hard_dice
from pipeline.train.subjects import load_samples, region_table
from pipeline.weights.bundle import BundleHeader, read_bundle
from studies.methods import INITIAL
from studies.ownsegmentor import own_segmentor
from studies.setting import Setting
from studies.table import SEGMENTORS, Published, Row
from studies.variant import RegionOrigin, Variant

__all__ = ["segmentor_dice", "segmentor_rows"]

WEAKER = {"a tenth of its steps": 10, "a 25th of its steps": 25}
"""What the weaker segmentors are trained for, as the paper has smaller networks."""
MANUAL, TRAINED = "manual labels", "the segmentor"


def segmentor_rows(setting: Setting) -> list[Row]:
    """Each source of regions in training and in use, beside the Dice of the regions of the fixed images.

    Raises:
        UsageError: The task has no labels, so that nothing is segmented, or there are no weaker segmentors.
        NoFigure: A weaker segmentor could not be trained.
    """
    if setting.segmentor is None:
        raise UsageError("table5 compares segmentors", where=setting.task.name, got="a task without labels")
    text = {"backbone": "lkunet", "head": "text"}
    paper = [Published(dice) for _, dice in SEGMENTORS.values()]
    rows = [
        Row(INITIAL),
        _manual(setting, paper[0]),
        Row(
            TRAINED,
            Variant("lku-net-text", text),
            paper[1],
            columns=_columns(setting, setting.segmentor, "base"),
        ),
    ]
    for (label, weaker), published, size in zip(
        _weaker(setting, setting.segmentor), paper[2:], ("small", "tiny"), strict=True
    ):
        variant = Variant(f"regions-of-{weaker.stem}", text, regions=RegionOrigin(segmentor=weaker))
        columns = _columns(setting, weaker, size)
        rows.append(Row(label, variant, published, TRAINED, columns=columns))
    return rows


def segmentor_dice(setting: Setting, bundle: Path) -> float:
    """Mean Dice of the regions that the segmentor sees in the fixed images of the task's pairs.

    Raises:
        UsageError: None of them has a label map that can be used.
    """
    device = choose_device(setting.device)
    weights = read_bundle(bundle)
    segmentor = weights.build_segmentor(device)
    regions = region_table(setting.task)
    fixed = {pair.fixed for pair in setting.task.pairs}
    images = [one for one in setting.task.subjects if one.image in fixed and one.label is not None]
    values = []
    left_out = LeftOut()
    samples = load_samples(images, regions, setting.config.intensity, None, left_out)
    for sample, one in zip(samples, left_out.without(images), strict=True):
        found = torch.from_numpy(segmentor(read_image(one.image)).labels)[None].long()
        values.append(hard_dice(found, sample.labels, len(regions)))
    if not values:
        raise UsageError(
            "table5 needs label maps of the fixed images",
            where=setting.task.name,
            got=first_few([*left_out.faults.values()], 3) or "none in the training list",
        )
    return fmean(values)


def _manual(setting: Setting, published: Published) -> Row:
    """Label maps as regions: of the fixed images too, so this is a bound and no method."""
    folders = {one.label.parent for one in setting.task.subjects if one.label is not None}
    needed = {path.name for pair in setting.task.pairs for path in (pair.fixed, pair.moving)}
    if len(folders) != 1 or not all((next(iter(folders)) / name).is_file() for name in needed):
        return Row(MANUAL, None, published, missing="the label maps of the pairs are not in one folder")
    variant = Variant(
        "manual-regions",
        {"backbone": "lkunet", "head": "text"},
        regions=RegionOrigin(files=next(iter(folders))),
    )
    columns = {"regions: Dice [%]": "100.00", "paper's regions: Dice [%]": f"{SEGMENTORS[MANUAL][0]:.2f}"}
    note = ("it sees the label map of the fixed image, so it is a bound and no method",)
    return Row(MANUAL, variant, published, TRAINED, note, columns=columns)


def _columns(setting: Setting, bundle: Path, size: str) -> dict[str, str]:
    dice = segmentor_dice(setting, bundle)
    return {
        "regions: Dice [%]": f"{100 * dice:.2f}",
        "paper's regions: Dice [%]": f"{SEGMENTORS[size][0]:.2f} (SwinUNETR {size})",
    }


def _weaker(setting: Setting, segmentor: Path) -> list[tuple[str, Path]]:
    """Label and bundle of the weaker segmentors: those given, or of the same kind, trained for less."""
    if setting.weaker:
        return [(path.stem, path) for path in setting.weaker]
    header = read_bundle(segmentor).header
    steps = header.training.get("segmentor", {}).get("steps")
    if steps is None:
        raise UsageError(
            "the segmentor was not trained here, so no weaker one of its kind can be",
            where=segmentor,
            remedy="give two with --weaker",
        )
    return [
        (f"{TRAINED}, {label}", _trained_for(setting, header, max(1, steps // share)))
        for label, share in WEAKER.items()
    ]


def _trained_for(setting: Setting, header: BundleHeader, steps: int) -> Path:
    training = header.config.segmentor_training.model_copy(update={"steps": steps, "validate_every": steps})
    short = header.config.model_copy(update={"segmentor_training": training})
    return own_segmentor(setting.task, short, setting.task_arguments, setting.device, setting.runs)
