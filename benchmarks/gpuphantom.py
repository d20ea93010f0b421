"""Images, weights and training subjects of the sizes that the GPU benchmark names, drawn and not read."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.phantom import cell_labels
from benchmarks.randomweights import random_bundle
from pairs.fields.profile import Shape3
from pairs.images.header import Header
from pairs.images.volume import Volume
from pipeline.config import TaskConfig, shipped_config
from pipeline.regions.segmentor import Segmentation
from pipeline.train.segmented import SegmentedSample
from pipeline.train.subjects import Sample
from pipeline.weights.bundle import Bundle

__all__ = ["bundle_for", "phantom_pair", "phantom_subjects", "regions_of", "shrunk"]

_SMALLEST = 16
_SHIFT = 0.05
_CERTAINTY = 0.9


def shrunk(shape: Shape3, shrink: int) -> Shape3:
    """The shape with every side so many times shorter, but 16 voxels at least."""
    x, y, z = (max(_SMALLEST, side // shrink) for side in shape)
    return x, y, z


def bundle_for(task: str, shrink: int) -> Bundle:
    """Random weights of the task's shipped configuration; fewer channels and a small segmentor if shrunk."""
    if shrink == 1:
        return random_bundle(task)
    config = shipped_config(task)
    size = "tiny" if config.segmentor.is_swin else None
    return random_bundle(task, size, channels=max(2, config.registration.start_channels // shrink))


def phantom_pair(shape: Shape3, labels: int) -> tuple[Volume, Volume]:
    """Moving and fixed image, in grey values that differ from cell to cell, 2 mm a voxel."""
    return _volume(shape, labels, 0.0, seed=0), _volume(shape, labels, _SHIFT, seed=1)


def regions_of(shape: Shape3, labels: int) -> tuple[Segmentation, Segmentation]:
    """What a segmentor would say of the pair: moving and fixed."""
    confidence = np.full(shape, _CERTAINTY, np.float16)
    return (
        Segmentation(cell_labels(shape, labels), confidence),
        Segmentation(cell_labels(shape, labels, _SHIFT), confidence),
    )


def phantom_subjects(config: TaskConfig, shape: Shape3, regions: int, count: int) -> list[SegmentedSample]:
    """Training subjects whose regions are their labels."""
    subjects = []
    for number in range(count):
        labels = torch.from_numpy(cell_labels(shape, regions - 1, number * _SHIFT).astype(np.int64))[None]
        noise = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(number))
        image = 0.9 * labels[:, None] / max(regions - 1, 1) + 0.1 * noise
        sample = Sample(f"{config.task} {number}", image, labels)
        subjects.append(SegmentedSample(sample, labels.clone(), torch.full(labels.shape, _CERTAINTY)))
    return subjects


def _volume(shape: Shape3, labels: int, shift: float, seed: int) -> Volume:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    header = Header(Path(f"phantom_{seed}.nii.gz"), shape, (2.0, 2.0, 2.0), affine, np.dtype(np.float32))
    noise = np.random.default_rng(seed).uniform(0, 10, shape)
    return Volume(header, (cell_labels(shape, labels, shift) * 20 + noise).astype(np.float32))
