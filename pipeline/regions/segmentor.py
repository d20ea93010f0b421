"""A trained segmentor applied to one image: region of each voxel and the confidence in it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from pipeline.config import SegmentorConfig
from pipeline.machine.device import repeatable
from pipeline.machine.memory import shortage_told
from pipeline.regions.networks import padded_for
from pipeline.registration.preprocess import content_box, crop_to
from pipeline.typing import Float, Tensor

__all__ = ["Segmentation", "Segmentor", "segmentation_of"]


@dataclass(frozen=True)
class Segmentation:
    """J and p of one image.

    Attributes:
        labels: region index of each voxel, (X, Y, Z) uint8; 0 is background.
        confidence: largest class probability, (X, Y, Z) float16.
    """

    labels: np.ndarray
    confidence: np.ndarray


class Segmentor:
    """A network with its inference settings; the same image has the same regions every time.

    Args:
        network: (1, 1, X, Y, Z) to (1, N, X, Y, Z) logits; sides must divide by its total stride.
        config: window size and overlap.
        device: where it runs.
        crop: size of the content crops it was trained on; None if on whole volumes.
    """

    def __init__(
        self,
        network: nn.Module,
        config: SegmentorConfig,
        device: torch.device,
        crop: tuple[int, int, int] | None = None,
    ) -> None:
        self.network = network.to(device).eval()
        self.config = config
        self.device = device
        self.crop = crop

    @torch.no_grad()
    def __call__(self, image: np.ndarray) -> Segmentation:
        """Segment an image scaled to 0..1, (X, Y, Z) float32; away from its content all is background."""
        box = content_box(image, self.crop)
        volume = torch.from_numpy(np.ascontiguousarray(image[box]))[None, None].to(self.device)
        part = segmentation_of(self.probabilities(volume)[0])
        labels, confidence = np.zeros(image.shape, np.uint8), np.ones(image.shape, np.float16)
        labels[box], confidence[box] = part.labels, part.confidence
        return Segmentation(labels, confidence)

    @torch.no_grad()
    def probabilities(self, volume: Float[Tensor, "1 1 X Y Z"]) -> Float[Tensor, "1 N X Y Z"]:
        """Class probabilities on the grid of `volume`, by Gaussian-weighted sliding windows."""
        return torch.softmax(self.logits(volume), dim=1)

    @torch.no_grad()
    @shortage_told("this image")
    @repeatable()
    def logits(self, volume: Float[Tensor, "1 1 X Y Z"]) -> Float[Tensor, "1 N X Y Z"]:
        """What the network says of each voxel, averaged over the windows that see it.

        Raises:
            TooLittleMemory: the image does not fit into the device's memory.
        """
        from monai.inferers import sliding_window_inference

        roi, padded = self.config.roi, volume
        if self.config.is_unet:
            padded = padded_for(self.config, volume, self.crop)
            # A window never exceeds the volume or the crop: more padding would only add zeros to look at.
            x, y, z = (min(a, b) for a, b in zip(roi, padded.shape[2:], strict=True))
            roi = (x, y, z)
        logits = sliding_window_inference(
            padded, roi, sw_batch_size=1, predictor=self.network, overlap=self.config.overlap, mode="gaussian"
        )
        if not isinstance(logits, torch.Tensor):
            raise TypeError(f"a segmentation network gives one tensor, not {type(logits).__name__}")
        return crop_to(logits, volume.shape[2:])


def segmentation_of(probabilities: Float[Tensor, "N X Y Z"]) -> Segmentation:
    """Label map and confidence: argmax and max over the classes (textSCF section III-A)."""
    confidence, labels = probabilities.max(dim=0)
    # Half precision in memory and in the cache alike, so a cached run gives the same bytes.
    return Segmentation(labels.to(torch.uint8).cpu().numpy(), confidence.half().cpu().numpy())
