"""greedy: an affine map, then diffeomorphic registration, with the settings of its documentation."""

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.methods.method import Displacement, Method, Register, installed, written_by
from pairs.fields.foreign.names import stems
from pairs.process.cores import thread_count
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task

__all__ = ["GREEDY"]

# https://greedy.readthedocs.io, "Affine/rigid registration" and "Deformable registration".
BOTH = "-m NCC 2x2x2 -n 100x50x10"
AFFINE = "-a -dof 12 -ia-image-centers"


def _prepare(_task: Task) -> Register:
    from picsl_greedy import Greedy3D

    def register(pair: Pair, folder: Path) -> Callable[[], Displacement]:
        # Commands are cut at spaces, so the paths of the images are not part of them.
        names = [
            _linked(folder, side, path) for side, path in (("fixed", pair.fixed), ("moving", pair.moving))
        ]
        same = f"-i {' '.join(names)} {BOTH} -threads {thread_count()}"
        affine, warp = (f"{stems(pair)[0]}_{ending}" for ending in ("affine.mat", "warp.nii.gz"))
        greedy = Greedy3D()
        with contextlib.chdir(folder):
            greedy.execute(f"{same} {AFFINE} -o {affine}")
            greedy.execute(f"{same} -it {affine} -o {warp}")
        return partial(written_by, "greedy", folder, pair)

    return register


def _linked(folder: Path, side: str, image: Path) -> str:
    link = folder / f"{side}{'.nii.gz' if image.suffix == '.gz' else '.nii'}"
    link.symlink_to(image.absolute())
    return link.name


GREEDY = Method("greedy", True, installed("picsl_greedy", f"{BOTH}, affine {AFFINE}"), _prepare)
