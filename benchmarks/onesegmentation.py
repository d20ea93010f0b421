"""One image through a bundle's segmentor in a process of its own: its regions as a label map, and seconds."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.stopwatch import seconds_of
from pairs.errors import KnownError, report_and_exit_code
from pairs.files.wholefile import write_json
from pairs.images.volume import read_image, write_volume
from pipeline.machine.device import choose_device
from pipeline.regions.segmentor import Segmentation
from pipeline.weights.bundle import read_bundle

__all__ = ["main"]


def _segment(options: argparse.Namespace) -> None:
    bundle = read_bundle(options.weights)
    segmentor = bundle.build_segmentor(choose_device(options.device))
    image = read_image(options.image)
    found: list[Segmentation] = []
    seconds = seconds_of(lambda: found.append(segmentor(image)))
    labels = np.array(bundle.header.regions, np.int32)[found[0].labels]
    # Not all labels of a task need be of a class of the network.
    told = sorted({bundle.header.regions[k] for k in (*segmentor.classes.left, *segmentor.classes.right)})
    write_volume(options.out, labels, image.header.affine)
    write_json(options.out.with_suffix(".json"), {"seconds": seconds, "labels": told})


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the label map OUT.nii and OUT.json; returns the exit code."""
    parser = argparse.ArgumentParser(prog="onesegmentation", description=__doc__)
    for option in ("--weights", "--image", "--out"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    try:
        _segment(options)
    except KnownError as error:
        return report_and_exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
