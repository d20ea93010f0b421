"""Times of two parts of the network beside the plain form of the same mathematics."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.stopwatch import seconds_of
from pipeline.network.backbones.lkunet import LargeKernelBlock
from pipeline.network.filters.response import blend_responses
from studies.process import NoFigure

__all__ = ["Ratio", "compare", "measure_ratios"]

TOLERANCE = 1e-3
"""Largest difference of the two forms, relative to the largest value: float32 sums in another order."""

Form = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Ratio:
    """One comparison.

    Attributes:
        what: The part and its size.
        reference: The plain form.
        ours_ms: Median milliseconds of the project's form.
        speedup: Quartiles of plain by ours, the two measured one right after the other, so that a machine
            that slows down for a while slows both.
    """

    what: str
    reference: str
    ours_ms: float
    speedup: tuple[float, float, float]


def measure_ratios(device: torch.device, repeats: int) -> Iterator[Ratio]:
    """Measures the large-kernel block at the widths of Ns = 8, and the covariant filters."""
    torch.manual_seed(0)
    branches = "four branches"
    for channels, side in ((16, 32), (32, 16), (64, 8)):
        block = LargeKernelBlock(channels).to(device)
        x = torch.randn(1, channels, side, side, side, device=device)
        what = f"large-kernel block, {channels} channels, {side}^3"
        yield compare(what, branches, *_inference_forms(block, x), repeats)
        yield compare(f"{what}, with gradients", branches, *_gradient_forms(block, x), repeats)
    for regions, channels, side in ((3, 16, 32), (3, 16, 64), (36, 16, 64)):
        what = f"covariant filters, {regions} regions, {channels} channels, {side}^3"
        yield compare(what, "a filter per voxel", *_filter_forms(regions, channels, side, device), repeats)


def compare(what: str, reference_name: str, ours: Form, reference: Form, repeats: int) -> Ratio:
    """Times two forms in turn, after one call of each that is not counted.

    Raises:
        NoFigure: If the two forms do not give the same result.
    """
    expected = reference()
    difference = float((ours() - expected).abs().max() / expected.abs().max())
    if not difference <= TOLERANCE:
        raise NoFigure("the two forms differ", where=what, expected=f"<= {TOLERANCE}", got=difference)
    times = [(1e3 * seconds_of(ours), 1e3 * seconds_of(reference)) for _ in range(repeats)]
    low, middle, high = np.quantile([b / a for a, b in times], [0.25, 0.5, 0.75]).tolist()
    return Ratio(what, reference_name, statistics.median(a for a, _ in times), (low, middle, high))


def _four_branches(block: LargeKernelBlock, x: torch.Tensor) -> torch.Tensor:
    """The block as the paper draws it: every branch has its own feature map."""
    regular = F.conv3d(x, block.regular.weight, block.regular.bias, padding=1)
    large = F.conv3d(x, block.large.weight, block.large.bias, padding=2)
    result: torch.Tensor = block.activation(regular + large + block.one(x) + x)
    return result


def _inference_forms(block: LargeKernelBlock, x: torch.Tensor) -> tuple[Form, Form]:
    @torch.inference_mode()
    def ours() -> torch.Tensor:
        result: torch.Tensor = block(x)
        return result

    @torch.inference_mode()
    def reference() -> torch.Tensor:
        return _four_branches(block, x)

    return ours, reference


def _gradient_forms(block: LargeKernelBlock, x: torch.Tensor) -> tuple[Form, Form]:
    """Forward and backward; the result is the gradient of the large kernel."""
    weights = [block.large.weight, *(p for p in block.parameters() if p is not block.large.weight)]

    def ours() -> torch.Tensor:
        return torch.autograd.grad(block(x).square().mean(), weights)[0]

    def reference() -> torch.Tensor:
        return torch.autograd.grad(_four_branches(block, x).square().mean(), weights)[0]

    return ours, reference


def _filter_forms(regions: int, channels: int, side: int, device: torch.device) -> tuple[Form, Form]:
    grid = (side, side, side)
    features = torch.randn(1, channels, *grid, device=device)
    filters = torch.randn(regions, channels, 3, device=device)
    free_filter = torch.randn(channels, 3, device=device)
    labels = torch.randint(regions, (1, *grid), device=device)
    confidence = torch.rand(1, *grid, device=device)

    @torch.inference_mode()
    def ours() -> torch.Tensor:
        return blend_responses(features, filters, free_filter, labels, confidence)

    @torch.inference_mode()
    def reference() -> torch.Tensor:
        p = confidence[..., None, None]
        per_voxel = p * filters[labels] + (1 - p) * free_filter
        return torch.einsum("bcxyz,bxyzcd->bdxyz", features, per_voxel)

    return ours, reference
