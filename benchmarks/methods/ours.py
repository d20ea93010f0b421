"""Our own methods, by the call that users have."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.methods.method import Displacement, Method, NotAtHand, Register
from pairs.files.regularfile import open_regular
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task
from pipeline.programversion import program_version
from pipeline.weights.folders import bundle_of

__all__ = ["BUNDLED"]


def _shipped_weights(task: Task) -> str:
    path = bundle_of(task.name)
    if not path.is_file():
        raise NotAtHand("no weights are shipped", where=task.name)
    with open_regular(path) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"program {program_version()}, weights {path.name} {digest[:8]}"


def _prepare_bundled(task: Task) -> Register:
    from pipeline.register import register
    from pipeline.weights.bundle import read_bundle

    bundle = read_bundle(bundle_of(task.name))

    def registered(pair: Pair, _folder: Path) -> Callable[[], Displacement]:
        found = register(pair.moving, pair.fixed, bundle, device="cpu")
        return lambda: found.displacement

    return registered


BUNDLED = Method("bundled", False, _shipped_weights, _prepare_bundled)
