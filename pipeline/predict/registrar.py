"""The model loaded once, applied pair after pair."""

import numpy as np
import torch

from pairs.errors import GridMismatch
from pairs.volume import Volume
from pipeline.bundle import Bundle
from pipeline.preprocess import content_box, crop_to, normalise, pad_to_multiple
from pipeline.segment.segmentor import Segmentation

__all__ = ["Registrar", "require_same_lattice"]


class Registrar:
    """A bundle's registration network on a device.

    Args:
        bundle: the weights.
        device: where it runs.

    Raises:
        WeightsError: the bundle holds no registration network or it does not fit its configuration.
    """

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        self.net = bundle.build_registration(device)
        self.intensity = bundle.header.config.intensity
        self.crop = bundle.header.config.registration_training.crop
        self.device = device

    @torch.no_grad()
    def __call__(self, moving: Volume, fixed: Volume, segmentation: Segmentation) -> np.ndarray:
        """The displacement of a pair, (X, Y, Z, 3) float32 in voxels of the fixed grid.

        Args:
            moving: image on a grid of the fixed image's shape and spacing.
            fixed: image.
            segmentation: regions and confidence of the fixed image.

        Raises:
            GridMismatch: the two images differ in shape or spacing.
        """
        require_same_lattice(moving, fixed)
        content = (moving.array != 0) | (fixed.array != 0)
        box = content_box(content, self.crop)
        inputs = [
            self._input(volume[box])
            for volume in (
                normalise(moving.array, self.intensity),
                normalise(fixed.array, self.intensity),
                segmentation.labels,
                segmentation.confidence,
            )
        ]
        output = self.net(inputs[0], inputs[1], inputs[2][:, 0].long(), inputs[3][:, 0].float())
        part = crop_to(output.displacement, content[box].shape)[0].movedim(0, -1).cpu().numpy()
        # Beyond the content the displacement goes on as at the edge of the box, so that nothing tears there.
        margins = [(axis.start, side - axis.stop) for axis, side in zip(box, content.shape, strict=True)]
        return np.pad(part, [*margins, (0, 0)], mode="edge")

    def _input(self, volume: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(volume))[None, None]
        return pad_to_multiple(tensor, self.net.backbone.size_multiple).to(self.device)


def require_same_lattice(moving: Volume, fixed: Volume) -> None:
    """Refuse images whose voxels cannot be compared one to one; where they lie in the room is free.

    Raises:
        GridMismatch: shape or spacing differ.
    """
    a, b = fixed.header, moving.header
    if a.shape != b.shape or not np.allclose(a.spacing_mm, b.spacing_mm, rtol=1e-3):
        raise GridMismatch(
            "fixed and moving image differ in shape or spacing",
            where=b.path.name,
            expected=f"{a.shape} at {a.spacing_mm} mm as in {a.path.name}",
            got=f"{b.shape} at {b.spacing_mm} mm",
            remedy="resample the moving image onto the grid of the fixed one",
        )
