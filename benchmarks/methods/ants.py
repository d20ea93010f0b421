"""ANTs: an affine map, then symmetric normalisation (SyN), with the defaults of ANTsPy."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.methods.method import Displacement, Method, Register, installed, written_by
from pairs.fields.foreign.names import stems
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task

__all__ = ["ANTS"]

TRANSFORM = "SyN"
SEED = 1


def _prepare(_task: Task) -> Register:
    import ants

    def register(pair: Pair, folder: Path) -> Callable[[], Displacement]:
        ants.registration(
            ants.image_read(str(pair.fixed)),
            ants.image_read(str(pair.moving)),
            TRANSFORM,
            outprefix=str(folder / stems(pair)[0]),
            random_seed=SEED,
        )
        return partial(written_by, "ants", folder, pair)

    return register


ANTS = Method("ants", True, installed("antspyx", f"{TRANSFORM}, seed {SEED}"), _prepare)
