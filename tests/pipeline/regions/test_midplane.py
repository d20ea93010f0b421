"""The mid-sagittal plane of tilted and shifted phantoms that are their own mirror image."""

from math import radians, tan

import pytest
import torch

from pipeline.regions.midplane import Plane, mid_plane

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

CUBE_MM = (4.0, 4.0, 4.0)
SHAPE = (36, 40, 44)
# Middle and width in mm of structures that come in pairs, the first number counted from the plane.
STRUCTURES = ((24, 0, 10, 11), (12, 20, 0, 8), (25, -30, -20, 12), (0, -10, 5, 9), (18, 5, -25, 7))


def plane_at(offset_mm: float, tilts: tuple[float, float], axis: int) -> Plane:
    """A plane through a point `offset_mm` along the axis from the middle of the grid."""
    normal = torch.ones(3)
    for other, degrees in zip([a for a in range(3) if a != axis], tilts, strict=True):
        normal[other] = tan(radians(degrees))
    return Plane(normal / normal.norm(), torch.tensor(SHAPE) * 2.0, offset_mm)


def points_mm(shape: tuple[int, int, int], size: float) -> torch.Tensor:
    axes = [(torch.arange(side) + 0.5) * size for side in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def head(plane: Plane, axis: int) -> torch.Tensor:
    """Probabilities of the structures on both sides of a plane, (5, U, V, W)."""
    places = (points_mm(SHAPE, 4.0) - plane.middle_mm).view(-1, 3)
    away = places @ plane.normal - plane.offset_mm
    in_plane = places - away[:, None] * plane.normal
    one, other = (in_plane[:, a] for a in range(3) if a != axis)
    blobs = [
        torch.exp(-((away.abs() - a) ** 2 + (one - b) ** 2 + (other - c) ** 2) / (2 * width**2))
        for a, b, c, width in STRUCTURES
    ]
    maps = torch.stack(blobs).view(len(STRUCTURES), *SHAPE)
    return maps / maps.sum(dim=0).clamp(min=1)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    ("offset_mm", "tilts"), [(0.0, (0.0, 0.0)), (9.0, (0.0, 0.0)), (-7.3, (6.5, -4.0)), (3.0, (-14.0, 11.0))]
)
def test_the_plane_is_found(offset_mm: float, tilts: tuple[float, float], axis: int) -> None:
    true = plane_at(offset_mm, tilts, axis)
    found = mid_plane(head(true, axis), CUBE_MM, axis)
    assert torch.rad2deg(torch.acos((found.normal @ true.normal).clamp(max=1))) < 0.6
    # Of the points of the true plane within the head, none is further than half a millimetre away.
    places = points_mm(SHAPE, 4.0).view(-1, 3)
    near = places[(places - true.middle_mm).norm(dim=-1) < 40]
    on_plane = near - ((near - true.middle_mm) @ true.normal - true.offset_mm)[:, None] * true.normal
    distances = (on_plane - found.middle_mm) @ found.normal - found.offset_mm
    assert distances.abs().max() < 0.8


def test_voxels_lie_on_the_side_where_they_are() -> None:
    plane = plane_at(5.0, (10.0, -5.0), 0)
    beyond = plane.beyond((20, 21, 22), (7.0, 8.0, 6.0))
    places = torch.stack(
        torch.meshgrid(
            *[
                (torch.arange(side) + 0.5) * size
                for side, size in zip((20, 21, 22), (7.0, 8.0, 6.0), strict=True)
            ],
            indexing="ij",
        ),
        dim=-1,
    )
    expected = (places - plane.middle_mm) @ plane.normal > plane.offset_mm
    assert torch.equal(beyond, expected)
    assert beyond[-1].all()
    assert not beyond[0].any()


@pytest.mark.parametrize("shape", [(6, 5, 4), (1, 1, 1)])
def test_without_structures_it_is_the_middle(shape: tuple[int, int, int]) -> None:
    found = mid_plane(torch.zeros(3, *shape), CUBE_MM, 1)
    beyond = found.beyond([4 * side for side in shape], (1.0, 1.0, 1.0))
    assert torch.equal(beyond, (torch.arange(4 * shape[1]) >= 2 * shape[1])[None, :, None].expand_as(beyond))
