"""Diffeomorphic integration of a stationary velocity by scaling and squaring."""

from pipeline.network.warp import compose
from pipeline.typing import Float, Tensor

__all__ = ["integrate"]


def integrate(velocity: Float[Tensor, "B 3 X Y Z"], steps: int = 7) -> Float[Tensor, "B 3 X Y Z"]:
    """exp(v) - id: start from `v / 2**steps`, then `steps` times `u <- u + u o (id + u)`.

    Border padding keeps a constant velocity exact up to the edge, where zeros padding would bend it
    (Arsigny et al. 2006; textSCF section "Int", T = 7).

    Args:
        velocity: v in voxels of its own grid per unit time.
        steps: number of squarings; 0 returns v itself.
    """
    displacement = velocity / 2**steps
    for _ in range(steps):
        displacement = compose(displacement, displacement)
    return displacement
