"""Augmentation: reproducible, image and labels together, never mirrored, within its limits."""

from dataclasses import replace

import torch

from pipeline.network.warp import identity_grid
from pipeline.train.augment import ELASTIC_STD_VOX, MAX_SHIFT_VOX, augmented, random_deformation
from pipeline.train.pairs import augmented_segmented
from pipeline.train.subjects import Sample
from tests.pipeline.train.cubes import cube

__all__: list[str] = []

SHAPE = (20, 24, 28)


def subject() -> Sample:
    """A body with a left block of label 1 and a right block of label 2, as bright as their labels."""
    labels = torch.zeros(1, *SHAPE, dtype=torch.int64)
    labels[:, 3:8, 8:16, 9:19] = 1
    labels[:, 12:17, 8:16, 9:19] = 2
    return Sample("0001", labels[:, None] / 2.0, labels)


def draw(seed: int) -> Sample:
    return augmented(subject(), torch.Generator().manual_seed(seed))


def centre(region: torch.Tensor) -> torch.Tensor:
    return region[0].nonzero().double().mean(0)


def test_same_random_numbers_same_result() -> None:
    assert torch.equal(draw(3).image, draw(3).image)
    assert torch.equal(draw(3).labels, draw(3).labels)
    assert not torch.equal(draw(3).image, draw(4).image)


def test_the_global_random_state_plays_no_part() -> None:
    torch.manual_seed(0)
    first = draw(3)
    torch.manual_seed(1)
    assert torch.equal(draw(3).image, first.image)


def test_the_subject_itself_is_not_changed() -> None:
    original = subject()
    augmented(original, torch.Generator().manual_seed(0))
    assert torch.equal(original.image, subject().image)
    assert torch.equal(original.labels, subject().labels)


def test_form_and_range_stay() -> None:
    for seed in range(5):
        result = draw(seed)
        assert (result.name, result.image.shape, result.labels.shape) == ("0001", (1, 1, *SHAPE), (1, *SHAPE))
        assert 0 <= result.image.min() <= result.image.max() <= 1
        assert result.labels.dtype == torch.int64
        assert set(result.labels.unique().tolist()) == {0, 1, 2}


def test_image_and_labels_move_together() -> None:
    for seed in range(5):
        result = draw(seed)
        bright, labelled = result.image[:, 0] > 0.2, result.labels > 0
        overlap = 2 * (bright & labelled).sum() / (bright.sum() + labelled.sum())
        assert overlap > 0.85


def test_sides_are_never_exchanged() -> None:
    for seed in range(15):
        result = draw(seed)
        assert centre(result.labels == 1)[0] < centre(result.labels == 2)[0] - 3


def test_motion_stays_within_its_limits() -> None:
    shifts = torch.stack([centre(draw(seed).labels > 0) - centre(subject().labels > 0) for seed in range(15)])
    # The blocks lie off the middle of the volume, so rotation, scale and the elastic part add to the shift.
    assert shifts.abs().max() < MAX_SHIFT_VOX + ELASTIC_STD_VOX + 1
    assert (shifts.abs().amax(0) > 1).all()


def test_strength_scales_the_motion_and_zero_changes_nothing() -> None:
    assert augmented(subject(), torch.Generator().manual_seed(0), strength=0.0).image.equal(subject().image)
    whole, tenth = (
        random_deformation(subject().image, torch.Generator().manual_seed(0), strength)
        for strength in (1.0, 0.1)
    )
    still = identity_grid(subject().image)
    assert (tenth - still).abs().mean() < 0.15 * (whole - still).abs().mean()


def test_the_elastic_part_bends_straight_lines() -> None:
    deformation = random_deformation(subject().image, torch.Generator().manual_seed(1), 1.0)
    # An affine map has no second difference.
    assert torch.diff(deformation, n=2, dim=2).abs().max() > 0.05


def test_empty_space_gets_no_noise() -> None:
    result = augmented(
        Sample("a", torch.zeros(1, 1, *SHAPE), torch.zeros(1, *SHAPE, dtype=torch.int64)),
        torch.Generator().manual_seed(0),
    )
    assert result.image.abs().max() == 0


def test_a_shift_of_its_own_goes_along_its_axis_and_no_further_than_asked() -> None:
    like = subject().image
    shifts = []
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        moved = random_deformation(like, generator, 0.0, (0.0, 0.0, 10.0)) - identity_grid(like)
        assert moved[:, :2].abs().max() < 1e-4
        assert moved[:, 2].max() - moved[:, 2].min() < 1e-4
        shifts.append(float(moved[0, 2, 0, 0, 0]))
    assert -10 <= min(shifts) < -5 < 5 < max(shifts) <= 10


def test_augmentation_moves_regions_and_confidence_with_the_labels() -> None:
    original = replace(cube(1), confidence=0.5 + 0.5 * cube(1).regions.float())
    changed = augmented_segmented(original, torch.Generator().manual_seed(2), 1.0)
    assert not torch.equal(changed.regions, original.regions)
    assert torch.equal(changed.regions, changed.sample.labels)
    # Trilinear confidence crosses 0.75 about where the nearest-voxel mask changes; outside p is 1.
    inside = changed.sample.image[:, 0] > 0
    assert ((changed.confidence > 0.75) == (changed.regions == 1))[inside].float().mean() > 0.95
    assert (changed.confidence[~inside] > 0.99).float().mean() > 0.5


def test_augmentation_is_off_at_strength_zero() -> None:
    original = cube(1)
    assert augmented_segmented(original, torch.Generator(), 0.0) is original
