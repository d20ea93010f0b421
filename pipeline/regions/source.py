"""Where an image's regions come from: the user's files, the bundle's segmentor, or nowhere."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from pairs.errors import BadLabels, MissingVolume, UsageError, WeightsError
from pairs.files.regularfile import is_regular
from pairs.files.wholefile import probe_writable
from pairs.images.grid import require_same_grid
from pairs.images.header import StoredArray, parse_header
from pairs.images.volume import Volume, read_labels, read_probabilities
from pairs.images.volumefile import open_volume
from pairs.process.counting import first_few
from pipeline.machine.stopping import uninterrupted
from pipeline.regions.kept import KeptSegmentations, refuse_link
from pipeline.regions.segmentor import Segmentation, Segmentor, segmentation_of
from pipeline.regions.sides import SideCheck
from pipeline.weights.bundle import Bundle, read_bundle

__all__ = [
    "RegionFiles",
    "RegionSource",
    "SegmentedRegions",
    "read_segmentor",
    "region_source",
    "require_segmentations",
    "segmentation_file",
    "segmentation_of_labels",
]

RegionSource = Callable[[Volume], Segmentation]
"""Gives the regions of an image and the confidence in them, on its grid."""

log = logging.getLogger(__name__)


def region_source(
    regions: Sequence[int],
    names: Mapping[int, str],
    files: Path | None,
    segmentor: Bundle | None,
    kept: Path | None,
    device: torch.device,
) -> RegionSource:
    """Returns the source of regions.

    Args:
        regions: label value of each region index; the background alone needs no source.
        names: of the labels but background.
        files: folder of label maps or probabilities named as the images; comes before the segmentor.
        segmentor: bundle that holds one.
        kept: folder for the segmentor's results, so that a run that goes on does not segment again; None
            keeps none.
        device: where the segmentor runs.

    Raises:
        UsageError: there are regions, and neither files nor a segmentor to find them.
        WeightsError: `segmentor` holds none.
        OutputError: `kept` is a symlink, or not writable.
    """
    sides = SideCheck(names, regions)
    if files is not None:
        return RegionFiles(files, regions, sides)
    if not names:
        return _background_everywhere
    if segmentor is None:
        raise UsageError("no segmentor given", remedy="give --segmentor FILE or --segmentations DIR")
    network = segmentor.build_segmentor(device)
    if kept is None:
        return network
    refuse_link(kept)
    with uninterrupted():
        probe_writable(kept)
    store = KeptSegmentations(kept, f"{segmentor.sha256} {device.type}", len(regions))
    return SegmentedRegions(network, store, sides)


class SegmentedRegions:
    """Regions by the bundle's segmentor, which is asked once for each image content.

    Args:
        segmentor: the network.
        kept: where its results are kept.
        sides: warns of exchanged sides.
    """

    def __init__(self, segmentor: Segmentor, kept: KeptSegmentations, sides: SideCheck) -> None:
        self.segmentor = segmentor
        self.kept = kept
        self.sides = sides

    def __call__(self, image: Volume) -> Segmentation:
        """Returns the kept segmentation, or a new one.

        Raises:
            OutputError: the result cannot be kept.
        """
        affine = None if self.segmentor.config.is_on_the_image_grid else image.header.affine
        found = self.kept.get(image.array, affine)
        if found is None:
            found = self.kept.put(image.array, self.segmentor(image), affine)
        self.sides(found.labels, image.header.affine, f"segmentation of {image.header.path.name}")
        return found


class RegionFiles:
    """Regions by the user's label maps (X, Y, Z) or probabilities (X, Y, Z, N), named as the images.

    Args:
        folder: where they lie.
        regions: label value of each region index, ascending; the N probabilities are in this order.
        sides: warns of exchanged sides.
    """

    def __init__(self, folder: Path, regions: Sequence[int], sides: SideCheck) -> None:
        self.folder = folder
        self.regions = regions
        self.sides = sides

    def __call__(self, image: Volume) -> Segmentation:
        """Returns the file's segmentation; a label map alone counts as certain, p = 1.

        Raises:
            VolumeError: missing, unreadable, on another grid, or of unknown labels.
        """
        path = segmentation_file(self.folder, image.header.path)
        with open_volume(path) as stream:
            stored = parse_header(path, stream, frames=True)
        for warning in require_same_grid(image.header, stored.header):
            log.warning("%s", warning)
        if stored.shape[3] == 1:
            found = segmentation_of_labels(read_labels(path), self.regions)
        else:
            found = self._from_probabilities(path, stored)
        self.sides(found.labels, image.header.affine, f"segmentation of {image.header.path.name}")
        return found

    def _from_probabilities(self, path: Path, stored: StoredArray) -> Segmentation:
        if stored.shape[3] != len(self.regions):
            raise BadLabels(
                "another number of probabilities than regions",
                where=path,
                expected=f"{len(self.regions)}, for the labels {list(self.regions)}",
                got=stored.shape[3],
            )
        return segmentation_of(torch.from_numpy(read_probabilities(path)).movedim(-1, 0))


def segmentation_of_labels(labels: Volume, regions: Sequence[int]) -> Segmentation:
    """Returns a label map as regions that count as certain, p = 1.

    Args:
        labels: The label map.
        regions: Label value of each region index, ascending.

    Raises:
        BadLabels: It holds a label that is not among the regions.
    """
    known = np.asarray(regions)
    indices = np.searchsorted(known, labels.array).clip(max=len(known) - 1)
    unknown = np.unique(labels.array[known[indices] != labels.array])
    if unknown.size:
        raise BadLabels(
            "unknown labels in the segmentation",
            where=labels.header.path,
            expected=f"the labels {list(regions)}",
            got=f"[{first_few(unknown.tolist())}]",
        )
    return Segmentation(indices.astype(np.uint8), np.ones(labels.array.shape, np.float16))


def _background_everywhere(image: Volume) -> Segmentation:
    """Returns what is known of an image of a task without labels: all is background, for certain."""
    return Segmentation(np.zeros(image.array.shape, np.uint8), np.ones(image.array.shape, np.float16))


def segmentation_file(folder: Path, image: Path) -> Path:
    """Returns the file of the user's own segmentation of `image`.

    Raises:
        MissingVolume: there is none.
    """
    path = folder / image.name
    if not is_regular(path):
        raise MissingVolume("no segmentation of the image", where=path)
    return path


def require_segmentations(folder: Path | None) -> None:
    """Refuses what is no folder, where one is given.

    Raises:
        UsageError: it is no folder.
    """
    if folder is not None and not folder.is_dir():
        raise UsageError(
            "no folder of segmentations",
            where=folder,
            expected="a folder with a label map or probabilities for each image",
            remedy="give an existing folder with --segmentations",
        )


def read_segmentor(path: Path, regions: Sequence[int], task: str) -> Bundle:
    """Reads the bundle of a segmentor for a task.

    Raises:
        WeightsError: it cannot be read, or is for other labels.
    """
    bundle = read_bundle(path)
    if bundle.header.regions != tuple(regions):
        raise WeightsError(
            "the segmentor is for other labels",
            where=path,
            expected=f"{regions} of {task}",
            got=bundle.header.regions,
            remedy="train one for this task, or name its labels in `labels` of the dataset JSON",
        )
    return bundle
