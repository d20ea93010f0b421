"""Instance optimisation: it brings regions and images together, stays smooth, and can be left out."""

import pytest
import torch
import torch.nn.functional as F

from pipeline.config import RefinementConfig
from pipeline.network.losses import gradient_loss, one_hot, volume_loss
from pipeline.network.model import RegistrationOutput
from pipeline.network.warp import warp
from pipeline.registration.refinement import refine, with_regions

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (16, 20, 24)
REGIONS = 3


def ball(centre: tuple[float, float, float]) -> torch.Tensor:
    """Region 1 is a ball of radius 5 about `centre`, region 2 a shell around it."""
    axes = torch.meshgrid(*[torch.arange(n).float() for n in SHAPE], indexing="ij")
    radius = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)).sqrt()
    return ((radius < 7).long() + (radius < 5).long())[None].apply_(lambda v: (0, 2, 1)[v])


def seen(image: torch.Tensor, labels: torch.Tensor, confidence: float = 1.0) -> torch.Tensor:
    return with_regions(image, (labels, torch.full(labels.shape, confidence)), REGIONS)


def nothing(stride: int = 2) -> RegistrationOutput:
    """What a network says that moves nothing."""
    return RegistrationOutput(torch.zeros(1, 3, *SHAPE), torch.zeros(1, 3, *(n // stride for n in SHAPE)))


def refined(
    moving: torch.Tensor,
    fixed: torch.Tensor,
    stride: int = 2,
    network_squarings: int = 5,
    p: float = 1.0,
    **settings: float | str | tuple[float, float],
) -> torch.Tensor:
    """The refinement of two label maps; the images are the label maps themselves."""
    config = RefinementConfig(**{"iterations": 20, "smoothness": 0.1, "similarity": 0.0} | settings)
    both = [seen(part[:, None].float() / 2, part, p) for part in (moving, fixed)]
    return refine([nothing(stride)], *both, network_squarings, config)


def overlap(moving: torch.Tensor, fixed: torch.Tensor, displacement: torch.Tensor) -> float:
    warped = warp(one_hot(moving, REGIONS), displacement)[:, 1:]
    target = one_hot(fixed, REGIONS)[:, 1:]
    return (2 * (warped * target).sum() / (warped.sum() + target.sum())).item()


MOVING, FIXED = ball((8, 10, 12)), ball((8, 12, 11))


@pytest.mark.parametrize(("stride", "squarings"), [(2, 5), (1, 5), (1, 0)])
def test_regions_that_lie_apart_are_brought_together(stride: int, squarings: int) -> None:
    displacement = refined(MOVING, FIXED, stride, squarings)
    assert displacement.shape == (1, 3, *SHAPE)
    assert overlap(MOVING, FIXED, displacement) > overlap(MOVING, FIXED, torch.zeros(1, 3, *SHAPE)) + 0.1
    # The content moves by (0, 2, -1), so u points the other way.
    inside = displacement[0][:, FIXED[0] == 1].mean(1)
    assert inside[1] < -0.5
    assert inside[2] > 0.2
    assert abs(inside[0]) < 0.3


def test_images_alone_can_drive_it() -> None:
    displacement = refined(MOVING, FIXED, dice=0.0, similarity=10.0)
    assert overlap(MOVING, FIXED, displacement) > overlap(MOVING, FIXED, torch.zeros(1, 3, *SHAPE)) + 0.1


def test_correlation_drives_it_where_grey_values_are_reversed() -> None:
    """Squared differences would pull bright onto bright; the images' likeness is in their structure."""
    config = RefinementConfig(
        iterations=20,
        smoothness=0.1,
        dice=0,
        similarity=10,
        similarity_kind="ncc",
        ncc_window=5,
        ncc_scales=2,
    )
    moving, fixed = 1 - MOVING[:, None].float() / 2, FIXED[:, None].float() / 2
    displacement = refine([nothing()], seen(moving, MOVING), seen(fixed, FIXED), 5, config)
    assert overlap(MOVING, FIXED, displacement) > overlap(MOVING, FIXED, torch.zeros(1, 3, *SHAPE)) + 0.1


def test_without_iterations_the_displacement_is_that_of_the_network() -> None:
    start = RegistrationOutput(torch.rand(1, 3, *SHAPE), torch.rand(1, 3, 8, 10, 12))
    config = RefinementConfig(iterations=0)
    image = torch.rand(1, 1, *SHAPE)
    result = refine([start], seen(image, MOVING), seen(image, FIXED), 5, config)
    assert torch.allclose(result, start.displacement, atol=1e-5)


def test_more_smoothness_gives_a_smoother_displacement() -> None:
    rough, smooth = (gradient_loss(refined(MOVING, FIXED, smoothness=weight)) for weight in (0.01, 1.0))
    assert smooth < 0.5 * rough


def test_volumes_are_kept_where_they_count() -> None:
    free, kept = (volume_loss(refined(MOVING, FIXED, smoothness=0.01, volume=w)) for w in (0.0, 3.0))
    assert kept < 0.5 * free


def test_the_regions_go_where_the_last_pass_moved_them_in_a_smoother_way() -> None:
    """The fixed image's regions, here of another place altogether, have no say."""
    torch.manual_seed(0)
    last = torch.tensor([0.0, -2.0, 1.0]).view(1, 3, 1, 1, 1) + torch.randn(1, 3, *SHAPE) * 0.5 * (FIXED == 0)
    velocity, image = torch.zeros(1, 3, 8, 10, 12), torch.zeros(1, 1, *SHAPE)
    outputs = [RegistrationOutput(displacement, velocity) for displacement in (last * 0.5, last)]
    config = RefinementConfig(
        iterations=20, similarity=0, smoothness=0, volume=1, target="network", learning_rate_vox=0.3
    )
    both = seen(image, MOVING), seen(image, ball((8, 4, 18)))
    found = refine(outputs, *both, 5, config)
    assert overlap(MOVING, FIXED, found) > 0.9 > overlap(MOVING, FIXED, last * 0.5) + 0.05
    assert volume_loss(found) < 0.5 * volume_loss(last)
    still = config.model_copy(update={"iterations": 1, "learning_rate_vox": 1e-6})
    begun = refine(outputs, *both, 5, still)
    assert torch.allclose(begun, outputs[0].displacement, atol=1e-4)


def test_steps_grow_smaller_where_asked() -> None:
    """A constant force moves by the rate in each step: 20 alike, or 20, 19, ... 1 of 20."""
    settings = {"iterations": 20, "smoothness": 0.0, "learning_rate_vox": 0.01}
    alike, decaying = (
        refined(MOVING, FIXED, **settings, rate_decay=decay).abs().max() for decay in ("none", "linear")
    )
    assert 0.45 < decaying / alike < 0.7


def test_adams_moments_are_those_of_the_configuration() -> None:
    assert not torch.equal(refined(MOVING, FIXED), refined(MOVING, FIXED, moments=(0.5, 0.5)))


def test_on_the_half_grid_a_full_field_is_refined_as_one_of_the_half_grid() -> None:
    full, half = (refined(MOVING, FIXED, stride=stride, grid="half", squarings=4) for stride in (1, 2))
    assert torch.equal(full, half)


def test_its_own_squarings_come_before_those_of_the_network() -> None:
    config = RefinementConfig(iterations=3, squarings=2)
    both = [seen(part[:, None].float() / 2, part) for part in (MOVING, FIXED)]
    two, other = (refine([nothing()], *both, network, config) for network in (2, 7))
    assert torch.equal(two, other)


def test_regions_without_confidence_do_not_count() -> None:
    sure, unsure = (refined(MOVING, FIXED, p=p).abs().max() for p in (1.0, 0.0))
    assert unsure < 1e-3 < 1 < sure


def test_it_works_where_gradients_are_off_and_leaves_none_behind() -> None:
    with torch.no_grad():
        first = refined(MOVING, FIXED)
    assert not first.requires_grad
    assert torch.equal(first, refined(MOVING, FIXED))


def test_the_losses_see_what_the_host_decodes() -> None:
    """A host that halves displacements gets larger ones."""
    config = RefinementConfig(iterations=40, smoothness=0.01, similarity=0.0)
    both = [seen(part[:, None].float() / 2, part) for part in (MOVING, FIXED)]
    plain, doubled = (refine([nothing()], *both, 5, config, decoded) for decoded in (None, lambda u: u / 2))
    inside = FIXED[0] == 1
    assert doubled[0, 1][inside].mean() < 1.25 * plain[0, 1][inside].mean() < 0


def test_half_grid_channels_are_the_means_of_those_of_the_full_grid() -> None:
    image, confidence = torch.rand(1, 1, *SHAPE), torch.rand(1, *SHAPE)
    full = with_regions(image, (FIXED, confidence), REGIONS)
    halved = with_regions(image, (FIXED, confidence), REGIONS, halved=True)
    assert torch.allclose(halved, F.avg_pool3d(full, 2), atol=1e-6)
