"""Drawn pairs of two bodies that slide along each other, with their displacement known exactly."""

import math
from dataclasses import dataclass

import torch

from pipeline.train.segmented import SegmentedSample
from pipeline.train.subjects import Sample
from pipeline.typing import Float, Int, Tensor

__all__ = ["REGIONS", "SHAPE", "SlidingPair", "draw_sliding_pair"]

SHAPE = (32, 16, 16)
REGIONS = 3
"""Background and the two bodies."""

# All lengths in voxels.
FIRST_BORDER = (14, 18)
"""Where the plane between the bodies may lie: before the voxels of this index."""
RADII = ((9.5, 12.0), (5.0, 6.5), (5.5, 7.5))
CENTRE_SHIFT = 0.5
SLIDE = (0.7, 2.0)
"""How far each body moves along the second axis; the displacement jumps by twice as much."""
EDGE = 0.7
"""Over this length a body's outer surface fades; the border between the bodies is sharp."""
WAVES = 24
WAVELENGTHS = (6.0, 16.0)
TEXTURE_STD = 0.2
MEAN_GREYS = (0.4, 0.7)
NOISE_STD = 0.02


@dataclass(frozen=True, eq=False)
class SlidingPair:
    """One drawn pair.

    Attributes:
        moving: image, labels, and the labels once more as the regions, of which it is certain.
        fixed: likewise.
        displacement: u, (1, 3, X, Y, Z) in voxels: in the bodies the truth; the background shows nothing.
        border: the bodies meet between the voxels `border - 1` and `border` of the first axis.
        slide: (3,), voxels by which the second body moves, along the border; the first moves against it.
    """

    moving: SegmentedSample
    fixed: SegmentedSample
    displacement: Float[Tensor, "1 3 X Y Z"]
    border: int
    slide: Float[Tensor, "3"]


@dataclass(frozen=True, eq=False)
class _Body:
    """Half an ellipsoid with a texture, defined at every point and not on voxels only."""

    centre: Float[Tensor, "3"]
    radii: Float[Tensor, "3"]
    grey: float
    waves: Float[Tensor, "W 3"]
    phases: Float[Tensor, " W"]

    def at(self, points: Float[Tensor, "X Y Z 3"]) -> tuple[Float[Tensor, "X Y Z"], Float[Tensor, "X Y Z"]]:
        """Grey values and the share of the body at the points, as if it had both its halves."""
        outward = ((points - self.centre) / self.radii).norm(dim=-1)
        share = torch.sigmoid((1 - outward) * float(self.radii.mean()) / EDGE)
        texture = torch.cos(points @ self.waves.T + self.phases).sum(-1)
        return share * (self.grey + TEXTURE_STD * math.sqrt(2 / WAVES) * texture), share


def draw_sliding_pair(generator: torch.Generator, name: str = "", *, one_sense: bool = False) -> SlidingPair:
    """Draw one pair; the border's place, shapes, textures, and the slide's sense and length differ.

    The border is a plane across the first axis and the bodies slide within it, so that in both images each
    side of the plane shows its own body and nothing else: fixed(p) = moving(p + u(p)) holds at every point.

    Args:
        generator: source of every random number.
        name: of the pair.
        one_sense: the second body always slides the same way, as an organ of a breathing body would.
    """
    border = int(torch.randint(FIRST_BORDER[0], FIRST_BORDER[1] + 1, (), generator=generator))
    bodies = [_draw_body(border, generator) for _ in range(2)]
    sign = 1 if torch.rand((), generator=generator) < 0.5 or one_sense else -1
    slide = sign * _uniform(SLIDE, 1, generator) * torch.tensor([0.0, 1.0, 0.0])
    images = [_image(bodies, border, moved * slide, generator, name) for moved in (1, 0)]
    side = torch.where(torch.arange(SHAPE[0]) < border, -1.0, 1.0)
    displacement = (slide[:, None] * side)[None, :, :, None, None].expand(1, 3, *SHAPE)
    return SlidingPair(images[0], images[1], displacement.contiguous(), border, slide)


def _draw_body(border: int, generator: torch.Generator) -> _Body:
    middle = torch.tensor([border - 0.5, *((side - 1) / 2 for side in SHAPE[1:])])
    shift = _uniform((-CENTRE_SHIFT, CENTRE_SHIFT), 3, generator) * torch.tensor([0.0, 1.0, 1.0])
    directions = torch.randn(WAVES, 3, generator=generator)
    numbers = 2 * math.pi / _uniform(WAVELENGTHS, WAVES, generator)
    return _Body(
        centre=middle + shift,
        radii=torch.cat([_uniform(r, 1, generator) for r in RADII]),
        grey=float(_uniform(MEAN_GREYS, 1, generator)),
        waves=directions / directions.norm(dim=1, keepdim=True) * numbers[:, None],
        phases=_uniform((0.0, 2 * math.pi), WAVES, generator),
    )


def _image(
    bodies: list[_Body], border: int, slide: Float[Tensor, "3"], generator: torch.Generator, name: str
) -> SegmentedSample:
    """The bodies after the first has moved by `-slide` and the second by `slide`, with noise."""
    axes = [torch.arange(float(side)) for side in SHAPE]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    grey, labels = torch.zeros(SHAPE), torch.zeros(SHAPE, dtype=torch.int64)
    for number, part, moved in ((0, slice(border), -slide), (1, slice(border, None), slide)):
        grey[part], share = bodies[number].at(points[part] - moved)
        labels[part] = (share > 0.5) * (number + 1)
    noise = NOISE_STD * torch.randn(SHAPE, generator=generator)
    return _certain((grey + noise).clamp(0, 1), labels, name)


def _certain(image: Float[Tensor, "X Y Z"], labels: Int[Tensor, "X Y Z"], name: str) -> SegmentedSample:
    sample = Sample(name, image[None, None], labels[None])
    return SegmentedSample(sample, regions=labels[None], confidence=torch.ones(1, *labels.shape))


def _uniform(limits: tuple[float, float], count: int, generator: torch.Generator) -> Float[Tensor, " count"]:
    low, high = limits
    return low + (high - low) * torch.rand(count, generator=generator)
