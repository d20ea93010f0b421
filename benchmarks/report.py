"""The page of `report`: seconds and memory to make it, its size, and seconds until Chromium shows it."""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pairs.errors import KnownError, report_and_exit_code
from pairs.process.cores import thread_count
from studies.markdown import markdown_table
from studies.process import run_module

__all__ = ["main", "opening_s"]

HEADER = ("task", "pairs", "threads", "made in [s]", "peak [MiB]", "size [MB]", "opens in [s]")
OPENINGS = 5


def opening_s(page: Path) -> float | None:
    """Returns the median seconds from the call until Chromium has painted a page; None without Chromium."""
    program = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if program is None:
        return None
    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        for _ in range(OPENINGS):
            opened = browser.new_page()
            start = time.perf_counter()
            opened.goto(page.resolve().as_uri(), wait_until="load", timeout=0)
            # Two frames: the first of them may be that of an empty window.
            opened.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            seconds.append(time.perf_counter() - start)
            opened.close()
        browser.close()
    return statistics.median(seconds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="report", description=__doc__)
    parser.add_argument("--task", type=Path, required=True, help="task folder")
    parser.add_argument("--fields", type=Path, required=True, help="folder of its fields")
    parser.add_argument("--pairs", type=Path, help="a shorter list of pairs")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; returns the exit code."""
    options = _parser().parse_args(arguments)
    listed = () if options.pairs is None else ("--pairs", options.pairs)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        sources = ("--task", options.task, "--fields", options.fields, *listed)
        try:
            spent = run_module("textscf", "report", *sources, "--out", page)
        except KnownError as error:
            return report_and_exit_code(error)
        opening = opening_s(page)
        pairs = page.read_text(encoding="utf-8").count('<details class="pair"')
        row = (
            options.task.resolve().name,
            str(pairs),
            str(thread_count()),
            f"{spent.wall_s:.1f}",
            f"{spent.peak_mib:.0f}",
            f"{page.stat().st_size / 1e6:.1f}",
            "no Chromium" if opening is None else f"{opening:.2f}",
        )
    print(markdown_table(HEADER, [row]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
