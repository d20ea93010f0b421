"""The model loaded once, applied pair after pair."""

from collections.abc import Sequence

import numpy as np
import torch

from pairs.errors import GridMismatch
from pairs.fields.resampling import Upsampling
from pairs.images.header import Header
from pairs.images.volume import Volume
from pipeline.machine.device import repeatable
from pipeline.machine.memory import shortage_reported
from pipeline.network.halfgrid import halved_image, halved_map, on_full_grid
from pipeline.network.model import NetworkInput, RegistrationOutput
from pipeline.network.warp import upsample_displacement
from pipeline.regions.lattice import Lattice, lattice_of
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.decoding import HostDecoding
from pipeline.registration.preprocess import content_box, crop_to, normalise, pad_to_multiple, tight_box
from pipeline.registration.refinement import Regions, refine, with_regions
from pipeline.weights.bundle import Bundle

__all__ = ["Registrar", "require_same_lattice"]

Box = tuple[slice, slice, slice]

_MARGIN_VOX = 4
_MULTIPLE = 4
"""Of the box that is refined: a field may lie on the half grid of a network that works on the half grid."""


class Registrar:
    """A bundle's registration network on a device; the same pair has the same displacement every time.

    Args:
        bundle: the weights.
        device: where it runs.
        upsampling: what the host does to the stored displacements; None where they are read as they are.

    Raises:
        WeightsError: the bundle holds no registration network or it does not fit its configuration.
        TooLittleMemory: the network does not fit into the device's memory.

    Examples:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import torch
        >>> from pairs.images.volume import read_image, write_volume
        >>> from pipeline.weights.bundle import read_bundle
        >>> from pipeline.weights.folders import bundle_of
        >>> for name in ("moving.nii.gz", "fixed.nii.gz"):
        ...     write_volume(Path(name), np.random.default_rng(0).random((16, 16, 16), np.float32), np.eye(4))
        >>> moving, fixed = read_image(Path("moving.nii.gz")), read_image(Path("fixed.nii.gz"))
        >>> background = np.zeros((16, 16, 16), np.uint8), np.ones((16, 16, 16), np.float16)
        >>> register = Registrar(read_bundle(bundle_of("HippocampusMR")), torch.device("cpu"))
        >>> register(moving, fixed, Segmentation(*background)).shape
        (16, 16, 16, 3)

    References:
        Chen et al., textSCF, https://arxiv.org/abs/2311.15607
    """

    def __init__(self, bundle: Bundle, device: torch.device, upsampling: Upsampling | None = None) -> None:
        self.upsampling = upsampling
        self.net = bundle.build_registration(device)
        self.intensity = bundle.header.config.intensity
        self.crop = bundle.header.config.registration_training.crop
        config = bundle.header.config
        for_half_grid = config.refinement_for_half_grid or config.refinement
        self.refinement = config.refinement if upsampling is None else for_half_grid
        self.region_count = len(bundle.header.regions)
        self.halves = bundle.header.config.registration.grid == "half"
        self.device = device

    @property
    def refines(self) -> bool:
        """Whether pairs are refined where the regions of the moving image are known too."""
        return self.refinement.iterations > 0

    @torch.no_grad()
    @shortage_reported("this pair")
    @repeatable()
    def __call__(
        self,
        moving: Volume,
        fixed: Volume,
        fixed_regions: Segmentation,
        moving_regions: Segmentation | None = None,
    ) -> np.ndarray:
        """The displacement of a pair, (X, Y, Z, 3) float32 in voxels of the fixed grid.

        Args:
            moving: image on a grid of the fixed image's shape and spacing.
            fixed: image.
            fixed_regions: regions and confidence of the fixed image.
            moving_regions: those of the moving image; without them the pair is not refined.

        Raises:
            GridMismatch: the two images differ in shape or spacing.
            TooLittleMemory: the pair does not fit into the device's memory.
        """
        require_same_lattice(moving.header, fixed.header)
        # The fixed image's axes for both: a displacement relates voxels, whatever the other affine says.
        lattice = lattice_of(fixed.header, self.net.config)
        images = [lattice.from_image(volume.array) for volume in (moving, fixed)]
        content = (images[0] != 0) | (images[1] != 0)
        box = content_box(content, self.crop)
        seen = [self._input(normalise(image, self.intensity)[box]) for image in images]
        here = self._regions(fixed_regions, lattice, box)
        if moving_regions is None or not self.refines:
            displacement = self._outputs(seen, here)[-1].displacement
        else:
            there = self._regions(moving_regions, lattice, box)
            displacement, box = self._refined(seen, (there, here), content, box)
        part = crop_to(displacement, content[box].shape)[0].movedim(0, -1).cpu().numpy()
        # Beyond the content the displacement goes on as at the edge of the box, so that nothing tears there.
        margins = [(axis.start, side - axis.stop) for axis, side in zip(box, content.shape, strict=True)]
        return lattice.displacement_to_image(np.pad(part, [*margins, (0, 0)], mode="edge"))

    def _outputs(
        self, images: Sequence[torch.Tensor], regions: Regions, *, on_own_grid: bool = False
    ) -> list[RegistrationOutput]:
        """What the network says after each pass, on the full grid or on the one that it works on."""
        if not self.halves:
            moving, fixed = images
            return list(self.net.after_each_pass(NetworkInput(moving, fixed, *regions)))
        moving, fixed = (halved_image(image) for image in images)
        labels, confidence = (halved_map(part) for part in regions)
        seen = NetworkInput(moving, fixed, labels, confidence)
        outputs = list(self.net.after_each_pass(seen))
        return outputs if on_own_grid else [on_full_grid(one, images[1].shape[2:]) for one in outputs]

    def _refined(
        self, images: Sequence[torch.Tensor], regions: Sequence[Regions], content: np.ndarray, box: Box
    ) -> tuple[torch.Tensor, Box]:
        """The displacement of the content in a box, and where that is; the moving image's parts come first.

        Padding is of no use to the fit, and may be more than half of the voxels.
        """
        seen = content[box].copy()
        for labels, _ in regions:
            seen[_around(labels[0] > 0, seen.shape)] = True
        inner = tight_box(seen, _MULTIPLE)
        halved = self.halves and self.refinement.sees == "network"
        outputs = self._outputs(images, regions[1], on_own_grid=halved)
        moving, fixed = (
            with_regions(
                image[:, :, *inner], (labels[:, *inner], p[:, *inner]), self.region_count, halved=halved
            )
            for image, (labels, p) in zip(images, regions, strict=True)
        )
        full, box = [axis.stop - axis.start for axis in inner], _inside(box, inner)
        decoded = None
        if self.upsampling is not None and not halved:
            decoded = HostDecoding(self.upsampling, content.shape, box, full, self.device)
        outputs = [_output_of(one, inner, 2 if halved else 1) for one in outputs]
        squarings = self.net.config.integration_steps
        found = refine(outputs, moving, fixed, squarings, self.refinement, decoded)
        return upsample_displacement(2 * found, tuple(full)) if halved else found, box

    def _regions(self, segmentation: Segmentation, lattice: Lattice, box: Box) -> Regions:
        parts = (segmentation.labels, segmentation.confidence)
        labels, confidence = (self._input(lattice.nearest_from_image(part)[box]) for part in parts)
        return labels[:, 0].long(), confidence[:, 0].float()

    def _input(self, volume: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(volume))[None, None]
        multiple = self.net.backbone.size_multiple * (2 if self.halves else 1)
        # A small image gets the padding that the network has seen around small content in training.
        return pad_to_multiple(tensor, multiple, self.crop).to(self.device)


def _around(regions: torch.Tensor, shape: Sequence[int]) -> Box:
    """The box of all regions with some background, which keeps their rim in its place; within `shape`."""
    box = tight_box(regions.cpu().numpy(), 1)
    x, y, z = (
        slice(max(axis.start - _MARGIN_VOX, 0), min(axis.stop + _MARGIN_VOX, side))
        for axis, side in zip(box, shape, strict=True)
    )
    return x, y, z


def _output_of(output: RegistrationOutput, box: Box, stride: int) -> RegistrationOutput:
    """What the network says of a box that begins and ends at multiples of its grids.

    Args:
        output: Of a larger box.
        box: In voxels of the full grid.
        stride: Of the displacement's grid in the full one.
    """
    displacement, regularised = output
    coarser = displacement.shape[2] // regularised.shape[2]
    fine, coarse = (
        tuple(slice(axis.start // step, axis.stop // step) for axis in box)
        for step in (stride, stride * coarser)
    )
    return RegistrationOutput(displacement[:, :, *fine], regularised[:, :, *coarse])


def _inside(box: Box, inner: Box) -> Box:
    """The volume's voxels of a box in a box; what lies behind the outer one is padding."""
    x, y, z = (
        slice(outer.start + axis.start, min(outer.start + axis.stop, outer.stop))
        for outer, axis in zip(box, inner, strict=True)
    )
    return x, y, z


def require_same_lattice(moving: Header, fixed: Header) -> None:
    """Refuse images whose voxels cannot be compared one to one; where they lie in the room is free.

    Raises:
        GridMismatch: shape or spacing differ.
    """
    same_spacing = np.allclose(fixed.spacing_mm, moving.spacing_mm, rtol=1e-3)
    if fixed.shape != moving.shape or not same_spacing:
        raise GridMismatch(
            "fixed and moving image differ in shape or spacing",
            where=moving.path.name,
            expected=f"{fixed.shape} at {fixed.spacing_mm} mm as in {fixed.path.name}",
            got=f"{moving.shape} at {moving.spacing_mm} mm",
            remedy="resample the moving image onto the grid of the fixed one",
        )
