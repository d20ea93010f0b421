"""The regions of one image, for services that want nothing else of a weights file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairs.images.given import Given, image_from, source_of
from pairs.images.header import Header
from pipeline.machine.device import choose_device
from pipeline.weights.bundle import Bundle, read_bundle

__all__ = ["Regions", "segment"]


@dataclass(frozen=True, eq=False)
class Regions:
    """A segmented image.

    Attributes:
        grid: Header of the image.
        labels: Label value of each voxel, (X, Y, Z) uint8 or int32; 0 is background.
        confidence: Probability of that label, (X, Y, Z) float16.
        names: Of the labels but background.
    """

    grid: Header
    labels: NDArray[np.integer]
    confidence: NDArray[np.float16]
    names: dict[int, str]


def segment(image: Given, weights: str | Path | Bundle, *, device: str = "auto") -> Regions:
    """Segments an image by the segmentor of a weights file, as a registration with these weights does.

    Args:
        image: A NIfTI file, a volume, or an array (X, Y, Z) of voxels of 1 mm.
        weights: A weights file, or a bundle that was read from one.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: If there is no such device.
        VolumeError: If the image cannot be used.
        WeightsError: If the weights cannot be used, or hold no segmentor.
        TooLittleMemory: If the image does not fit into the memory.

    Examples:
        With the demo task (`./run.sh demo`) in the folder where you are:

        >>> image = "demo/task/imagesTr/HippocampusMR_9001_0000.nii.gz"
        >>> regions = segment(image, "weights/HippocampusMR.safetensors")
        >>> regions.labels.shape, regions.names
        ((64, 64, 64), {1: 'hippocampus head', 2: 'hippocampus tail'})
    """
    place = choose_device(device)
    bundle = weights if isinstance(weights, Bundle) else read_bundle(Path(weights))
    volume = image_from(source_of(image))
    found = bundle.build_segmentor(place)(volume)
    values = np.asarray(bundle.header.regions)
    values = values.astype(np.uint8 if values.max() < 256 else np.int32)
    return Regions(volume.header, values[found.labels], found.confidence, bundle.header.label_names)
