"""A trained segmentor applied to a volume as it lies in its file: region of each voxel and its confidence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from pairs.images.volume import Volume
from pipeline.config import IntensityConfig, SegmentorConfig
from pipeline.machine.device import repeatable
from pipeline.machine.memory import shortage_reported
from pipeline.network.halfgrid import halved_image
from pipeline.regions.blocks import BlockGrid, BlockLogits, in_blocks
from pipeline.regions.classes import class_regions
from pipeline.regions.lattice import lattice_of
from pipeline.regions.logits import FeatureLogits, Logits
from pipeline.regions.meshnet import MeshNet
from pipeline.regions.midplane import in_cubes, mid_plane
from pipeline.regions.networks import HalfGrid, padded_for
from pipeline.registration.preprocess import content_box, crop_to, normalise, pad_to_multiple
from pipeline.typing import Bool, Float, Int, Tensor

__all__ = ["MOST_REGIONS", "Segmentation", "Segmentor", "segmentation_of"]

MOST_REGIONS = 256
"""Region indices are bytes."""
AnyLogits = Logits | FeatureLogits | BlockLogits
_CUBE_VOX = 4
"""The mid-sagittal plane is looked for on cubes of so many voxels a side."""
_MARGIN_VOX = 8
"""Of nothing around the content that a MeshNet sees. Of a whole volume a brain's Dice was the same, and
without a margin a thousandth lower."""


@dataclass(frozen=True)
class Segmentation:
    """J and p of one image.

    Attributes:
        labels: region index of each voxel, (X, Y, Z) uint8; 0 is background.
        confidence: largest class probability, (X, Y, Z) float16.
        kept_as: name of the file that it is kept in; empty where it is not.
    """

    labels: np.ndarray
    confidence: np.ndarray
    kept_as: str = ""


class Segmentor:
    """A network with all that lies between a file and it: own window of intensities, axes, spacing, classes.

    The same image has the same regions every time.

    Args:
        network: (1, 1, X, Y, Z) to (1, N, X, Y, Z) logits; sides must divide by its total stride.
        config: window size and overlap, and the grid that the network was trained on.
        device: where it runs.
        intensity: how its inputs are scaled, where its own configuration does not say.
        regions: label value of each region index.
        crop: size of the content crops it was trained on; None if on whole volumes.

    Raises:
        WeightsError: its classes mean labels that are not among the regions.
    """

    def __init__(
        self,
        network: nn.Module,
        config: SegmentorConfig,
        device: torch.device,
        intensity: IntensityConfig,
        regions: Sequence[int],
        crop: tuple[int, int, int] | None = None,
    ) -> None:
        self.classes = class_regions(config, regions)
        self.network = network.to(device).eval()
        self.config = config
        self.device = device
        self.intensity = config.intensity or intensity
        self.crop = crop
        self.margin = 0
        if isinstance(network, MeshNet):
            self.crop, self.margin = (1, 1, 1), _MARGIN_VOX

    def __call__(self, volume: Volume) -> Segmentation:
        """Returns regions and confidence on the volume's own grid.

        Raises:
            TooLittleMemory: the image does not fit into the device's memory.
        """
        lattice = lattice_of(volume.header, self.config)
        image = normalise(lattice.from_image(volume.array), self.intensity)
        if lattice.is_only_turned:
            found = self.segment(image)
            labels, confidence = (lattice.order.undo(part) for part in (found.labels, found.confidence))
            return Segmentation(np.ascontiguousarray(labels), np.ascontiguousarray(confidence))
        confidence = np.full(volume.array.shape, -1, np.float32)
        labels = np.zeros(volume.array.shape, np.uint8)
        # Probabilities are brought back before the largest is taken: labels cannot be interpolated. One
        # region at a time, since fourteen of them on both grids would take gigabytes.
        for region, probability in self._region_probabilities(image):
            here = lattice.to_image(probability)
            better = here > confidence
            labels[better] = region
            confidence[better] = here[better]
        return Segmentation(labels, confidence.astype(np.float16))

    @torch.no_grad()
    def segment(self, image: np.ndarray) -> Segmentation:
        """Segments an image scaled to 0..1, (X, Y, Z) float32; away from its content all is background."""
        box, part = self._content(image)
        labels, confidence = np.zeros(image.shape, np.uint8), np.ones(image.shape, np.float16)
        whole = self.logits(part)
        right = self._right_half(whole, part.shape[2:])
        for planes, logits in whole.slabs():
            beside = None if right is None else right[planes]
            found = segmentation_of(self.classes.probabilities(torch.softmax(logits, dim=0), beside))
            labels[box][planes], confidence[box][planes] = found.labels, found.confidence
        return Segmentation(labels, confidence)

    @torch.no_grad()
    def on_own_grid(
        self, image: Float[Tensor, "1 1 U V W"]
    ) -> tuple[Int[Tensor, "1 U V W"], Float[Tensor, "1 U V W"]]:
        """Region index and confidence of each voxel of an image that is on the network's grid and in 0..1.

        Args:
            image: of means over 2x2x2 voxels where that is what the network sees. Classes without sides stand
                for what is on the left.
        """
        network, stride = self.network, self.config.total_stride
        if isinstance(network, HalfGrid):
            network, stride = network.core, stride // 2
        logits = crop_to(network(pad_to_multiple(image, stride)), image.shape[2:])
        confidence, labels = self.classes.probabilities(torch.softmax(logits[0].float(), dim=0)).max(dim=0)
        return labels[None], confidence[None]

    def _right_half(self, logits: AnyLogits, shape: Sequence[int]) -> Bool[Tensor, "X Y Z"] | None:
        """Whether each voxel lies to the right of the mid-sagittal plane; None where classes have sides."""
        orientation, voxel_mm = self.config.orientation, self.config.spacing_mm
        if not self.classes.depend_on_the_side or orientation is None or voxel_mm is None:
            return None
        cubes = [in_cubes(torch.softmax(slab, dim=0)[1:], _CUBE_VOX) for _, slab in logits.slabs()]
        x, y, z = (_CUBE_VOX * size for size in voxel_mm)
        axis = next(axis for axis, letter in enumerate(orientation) if letter in "RL")
        beyond = mid_plane(torch.cat(cubes, dim=1), (x, y, z), axis).beyond(shape, voxel_mm)
        return beyond if orientation[axis] == "R" else ~beyond

    @torch.no_grad()
    def _region_probabilities(self, image: np.ndarray) -> Iterator[tuple[int, Float[Tensor, "U V W"]]]:
        """Gives each region's probability on the network's grid; away from the content all is background."""
        box, part = self._content(image)
        logits = self.logits(part)
        log_sum = torch.cat([slab.logsumexp(0) for _, slab in logits.slabs()])
        right = self._right_half(logits, part.shape[2:])
        for region in range(self.classes.count):
            whole = torch.full(image.shape, float(region == 0), device=log_sum.device)
            inside = whole[box]
            inside.zero_()
            for number, meant in enumerate(zip(self.classes.left, self.classes.right, strict=True)):
                if region in meant:
                    probability = (logits.of(number) - log_sum).exp_()
                    if right is not None and meant[0] != meant[1]:
                        probability *= right if meant[1] == region else ~right
                    inside += probability
            yield region, whole

    def _content(self, image: np.ndarray) -> tuple[tuple[slice, slice, slice], Float[Tensor, "1 1 U V W"]]:
        """Returns the box around the content, and what lies in it on the device."""
        box = content_box(image, self.crop, self.margin)
        return box, torch.from_numpy(np.ascontiguousarray(image[box]))[None, None].to(self.device)

    @torch.no_grad()
    @shortage_reported("this image")
    @repeatable()
    def logits(self, volume: Float[Tensor, "1 1 X Y Z"]) -> AnyLogits:
        """What the network says of each voxel, averaged over the Gaussian-weighted windows that see it.

        A MeshNet sees the volume whole.

        Raises:
            TooLittleMemory: the image does not fit into the device's memory.
        """
        if isinstance(self.network, MeshNet):
            return FeatureLogits(self.network.features(volume), self.network.classifier)
        roi, seen, network = self.config.roi, volume, self.network
        if self.config.is_unet:
            seen = padded_for(self.config, volume, self.crop)
            # A window never exceeds the volume or the crop: more padding would only add zeros to look at.
            x, y, z = (min(a, b) for a, b in zip(roi, seen.shape[2:], strict=True))
            roi = (x, y, z)
        if self.config.grid != "full":
            x, y, z = (side // 2 for side in roi)
            roi = (x, y, z)
        shape = (volume.shape[2], volume.shape[3], volume.shape[4])
        if isinstance(network, BlockGrid):
            # The last layer is linear: behind the averages of the windows it gives the same, and costs less.
            features = _in_windows(network.features, in_blocks(seen), roi, self.config.overlap)
            return BlockLogits(features, network.classifier, shape)
        if not isinstance(network, HalfGrid):
            return Logits(_in_windows(network, seen, roi, self.config.overlap), shape)
        own = _in_windows(network.core, halved_image(seen), roi, self.config.overlap)
        if not self.config.interleaved:
            return Logits(own, shape, halved=True)
        further = halved_image(F.pad(seen[:, :, 1:, 1:, 1:], [0, 1] * 3))
        between = _in_windows(network.core, further, roi, self.config.overlap)
        return Logits(own, shape, halved=True, between=between)


def _in_windows(
    network: Callable[[Tensor], Tensor], image: Float[Tensor, "1 I X Y Z"], roi: Sequence[int], overlap: float
) -> Float[Tensor, "1 N X Y Z"]:
    """What a network says of every window, averaged with Gaussian weights where windows overlap."""
    if tuple(roi) == tuple(image.shape[2:]):
        return network(image)
    # The import takes longer than most images.
    from monai.inferers import sliding_window_inference

    logits = sliding_window_inference(
        image, roi, sw_batch_size=1, predictor=network, overlap=overlap, mode="gaussian"
    )
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"a segmentation network gives one tensor, not {type(logits).__name__}")
    return logits


def segmentation_of(probabilities: Float[Tensor, "N X Y Z"]) -> Segmentation:
    """Label map and confidence: argmax and max over the classes (textSCF section III-A)."""
    confidence, labels = probabilities.max(dim=0)
    # Half precision in memory and in the cache alike, so a cached run gives the same bytes.
    return Segmentation(labels.to(torch.uint8).cpu().numpy(), confidence.half().cpu().numpy())
