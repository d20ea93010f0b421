"""`register FIXED MOVING --out FOLDER` from the command line."""

import argparse
import logging
from pathlib import Path

from pipeline.machine.device import DEVICES, choose_device
from pipeline.machine.memory import shortage_reported
from pipeline.machine.stopping import interruptible, uninterrupted
from pipeline.predict.report import restart_peak
from pipeline.register import register
from textscf.scans.folder import ScanFolder
from textscf.scans.results import results_of

__all__ = ["add_arguments", "run"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `register`."""
    parser.add_argument("fixed", type=Path, help="3D image whose grid the results have, .nii or .nii.gz")
    parser.add_argument("moving", type=Path, help="3D image that is brought onto it, on a grid of its own")
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--fixed-regions", type=Path, help="label map on the grid of the fixed image")
    parser.add_argument("--moving-regions", type=Path, help="label map on the grid of the moving image")
    parser.add_argument("--mask", type=Path, help="mask on the grid of the fixed image")
    parser.add_argument(
        "--modalities",
        nargs=2,
        default=("", ""),
        metavar=("FIXED", "MOVING"),
        help="what both images are, such as CT MR: two that differ are compared by descriptors, which see "
        "edges and no brightness; CT is scaled in Hounsfield units (default: intensities are compared)",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        help="bundle of networks, or of a segmentor alone for the general method",
    )
    parser.add_argument("--affine-only", action="store_true", help="stop at the affine map")
    parser.add_argument("--device", choices=DEVICES, default="auto")


def run(options: argparse.Namespace) -> int:
    """Registers the two images and writes the results; returns 0.

    Raises:
        KnownError: As the parts say.
    """
    with interruptible():
        device = choose_device(options.device)
        folder = ScanFolder(options.out)
        beside = (options.fixed_regions, options.moving_regions, options.mask, options.weights)
        folder.require_own((options.fixed, options.moving, *(path for path in beside if path is not None)))
        restart_peak(device)
        found = register(
            options.fixed,
            options.moving,
            options.weights,
            device=options.device,
            fixed_regions=options.fixed_regions,
            moving_regions=options.moving_regions,
            mask=options.mask,
            affine_only=options.affine_only,
            modalities=tuple(options.modalities),
        )
        with shortage_reported("these images"):
            results = results_of(found)
        for warning in results.report.warnings:
            log.warning("%s", warning)
        # A signal waits: the files belong together.
        with uninterrupted():
            folder.write(results)
    log.info("%s", results.summary)
    log.info("results in %s", options.out)
    return 0
