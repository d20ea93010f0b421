"""Values: what is wrong with the numbers of a field, decoded as the host decodes them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics.jacobian import jacobian_determinants
from evaluation.submission.findings import Finding, error, warning
from pairs.fields.profile import Profile, Shape3
from pairs.fields.resampling import Upsampling, upsample

__all__ = ["folding_findings", "full_field", "value_findings"]

_FOLDED = 0.05


def value_findings(field: NDArray[Any], name: str, grid: Shape3, profile: Profile) -> list[Finding]:
    """Finds values that are not finite, too large, or all zero.

    Args:
        field: (x, y, z, 3), as stored.
        name: Name of the file.
        grid: (X, Y, Z) of the pair.
        profile: The profile that the host reads.
    """
    bad = field.size - int(np.isfinite(field).sum())
    if bad:
        what = "values are not finite"
        if profile.half:
            what += ", and one such value in a half grid makes the whole warped image empty"
        got, remedy = f"{bad} NaN or infinite of {field.size} values", "register the pair in float32"
        return [error("finite", name, what, expected="finite numbers", got=got, remedy=remedy)]
    highest = max(float(field.max()), -float(field.min()))
    if highest == 0:
        remedy = "a host accepts it and scores the pair as not registered"
        return [warning("zero", name, "displacement is zero everywhere", remedy=remedy)]
    limit = float(np.finfo(profile.dtype).max)
    if highest > limit:
        what = f"values beyond {profile.dtype}"
        remedy = "displacements are in voxels: check the units"
        return [error("range", name, what, expected=f"up to {limit:g}", got=f"{highest:g}", remedy=remedy)]
    if highest > max(grid):
        what = "displacements longer than the image"
        remedy = "displacements are in voxels of the full grid: check the units"
        return [
            warning(
                "magnitude",
                name,
                what,
                expected=f"up to {max(grid)} voxels",
                got=f"{highest:g}",
                remedy=remedy,
            )
        ]
    return []


def full_field(field: NDArray[Any], upsampling: Upsampling | None) -> NDArray[np.float32]:
    """Returns the displacement on the full grid, (X, Y, Z, 3) in voxels; None leaves the grid as it is."""
    if upsampling is None:
        return np.ascontiguousarray(field, dtype=np.float32)
    return upsample(field, upsampling)


def folding_findings(displacement: NDArray[np.float32], name: str) -> list[Finding]:
    """Warns where more than 5 % of the voxels fold.

    Args:
        displacement: (X, Y, Z, 3), voxels.
        name: Name of the file.
    """
    determinants = jacobian_determinants(displacement)
    share = float(np.mean(determinants <= 0)) if determinants.size else 0.0
    if share <= _FOLDED:
        return []
    got = f"{100 * share:.1f} % of the voxels have a Jacobian determinant of 0 or less"
    remedy = "check units and order of components, or smooth the field"
    expected = f"up to {100 * _FOLDED:.0f} %"
    return [warning("folding", name, "field folds", expected=expected, got=got, remedy=remedy)]
