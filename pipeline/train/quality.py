"""Figures on held-out subjects during training; the official scores are the evaluation package's."""

from pipeline.network.losses import jacobian_determinant
from pipeline.typing import Float, Int, Tensor

__all__ = ["hard_dice", "smoothness_figures"]


def hard_dice(a: Int[Tensor, "1 X Y Z"], b: Int[Tensor, "1 X Y Z"], regions: int) -> float:
    """Mean Dice over the foreground regions present in `b`; 0 where there is none."""
    values = []
    for region in range(1, regions):
        in_a, in_b = a == region, b == region
        if in_b.any():
            values.append((2 * (in_a & in_b).sum() / (in_a.sum() + in_b.sum())).item())
    return sum(values) / max(len(values), 1)


def smoothness_figures(displacement: Float[Tensor, "1 3 X Y Z"]) -> dict[str, float]:
    """Official SDlogJ (log of det + 3) and the true share of folded voxels, two voxels from the edge on."""
    determinant = jacobian_determinant(displacement)[:, 1:-1, 1:-1, 1:-1]
    official = (determinant + 3).clamp(1e-9, 1e9).log().std(correction=0)
    return {"sdlogj": official.item(), "folds": (determinant <= 0).float().mean().item()}
