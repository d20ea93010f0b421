"""The program: a command line in, its verb handed on, an exit code out."""

import argparse
import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import NoReturn

from pairs.errors import UsageError
from pairs.process.consolelog import log_to_console
from pairs.process.surroundings import exit_code_of
from pairs.process.version import VERSION
from pipeline.machine.gpufailure import gpu_failure_reported
from pipeline.machine.stopping import listen_for_signals
from textscf.overview import overview, verb_of
from textscf.verbs import Verb

__all__ = ["PROGRAM", "hand_on", "main"]

PROGRAM = os.environ.get("TEXTSCF_PROGRAM", "./run.sh")
"""What is typed before a verb; the image sets its own."""


class _Parser(argparse.ArgumentParser):
    """Reports a bad argument as every other known error: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, remedy=f"see {self.prog} --help")


def main(arguments: Sequence[str]) -> int:
    """Runs one verb; returns the exit code of the process."""
    log_to_console()
    return exit_code_of(lambda: _run(list(arguments)))


def _run(arguments: list[str]) -> int:
    if not arguments:
        raise UsageError("no verb", remedy=f"see {PROGRAM} --help")
    if arguments[0] in ("-h", "--help", "help"):
        print(overview(PROGRAM))
        return 0
    if arguments[0] == "--version":
        print(f"textscf-l2r {VERSION}")
        return 0
    verb = verb_of(arguments)
    if verb is None:
        raise UsageError("unknown verb", where=arguments[0], remedy=f"see {PROGRAM} --help")
    if verb.stoppable:
        # Before torch is imported, which takes seconds in which a container may be asked to stop.
        listen_for_signals()
    return hand_on(verb, arguments[1:] if arguments[0] == verb.name else arguments)


def hand_on(verb: Verb, arguments: Sequence[str]) -> int:
    """Runs a verb with the arguments that come after its name; returns its exit code.

    Raises:
        UsageError: If an argument is wrong, or `run.sh` does the verb.
        KnownError: As the verb says.
    """
    if verb.module is None or importlib.util.find_spec(verb.module.partition(".")[0]) is None:
        raise UsageError(
            "a verb of run.sh alone", where=verb.name, remedy=f"call it in a checkout; see {PROGRAM} --help"
        )
    command = importlib.import_module(verb.module)
    parser = _Parser(
        prog=f"{PROGRAM} {verb.name}",
        description=f"{verb.summary[0].upper()}{verb.summary[1:]}.",
    )
    command.add_arguments(parser)
    parser.epilog = f"{f'{parser.epilog}. ' if parser.epilog else ''}Example: {PROGRAM} {verb.example}"
    options = parser.parse_args(arguments)
    with gpu_failure_reported():
        code: int = command.run(options)
    return code
