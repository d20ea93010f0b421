"""ConvexAdam: coupled convex optimisation of MIND features, then Adam, with its defaults, on the CPU."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.methods.method import Displacement, Method, Register, installed
from pairs.images.volume import read_image
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task

__all__ = ["CONVEXADAM"]


def _prepare(_task: Task) -> Register:
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt

    def register(pair: Pair, _folder: Path) -> Callable[[], Displacement]:
        fixed, moving = (read_image(path).array for path in (pair.fixed, pair.moving))
        # Voxels of the fixed grid, component i along array axis i, from fixed to moving: as here.
        found = convex_adam_pt(fixed, moving, device=torch.device("cpu"))
        return lambda: found.astype(np.float32)

    return register


CONVEXADAM = Method("convexadam", True, installed("convexAdam", "defaults of convex_adam_pt"), _prepare)
