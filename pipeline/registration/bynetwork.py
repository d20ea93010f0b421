"""The registration of pairs by the networks of a bundle."""

from dataclasses import replace

import numpy as np
import torch

from pairs.errors import MissingVolume
from pairs.fields.profile import PROFILES, Profile
from pairs.fields.unfolding import unfolded
from pairs.images.orientation import axis_letters, axis_order
from pairs.images.volume import Volume
from pipeline.general.globalstage import aligned_on_one_grid
from pipeline.general.lattice import Placed
from pipeline.general.registration import GeneralRegistration
from pipeline.regions.segmentor import Segmentation
from pipeline.regions.source import RegionFiles, RegionSource, region_source
from pipeline.regions.volumes import ExpectedVolumes
from pipeline.registration.alignment import Alignment
from pipeline.registration.pairwise import Registered, Registration, kept_names
from pipeline.registration.preprocess import normalise, window_warnings
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle

__all__ = ["NetworkRegistration"]


class NetworkRegistration(Registration):
    """Weights made ready once, for one pair after the other.

    Args:
        bundle: The weights.
        device: Where the networks run.
        profile: What the displacements will be stored as: they are fitted to what its host makes of them, and
            do not fold there.
        regions: Source of the regions of an image; None is the segmentor of the bundle.

    Raises:
        WeightsError: If the bundle lacks a network that is needed, or a network does not fit.
        TooLittleMemory: If the networks do not fit into the memory of the device.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: torch.device,
        profile: Profile = PROFILES["l2r2022"],
        regions: RegionSource | None = None,
    ) -> None:
        header = bundle.header
        if regions is None:
            regions = region_source(header.regions, header.label_names, None, bundle, None, device)
        super().__init__(device, profile, regions)
        self.bundle = bundle
        self.registrar = Registrar(bundle, device, profile.upsampling)
        self.source = regions
        # What the user brings may be a part of the regions, and lies as the user's files say.
        self.are_segmented = not isinstance(regions, RegionFiles)
        self.expected = ExpectedVolumes(header.volumes_ml if self.are_segmented else (), header.region_names)
        self.without_regions = GeneralRegistration(header.config, device, profile)

    def registered(
        self,
        moving: Volume,
        fixed: Volume,
        moving_regions: Segmentation | None,
        fixed_regions: Segmentation | None,
        mask: np.ndarray | None,
    ) -> Registered:
        """By the network, then by its refinement; it uses no mask.

        Images that the segmentor does not know are registered by the general method, without regions.
        """
        warnings = [
            f"{volume.header.path.name}: {text}"
            for volume in (fixed, moving)
            for text in window_warnings(volume.array, self.registrar.intensity)
        ]
        fixed_regions = fixed_regions or self.source(fixed)
        if self.registrar.region_count > 1 and not fixed_regions.labels.any():
            warnings.append("no region found in the fixed image: the background filter alone is used")
        if self.registrar.refines and moving_regions is None:
            moving_regions = self._moving_regions(moving, fixed, warnings)
        found = ((fixed, fixed_regions), (moving, moving_regions))
        judged = [self.expected.judged(image, regions) for image, regions in found if regions is not None]
        warnings += [text for one in judged for text in one.warnings]
        if not all(one.is_known for one in judged):
            return self._by_the_general_method(moving, fixed, warnings)
        segmentations = kept_names(fixed_regions, moving_regions)
        alignment = self._alignment(moving, fixed, (fixed_regions, moving_regions), warnings)
        if alignment is not None:
            moving = alignment.image(moving)
            moving_regions = None if moving_regions is None else alignment.regions(moving_regions)
        displacement = self.registrar(moving, fixed, fixed_regions, moving_regions)
        if alignment is not None:
            displacement = alignment.followed_by(displacement)
        # What was added to the network's displacement may not fold; what is its own is shown as it is.
        if self.registrar.refines or self.profile.half:
            displacement = unfolded(displacement, self.profile)
        return Registered(displacement, fixed_regions, tuple(warnings), segmentations)

    def _by_the_general_method(self, moving: Volume, fixed: Volume, warnings: list[str]) -> Registered:
        axes = axis_letters(fixed.header.affine)
        warnings.append(
            "the segmentor does not know these images, so that they are registered by the general method, "
            f"without regions: are they {self.bundle.header.modality}, and do their axes run {axes} as the "
            "affine says?"
        )
        found = self.without_regions.registered(moving, fixed, None, None, None)
        return replace(found, warnings=(*warnings, *found.warnings))

    def _alignment(
        self,
        moving: Volume,
        fixed: Volume,
        regions: tuple[Segmentation | None, Segmentation | None],
        warnings: list[str],
    ) -> Alignment | None:
        """The affine map in front of the network, where the bundle asks for one; regions fixed first."""
        config = self.bundle.header.config
        if not config.registration.aligned or config.general.global_stage is None:
            return None
        to_mm = np.diag([*fixed.header.spacing_mm, 1.0])
        here, there = (
            Placed(normalise(volume.array, config.intensity), to_mm, None if one is None else one.labels)
            for volume, one in zip((fixed, moving), regions, strict=True)
        )
        stage = config.general.global_stage
        matrix, told = aligned_on_one_grid(here, there, "correlation", stage, self.device)
        warnings += told
        return Alignment(matrix, self.device)

    def _moving_regions(self, moving: Volume, fixed: Volume, warnings: list[str]) -> Segmentation | None:
        """What the refinement needs; users who bring segmentations of fixed images alone go without it."""
        if self.are_segmented:
            # Voxels are compared one to one, so a network sees both images as the fixed one's affine has
            # them: with left and right exchanged in one of them, left would be registered to right.
            moving = _with_axes_of(fixed, moving)
        try:
            return self.source(moving)
        except MissingVolume as error:
            warnings.append(f"not refined: {error}")
            return None


def _with_axes_of(other: Volume, image: Volume) -> Volume:
    """The image with the affine of another one where their axes run in different directions."""
    if axis_order(other.header.affine) == axis_order(image.header.affine):
        return image
    return replace(image, header=replace(image.header, affine=other.header.affine))
