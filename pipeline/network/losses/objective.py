"""The weighted losses of a registration (textSCF Eq. 1), of the kinds that a configuration names."""

from pipeline.config import LossConfig
from pipeline.network.losses.overlap import challenge_dice_loss, dice_loss
from pipeline.network.losses.similarity import mse_loss, multiscale_ncc_loss
from pipeline.network.losses.smoothness import bending_loss, gradient_loss
from pipeline.network.losses.volume import volume_loss
from pipeline.typing import Float, Tensor

__all__ = ["weighted_losses"]


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
