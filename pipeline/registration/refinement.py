"""Instance optimisation: a few gradient steps on one pair, from the network's displacement on."""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from pipeline.config import RefinementConfig
from pipeline.network.descent import Adam
from pipeline.network.halfgrid import halved_image, region_channels
from pipeline.network.losses import one_hot, weighted_losses
from pipeline.network.model import RegistrationOutput
from pipeline.network.warp import compose, integrate, upsample_displacement, warp
from pipeline.typing import Float, Int, Tensor

__all__ = ["Regions", "refine", "with_regions"]

Regions = tuple[Int[Tensor, "B X Y Z"], Float[Tensor, "B X Y Z"]]
"""Region index of each voxel of an image, and the segmentor's confidence p in it."""


def refine(
    outputs: Sequence[RegistrationOutput],
    moving: Float[Tensor, "B M X Y Z"],
    fixed: Float[Tensor, "B M X Y Z"],
    squarings: int,
    config: RefinementConfig,
    decoded: Callable[[Tensor], Tensor] | None = None,
) -> Float[Tensor, "B 3 X Y Z"]:
    """The network's displacement followed by one more, fitted to this pair.

    Minimises the losses of the training (textSCF Eq. 1) over the added velocity, with the segmentor's regions
    of both images in the place of labels. The smoothness term sees the network's velocity and the added one
    together, or the displacement of both, so that the step cannot undo the smoothness of the network.

    With the target `network` the regions of the fixed image have no say. The last pass of the network, which
    has learnt from true labels, says where those of the moving image belong, and the step leads there from
    the displacement of the first pass, which is smoother.

    Args:
        outputs: what the network says of the pair after each pass.
        moving: image in 0..1 and a channel for each region, as `with_regions` gives them.
        fixed: the same of the fixed image.
        squarings: T of the network's integration; 0 adds a displacement in place of a velocity.
        config: iterations, rate and weights.
        decoded: what the host makes of a displacement; the losses then see that, and the fit makes up for
            what storing would lose. None where it is read as it is.

    Returns:
        u on the input grid, in its voxels.
    """
    if config.target == "fixed":
        output, target = outputs[-1], fixed[:, 1:]
    else:
        output, target = outputs[0], warp(moving[:, 1:], outputs[-1].displacement)
    shape, start = fixed.shape[2:], _start(output.regularised.detach(), fixed.shape[2:], config)
    stride = shape[0] // start.shape[2]
    squarings = squarings if config.squarings is None else config.squarings

    def displacement_with(added: Float[Tensor, "B 3 U V W"]) -> Float[Tensor, "B 3 X Y Z"]:
        step = upsample_displacement(integrate(added, squarings) * stride, shape)
        return compose(output.displacement.detach(), step)

    with torch.enable_grad():
        velocity = torch.zeros_like(start, requires_grad=True)
        descent = Adam([velocity], config.moments)
        for number in range(config.iterations):
            share = 1 - number / config.iterations if config.rate_decay == "linear" else 1
            displacement = displacement_with(velocity)
            warped = warp(moving, decoded(displacement) if decoded else displacement)
            losses = weighted_losses(warped, fixed[:, :1], target, displacement, start + velocity, config)
            descent.step(torch.stack(list(losses.values())).sum(), config.learning_rate_vox * share)
    return displacement_with(velocity.detach())


def _start(
    regularised: Float[Tensor, "B 3 U V W"], shape: torch.Size, config: RefinementConfig
) -> Float[Tensor, "B 3 P Q R"]:
    """What the network's smoothness is measured by, on the grid of the added velocity and in its voxels."""
    if config.grid == "half" and regularised.shape[2:] == shape:
        return F.avg_pool3d(regularised, 2) / 2
    return regularised


def with_regions(
    image: Float[Tensor, "B 1 X Y Z"], regions: Regions, count: int, *, halved: bool = False
) -> Float[Tensor, "B M U V W"]:
    """An image and its regions as channels of p: a voxel counts as far as the segmentor is sure of it.

    Args:
        image: in 0..1.
        regions: of the image.
        count: N, background included; M is N + 1.
        halved: whether all is averaged over 2x2x2 voxels.
    """
    labels, confidence = regions
    if halved:
        return torch.cat([halved_image(image), region_channels(labels, confidence, count)], dim=1)
    return torch.cat([image, one_hot(labels, count) * confidence[:, None]], dim=1)
