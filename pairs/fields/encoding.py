"""A displacement as the array of a profile, and back as the profile's host computes it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairs.errors import DisplacementError, NonFiniteDisplacement
from pairs.fields.profile import Profile, Shape3
from pairs.fields.resampling import downsample, upsample
from pairs.fields.zooming import zoom_displacement

__all__ = ["decode", "encode", "require_storable"]


def encode(displacement: NDArray[Any], profile: Profile) -> NDArray[Any]:
    """Turns a displacement into the array of a profile.

    Half-grid profiles get the array whose upsampling by the host is closest to `displacement` in the sum of
    squares; values stay in voxels of the full grid.

    Args:
        displacement: (X, Y, Z, 3), voxels of the full grid.
        profile: What to encode for.

    Returns:
        A contiguous array of the profile's shape and number type.

    Raises:
        NonFiniteDisplacement: If a component is NaN or infinite.
        DisplacementError: If the array is not (X, Y, Z, 3), has an odd side where the profile stores a half
            grid, or holds values beyond the profile's number type.

    Examples:
        >>> import numpy as np
        >>> from pairs.fields.profile import PROFILES
        >>> displacement = np.full((8, 6, 10, 3), 1.5, np.float32)
        >>> stored = encode(displacement, PROFILES["l2r2021"])
        >>> stored.shape, stored.dtype.name
        ((3, 4, 3, 5), 'float16')

    References:
        Hering et al., Learn2Reg, https://arxiv.org/abs/2112.04489; the profiles in docs/conventions.md
    """
    _require_encodable(displacement, profile)
    with np.errstate(over="ignore", invalid="ignore"):
        field: NDArray[Any] = displacement
        if profile.upsampling is not None:
            field = downsample(displacement, profile.upsampling)
        if profile.channel_first:
            field = np.moveaxis(field, -1, 0)
        array = np.ascontiguousarray(field, dtype=profile.dtype)
    if not np.isfinite(array).all():
        raise DisplacementError(
            f"displacement too large for profile {profile.name}",
            expected=f"at most {np.finfo(profile.dtype).max:g} voxels in {profile.dtype}",
            got=f"{np.abs(displacement).max():g}",
        )
    return array


def decode(array: NDArray[Any], profile: Profile) -> NDArray[np.float32]:
    """Turns the array of a profile into the displacement that the profile's host computes from it.

    For `l2r2021` this is `scipy.ndimage.zoom(c, 2, order=2)` of each float32 component, to the last place of
    float32 and without any difference for the labels it warps (`pairs.fields.zooming`).

    Args:
        array: An array in the profile's own axis order, such as `encode` returns.
        profile: What it was encoded for.

    Returns:
        (X, Y, Z, 3) float32, voxels of the full grid; in memory component by component.

    Raises:
        DisplacementError: If the array has not three components at the profile's place.

    Examples:
        >>> import numpy as np
        >>> from pairs.fields.profile import PROFILES
        >>> displacement = np.full((8, 6, 10, 3), 1.5, np.float32)
        >>> decoded = decode(encode(displacement, PROFILES["l2r2021"]), PROFILES["l2r2021"])
        >>> decoded.shape, bool(np.allclose(decoded, displacement))
        ((8, 6, 10, 3), True)
    """
    axis = 0 if profile.channel_first else -1
    if array.ndim != 4 or array.shape[axis] != 3:
        expected = "(3, x, y, z)" if profile.channel_first else "(x, y, z, 3)"
        raise DisplacementError(f"not an array of profile {profile.name}", expected=expected, got=array.shape)
    # NaN and infinity go through, for the caller to find.
    with np.errstate(over="ignore", invalid="ignore"):
        field = np.moveaxis(_by_component(np.moveaxis(array, axis, 0)), 0, -1)
        if profile.upsampling == "zoom2":
            return zoom_displacement(field)
        return field if profile.upsampling is None else upsample(field, profile.upsampling)


def require_storable(shape: Shape3, profile: Profile) -> None:
    """Refuses a full grid that the profile cannot store, so that a run can stop before it computes.

    Raises:
        DisplacementError: If the profile stores a half grid and a side is odd.
    """
    if profile.stored_grid(shape) is None:
        raise DisplacementError(
            f"profile {profile.name} stores half of the grid",
            expected="even sides, since the host doubles each stored side",
            got=shape,
            remedy="choose a full-grid profile, such as l2r2022",
        )


def _require_encodable(displacement: NDArray[Any], profile: Profile) -> None:
    shape = displacement.shape
    if len(shape) != 4 or shape[3] != 3 or 0 in shape:
        raise DisplacementError("not a displacement field", expected="an array (X, Y, Z, 3)", got=shape)
    require_storable(shape[:3], profile)
    bad = displacement.size - int(np.isfinite(displacement).sum())
    if bad:
        raise NonFiniteDisplacement(
            "displacement holds NaN or infinity", got=f"{bad} of {displacement.size} values"
        )


def _by_component(array: NDArray[Any]) -> NDArray[np.float32]:
    """Copies (3, X, Y, Z) of any memory order into a float32 array with Z fastest."""
    result = np.empty(array.shape, dtype=np.float32)
    for source, target in zip(array, result, strict=True):
        # NIfTI has X fastest: turned plane by plane, both sides of the copy stay in the cache.
        for row in range(source.shape[1]):
            target[:, row] = source[:, row]
    return result
