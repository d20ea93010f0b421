"""What training and refinement minimise: likeness of images, overlap of regions, roughness of the field."""

import torch
import torch.nn.functional as F

from pipeline.config import LossConfig
from pipeline.network.correlation import multiscale_ncc_loss
from pipeline.typing import Float, Int, Tensor

__all__ = [
    "bending_loss",
    "challenge_dice_loss",
    "dice_loss",
    "gradient_loss",
    "jacobian_determinant",
    "mse_loss",
    "one_hot",
    "volume_loss",
    "weighted_losses",
]

SHIFT = 3.0
"""What the challenge adds to a determinant before it takes the logarithm."""
LEAST = 1e-3
"""The smallest determinant + 3 that counts; the logarithm of deeper folds would have no lower bound."""


def weighted_losses(
    warped: Float[Tensor, "B M X Y Z"],
    fixed_image: Float[Tensor, "B 1 X Y Z"],
    fixed_regions: Float[Tensor, "B N X Y Z"],
    displacement: Float[Tensor, "B 3 X Y Z"],
    velocity: Float[Tensor, "B 3 U V W"],
    config: LossConfig,
) -> dict[str, Tensor]:
    """Similarity + Dice + lambda * roughness, and change of volume where it counts, each with its weight.

    Args:
        warped: the moving image in channel 0, its N regions in the channels after it.
        fixed_image: in 0..1.
        fixed_regions: a channel for each region.
        displacement: u in voxels.
        velocity: what is integrated, in voxels of its own grid; u itself where nothing is.
        config: kinds and weights.
    """
    image, regions = warped[:, :1], warped[:, 1:]
    if config.similarity_kind == "mse":
        similarity = mse_loss(image, fixed_image)
    else:
        similarity = multiscale_ncc_loss(image, fixed_image, config.ncc_window, config.ncc_scales)
    overlap = dice_loss if config.dice_kind == "authors" else challenge_dice_loss
    roughness = gradient_loss if config.regulariser == "gradient" else bending_loss
    field = velocity if config.regularised == "velocity" else displacement
    losses = {
        "similarity": config.similarity * similarity,
        "dice": config.dice * overlap(regions, fixed_regions),
        "smoothness": config.smoothness * roughness(field),
    }
    if config.volume > 0:
        losses["volume"] = config.volume * volume_loss(displacement)
    return losses


def one_hot(labels: Int[Tensor, "B X Y Z"], regions: int) -> Float[Tensor, "B N X Y Z"]:
    """Label indices 0..regions-1 as one channel each."""
    return F.one_hot(labels, regions).movedim(-1, 1).float()


def dice_loss(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float = 1e-5
) -> Float[Tensor, ""]:
    """1 - mean Dice over all classes, background included.

    Per class 2 sum(p t) / (sum p^2 + sum t^2 + epsilon); a class absent from both counts as 0.
    """
    return 1 - _dice(warped, fixed, epsilon).mean()


def challenge_dice_loss(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float = 1e-5
) -> Float[Tensor, ""]:
    """1 - mean Dice over what the host scores: no background, no class absent from either side.

    A batch without any such class gives 0, with zero gradients.
    """
    scored = (warped.detach().amax((2, 3, 4)) > 0) & (fixed.amax((2, 3, 4)) > 0)
    scored[:, 0] = False
    lost = (1 - _dice(warped, fixed, epsilon)) * scored
    return lost.sum() / scored.sum().clamp(min=1)


def _dice(
    warped: Float[Tensor, "B N X Y Z"], fixed: Float[Tensor, "B N X Y Z"], epsilon: float
) -> Float[Tensor, "B N"]:
    axes = (2, 3, 4)
    overlap = 2 * (warped * fixed).sum(axes)
    size = warped.square().sum(axes) + fixed.square().sum(axes)
    return overlap / (size + epsilon)


def mse_loss(warped: Float[Tensor, "B C X Y Z"], fixed: Float[Tensor, "B C X Y Z"]) -> Float[Tensor, ""]:
    """Mean squared difference."""
    return (warped - fixed).square().mean()


def gradient_loss(field: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, ""]:
    """Mean squared forward difference of a field in voxels, averaged over the three axes."""
    terms = [torch.diff(field, dim=axis).square().mean() for axis in (2, 3, 4)]
    return torch.stack(terms).mean()


def bending_loss(field: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, ""]:
    """Bending energy: squared second derivatives over all pairs of axes, mean over voxels and components.

    Affine fields cost nothing. MONAI's loss is the same on quadratic fields,
    but its mixed differences skip a voxel and miss what alternates, and its import takes six seconds.

    Args:
        field: in voxels; at least three a side.

    References:
        Rueckert et al. 1999, Eq. 7, https://doi.org/10.1109/42.796284
    """
    energy = field.new_zeros(())
    for axis in (2, 3, 4):
        energy = energy + torch.diff(field, n=2, dim=axis).square().mean()
        for other in range(axis + 1, 5):
            mixed = torch.diff(torch.diff(field, dim=axis), dim=other)
            energy = energy + 2 * mixed.square().mean()
    return energy


def jacobian_determinant(displacement: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, "B U V W"]:
    """det(I + grad u) by central differences, without the outermost voxels.

    Args:
        displacement: in voxels of its own grid; at least three a side.
    """
    # Written out, since the gradient of `torch.linalg.det` is slow for a million small matrices.
    (a, b, c), (d, e, f), (g, h, i) = (
        [_derivative(displacement[:, component], axis) for axis in (1, 2, 3)] for component in range(3)
    )
    a, e, i = a + 1, e + 1, i + 1
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def volume_loss(displacement: Float[Tensor, "B 3 X Y Z"]) -> Float[Tensor, ""]:
    """Mean square of log((J + 3) / 4): 0 where volumes stay, and what the official SDlogJ is made of.

    Unlike the roughness it costs nothing to turn or to shear. The paper penalises log J, which has no value
    where a field folds.

    References:
        Rohlfing et al. 2003, https://doi.org/10.1109/TMI.2003.814791
    """
    determinant = jacobian_determinant(displacement)
    return ((determinant + SHIFT).clamp_min(LEAST) / (1 + SHIFT)).log().square().mean()


def _derivative(component: Float[Tensor, "B X Y Z"], axis: int) -> Float[Tensor, "B U V W"]:
    for other in (1, 2, 3):
        if other != axis:
            component = component.narrow(other, 1, component.shape[other] - 2)
    inner = component.shape[axis] - 2
    return (component.narrow(axis, 2, inner) - component.narrow(axis, 0, inner)) / 2
