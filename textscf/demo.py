"""`demo [FOLDER]`: the demo task drawn, registered, scored and shown in a picture."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from pairs.process.logline import one_line
from textscf.overview import verb_of
from textscf.program import hand_on

__all__ = ["add_arguments", "run"]

DEFAULT_FOLDER = Path("demo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `demo`."""
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=DEFAULT_FOLDER,
        help="where to put it all (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Runs one verb after the other; returns the first exit code that is not 0.

    Raises:
        KnownError: As the verbs say.
    """
    for words in _steps(options.folder):
        verb = verb_of(words)
        code = hand_on(verb, words[1:]) if verb else 0
        if code:
            return code
    for name, path in _results(options.folder).items():
        print(f"{name:<8} {one_line(str(path))}")
    return 0


def _results(folder: Path) -> dict[str, Path]:
    return {"task": folder / "task", "fields": folder / "fields", "picture": folder / "demo.png"}


def _steps(folder: Path) -> Iterator[tuple[str, ...]]:
    task, fields, picture = map(str, _results(folder).values())
    yield "demo-task", task
    yield "predict", task, fields
    yield "evaluate", "--task", task, "--fields", fields
    yield "picture", "--task", task, "--fields", fields, "--out", picture
