"""The registration of pairs by the general method, which needs no weights."""

from collections.abc import Sequence

import numpy as np
import torch

from pairs.errors import MissingVolume
from pairs.fields.profile import PROFILES, Profile
from pairs.fields.unfolding import unfolded
from pairs.images.header import Header
from pairs.images.relation import Matrix
from pairs.images.volume import Volume
from pipeline.config import TaskConfig
from pipeline.general.footprint import footprint
from pipeline.general.globalstage import aligned
from pipeline.general.intensities import intensities_of
from pipeline.general.lattice import Placed
from pipeline.general.method import GeneralMethod
from pipeline.general.similarity import Compared
from pipeline.regions.counterparts import counterparts
from pipeline.regions.segmentor import MOST_REGIONS, Segmentation
from pipeline.regions.source import RegionSource
from pipeline.registration.pairwise import Registered, Registration, kept_names

__all__ = ["GeneralRegistration", "compared_in"]


class GeneralRegistration(Registration):
    """The stages of a configuration made ready, for one pair after the other.

    Args:
        config: Of the task: intensities, and the stages.
        device: Where it works.
        profile: What the displacements will be stored as: they do not fold there.
        regions: Source of the regions of an image; None goes without.
        modalities: Of the fixed and of the moving image, where they are known, such as "CT" and "MR"; two
            that differ are compared by descriptors.
        labels: Label value of each region index, for messages.
    """

    def __init__(
        self,
        config: TaskConfig,
        device: torch.device,
        profile: Profile = PROFILES["l2r2022"],
        regions: RegionSource | None = None,
        modalities: tuple[str, str] = ("", ""),
        labels: Sequence[int] = range(MOST_REGIONS),
    ) -> None:
        super().__init__(device, profile, regions)
        self.config = config
        self.labels = labels
        self.kind = compared_in(config, modalities)
        fixed, moving = (intensities_of(config, modality) for modality in modalities)
        self.intensities = fixed, moving
        self.method = GeneralMethod(config.general, self.intensities, self.kind, device)

    def align(
        self,
        fixed: Volume,
        moving: Volume,
        start: Matrix,
        fixed_labels: Volume | None = None,
        moving_labels: Volume | None = None,
    ) -> tuple[Matrix, tuple[str, ...]]:
        """The global stage alone, for two images on grids of their own.

        Args:
            fixed: The fixed image.
            moving: The moving image.
            fixed_labels: Label map of the fixed image; used where there is one of the moving image too.
            moving_labels: That of the moving image.
            start: Points of the fixed image's space to points of the moving image's, (4, 4), to begin with.

        Returns:
            The map, and one sentence for each oddity.

        Raises:
            VolumeError: One of the images is constant.
        """
        if self.config.general.global_stage is None:
            return start, ()
        both = list(zip(self.intensities, (fixed, moving), (fixed_labels, moving_labels), strict=True))
        here, there = (
            Placed(scaled(volume), volume.header.affine, None if labels is None else labels.array)
            for scaled, volume, labels in both
        )
        told = (text for scaled, volume, _ in both for text in scaled.warnings(volume))
        found = aligned(here, there, start, self.kind, self.config.general.global_stage, self.device)
        return found.matrix, (*told, *found.warnings)

    def footprint(self, fixed: Header) -> int:
        """Bytes that a pair takes on the device at its peak, besides the two images."""
        regions = 0 if self.regions is None else len(self.labels)
        return footprint(fixed.shape, fixed.spacing_mm, self.config.general, self.kind, regions)

    def registered(
        self,
        moving: Volume,
        fixed: Volume,
        moving_regions: Segmentation | None,
        fixed_regions: Segmentation | None,
        mask: np.ndarray | None,
    ) -> Registered:
        """By all stages that the configuration has."""
        of_fixed, of_moving = self.intensities
        warnings = [*of_fixed.warnings(fixed), *of_moving.warnings(moving)]
        if self.regions is not None:
            try:
                fixed_regions = fixed_regions or self.regions(fixed)
                moving_regions = moving_regions or self.regions(moving)
            except MissingVolume as error:
                warnings.append(f"registered without regions: {error}")
        segmentations = kept_names(fixed_regions, moving_regions)
        if fixed_regions is not None and moving_regions is not None:
            names = fixed.header.path.name, moving.header.path.name
            shared, told = counterparts((fixed_regions, moving_regions), names, self.labels)
            fixed_regions, moving_regions = shared or (None, None)
            warnings += told
        found = self.method(moving, fixed, moving_regions, fixed_regions, mask)
        displacement = unfolded(found.displacement, self.profile)
        return Registered(displacement, fixed_regions, (*warnings, *found.warnings), segmentations)


def compared_in(config: TaskConfig, modalities: tuple[str, str]) -> Compared:
    """What of two images is compared; modalities that are not both known count as one."""
    if config.general.similarity != "auto":
        return config.general.similarity
    fixed, moving = (modality.casefold() for modality in modalities)
    return "descriptors" if fixed and moving and fixed != moving else "correlation"
