"""Training steps a second on a device, as `train registration` takes them."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.gpuphantom import bundle_for, phantom_subjects, shrunk
from benchmarks.roofline import Peaks, work_of
from pairs.fields.profile import Shape3
from pipeline.config import TaskConfig
from pipeline.predict.report import peak_memory_mib, restart_peak
from pipeline.train.loop import Plan
from pipeline.train.pairing import any_two
from pipeline.train.pairs import Group, scanned_pairs
from pipeline.train.ranks import ALONE, Ranks
from pipeline.train.registrationnetwork import train_registration
from pipeline.train.segmented import SegmentedSample

__all__ = ["HEADER", "SIZES", "seconds_halfway_and_at_end", "training_paces"]

HEADER = ("configuration", "grid", "precision", "steps/s", "peak [MiB]", "TFLOP a step", "share of roofline")

SIZES: tuple[tuple[str, Shape3], ...] = (("HippocampusMR", (48, 64, 48)), ("OASIS", (160, 192, 224)))
PRECISIONS = ("float32", "bfloat16")
_SUBJECTS = 4
_VECTOR_LENGTH = 768
_FEW, _MANY, _LONG_S = 3, 40, 10.0
"""Steps that show the pace, steps that measure it, and how long these may take."""


def training_paces(device: torch.device, shrink: int, peaks: Peaks) -> Iterator[list[str]]:
    """A row for each configuration and precision: steps with their draws, losses, moments and clipping."""
    for name, size in SIZES:
        shape = shrunk(size, shrink)
        header = bundle_for(name, shrink).header
        subjects = phantom_subjects(header.config, shape, len(header.regions), _SUBJECTS)
        for precision in PRECISIONS:
            config = _with_precision(header.config, precision)
            figures = _figures(config, subjects, len(header.regions), device, peaks)
            yield [name, "x".join(map(str, shape)), precision, *figures]


def _with_precision(config: TaskConfig, precision: str) -> TaskConfig:
    settings = config.registration_training.model_copy(update={"precision": precision, "stages": None})
    return config.model_copy(update={"registration_training": settings})


def _figures(
    config: TaskConfig, subjects: list[SegmentedSample], regions: int, device: torch.device, peaks: Peaks
) -> tuple[str, ...]:
    restart_peak(device)
    try:
        pace = _seconds_a_step(config, subjects, regions, device, _FEW)
        many = min(_MANY, int(_LONG_S / pace / 2))
        if many > _FEW:
            pace = _seconds_a_step(config, subjects, regions, device, many)
        peak = peak_memory_mib(device)
        work = work_of(lambda: seconds_halfway_and_at_end(config, subjects, regions, device, 1), peaks)
    except torch.OutOfMemoryError:
        return "too little memory", *["-"] * 3
    return f"{1 / pace:.3g}", f"{peak:.0f}", f"{work.flops / 1e12:.3g}", f"{work.floor_s / pace:.2f}"


def _seconds_a_step(
    config: TaskConfig, subjects: list[SegmentedSample], regions: int, device: torch.device, steps: int
) -> float:
    """Of the second half of twice as many steps: the first has the start in it."""
    halfway, end = seconds_halfway_and_at_end(config, subjects, regions, device, 2 * steps)
    return (end - halfway) / steps


def seconds_halfway_and_at_end(
    config: TaskConfig,
    subjects: list[SegmentedSample],
    regions: int,
    device: torch.device,
    steps: int,
    ranks: Ranks = ALONE,
) -> list[float]:
    """Seconds at the middle of a training and at its end, or at its end alone where it is one step long.

    Of several processes the leader has them, the others none.
    """
    settings = config.registration_training
    vectors = torch.randn(regions, _VECTOR_LENGTH, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory(prefix="gpu-") as folder:
        plan = Plan(
            out=Path(folder, "net.safetensors"),
            steps=steps,
            learning_rate=settings.learning_rate,
            power=settings.power,
            validate_every=max(1, steps // 2),
            fingerprint="",
        )
        material = scanned_pairs([Group(subjects, any_two)], (), config)
        train_registration(config, material, vectors, regions, plan, device, ranks)
        if not ranks.leads:
            return []
        lines = plan.metrics.read_text(encoding="utf-8").splitlines()
    return [float(json.loads(line)["seconds"]) for line in lines]
