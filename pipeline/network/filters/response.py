"""Eq. 4 of textSCF: region filters and the region-free filter, blended by the segmentor's confidence."""

from collections.abc import Callable

import torch

from pipeline.typing import Float, Int, Shaped, Tensor

__all__ = ["blend_responses", "region_response", "to_feature_grid"]

_CPU_BLOCK = 16384
"""Voxels at a time: the N * 3 responses of so many fit into the processor's cache, where those of a whole
volume are hundreds of MB and take two to four times as long (`benchmarks/lookup.py`)."""

_GPU_BYTES = 2**29
"""Of responses at a time elsewhere: one large product, in memory that does not grow with the volume. On the
half grid of 160x192x224 voxels, 36 filters and the region-free one give 382 MB."""


def blend_responses(
    features: Float[Tensor, "B C X Y Z"],
    filters: Float[Tensor, "N C 3"],
    free_filter: Float[Tensor, "C 3"],
    labels: Int[Tensor, "B X Y Z"],
    confidence: Float[Tensor, "B X Y Z"],
) -> Float[Tensor, "B 3 X Y Z"]:
    """u = (p w + (1 - p) w_r)^T F at every voxel.

    By linearity the two responses are computed apart and blended, which never builds a filter per voxel.

    Args:
        features: F.
        filters: w of each region; row n belongs to region index n (0 is background).
        free_filter: w_r.
        labels: region index of each voxel of F's grid.
        confidence: p in 0..1 on the same grid.

    References:
        Chen et al., textSCF, Eq. 4, https://arxiv.org/abs/2311.15607
    """
    table = torch.cat([filters, free_filter[None]])
    return _by_blocks(_blended, features, table, labels, confidence)


def region_response(
    features: Float[Tensor, "B C X Y Z"], filters: Float[Tensor, "N C 3"], labels: Int[Tensor, "B X Y Z"]
) -> Float[Tensor, "B 3 X Y Z"]:
    """w(label)^T F: all N * 3 responses by one product, then a gather."""
    return _by_blocks(_looked_up, features, filters, labels)


def _by_blocks(
    combine: Callable[..., Tensor],
    features: Float[Tensor, "B C X Y Z"],
    table: Float[Tensor, "M C 3"],
    *volumes: Shaped[Tensor, "B X Y Z"],
) -> Float[Tensor, "B 3 X Y Z"]:
    """What `combine` makes of the responses (B, M, 3, V) of all filters and of the volumes (B, V)."""
    rows = table.transpose(1, 2).flatten(0, 1)
    flat = (features.flatten(2), *(volume.flatten(1) for volume in volumes))
    size = _voxels_at_once(features, len(rows))
    blocks = zip(*(part.split(size, dim=-1) for part in flat), strict=True)
    done = [combine((rows @ block).unflatten(1, (-1, 3)), *others) for block, *others in blocks]
    return torch.cat(done, dim=-1).unflatten(-1, features.shape[2:])


def _voxels_at_once(features: Float[Tensor, "B C X Y Z"], responses: int) -> int:
    if features.device.type == "cpu":
        return _CPU_BLOCK
    return max(1, _GPU_BYTES // (responses * len(features) * features.element_size()))


def _looked_up(responses: Float[Tensor, "B N 3 V"], labels: Int[Tensor, "B V"]) -> Float[Tensor, "B 3 V"]:
    index = labels[:, None, None].expand(-1, 1, 3, -1)
    return responses.gather(1, index).squeeze(1)


def _blended(
    responses: Float[Tensor, "B M 3 V"], labels: Int[Tensor, "B V"], confidence: Float[Tensor, "B V"]
) -> Float[Tensor, "B 3 V"]:
    """The last filter is the region-free one."""
    p = confidence[:, None]
    return p * _looked_up(responses[:, :-1], labels) + (1 - p) * responses[:, -1]


def to_feature_grid(volume: Tensor, stride: int) -> Tensor:
    """Every `stride`-th voxel of (B, X, Y, Z): nearest-neighbour, so label and confidence stay paired."""
    return volume[:, ::stride, ::stride, ::stride]
