"""Local change of volume of a deformation: its Jacobian determinant, and a loss that keeps it near one."""

from pipeline.typing import Float, Tensor

__all__ = ["jacobian_determinant", "volume_loss"]

SHIFT = 3.0
"""What the challenge adds to a determinant before it takes the logarithm."""
LEAST = 1e-3
"""Folds as deep as this are not told apart; their logarithm would have no end."""


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

    Unlike the roughness it costs nothing to turn or to shear (Rohlfing et al., IEEE TMI 22, 2003, penalise
    log J, which has no value where a field folds).
    """
    determinant = jacobian_determinant(displacement)
    return ((determinant + SHIFT).clamp_min(LEAST) / (1 + SHIFT)).log().square().mean()


def _derivative(component: Float[Tensor, "B X Y Z"], axis: int) -> Float[Tensor, "B U V W"]:
    for other in (1, 2, 3):
        if other != axis:
            component = component.narrow(other, 1, component.shape[other] - 2)
    inner = component.shape[axis] - 2
    return (component.narrow(axis, 2, inner) - component.narrow(axis, 0, inner)) / 2
