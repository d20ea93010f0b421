"""Where a registration training has its masks from: as a prediction, from files, a segmentor or nowhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from pairs.errors import UsageError
from pairs.wholefile import probe_writable
from pipeline.bundle import Bundle
from pipeline.predict.keptmasks import KeptSegmentations, refuse_link
from pipeline.predict.masks import FileMasks, Masks, SegmentorMasks, SideCheckedMasks, background_everywhere

__all__ = ["mask_source"]


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
        kept: folder for the segmentor's results, so that a resumed training does not segment again.
        device: where the segmentor runs.

    Raises:
        UsageError: `files` is no folder, or there are regions and nothing that tells them.
        OutputError: `kept` is a symlink.
    """
    if files is not None:
        if not files.is_dir():
            raise UsageError("no folder of segmentations", where=files)
        return SideCheckedMasks(FileMasks(files, regions), regions, names)
    if not names:
        return background_everywhere
    if segmentor is None:
        raise UsageError("no segmentor given", remedy="give --segmentor FILE or --segmentations DIR")
    refuse_link(kept)
    probe_writable(kept)
    store = KeptSegmentations(kept, f"{segmentor.sha256} {device.type}", len(regions))
    return SideCheckedMasks(SegmentorMasks(segmentor.build_volume_segmentor(device), store), regions, names)
