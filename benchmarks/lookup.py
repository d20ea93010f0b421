"""Times of the filter look-up of textSCF beside two plain forms of the same mathematics, in one run."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.ratios import Form, compare
from pairs.errors import KnownError, report_and_exit_code
from pipeline.machine.device import choose_device
from pipeline.network.filters.response import region_response
from studies.markdown import markdown_table

__all__ = ["Case", "main"]

CLAIMED = 5.0
"""How many times as fast as a filter for every voxel the look-up is said to be (issue 5, item 3)."""

HEADER = ("form", "ours [ms]", "ours is so many times as fast [quartiles]")


@dataclass(frozen=True)
class Case:
    """Features, filters and labels of one size.

    Attributes:
        features: F, (1, C2, X, Y, Z).
        filters: w of each region, (N, C2, 3).
        labels: (1, X, Y, Z) region indices.
    """

    features: torch.Tensor
    filters: torch.Tensor
    labels: torch.Tensor

    @classmethod
    def random(
        cls, shape: Sequence[int], regions: int, channels: int, device: torch.device, seed: int = 0
    ) -> "Case":
        """Random numbers; labels come in blocks, as organs do."""
        random = torch.Generator(device).manual_seed(seed)
        coarse = torch.randint(
            regions, (1, *(-(-side // 16) for side in shape)), generator=random, device=device
        )
        labels = coarse
        for axis, side in enumerate(shape, start=1):
            labels = labels.repeat_interleave(16, dim=axis).narrow(axis, 0, side)
        return cls(
            torch.randn(1, channels, *shape, generator=random, device=device),
            torch.randn(regions, channels, 3, generator=random, device=device),
            labels.contiguous(),
        )

    @torch.inference_mode()
    def looked_up(self) -> torch.Tensor:
        """The project's form: all N * 3 responses by one product, then a gather."""
        return region_response(self.features, self.filters, self.labels)

    @torch.inference_mode()
    def filter_per_voxel(self) -> torch.Tensor:
        """A filter gathered for every voxel, then applied there."""
        return torch.einsum("bcxyz,bxyzcd->bdxyz", self.features, self.filters[self.labels])

    @torch.inference_mode()
    def label_by_label(self) -> torch.Tensor:
        """The response of one region after the other, written where the region is."""
        result = torch.empty_like(self.features[:, :3])
        for region, filter_ in enumerate(self.filters):
            response = torch.einsum("bcxyz,cd->bdxyz", self.features, filter_)
            result = torch.where(self.labels[:, None] == region, response, result)
        return result


def _row(name: str, ours: Form, reference: Form, repeats: int) -> tuple[list[str], float]:
    ratio = compare(name, name, ours, reference, repeats)
    low, middle, high = ratio.speedup
    return [name, f"{ratio.ours_ms:.0f}", f"{middle:.2f} [{low:.2f}, {high:.2f}]"], middle


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lookup", description=__doc__)
    parser.add_argument("--shape", type=int, nargs=3, default=(96, 80, 128), metavar=("X", "Y", "Z"))
    parser.add_argument("--regions", type=int, default=14, help="N, background included")
    parser.add_argument("--channels", type=int, default=64, help="C2")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto", help="as for predict")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table and what it says of the claim; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if min(*options.shape, options.regions, options.channels, options.repeats) < 1:
        parser.error("expected positive sizes and at least one repeat")
    try:
        device = choose_device(options.device)
        case = Case.random(options.shape, options.regions, options.channels, device)
        references = {"a filter per voxel": case.filter_per_voxel, "label by label": case.label_by_label}
        rows, speedups = [], []
        for name, reference in references.items():
            row, speedup = _row(name, case.looked_up, reference, options.repeats)
            rows.append(row)
            speedups.append(speedup)
    except KnownError as error:
        return report_and_exit_code(error)
    size = "x".join(map(str, options.shape))
    print(f"{size}, {options.regions} regions, {options.channels} channels, {device}\n")
    print(markdown_table(HEADER, rows))
    verdict = "holds" if speedups[0] >= CLAIMED else "does not hold"
    sentence = (
        f"{CLAIMED:.0f} times as fast as a filter per voxel; measured: {speedups[0]:.1f}, it {verdict}."
    )
    print(f"\nClaimed: {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
