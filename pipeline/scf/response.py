"""Eq. 4 of textSCF: region filters and the region-free filter, blended by the segmentor's confidence."""

import torch
import torch.nn.functional as F

from pipeline.typing import Float, Int, Tensor

__all__ = ["blend_responses", "region_response", "to_feature_grid"]


def blend_responses(
    features: Float[Tensor, "B C X Y Z"],
    filters: Float[Tensor, "N C 3"],
    free_filter: Float[Tensor, "C 3"],
    labels: Int[Tensor, "B X Y Z"],
    confidence: Float[Tensor, "B X Y Z"],
) -> Float[Tensor, "B 3 X Y Z"]:
    """u = (p w + (1 - p) w_r)^T F at every voxel (textSCF, Eq. 4).

    By linearity the two responses are computed apart and blended, which never builds a filter per voxel.

    Args:
        features: F.
        filters: w of each region; row n belongs to region index n (0 is background).
        free_filter: w_r.
        labels: region index of each voxel of F's grid.
        confidence: p in 0..1 on the same grid.
    """
    p = confidence.unsqueeze(1)
    free = torch.einsum("bcxyz,cd->bdxyz", features, free_filter)
    return p * region_response(features, filters, labels) + (1 - p) * free


def region_response(
    features: Float[Tensor, "B C X Y Z"], filters: Float[Tensor, "N C 3"], labels: Int[Tensor, "B X Y Z"]
) -> Float[Tensor, "B 3 X Y Z"]:
    """w(label)^T F: all N*3 responses by one 1x1x1 convolution, then a gather (models facts 1.4)."""
    regions, channels, _ = filters.shape
    kernel = filters.permute(0, 2, 1).reshape(regions * 3, channels, 1, 1, 1)
    responses = F.conv3d(features, kernel).unflatten(1, (regions, 3))
    index = labels[:, None, None].expand(-1, 1, 3, -1, -1, -1)
    return responses.gather(1, index).squeeze(1)


def to_feature_grid(volume: Tensor, stride: int) -> Tensor:
    """Every `stride`-th voxel of (B, X, Y, Z): nearest-neighbour, so label and confidence stay paired."""
    return volume[:, ::stride, ::stride, ::stride]
