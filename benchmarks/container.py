"""What the container costs: start to first field inside and outside, in turn, and the start of the image."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pairs.errors import KnownError, report_and_exit_code
from studies.markdown import markdown_table
from studies.process import NoFigure, run_module

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[1]
_POLL_S = 0.01


def _first_field_s(command: Sequence[str], task: Path) -> float:
    """Seconds from the start of `command TASK FOLDER` to its first field; it is left to end by itself."""
    with tempfile.TemporaryDirectory(prefix="container-") as temporary:
        begin = time.perf_counter()
        with subprocess.Popen([*command, task, temporary], stdout=subprocess.DEVNULL) as process:
            while not any(Path(temporary).glob("disp_*")):
                if process.poll() is not None:
                    raise NoFigure("a run made no field", where=" ".join(command))
                time.sleep(_POLL_S)
            seconds = time.perf_counter() - begin
            if process.wait() != 0:
                raise NoFigure("a run failed", where=" ".join(command))
    return seconds


def _info_s(image: str) -> float:
    begin = time.perf_counter()
    locked = ("--network", "none", "--read-only", "--tmpfs", "/tmp")
    done = subprocess.run(
        ["docker", "run", "--rm", *locked, image, "info"], stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        raise NoFigure("the image does not start", where=image, remedy="./run.sh docker build")
    return time.perf_counter() - begin


def _table(image: str, runs: int) -> str:
    door = str(ROOT / "run.sh")
    inside, outside = (door, "docker", "--image", image, "predict"), (door, "predict")
    with tempfile.TemporaryDirectory(prefix="container-") as temporary:
        task = Path(temporary, "task")
        run_module("textscf", "demo-task", task)
        pairs = [(_first_field_s(outside, task), _first_field_s(inside, task)) for _ in range(runs)]
    starts = [_info_s(image) for _ in range(runs)]
    ratios = [within / without for without, within in pairs]
    rows = [
        ["start to first field outside [s]", *_spread([without for without, _ in pairs])],
        ["start to first field in the container [s]", *_spread([within for _, within in pairs])],
        ["ratio, run by run", *_spread(ratios)],
        ["start of the image: info [s]", *_spread(starts)],
    ]
    return markdown_table(["", "median", "least", "most"], rows)


def _spread(values: Sequence[float]) -> list[str]:
    return [f"{value:.2f}" for value in (statistics.median(values), min(values), max(values))]


def main(arguments: Sequence[str]) -> int:
    """Prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(prog="container", description=__doc__)
    parser.add_argument("--image", default="textscf-l2r", help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="of each; default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        print(_table(options.image, options.runs))
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
