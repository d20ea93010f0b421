"""What is to be known of a GPU, in one call: agreement, speed, memory, training, share of the roofline."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks import gpuagreement, gpupairs, gputraining
from benchmarks.roofline import PRODUCTS, Peaks, measured_peaks
from pairs.errors import KnownError, report_and_exit_code
from pipeline.machine.device import DEVICES, choose_device

__all__ = ["main"]

BUDGET_S = 420.0


class Setting:
    """What every section is measured under.

    Args:
        device: Where.
        shrink: How many times smaller than named all sizes are; 1 but on a processor.
        repeats: Of each pair, at most.
        task: Folder with real pairs, or None.
    """

    def __init__(self, device: torch.device, shrink: int, repeats: int, task: Path | None) -> None:
        self.device = device
        self.shrink = shrink
        self.repeats = repeats
        self.task = task

    @cached_property
    def peaks(self) -> Peaks:
        """Measured once, by the first section that needs them."""
        return measured_peaks(self.device, self.shrink)


class Section(NamedTuple):
    """A table whose rows are printed one by one."""

    title: str
    header: Sequence[str]
    rows: Callable[[Setting], Iterator[Sequence[str]]]


def _ceilings(setting: Setting) -> Iterator[Sequence[str]]:
    for precision in PRODUCTS:
        yield f"matrix product, {precision}", f"{setting.peaks.flops[precision] / 1e12:.3g} TFLOP/s"
    yield "copy, read and written", f"{setting.peaks.bytes_per_s / 1e9:.4g} GB/s"


SECTIONS = {
    "peaks": Section("What the device can do", ("measured", "peak"), _ceilings),
    "agreement": Section(
        "Fields beside those of the CPU",
        gpuagreement.HEADER,
        lambda s: gpuagreement.agreement(s.device, s.shrink, s.task),
    ),
    "pairs": Section(
        "One pair",
        gpupairs.HEADER,
        lambda s: gpupairs.pair_costs(s.device, s.shrink, s.repeats, s.peaks),
    ),
    "training": Section(
        "Training of the registration",
        gputraining.HEADER,
        lambda s: gputraining.training_paces(s.device, s.shrink, s.peaks),
    ),
}


def _machine(setting: Setting) -> str:
    cores = len(os.sched_getaffinity(0))
    lines = [f"torch {torch.__version__}, {cores} cores, {torch.get_num_threads()} threads"]
    if setting.device.type == "cuda":
        found = torch.cuda.get_device_properties(setting.device)
        lines.append(
            f"{found.name}, {found.total_memory / 2**30:.0f} GiB, capability {found.major}.{found.minor}, "
            f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        )
    if setting.shrink > 1:
        lines.append(f"every size is shrunk {setting.shrink} times: no figure here says anything of a GPU")
    return "\n".join(lines)


def _tell(section: Section, setting: Setting, deadline: float) -> bool:
    """Prints a section row by row; an error ends the section, not the call. Returns whether it is whole."""
    print(
        f"\n## {section.title}\n\n{_line(section.header)}\n{_line(['---'] * len(section.header))}", flush=True
    )
    rows = section.rows(setting)
    try:
        while time.monotonic() < deadline:
            row = next(rows, None)
            if row is None:
                return True
            print(_line(row), flush=True)
        print("\nstopped here: the time is up", flush=True)
    except KnownError as error:
        report_and_exit_code(error)
    except Exception:
        traceback.print_exc()
    return False


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu", description=__doc__)
    parser.add_argument("sections", nargs="*", help=f"some of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--device", choices=DEVICES, default="cuda")
    parser.add_argument("--task", type=Path, help="HippocampusMR folder, for agreement on real pairs too")
    parser.add_argument("--seconds", type=float, default=BUDGET_S, help="no row is begun later than this")
    parser.add_argument("--repeats", type=int, default=5, help="of each pair, at most")
    parser.add_argument(
        "--shrink", type=int, default=1, help="make every size and width so many times smaller, for a CPU"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the sections; returns 0, or 1 where one of them is not whole."""
    parser = _parser()
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.sections) - set(SECTIONS))
    if unknown or min(options.repeats, options.shrink) < 1:
        parser.error(f"no section {unknown[0]}" if unknown else "expected at least 1")
    deadline = time.monotonic() + options.seconds
    try:
        device = choose_device(options.device)
    except KnownError as error:
        return report_and_exit_code(error)
    setting = Setting(device, options.shrink, options.repeats, options.task)
    print(_machine(setting), flush=True)
    whole = [_tell(SECTIONS[name], setting, deadline) for name in options.sections or SECTIONS]
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
