"""Figures on held-out subjects during training; the official scores are the evaluation package's."""

import torch

from pipeline.typing import Float, Int, Tensor

__all__ = ["hard_dice", "jacobian_determinant", "smoothness_figures"]


def hard_dice(a: Int[Tensor, "1 X Y Z"], b: Int[Tensor, "1 X Y Z"], regions: int) -> float:
    """Mean Dice over the foreground regions present in `b`; 0 where there is none."""
    values = []
    for region in range(1, regions):
        in_a, in_b = a == region, b == region
        if in_b.any():
            values.append((2 * (in_a & in_b).sum() / (in_a.sum() + in_b.sum())).item())
    return sum(values) / max(len(values), 1)


def jacobian_determinant(displacement: Float[Tensor, "1 3 X Y Z"]) -> Float[Tensor, "U V W"]:
    """det(I + grad u) by central differences, two voxels cropped from every side as the host does."""
    u = displacement[0]
    derivatives = [(u.roll(-1, axis) - u.roll(1, axis)) / 2 for axis in (1, 2, 3)]
    jacobian = torch.stack(derivatives, dim=1)[:, :, 2:-2, 2:-2, 2:-2]
    identity = torch.eye(3, device=u.device, dtype=u.dtype).view(3, 3, 1, 1, 1)
    return torch.linalg.det((jacobian + identity).permute(2, 3, 4, 0, 1))


def smoothness_figures(displacement: Float[Tensor, "1 3 X Y Z"]) -> dict[str, float]:
    """Official SDlogJ (log of det + 3) and the true share of folded voxels."""
    determinant = jacobian_determinant(displacement)
    official = (determinant + 3).clamp(1e-9, 1e9).log().std(correction=0)
    return {"sdlogj": official.item(), "folds": (determinant <= 0).float().mean().item()}
