"""Many pairs: what workers gain, what they cost, what they survive, and the memory that each takes."""

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.standin import FIGURES
from pairs.errors import KnownError, report_and_exit_code
from pairs.files.regularfile import read_regular
from studies.markdown import markdown_table
from studies.process import NoFigure, run_module

__all__ = ["main"]

PARTS = ("pairs", "stand-in", "kills", "memory")
GRIDS = ("HippocampusMR", (64, 64, 64)), ("OASIS", (160, 192, 224))


def _predict(task: Path, out: Path, threads: int, *more: str | Path) -> tuple[float, Mapping[str, str]]:
    """Seconds of a run, and the hash of each field."""
    log = out.with_suffix(".log")
    spent = run_module("textscf", "predict", task, out, "--device", "cpu", *more, log=log, threads=threads)
    return spent.wall_s, _digests(out)


def _digests(out: Path) -> Mapping[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.glob("disp_*"))}


def _pairs_table(task: Path, folder: Path) -> str:
    """One and two workers of one thread, processes without workers, and two at once."""
    one, of_one = _predict(task, folder / "one", 1, "--workers", "1")
    two, of_two = _predict(task, folder / "two", 2, "--workers", "2")
    plain, of_plain = _predict(task, folder / "plain", 2)
    alone, of_alone = _predict(task, folder / "alone", 1)
    shards = _two_shards(task, folder / "shards")
    same = of_one == of_two == of_alone
    count = len(of_one)
    rows = [
        [what, f"{seconds:.1f}", f"{count / seconds * 60:.1f}", f"{one / seconds:.2f}"]
        for what, seconds in (
            ("1 worker of 1 thread", one),
            ("2 workers of 1 thread", two),
            ("no workers, 2 threads", plain),
            ("no workers, 1 thread", alone),
            ("2 shards of 1 thread at once", shards),
        )
    ]
    said = f"{count} pairs; bytes of 1 thread the same with 0, 1 and 2 workers: {'yes' if same else 'no'}"
    if len(of_plain) != count:
        raise NoFigure("runs with another number of fields", where=folder)
    return f"{said}\n\n{markdown_table(('predict', 'wall [s]', 'pairs/min', 'against 1 worker'), rows)}"


def _two_shards(task: Path, out: Path) -> float:
    """Seconds of two commands at once, half the pairs each, without an engine: what the machine can do."""
    words = [sys.executable, "-m", "textscf", "predict", str(task), str(out), "--device", "cpu", "--shard"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    begun = time.perf_counter()
    with ExitStack() as runs:
        both = [
            runs.enter_context(
                subprocess.Popen(
                    [*words, shard],
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    process_group=0,
                )
            )
            for shard in ("1/2", "2/2")
        ]
    seconds = time.perf_counter() - begun
    if any(run.returncode for run in both):
        raise NoFigure("a shard failed", where=out, got=[run.returncode for run in both])
    return seconds


def _standin_table(folder: Path, pairs: int, seconds: float) -> str:
    """A whole run, and one with ten pairs left."""
    words: list[str | Path] = ["benchmarks.standin", folder, "--pairs", str(pairs), "--seconds", str(seconds)]
    spent = run_module(*words, threads=2)
    whole = json.loads(read_regular(folder / FIGURES))
    for path in sorted((folder / "out").glob("disp_*"))[:10]:
        path.unlink()
    run_module(*words, threads=2)
    rest = json.loads(read_regular(folder / FIGURES))
    # Between the first and the last answer; two workers wait at once.
    over_ms = 1000 * (whole["rest_s"] / (whole["todo"] - 1) - seconds / 2)
    rows = [
        ["pairs, seconds of each", f"{pairs}, {seconds:g}"],
        ["all pairs, wall [s]", f"{spent.wall_s:.1f}"],
        ["beyond the pairs themselves, a pair [ms]", f"{over_ms:.2f}"],
        ["peak memory of client and scheduler [MiB]", f"{spent.peak_mib:.0f}"],
        [f"first of the last {rest['todo']} pairs done after [s]", f"{rest['first_s']:.1f}"],
    ]
    return markdown_table(("stand-in, 2 workers", "figure"), rows)


def _kills_table(folder: Path, kills: int) -> str:
    """Runs of the demo task in which a worker is killed at a random moment."""
    task = folder / "task"
    run_module("textscf", "demo-task", task)
    wall, undisturbed = _predict(task, folder / "undisturbed", 2, "--workers", "2")
    draw = random.Random(0)
    same = killed = 0
    for number in range(kills):
        out = folder / f"killed{number}"
        environment = {**os.environ, "OMP_NUM_THREADS": "2"}
        words = [sys.executable, "-m", "textscf", "predict", task, out, "--device", "cpu", "--workers", "2"]
        with subprocess.Popen(
            list(map(str, words)), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            time.sleep(draw.uniform(0, wall))
            killed += _kill_one(run.pid, draw)
        same += run.returncode == 0 and _digests(out) == undisturbed
    rows = [
        ["runs", str(kills)],
        ["with a worker that was killed", str(killed)],
        ["that end by themselves, with the bytes of an undisturbed run", str(same)],
    ]
    return markdown_table(("a worker killed at a random moment", "figure"), rows)


def _kill_one(parent: int, draw: random.Random) -> bool:
    """Kills one of the workers of a run, where there is any at that moment."""
    try:
        children = psutil.Process(parent).children(recursive=True)
        workers = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
        if workers:
            draw.choice(workers).send_signal(signal.SIGKILL)
        return bool(workers)
    except psutil.NoSuchProcess:
        return False


def _memory_table(folder: Path) -> str:
    rows = []
    for task, shape in GRIDS:
        root = folder / task
        sides = [str(side) for side in shape]
        run_module("benchmarks.drawnpair", root, "--task", task, "--sides", *sides)
        out = folder / f"{task}-out"
        _predict(root, out, 1, "--workers", "1", "--weights", root / "w.safetensors")
        (pair,) = json.loads(read_regular(out / "report.json"))["pairs"]
        if pair["status"] != "done":
            raise NoFigure("the pair failed", where=task, got=pair["error"])
        rows.append([task, "x".join(sides), f"{pair['peak_memory_mib']:.0f}", f"{pair['seconds']:.1f}"])
    return markdown_table(("configuration", "grid", "peak of a worker [MiB]", "pair, 1 thread [s]"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scale", description=__doc__)
    parser.add_argument("--part", choices=PARTS, help="one table alone")
    parser.add_argument("--task", type=Path, help="whose pairs are registered; without it, that is left out")
    parser.add_argument("--pairs", type=int, default=10_000, help="of the stand-in")
    parser.add_argument("--seconds", type=float, default=0.05, help="that each of them takes")
    parser.add_argument("--kills", type=int, default=20, help="runs with a killed worker")
    options = parser.parse_args(arguments)
    if min(options.pairs - 10, options.seconds, options.kills) <= 0:
        parser.error("expected more than ten pairs, positive seconds and kills")
    parts = [options.part] if options.part else [part for part in PARTS if part != "pairs" or options.task]
    if options.part == "pairs" and options.task is None:
        parser.error("--part pairs needs --task")
    try:
        for part in parts:
            with tempfile.TemporaryDirectory(prefix="scale-") as temporary:
                print(f"{_table(part, options, Path(temporary))}\n", flush=True)
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


def _table(part: str, options: argparse.Namespace, folder: Path) -> str:
    if part == "pairs":
        return _pairs_table(options.task, folder)
    if part == "stand-in":
        return _standin_table(folder, options.pairs, options.seconds)
    if part == "kills":
        return _kills_table(folder, options.kills)
    return _memory_table(folder)


if __name__ == "__main__":
    sys.exit(main())
