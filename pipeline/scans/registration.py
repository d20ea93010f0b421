"""The registration of two scans: affine map, displacement on the fixed grid, and both as one map."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pairs.errors import VolumeError
from pairs.fields.field import Field, field_from_array
from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.sampling import sampled_labels, sampled_linearly
from pairs.images.volume import Volume
from pairs.process.stopwatch import Stopwatch
from pipeline.machine.memorylimit import require_room
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.source import segmentation_of_labels
from pipeline.scans.labels import regions_of
from pipeline.scans.method import ScanMethod
from pipeline.scans.reading import ScanInputs, Scans, read_headers, read_mask, read_scans

__all__ = ["RegisteredScans", "register_inputs", "register_scans"]

# Bytes a voxel: both images with their regions; a displacement, its sum with the affine map, and the figures;
# of the moving image, its values and its labels while they are read.
_IMAGES, _MAPS, _MOVING = 16, 40, 10
_PLANES = 16


@dataclass(frozen=True, eq=False)
class RegisteredScans:
    """Two scans and the map between them.

    Attributes:
        scans: What was registered.
        matrix: Points of the fixed image's space to points of the moving image's, (4, 4): the affine part.
        displacement: u, (X, Y, Z, 3) float32 in voxels of the fixed grid, affine part and all: the voxel x of
            the fixed image lies at the voxel V (x + u(x)) of the moving one, with V =
            `relation.to_moving_voxels()`. On one grid V is the identity.
        warnings: One sentence for each oddity.
        seconds: Of each part of the work.
        method: What registered them.
    """

    scans: Scans
    matrix: Matrix
    displacement: np.ndarray
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]
    method: ScanMethod

    @property
    def field(self) -> Field:
        """The displacement with the grid of the fixed image."""
        return field_from_array(self.displacement, self.scans.grid)

    def warped(self) -> np.ndarray:
        """Returns the moving image on the fixed grid, sampled once from the original.

        It has the number type of the moving file where that is an integer of up to 16 bits without a slope,
        else float32. Beyond the moving image it holds its smallest value.
        """
        moving, fixed = self.scans.moving, self.scans.fixed
        rest = self.scans.relation.to_moving_voxels()
        warped = sampled_linearly(moving.array, fixed.header.shape, rest, self.displacement)
        dtype = moving.header.dtype
        if moving.header.scaled or dtype.kind not in "iu" or dtype.itemsize > 2:
            return warped
        return np.rint(warped, out=warped).astype(dtype)

    def before(self) -> np.ndarray:
        """Returns the moving image on the fixed grid, float32, as the headers or the centres place it.

        It is sampled like `warped`, so that the two differ by the registration alone.
        """
        scans = self.scans
        place = scans.relation.to_moving_voxels(scans.relation.start)
        return sampled_linearly(scans.moving.array, scans.fixed.header.shape, place)

    def moving_labels(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Returns the moving label map on the fixed grid, before and after; None where none was given."""
        scans = self.scans
        if scans.moving_labels is None:
            return None
        labels, shape, relation = scans.moving_labels.array, scans.fixed.header.shape, scans.relation
        before = sampled_labels(labels, shape, relation.to_moving_voxels(relation.start))
        return before, sampled_labels(labels, shape, relation.to_moving_voxels(), self.displacement)


def register_inputs(inputs: ScanInputs, method: ScanMethod) -> RegisteredScans:
    """Reads and registers two scans.

    Raises:
        VolumeError: If a file cannot be used.
        TooLittleMemory: If the work needs more memory than there is; it is asked before a voxel is read.
    """
    watch = Stopwatch()
    with watch.part("reading"):
        headers = read_headers(inputs)
        _require_room_for(headers.fixed, headers.moving, method)
        scans = read_scans(inputs, headers, None if inputs.mask is None else read_mask(inputs.mask))
    return register_scans(scans, method, watch)


def register_scans(scans: Scans, method: ScanMethod, watch: Stopwatch | None = None) -> RegisteredScans:
    """Registers two scans.

    The global stage gives the matrix, from the images on their own grids. The moving image is brought onto
    the fixed grid through it, and the deformation registers the two there.

    Args:
        scans: The scans.
        method: Both stages.
        watch: What has been measured before.

    Raises:
        VolumeError: If nothing of the moving image comes to lie on the fixed grid.
        BadLabels: If a label map holds labels that the method does not know.
        TooLittleMemory: If the images do not fit into the memory of the device.
    """
    watch = watch or Stopwatch()
    relation, warnings = scans.relation, list(scans.warnings)
    if scans.mask is not None and not method.uses_mask:
        warnings.append(f"the {method.name} uses no mask: it restricts the figures of the report alone")
    matrix = relation.start
    if method.align is not None:
        with watch.part("affine"):
            labels = scans.fixed_labels, scans.moving_labels
            matrix, told = method.align(scans.fixed, scans.moving, relation.start, *labels)
        warnings += told
    elif method.deform is None:
        warnings.append("there is no affine stage: the images stay where they were put to begin with")
    found = None
    if method.deform is not None:
        with watch.part("resampling"):
            moving = _on_fixed_grid(scans, matrix)
            moving_regions, fixed_regions = _regions(scans, matrix, method)
        with watch.part("deformation"):
            mask = scans.mask if method.uses_mask else None
            deformation = method.deform(moving, scans.fixed, moving_regions, fixed_regions, mask)
        warnings += deformation.warnings
        found = deformation.displacement
    with watch.part("composition"):
        displacement = _in_all(relation.within_fixed_voxels(matrix), found, scans.fixed.header.shape)
    return RegisteredScans(scans, matrix, displacement, tuple(dict.fromkeys(warnings)), watch.seconds, method)


def _require_room_for(fixed: Header, moving: Header, method: ScanMethod) -> None:
    """Refuses two scans that take more memory than there is."""
    voxels, moving_voxels = (int(np.prod(header.shape, dtype=np.int64)) for header in (fixed, moving))
    what = f"a fixed image of {fixed.shape} and a moving image of {moving.shape} voxels"
    beside, afterwards = moving_voxels * _MOVING + voxels * _IMAGES, voxels * _MAPS
    require_room(method.footprint(fixed), what, method.device, beside=beside, afterwards=afterwards)


def _on_fixed_grid(scans: Scans, matrix: Matrix) -> Volume:
    """The moving image through a map between the spaces; on the very grid of the fixed image, as it is."""
    fixed, moving = scans.fixed.header, scans.moving
    voxels = scans.relation.to_moving_voxels(matrix)
    header = Header(moving.header.path, fixed.shape, fixed.spacing_mm, fixed.affine, np.dtype(np.float32))
    if moving.array.shape == fixed.shape and np.array_equal(voxels, np.eye(4)):
        return Volume(header, moving.array)
    sampled = sampled_linearly(moving.array, fixed.shape, voxels, smoothed=True)
    if sampled.min() == sampled.max():
        raise VolumeError(
            "nothing of the moving image lies on the fixed grid",
            where=moving.header.path,
            remedy="correct the affine of one of the images, or crop the fixed one less",
        )
    return Volume(header, sampled)


def _regions(
    scans: Scans, matrix: Matrix, method: ScanMethod
) -> tuple[Segmentation | None, Segmentation | None]:
    """Regions of the moving and of the fixed image on the fixed grid, where label maps were given."""
    fixed, moving = scans.fixed_labels, scans.moving_labels
    regions = regions_of(method.regions, fixed, moving)
    if moving is not None:
        voxels = scans.relation.to_moving_voxels(matrix)
        moving = Volume(moving.header, sampled_labels(moving.array, scans.fixed.header.shape, voxels))
    moving_regions, fixed_regions = (
        None if labels is None else segmentation_of_labels(labels, regions) for labels in (moving, fixed)
    )
    return moving_regions, fixed_regions


def _in_all(affine: Matrix, found: np.ndarray | None, shape: tuple[int, int, int]) -> np.ndarray:
    """The displacement x -> A (x + u(x)) - x, (X, Y, Z, 3) float32.

    Args:
        affine: A, voxels of the fixed grid to such voxels.
        found: u; None for zero.
        shape: Sides of the fixed grid.
    """
    is_at_rest = np.array_equal(affine, np.eye(4))
    if found is not None and is_at_rest:
        return found
    total = np.zeros((*shape, 3), dtype=np.float32)
    if is_at_rest:
        return total
    linear, at_rest = affine[:3, :3], affine - np.eye(4)
    # A few planes at a time: float64 positions of the whole grid are twice the field.
    for start in range(0, shape[0], _PLANES):
        planes = slice(start, min(start + _PLANES, shape[0]))
        ranges = (np.arange(planes.start, planes.stop), np.arange(shape[1]), np.arange(shape[2]))
        positions = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).astype(np.float64)
        total[planes] = positions @ at_rest[:3, :3].T + at_rest[:3, 3]
        if found is not None:
            total[planes] += (found[planes] @ linear.T).astype(np.float32)
    return total
