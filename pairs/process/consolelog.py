"""Log records on the console: progress on standard output, trouble on standard error."""

import logging
import sys

from pairs.process.logline import OneLineFormatter

__all__ = ["PACKAGES", "log_to_console"]

PACKAGES = ("pairs", "cluster", "pipeline", "evaluation", "transforms", "studies", "textscf")
"""Ours, by whose names loggers are called."""


def log_to_console() -> None:
    """Shows what our packages log; platforms take what stands on standard error for trouble."""
    progress, trouble = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    progress.addFilter(lambda record: record.levelno < logging.WARNING)
    progress.setFormatter(OneLineFormatter("%(message)s"))
    trouble.setLevel(logging.WARNING)
    trouble.setFormatter(OneLineFormatter("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=(progress, trouble))
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.INFO)
