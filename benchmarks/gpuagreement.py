"""Fields of a device beside those of the CPU, and beside its own of a second time."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpuphantom import bundle_for, phantom_pair, regions_of, shrunk
from pairs.images.volume import Volume, read_image
from pairs.tasks.pair import Pair
from pairs.tasks.task import read_task
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle, read_bundle
from pipeline.weights.folders import bundle_of
from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template

__all__ = ["HEADER", "agreement"]

HEADER = (
    "pair",
    "largest displacement [voxel]",
    "max difference [voxel]",
    "mean difference [voxel]",
    "voxels of another region",
    "same bytes twice",
)

CPU = torch.device("cpu")
_SHAPE = (64, 64, 64)
_MOVED_VOX = 5.0
_REAL_PAIRS = 3


def agreement(device: torch.device, shrink: int, task: Path | None) -> Iterator[list[str]]:
    """A row for each pair and way: the shipped weights on a drawn pair and on real ones, random weights."""
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
        demo = Path(folder, "HippocampusMR")
        write_task(demo, read_template(DEFAULT_TEMPLATE), subjects=2, seed=0)
        yield from _shipped(demo, "drawn", 1, device)
    if task is not None:
        yield from _shipped(task, "real", _REAL_PAIRS, device)
    for name in ("OASIS", "AbdomenCTCT"):
        yield _random(name, device, shrink)


def _shipped(folder: Path, kind: str, count: int, device: torch.device) -> Iterator[list[str]]:
    """The whole path, each device by its own regions, then the registration by the CPU's regions alone."""
    task = read_task(folder)
    bundle = read_bundle(bundle_of(task.name))
    paths = {where: _Path(bundle, where) for where in (CPU, device)}
    for pair in task.pairs[:count]:
        images = read_image(pair.moving), read_image(pair.fixed)
        regions = {where: path.regions(images) for where, path in paths.items()}
        other = sum(
            np.count_nonzero(ours.labels != theirs.labels)
            for ours, theirs in zip(regions[CPU], regions[device], strict=True)
        )
        for what, used in (("whole path", regions[device]), ("regions of the CPU", regions[CPU])):
            expected = paths[CPU].field(images, regions[CPU])
            found, again = (paths[device].field(images, used) for _ in range(2))
            title = f"{task.name}, {kind} {_name(pair)}, {what}"
            yield _row(title, expected, found, again, str(other) if used is regions[device] else "-")


class _Path:
    """What a prediction does on a device, from arrays to the field."""

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        self.segment = bundle.build_segmentor(device)
        self.register = Registrar(bundle, device)

    def regions(self, images: tuple[Volume, Volume]) -> tuple[Segmentation, Segmentation]:
        moving, fixed = images
        return self.segment(moving), self.segment(fixed)

    def field(self, images: tuple[Volume, Volume], regions: tuple[Segmentation, Segmentation]) -> np.ndarray:
        return self.register(*images, regions[1], regions[0])


def _random(name: str, device: torch.device, shrink: int) -> list[str]:
    """Random weights at 64^3, scaled until they move voxels as trained ones do: fields are linear in them."""
    bundle, shape = bundle_for(name, shrink), shrunk(_SHAPE, shrink)
    labels = len(bundle.header.regions) - 1
    images, regions = phantom_pair(shape, labels), regions_of(shape, labels)
    moved = float(np.abs(Registrar(bundle, CPU)(*images, regions[1])).max())
    scaled = {
        key: value * (_MOVED_VOX / moved) if key in ("head.filters", "head.free_filter") else value
        for key, value in bundle.registration.items()
    }
    bundle = replace(bundle, registration=scaled)
    expected = Registrar(bundle, CPU)(*images, regions[1])
    register = Registrar(bundle, device)
    found, again = (register(*images, regions[1]) for _ in range(2))
    return _row(f"{name}, random weights, {'x'.join(map(str, shape))}", expected, found, again, "-")


def _row(title: str, expected: np.ndarray, found: np.ndarray, again: np.ndarray, other: str) -> list[str]:
    difference = np.abs(found - expected)
    figures = (np.abs(expected).max(), difference.max(), difference.mean())
    same = "yes" if found.tobytes() == again.tobytes() else "no"
    return [title, *(f"{figure:.2g}" for figure in figures), other, same]


def _name(pair: Pair) -> str:
    return f"{pair.fixed_id.subject}<--{pair.moving_id.subject}"
