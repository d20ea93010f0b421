"""What a command line needs of its process before its first verb and after its last."""

import getpass
import logging
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from pairs.errors import OutputError, report_and_exit_code
from pairs.process.console import flush_output, guard_streams
from pairs.process.cores import limit_threads

__all__ = ["run_program"]

# Of users whom neither the environment nor the machine names.
_NOBODY = "nobody"


def run_program(main: Callable[[], int]) -> NoReturn:
    """Runs a command line as a process of its own and exits with its code.

    Numerical libraries must not be imported before: they read the number of threads when they are.

    Args:
        main: The command line; returns the exit code.
    """
    guard_streams()
    limit_threads()
    _name_the_user()
    # It logs what it does with its caches, which does not concern the user.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        code: int | str | None = main()
    except SystemExit as end:
        # argparse ends so after a usage or a help text.
        code = end.code
    fault = flush_output()
    if fault is not None:
        lost = report_and_exit_code(
            OutputError("what was printed is lost", where="standard output", got=fault)
        )
        # A failure of the work itself comes first.
        code = code or lost
    sys.exit(code)


def _name_the_user() -> None:
    """Gives a name to a user id that has none, as in a container: MONAI asks for it when it is imported."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["USER"] = _NOBODY
