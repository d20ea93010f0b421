"""The best shift of one image over another, among all shifts by whole voxels."""

import numpy as np
import torch

from pipeline.typing import Float, Tensor

__all__ = ["best_translation"]


def best_translation(
    moving: Float[Tensor, "1 C U V W"],
    fixed: Float[Tensor, "1 C X Y Z"],
    moving_content: Float[Tensor, "1 1 U V W"],
    fixed_content: Float[Tensor, "1 1 X Y Z"],
    least_overlap: float,
) -> tuple[int, int, int] | None:
    """The shift t that makes fixed(x) most like moving(x + t), by the mean square where both have content.

    All shifts are compared at once, as products of Fourier transforms. So a shift of any size is found, also
    where one image holds a part of what the other shows.

    Args:
        moving: Features.
        fixed: Features of the same voxel size.
        moving_content: 1 where the moving image has content, else 0.
        fixed_content: The same of the fixed image.
        least_overlap: Of the smaller content, for a shift to be considered.

    Returns:
        t in voxels, or None where no shift overlaps enough.
    """
    sides = [a + b for a, b in zip(fixed.shape[2:], moving.shape[2:], strict=True)]

    def spectrum(volume: Tensor) -> Tensor:
        return torch.fft.rfftn(volume, s=sides, dim=(-3, -2, -1))

    def correlation(of_fixed: Tensor, of_moving: Tensor) -> Tensor:
        product = (of_fixed.conj() * of_moving).sum(1)
        return torch.fft.irfftn(product, s=sides, dim=(-3, -2, -1))[0]

    here, there = spectrum(fixed_content), spectrum(moving_content)
    overlap = correlation(here, there)
    squares = correlation(spectrum(fixed.square().sum(1, keepdim=True) * fixed_content), there)
    squares += correlation(here, spectrum(moving.square().sum(1, keepdim=True) * moving_content))
    for channel in range(fixed.shape[1]):
        one, other = (
            spectrum(volume[:, channel : channel + 1] * content)
            for volume, content in ((fixed, fixed_content), (moving, moving_content))
        )
        squares -= 2 * correlation(one, other)
    smaller = min(float(fixed_content.sum()), float(moving_content.sum()))
    enough = overlap > max(least_overlap * smaller, 0.5)
    if not enough.any():
        return None
    mean = torch.where(enough, squares / overlap.clamp(min=0.5), torch.inf)
    x, y, z = (int(index) for index in np.unravel_index(int(mean.argmin()), mean.shape))
    # Shifts to the left lie behind those to the right.
    shift = [
        index if index < length else index - side
        for index, length, side in zip((x, y, z), moving.shape[2:], sides, strict=True)
    ]
    return shift[0], shift[1], shift[2]
