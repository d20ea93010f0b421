"""What the general method says it takes of memory, against what it takes."""

import subprocess
import sys

import pytest

from pipeline.general.config import GeneralConfig
from pipeline.general.footprint import FIXED, footprint

__all__: list[str] = []

ALL = GeneralConfig()
CUBES = (1.0, 1.0, 1.0)
GIB = 2**30

_PAIR = """
from pathlib import Path
import numpy as np
import torch
from pairs.images.header import Header
from pairs.images.volume import Volume
from pipeline.config import TaskConfig
from pipeline.general.config import ContinuousConfig, FineConfig, GeneralConfig, GlobalConfig
from pipeline.general.registration import GeneralRegistration
from pipeline.machine.memorylimit import held

torch.set_num_threads(1)
steps = ContinuousConfig(levels=((4, 1), (2, 1), (1, 1)))
config = GeneralConfig(
    global_stage=GlobalConfig(iterations=1), continuous_stage=steps, fine_stage=FineConfig(steps=1), {more}
)
registration = GeneralRegistration(TaskConfig(task="", general=config), torch.device("cpu"))
shape = (96, 100, 92)
header = Header(Path("a.nii.gz"), shape, (1.0, 1.0, 1.0), np.eye(4), np.dtype(np.float32))
images = [Volume(header, np.random.default_rng(seed).random(shape, np.float32) + 0.1) for seed in (0, 1)]
before = held()
registration(*images)
# Not getrusage: a program begins with the peak of the process that started it, such as a test suite.
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 2**10
print(peak - before, registration.footprint(header))
"""


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", "finest_voxels=200_000", "similarity='descriptors'"])
def test_a_pair_takes_no_more_than_is_said_and_not_much_less(more: str) -> None:
    """At the full resolution of the level, of the fine stage, and with descriptors."""
    command = [sys.executable, "-c", _PAIR.replace("{more}", more)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, said = map(int, done.stdout.split())
    assert taken <= said
    # What libraries take for themselves differs from processor to processor, down to next to nothing.
    assert said - FIXED < 1.2 * taken


def test_large_brains_fit_into_four_gib() -> None:
    """With what libraries and images hold beside it."""
    assert 1.5 * GIB < footprint((160, 192, 224), CUBES, ALL, "correlation") < 3 * GIB
    assert footprint((160, 192, 224), CUBES, ALL, "descriptors") < 2 * GIB


def test_every_voxel_and_every_region_counts() -> None:
    small, large = (footprint((side,) * 3, CUBES, ALL, "correlation") for side in (64, 100))
    assert small < large < footprint((100,) * 3, CUBES, ALL, "correlation", regions=10)
    flat = footprint((400, 400, 40), (1.0, 1.0, 5.0), ALL, "descriptors")
    assert flat < footprint((400, 400, 40), CUBES, ALL, "descriptors") * 2
    assert footprint((1000,) * 3, CUBES, ALL, "correlation") > 50 * GIB
