"""Displacements in X5, the HDF5 form of BIDS and nitransforms: RAS millimetres, y = x + d(x)."""

import json
from pathlib import Path

import h5py
import numpy as np

from pairs.fields.field import Field
from pairs.files.wholefile import whole_file
from pairs.images.header import Header
from pairs.process.version import VERSION
from transforms.export.millimetres import displacement_mm, require_placed

__all__ = ["write_x5"]


def write_x5(path: Path, field: Field, moving: Header) -> None:
    """Writes one transform, a dense field of displacements on the fixed grid.

    Raises:
        VolumeError: If an image does not say where it lies.
        OutputError: If the file cannot be written.
    """
    require_placed(field.grid, moving)
    grid = field.grid
    displacement = displacement_mm(field, moving, grid.affine, moving.affine)
    # The temporary file is locked already, by its writer.
    with whole_file(path) as temporary, h5py.File(temporary, "w", locking=False) as file:
        file.attrs["Format"] = "X5"
        file.attrs["Version"] = np.uint16(1)
        transform = file.create_group("TransformGroup").create_group("0")
        transform.attrs["Type"] = "nonlinear"
        transform.attrs["SubType"] = "densefield"
        transform.attrs["Representation"] = "displacements"
        transform.attrs["ArrayLength"] = 1
        transform.attrs["Metadata"] = json.dumps({"WrittenBy": f"textscf-l2r {VERSION}"})
        transform.create_dataset("Transform", data=displacement)
        transform.create_dataset("DimensionKinds", data=np.array(["space"] * 3 + ["vector"], dtype="S"))
        domain = transform.create_group("Domain")
        domain.attrs["Coordinates"] = "cartesian"
        domain.create_dataset("Grid", data=np.uint8(1))
        domain.create_dataset("Size", data=np.array(grid.shape))
        domain.create_dataset("Mapping", data=grid.affine)
