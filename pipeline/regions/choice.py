"""Where a run has its masks from: the user's files, the bundle's segmentor, or nowhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pairs.errors import UsageError, WeightsError
from pairs.files.wholefile import probe_writable
from pipeline.machine.stopping import uninterrupted
from pipeline.regions.kept import KeptSegmentations, refuse_link
from pipeline.regions.source import FileMasks, Masks, SegmentorMasks, SideCheckedMasks, background_everywhere
from pipeline.weights.bundle import Bundle, read_bundle

__all__ = ["mask_source", "read_segmentor", "require_segmentations"]


def require_segmentations(folder: Path | None) -> None:
    """Refuse what is no folder, where one is given.

    Raises:
        UsageError: so it is.
    """
    if folder is not None and not folder.is_dir():
        raise UsageError("no folder of segmentations", where=folder)


def read_segmentor(path: Path, regions: Sequence[int], task: str) -> Bundle:
    """The bundle of a segmentor for a task.

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


def mask_source(
    regions: Sequence[int],
    names: Mapping[int, str],
    files: Path | None,
    segmentor: Bundle | None,
    kept: Path,
    device: torch.device,
) -> Masks:
    """The source of segmentations.

    Args:
        regions: label value of each region index; the background alone needs no source.
        names: of the labels but background.
        files: folder of label maps or probabilities named as the images; comes before the segmentor.
        segmentor: bundle that holds one.
        kept: folder for the segmentor's results, so that a run that goes on does not segment again.
        device: where the segmentor runs.

    Raises:
        UsageError: there are regions and nothing that tells them.
        WeightsError: `segmentor` holds none.
        OutputError: `kept` is a symlink, or not writable.
    """
    if files is not None:
        return SideCheckedMasks(FileMasks(files, regions), regions, names)
    if not names:
        return background_everywhere
    if segmentor is None:
        raise UsageError("no segmentor given", remedy="give --segmentor FILE or --segmentations DIR")
    network = segmentor.build_volume_segmentor(device)
    refuse_link(kept)
    with uninterrupted():
        probe_writable(kept)
    store = KeptSegmentations(kept, f"{segmentor.sha256} {device.type}", len(regions))
    return SideCheckedMasks(SegmentorMasks(network, store), regions, names)
