"""`register FIXED MOVING --out FOLDER` from the command line."""

import argparse
import logging
from pathlib import Path

from pipeline.machine.device import DEVICES, choose_device
from pipeline.machine.memory import shortage_reported
from pipeline.machine.stopping import interruptible, uninterrupted
from pipeline.predict.report import restart_peak
from pipeline.register import method_for_scans
from pipeline.scans.reading import ScanFiles
from pipeline.scans.registration import register_files
from pipeline.weights.bundle import read_bundle
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
    parser.add_argument("--weights", type=Path, help="bundle of a network, which takes no modalities")
    parser.add_argument("--affine-only", action="store_true", help="stop at the affine map")
    parser.add_argument("--device", choices=DEVICES, default="auto")


def run(options: argparse.Namespace) -> int:
    """Registers the two images and writes the results; returns 0.

    Raises:
        KnownError: As the parts say.
    """
    files = ScanFiles(
        options.fixed, options.moving, options.fixed_regions, options.moving_regions, options.mask
    )
    with interruptible():
        device = choose_device(options.device)
        folder = ScanFolder(options.out)
        folder.require_own((*files, *([options.weights] if options.weights else [])))
        with shortage_reported("the networks", options.weights, "free some memory"):
            bundle = None if options.weights is None else read_bundle(options.weights)
            method = method_for_scans(
                bundle, device, affine_only=options.affine_only, modalities=tuple(options.modalities)
            )
        restart_peak(device)
        with shortage_reported("these images"):
            found = register_files(files, method)
            results = results_of(found, method, bundle)
        for warning in results.report.warnings:
            log.warning("%s", warning)
        # A signal waits: the files belong together.
        with uninterrupted():
            folder.write(results)
    log.info("%s", results.summary)
    log.info("results in %s", options.out)
    return 0
