"""`reproduce complexity`: parameters and multi-adds of every model, and the paper's claim about them."""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from pairs.errors import UsageError
from pairs.files.wholefile import probe_file, whole_file
from pipeline.config import RegistrationConfig
from pipeline.network.backbones.registry import BACKBONES, build_backbone
from pipeline.network.backbones.transmorph import TRANSMORPHS
from studies.counting import Complexity, complexity_of
from studies.markdown import markdown_table

__all__ = ["SIZES", "add_arguments", "claim_table", "run"]


@dataclass(frozen=True)
class Size:
    """One of the paper's two networks' inputs.

    Attributes:
        name: The task.
        shape: In voxels; abdomen CT is halved before it goes in.
        regions: N, background included.
        window: TransMorph's there, a 32nd of the padded sides.
    """

    name: str
    shape: tuple[int, int, int]
    regions: int
    window: tuple[int, int, int]


SIZES = (Size("AbdomenCTCT", (96, 80, 128), 14, (3, 3, 4)), Size("OASIS", (160, 192, 224), 36, (5, 6, 7)))
TOLERANCE = 0.15
"""How far a reduction may be from the paper's, in points of percent."""
PAPER = {"parameters": 89.13, "multi-adds": 98.34}
"""By how many percent textSCF with Ns = 8 has less than LapIRN with Ns = 32 (textSCF section IV)."""
RULES = """\
Parameters are those of the run-time network: the filter table is in, Phi and the text vectors are not.
Multi-adds (1 G = 10^9) are those of convolutions, linear layers and attention; biases, activations, norms
and resampling are not counted. As published: the branches of a large-kernel block one by one, at a voxel the
filter of its own region. As run: the branches in one kernel, the filters of all regions at every voxel."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `reproduce complexity`."""
    parser.add_argument(
        "--start-channels",
        type=int,
        nargs="+",
        default=(8, 32),
        metavar="NS",
        help="widths of the backbones that have one (default: 8 32)",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table as CSV too")


def run(options: argparse.Namespace) -> int:
    """Print the tables; returns 0.

    Raises:
        UsageError: a width below 1.
        OutputError: the CSV file cannot be written.
    """
    if min(options.start_channels) < 1:
        raise UsageError("argument --start-channels", expected="positive widths", got=options.start_channels)
    if options.csv is not None:
        probe_file(options.csv)
    rows = list(_rows(options.start_channels))
    print(markdown_table(_HEADER, [row.cells() for row in rows]))
    print(f"\n{RULES}")
    print(f"\n{claim_table()}")
    if options.csv is not None:
        with whole_file(options.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            writer.writerows(row.cells() for row in rows)
    return 0


_HEADER = (
    "backbone",
    "Ns",
    "head",
    "task",
    "input",
    "F",
    "parameters",
    "multi-adds as published [G]",
    "as run [G]",
)


@dataclass(frozen=True)
class _Row:
    config: RegistrationConfig
    has_width: bool
    size: Size
    count: Complexity

    def cells(self) -> list[str]:
        return [
            self.config.backbone,
            str(self.config.start_channels) if self.has_width else "",
            self.config.head,
            self.size.name,
            "x".join(map(str, self.count.grid)),
            "x".join(map(str, self.count.feature_grid)),
            f"{self.count.parameters}",
            f"{self.count.published_macs / 1e9:.3f}",
            f"{self.count.run_macs / 1e9:.3f}",
        ]


def _rows(widths: Sequence[int]) -> Iterator[_Row]:
    """Every backbone with every decoder that it has, without filters and with them, at both sizes."""
    for name in BACKBONES:
        has_width = _parameters(RegistrationConfig(backbone=name, start_channels=1)) != _parameters(
            RegistrationConfig(backbone=name, start_channels=2)
        )
        for width in widths if has_width else widths[:1]:
            for size in SIZES:
                for config in _variants(name, width, size):
                    yield _Row(config, has_width, size, complexity_of(config, size.regions, size.shape))


def _variants(name: str, width: int, size: Size) -> Iterator[RegistrationConfig]:
    window = size.window if name in TRANSMORPHS else None
    for stride in (1, 2):
        config = RegistrationConfig(backbone=name, start_channels=width, decoder_stride=stride, window=window)
        try:
            _parameters(config)
        except UsageError:
            continue  # this backbone has one decoder only
        for head in ("plain", "text"):
            yield config.model_copy(update={"head": head})


def _parameters(config: RegistrationConfig) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in build_backbone(config).parameters())


def claim_table() -> str:
    """The paper's claim beside both networks that it may be about.

    It counts the 3x3x3 convolution of the authors' code as region-free part. Its parameters are those of the
    half-resolution decoder, its multi-adds those of the full one; no single network has both to the digit.
    """
    size = SIZES[0]
    theirs = RegistrationConfig(backbone="lapirn", start_channels=32, head="plain")
    lapirn = complexity_of(theirs, size.regions, size.shape)
    rows = [["LapIRN, Ns = 32", f"{lapirn.parameters}", "", f"{lapirn.published_macs / 1e9:.3f}", ""]]
    verdict = ""
    for stride, name in ((1, "full"), (2, "half")):
        config = RegistrationConfig(start_channels=8, decoder_stride=stride, blend="official")
        ours = complexity_of(config, size.regions, size.shape)
        saved = [
            100 * (1 - ours.parameters / lapirn.parameters),
            100 * (1 - ours.published_macs / lapirn.published_macs),
        ]
        cells = (
            f"{ours.parameters}",
            f"{saved[0]:.2f}",
            f"{ours.published_macs / 1e9:.3f}",
            f"{saved[1]:.2f}",
        )
        rows.append([f"textSCF, Ns = 8, {name}-resolution decoder", *cells])
        if all(abs(a - b) <= TOLERANCE for a, b in zip(saved, PAPER.values(), strict=True)):
            verdict += f"The {name}-resolution decoder is within {TOLERANCE} points of both. "
    rows.append(["the paper", "", f"{PAPER['parameters']:.2f}", "", f"{PAPER['multi-adds']:.2f}"])
    header = ("at 96x80x128", "parameters", "fewer [%]", "multi-adds as published [G]", "fewer [%]")
    return f"{markdown_table(header, rows)}\n\n{verdict or 'No decoder is near both figures.'}".rstrip()
