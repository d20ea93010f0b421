"""Command line of the pipeline: `python -m pipeline VERB ...`; bare `IN OUT` means `predict IN OUT`."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence

from pairs.errors import KnownError, report_and_exit_code

VERBS = {
    "predict": ("pipeline.predict.command", "register every pair of a task folder"),
    "train": ("pipeline.train.command", "train the segmentor or the registration network"),
    "embed": ("pipeline.text.embed", "write the text vectors of a task's regions"),
    "info": ("pipeline.info", "print what a weights bundle holds"),
    "demo-task": ("pipeline.demo.command", "draw a small task from the shipped population template"),
    "template": (
        "pipeline.demo.template_command",
        "make the population template from a task's training subjects",
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Run one verb; returns the process's exit code."""
    arguments = list(arguments)
    if arguments and arguments[0] not in VERBS and not arguments[0].startswith("-"):
        arguments.insert(0, "predict")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = _parser(arguments[0] if arguments else None).parse_args(arguments)
    try:
        return options.run(options)
    except KnownError as error:
        return report_and_exit_code(error)


def _parser(verb: str | None) -> argparse.ArgumentParser:
    """All verbs by name; only the chosen one's module is imported, so `info` does not wait for training."""
    parser = argparse.ArgumentParser(prog="pipeline", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for name, (module, summary) in VERBS.items():
        subparser = verbs.add_parser(name, help=summary, description=summary)
        if name == verb:
            command = importlib.import_module(module)
            command.add_arguments(subparser)
            subparser.set_defaults(run=command.run)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
