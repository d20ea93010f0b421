"""Axis orders: every orientation is turned to RAS and back."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest

from pairs.images.orientation import axis_order

__all__: list[str] = []

CODES = ["".join(letters) for axes in permutations(("LR", "PA", "IS")) for letters in product(*axes)]


@pytest.mark.parametrize("codes", CODES)
def test_every_orientation_turns_to_ras_and_back(codes: str) -> None:
    """A volume whose voxels hold their own place in the patient."""
    shape = (3, 4, 5)
    affine = nib.orientations.inv_ornt_aff(
        nib.orientations.ornt_transform(
            nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(codes)
        ),
        shape,
    )
    assert "".join(nib.aff2axcodes(affine)) == codes
    sides = tuple(np.array(shape)[nib.io_orientation(affine)[:, 0].argsort().astype(int).argsort()])
    places = np.einsum("ij,jxyz->ixyz", affine[:3, :3], np.indices(sides)) + affine[:3, 3].reshape(3, 1, 1, 1)
    order = axis_order(affine)
    turned = [order.apply(place) for place in places]
    for axis, place in enumerate(turned):
        steps = np.diff(place, axis=axis)
        assert (steps > 0).all()
        assert all((np.diff(place, axis=other) == 0).all() for other in range(3) if other != axis)
    for place, there in zip(places, turned, strict=True):
        assert np.array_equal(order.undo(there), place)


def test_an_oblique_affine_takes_the_nearest_axes() -> None:
    tilt = np.array([[0.9, -0.3, 0, 5], [0.3, 0.9, 0, 6], [0, 0, -2, 7], [0, 0, 0, 1]])
    order = axis_order(tilt)
    assert (order.axes, order.flipped) == ((0, 1, 2), (False, False, True))
