"""Drawn images: structures have grey values of their own, sides change with the mirror, seeds repeat."""

import pytest
import torch

from pairs.errors import UsageError
from pipeline.config import IntensityConfig
from pipeline.train.drawing.config import DrawingConfig
from pipeline.train.drawing.image import Drawn, Look, draw, random_window
from pipeline.train.drawing.palette import Palette, palette_of

__all__: list[str] = []

NAMES = {1: "left cortex", 2: "right cortex", 3: "brain stem"}
FLUID = 100
T1 = {1: 0.6, 3: 0.9, FLUID: 0.2}


def palette(**settings: object) -> Palette:
    return palette_of((0, 1, 2, 3), NAMES, DrawingConfig(t1_means=T1, **settings))


def drawn(seed: int, strength: float = 1.0, halved: bool = False, **settings: object) -> Drawn:
    config = DrawingConfig(t1_means=T1, **settings)
    look = Look(palette(**settings), config, IntensityConfig(), halved)
    return draw(head(), look, generator(seed), strength)


def plain() -> Look:
    return Look(palette(), DrawingConfig(), IntensityConfig())


def head() -> torch.Tensor:
    """Fluid around a left and a right half and a stem; the left half is the smaller one."""
    values = torch.zeros(32, 24, 20, dtype=torch.uint8)
    values[4:28, 4:20, 4:16] = FLUID
    values[6:13, 6:18, 6:14] = 1
    values[13:26, 6:18, 6:14] = 2
    values[14:18, 10:14, 6:14] = 3
    return values


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sides_are_one_tissue_and_each_others_mirror_image() -> None:
    tables = palette(stripped=[FLUID])
    assert tables.tissue[1] == tables.tissue[2] != tables.tissue[3] != tables.tissue[0] == 0
    assert tables.mirrored[[1, 2, 3, FLUID]].tolist() == [2, 1, 3, FLUID]
    assert tables.region[[0, 1, 2, 3, FLUID]].tolist() == [0, 1, 2, 3, 0]
    assert tables.tissue[FLUID] > 0 == tables.stripped[FLUID]
    assert tables.t1_mean[tables.tissue[[2, 3, FLUID]]].tolist() == pytest.approx([0.6, 0.9, 0.2])


def test_a_label_that_is_no_byte_is_refused() -> None:
    with pytest.raises(UsageError, match="256"):
        palette_of((0, 256), {256: "liver"}, DrawingConfig())


@pytest.mark.parametrize("halved", [False, True])
def test_without_motion_the_regions_are_those_of_the_map_or_of_its_mirror_image(halved: bool) -> None:
    expected = palette().region[head().long()]
    mirrored = palette().mirrored[expected.flip(0)]
    seen = set()
    for seed in range(8):
        image, regions = drawn(seed, 0.0, halved)
        step = 2 if halved else 1
        assert image.shape[2:] == regions.shape[1:] == tuple(side // step for side in head().shape)
        wanted = [part[::step, ::step, ::step] for part in (expected, mirrored)]
        found = [bool((regions[0] == part).all()) for part in wanted]
        assert any(found)
        seen.add(tuple(found))
    assert len(seen) == 2


def test_structures_look_as_in_t1_where_asked() -> None:
    """On average over images: the fluid is darkest, then the cortex, then the stem."""
    means = torch.zeros(3)
    for seed in range(12):
        image, regions = drawn(seed, 0.0, t1_share=0.999)
        inside = image[0, 0]
        fluid = (inside > 0) & (regions[0] == 0)
        means += torch.stack(
            [inside[fluid].mean(), inside[(regions[0] == 1)].mean(), inside[regions[0] == 3].mean()]
        )
    assert means[0] < means[1] < means[2]


def test_images_lie_between_0_and_1_and_beyond_the_brain_at_0() -> None:
    for seed in range(6):
        image, _ = drawn(seed, stripped=[FLUID])
        assert image.isfinite().all()
        assert image.min() == 0
        assert image.max() <= 1
        assert (image == 0).float().mean() > 0.2


def test_a_seed_draws_the_same_and_another_one_something_else() -> None:
    draws = [drawn(seed) for seed in (5, 5, 6)]
    assert all(torch.equal(a, b) for a, b in zip(draws[0], draws[1], strict=True))
    assert not torch.equal(draws[0].image, draws[2].image)
    assert not torch.equal(draws[0].regions, draws[2].regions)


def test_a_window_is_no_larger_than_the_map_and_holds_all_the_content_it_can() -> None:
    """The first axis has room around the content, in the second it is longer than the window."""
    values = torch.zeros(24, 22, 20, dtype=torch.uint8)
    values[3:11, 2:21] = 1
    windows = [random_window(values, (12, 16, 64), generator(seed)) for seed in range(60)]
    assert {window[0].start for window in windows} == {0, 1, 2, 3}
    assert {window[1].start for window in windows} == {2, 3, 4, 5}
    assert all(window[2] == slice(0, 20) for window in windows)
    assert all((x.stop - x.start, y.stop - y.start) == (12, 16) for x, y, _ in windows)


def test_a_window_of_an_empty_map_is_in_the_map() -> None:
    x, y, z = random_window(torch.zeros(8, 8, 8, dtype=torch.uint8), (4, 8, 16), generator(0))
    assert (x.stop - x.start, y, z) == (4, slice(0, 8), slice(0, 8))


def test_a_window_shows_a_part_of_what_the_whole_shows() -> None:
    """Without motion; a mirrored head is mirrored before it is looked at through the window."""
    window = (slice(2, 12), slice(0, 22), slice(5, 20))
    for seed in range(6):
        whole, part = (draw(head(), plain(), generator(seed), 0.0, one).regions for one in (None, window))
        assert torch.equal(part, whole[:, *window])


def test_a_map_of_background_alone_is_black() -> None:
    image, regions = draw(torch.zeros(8, 8, 8, dtype=torch.uint8), plain(), generator(0))
    assert not image.any()
    assert not regions.any()


def test_skull_stripping_takes_its_labels_out_of_half_of_the_images() -> None:
    """Fluid is a quarter of the head and more; without it these voxels are zero."""
    shares = [(drawn(seed, 0.0, stripped=[FLUID]).image > 0).float().mean().item() for seed in range(16)]
    fluid, rest = [(head() == FLUID).float().mean().item(), ((head() > 0) & (head() != FLUID)).float().mean()]
    without = [share for share in shares if share < rest + fluid / 2]
    assert 3 < len(without) < 13
    assert all((drawn(seed, 0.0).image > 0).float().mean() > rest + fluid / 2 for seed in range(4))


def test_motion_grows_with_its_strength() -> None:
    """The same random numbers, so that nothing else differs."""
    still = drawn(3, 0.0).regions
    little, much = ((drawn(3, strength).regions != still).float().mean() for strength in (0.2, 1.0))
    assert 0 < little < much
