"""Counts of run-time networks against the integers of the published ones."""

import pytest

from pairs.errors import UsageError
from pipeline.config import RegistrationConfig
from studies.counting import complexity_of

__all__: list[str] = []

CT = (96, 80, 128)


def test_plain_network_is_counted_as_published() -> None:
    count = complexity_of(RegistrationConfig(head="plain"), 14, CT)
    assert count.parameters == 2_086_342
    assert round(count.published_macs / 1e9, 3) == 36.722
    assert (count.grid, count.feature_grid) == (CT, CT)


def test_filters_cost_one_product_a_voxel_as_published_and_all_of_them_as_run() -> None:
    plain, paper, official = (
        complexity_of(RegistrationConfig(head=head, blend=blend), 14, CT)
        for head, blend in (("plain", "paper"), ("text", "paper"), ("text", "official"))
    )
    product = 16 * 3 * 96 * 80 * 128
    assert paper.published_macs == plain.published_macs - 27 * product + 2 * product
    assert official.published_macs == plain.published_macs + product
    assert official.run_macs == plain.run_macs + 14 * product
    assert official.parameters == plain.parameters + 3 + 14 * 16 * 3 == 2_087_017
    # The 3x3x3 and 1x1x1 branches that the fused kernels save, level by level.
    folded = sum(28 * (8 * f) ** 2 * (96 * 80 * 128 // 8**i) for i, f in enumerate((2, 4, 8, 8), 1))
    assert plain.published_macs - plain.run_macs == folded


def test_grids_are_padded_to_what_the_backbone_takes() -> None:
    count = complexity_of(RegistrationConfig(start_channels=1, decoder_stride=2), 3, (81, 80, 97))
    assert count.grid == (96, 80, 112)
    assert count.feature_grid == (48, 40, 56)


def test_unknown_backbone() -> None:
    with pytest.raises(UsageError, match="unknown backbone"):
        complexity_of(RegistrationConfig(backbone="resnet"), 3, CT)
