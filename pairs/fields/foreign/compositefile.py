"""ITK's composite transform in one HDF5 file, ANTs' `Composite.h5`: affine maps and a displacement field."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyfive
from numpy.typing import NDArray

from pairs.errors import DisplacementError
from pairs.fields.foreign.affinefile import itk_affine
from pairs.fields.foreign.payload import field_array, inflated, require_sides
from pairs.fields.foreign.physical import Matrix, PhysicalField, ras_affine, usable
from pairs.files.damage import damage_reported
from pairs.files.regularfile import open_regular

__all__ = ["read_composite_field"]

_DISPLACEMENT = "DisplacementFieldTransform"
_COMPOSITE = "CompositeTransform"
# What a file holds beside its displacements: names, affine maps, the tables of HDF5.
_MAX_OTHER_BYTES = 1 << 20
_MAX_TRANSFORMS = 20
# Sides, origin and spacing of the grid, and nine entries of its directions.
_GRID_NUMBERS = 18
_AFFINE_NUMBERS = 12
_GZIP_FILTER = 1


class _Transform(NamedTuple):
    """One transform of a file: its kind, such as `AffineTransform_float_3_3`, and its two datasets."""

    kind: str
    fixed: pyfive.Dataset
    parameters: pyfive.Dataset


def read_composite_field(path: Path, max_voxels: int) -> PhysicalField:
    """Reads any number of affine maps and, last, a displacement field, all in LPS millimetres.

    ITK applies the last transform of a list first, so the affine maps come after the displacement.

    Args:
        path: The `.h5` file.
        max_voxels: How many voxels are accepted; more are refused before they are read.

    Raises:
        DisplacementError: If the file is missing, damaged or holds other transforms.
        NonFiniteDisplacement: If a component is NaN or infinite.
    """
    with damage_reported(path):
        *affines, last = _transforms(_content(path, max_voxels))
        if last.kind != f"{_DISPLACEMENT}_float_3_3" and last.kind != f"{_DISPLACEMENT}_double_3_3":
            raise DisplacementError(
                "transform does not end with a displacement field",
                where=path,
                expected=f"affine maps, then {_DISPLACEMENT}",
                got=", ".join(one.kind for one in (*affines, last)),
            )
        after = np.eye(4)
        for one in affines:
            values, centre = _numbers(one.parameters, _AFFINE_NUMBERS), _numbers(one.fixed, 3)
            after = after @ itk_affine(path, one.kind, values, centre)
        sides, affine = _grid(path, _numbers(last.fixed, _GRID_NUMBERS), max_voxels)
        data = _numbers(last.parameters, 3 * int(np.prod(sides)))
        array = field_array(path, data.tobytes(), data.dtype, sides, channel_first=True)
    return PhysicalField(path, array, "lps", affine, after)


def _content(path: Path, max_voxels: int) -> io.BytesIO:
    """Reads the file into memory: from there pyfive opens no file by name and maps none."""
    limit = max_voxels * 3 * np.dtype(np.float64).itemsize + _MAX_OTHER_BYTES
    with open_regular(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        if size > limit:
            raise DisplacementError(
                "displacement field is too large for its fixed image",
                where=path,
                expected=f"up to {limit} bytes",
                got=f"{size} bytes",
            )
        stream.seek(0)
        return io.BytesIO(stream.read(size))


def _transforms(content: io.BytesIO) -> list[_Transform]:
    """Lists the transforms in the order of the file, without the composite that only holds the others."""
    group = pyfive.File(content)["TransformGroup"]
    found = []
    for number in range(min(len(group), _MAX_TRANSFORMS)):
        one = group[str(number)]
        if one["TransformType"].shape != (1,):
            raise ValueError("a transform with other than one type")
        kind = one["TransformType"][...][0].decode("ascii")
        if kind.partition("_")[0] == _COMPOSITE:
            continue
        # Versions of ITK before 5 leave out a letter.
        prefix = "Transform" if "TransformParameters" in one else "Tranform"
        found.append(_Transform(kind, one[f"{prefix}FixedParameters"], one[f"{prefix}Parameters"]))
    if not found:
        raise ValueError("holds no transform")
    return found


def _numbers(dataset: pyfive.Dataset, count: int) -> NDArray[Any]:
    """Reads `count` numbers of a dataset that must have as many, plain or by gzip; never more are made."""
    dtype = dataset.dtype
    if dataset.shape != (count,) or dtype.kind != "f" or dtype.itemsize not in (4, 8):
        raise ValueError(f"parameters {dataset.shape} {dtype}, expected {count} of float32 or float64")
    if dataset.chunks is None:
        plain: NDArray[Any] = dataset[...]
        return plain
    (side,) = dataset.chunks
    filters = [one["filter_id"] for one in dataset.id.filter_pipeline or ()]
    if not 1 <= side <= count or filters != [_GZIP_FILTER]:
        raise ValueError(f"parts of {side} with filters {filters}, expected gzip alone")
    parts = []
    for start in range(0, count, side):
        skipped, part = dataset.id.read_direct_chunk((start,))
        if skipped:
            raise ValueError("a part without its filter")
        parts.append(inflated(io.BytesIO(part), side * dtype.itemsize))
    return np.frombuffer(b"".join(parts), dtype, count)


def _grid(path: Path, numbers: Matrix, max_voxels: int) -> tuple[tuple[int, int, int], Matrix]:
    """Returns the sides of the field's grid and its affine in RAS."""
    sides = require_sides(path, [int(side) for side in numbers[:3]], max_voxels)
    linear = numbers[9:].reshape(3, 3) * numbers[6:9]
    return sides, usable(ras_affine(linear, numbers[3:6], grid=True))
