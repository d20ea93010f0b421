"""Jobs that break, and a client of its own that gives them to the workers of a scheduler."""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster.hand import Recipe
from cluster.spread import Job, Spread
from cluster.starting import connected
from pairs.errors import OutputError, WeightsError
from pairs.process.consolelog import log_to_console
from pairs.process.surroundings import exit_code_of

__all__ = ["BreakingRecipe", "main"]


@dataclass(frozen=True)
class BreakingRecipe(Recipe):
    """What it does where depends on a variable of the worker."""

    folder: Path

    def prepare(self) -> Callable[[str], str]:
        if os.environ.get("BREAKS") == "weights":
            raise WeightsError("it has other weights", where="w.safetensors")
        return partial(_do, self.folder)


def _do(folder: Path, job: str) -> str:
    """Leaves a file of its name, with the number of its process."""
    if job.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("BREAKS") == "disk":
        raise OutputError("cannot write", where=folder, got="No space left on device")
    time.sleep(2 if os.environ.get("BREAKS") == "slow" else 0.2)
    (folder / f"{job}.{os.getpid()}").touch()
    return job


def main(address: str, folder: str, *names: str) -> int:
    """Prints each job as it is done."""
    jobs = [
        Job(name, name, names[:1] if name == "last" else (), "otherwise" if name.startswith("kill") else None)
        for name in names
    ]
    with connected(address) as engine:
        spread = Spread(engine, BreakingRecipe(Path(folder)), jobs, lambda: None, lambda _: None)
        for name, result in spread.results():
            print(name, result, flush=True)
    return 0


if __name__ == "__main__":
    log_to_console()
    # As the workers know it, and not as __main__.
    from tests.clusterjobs import main as by_name

    sys.exit(exit_code_of(lambda: by_name(*sys.argv[1:])))
