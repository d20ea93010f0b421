"""A task of one drawn pair and random weights for it: FOLDER --task NAME --sides X Y Z."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.gpuphantom import phantom_pair
from benchmarks.randomweights import random_bundle
from pairs.images.volume import write_volume
from pipeline.weights.bundle import write_bundle

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the folder; returns 0."""
    parser = argparse.ArgumentParser(prog="drawnpair", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", required=True)
    parser.add_argument("--sides", type=int, nargs=3, required=True)
    options = parser.parse_args(arguments)
    x, y, z = options.sides
    bundle = random_bundle(options.task)
    (options.folder / "imagesTr").mkdir(parents=True)
    names = [f"./imagesTr/{options.task}_{subject:04}_0000.nii.gz" for subject in (1, 2)]
    for name, volume in zip(names, phantom_pair((x, y, z), len(bundle.header.regions) - 1), strict=True):
        write_volume(options.folder / name, volume.array, np.eye(4))
    document = {
        "name": options.task,
        "modality": {"0": bundle.header.modality},
        "labels": {"0": {str(label): name for label, name in bundle.header.label_names.items()}},
        "tensorImageShape": {"0": options.sides},
        "training": [],
        "registration_val": [{"fixed": names[1], "moving": names[0]}],
    }
    (options.folder / f"{options.task}_dataset.json").write_text(json.dumps(document), encoding="utf-8")
    write_bundle(options.folder / "w.safetensors", bundle)
    return 0


if __name__ == "__main__":
    sys.exit(main())
