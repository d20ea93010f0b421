"""Command line of the pipeline: `python -m pipeline VERB ...`; bare `IN OUT` means `predict IN OUT`."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from pairs.errors import UsageError
from pairs.process.logline import OneLineFormatter
from pairs.process.program import run_program
from pairs.process.surroundings import exit_code_of
from pipeline.machine.gpufailure import gpu_failure_told
from pipeline.machine.stopping import listen_for_signals

__all__ = ["main"]

VERBS = {
    "predict": ("pipeline.predict.command", "register every pair of a task folder"),
    "train": ("pipeline.train.command", "train the segmentor or the registration network"),
    "embed": ("pipeline.text.embed", "write the text vectors of a task's regions"),
    "reproduce": ("studies.command", "make a table of the paper anew"),
    "convert": ("pipeline.weights.convert.command", "make a weights bundle of somebody else's checkpoint"),
    "info": ("pipeline.weights.info", "print what a weights bundle holds"),
    "demo-task": ("studies.demo.command", "draw a small task from the shipped population template"),
    "template": (
        "studies.demo.template_command",
        "make the population template from a task's training subjects",
    ),
}
STOPPABLE = ("predict", "train")
"""Verbs that end by themselves after a signal, leaving something to resume."""


class _Parser(argparse.ArgumentParser):
    """Tells a bad argument as every other known error: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy=f"see {self.prog} --help")


def main(arguments: Sequence[str]) -> int:
    """Run one verb; returns the process's exit code."""
    arguments = list(arguments)
    if arguments and arguments[0] not in (*VERBS, "-h", "--help"):
        arguments.insert(0, "predict")
    _log_to_console()
    verb = arguments[0] if arguments else None
    if verb in STOPPABLE:
        # Before torch is imported, which takes seconds in which a container may be told to stop.
        listen_for_signals()

    def command() -> int:
        options = _parser(verb).parse_args(arguments)
        with gpu_failure_told():
            code: int = options.run(options)
        return code

    return exit_code_of(command)


def _log_to_console() -> None:
    """Progress goes to standard output; platforms take what stands on standard error for trouble."""
    progress, trouble = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    progress.addFilter(lambda record: record.levelno < logging.WARNING)
    trouble.setLevel(logging.WARNING)
    for handler in (progress, trouble):
        handler.setFormatter(OneLineFormatter("%(message)s"))
    logging.basicConfig(handlers=(progress, trouble))
    for package in ("pairs", "pipeline"):
        logging.getLogger(package).setLevel(logging.INFO)


def _parser(verb: str | None) -> argparse.ArgumentParser:
    """All verbs by name; only the chosen one's module is imported, so `info` does not wait for training."""
    parser = _Parser(prog="pipeline", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (module, summary) in VERBS.items():
        subparser = verbs.add_parser(name, help=summary, description=summary)
        if name == verb:
            command = importlib.import_module(module)
            command.add_arguments(subparser)
            subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
