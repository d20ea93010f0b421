"""Settings of the general method, one model a stage; a stage that is None is left out."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pipeline.configtypes import Fraction, Positive, Rate, StrictModel, Weight

__all__ = ["ContinuousConfig", "DiscreteConfig", "FineConfig", "GeneralConfig", "GlobalConfig"]


def _rising(window: tuple[float, float]) -> tuple[float, float]:
    if not window[0] < window[1]:
        raise ValueError("low to be below high")
    return window


_Window = Annotated[tuple[float, float], AfterValidator(_rising)]
_HU = (-1000.0, 600.0)
_Share = Annotated[float, Field(gt=0, le=1)]


class GlobalConfig(StrictModel):
    """The affine stage."""

    voxels: Positive = 20_000
    """About how many voxels the coarse grid has on which both images are compared."""
    overlap: _Share = 0.35
    """The least part of the smaller image's content that has to lie on the other's."""
    iterations: Positive = 30
    learning_rate: Rate = 0.015
    """Adam's rate: of the matrix, and of the shift as a part of half the field of view."""
    window: Literal[5, 7, 9, 11, 13] = 9
    """Side of the correlation's window in voxels of the coarse grid."""
    regions: Weight = 1.0
    """Weight of the regions' Dice, where both images have regions."""


class DiscreteConfig(StrictModel):
    """The dense search over displacements."""

    cell: Annotated[int, Field(ge=1, le=8)] = 3
    """Side of a control cell, in voxels of the finest level."""
    reach: Annotated[int, Field(ge=1, le=6)] = 4
    """The largest displacement along each axis, in cells."""
    coupling: Annotated[float, Field(gt=0)] = 12.0
    """How strongly the smooth field draws the choice of each cell."""


class ContinuousConfig(StrictModel):
    """The gradient descent on a velocity."""

    levels: Annotated[tuple[tuple[Positive, Positive], ...], Field(min_length=1, max_length=6)] = (
        (2, 40),
        (1, 25),
    )
    """Strides in voxels of the finest level, coarsest first, and the steps of each."""
    control: Annotated[int, Field(ge=1, le=8)] = 2
    """Stride of the velocity's grid in voxels of the finest level."""
    window: Literal[3, 5, 7, 9, 11] = 5
    """Side of the correlation's window in voxels of the level."""
    learning_rate_vox: Rate = 0.5
    """Adam's rate at the first step of a level, in voxels of the velocity's grid; it falls to nearly 0."""
    moments: tuple[Fraction, Fraction] = (0.8, 0.95)
    smoothness: Weight = 1.0
    """Weight of the velocity's squared gradient."""
    volume: Weight = 4.0
    """Weight of local changes of volume."""
    regions: Weight = 1.0
    """Weight of the regions' Dice, where both images have regions."""
    most_of_regions: Positive = 20_000_000
    """Values of all regions of an image together, above which a level compares them at half its resolution:
    those of a brain would take longer than all else."""
    squarings: Annotated[int, Field(ge=1, le=10)] = 3
    least_gain: Weight = 1e-4
    """A level is ended where ten steps lower what is minimised by less."""
    contrast: Annotated[float, Field(gt=0)] = 1e-6
    """Product of the two variances in a window, of intensities in 0..1, below which structure counts as
    noise."""


class FineConfig(StrictModel):
    """The descent on the image's own grid, where the stages before it worked on a coarser one."""

    voxels: Positive = 10_000_000
    """Images of more voxels are worked on at half their resolution or less."""
    steps: Positive = 9
    step_vox: Annotated[float, Field(gt=0, le=4)] = 2.2
    """Length of the longest update of a step, in voxels."""
    window: Literal[3, 5, 7, 9, 11] = 7
    """Side of the correlation's window in voxels."""
    contrast: Annotated[float, Field(gt=0)] = 1e-8
    """As in the continuous stage."""
    update_sigma_vox: Annotated[float, Field(gt=0)] = 1.7
    """Of the Gaussian that smooths each update."""
    total_sigma_vox: Annotated[float, Field(gt=0)] = 0.6
    """Of the Gaussian that smooths the whole displacement after each update."""


class GeneralConfig(StrictModel):
    """All of the general method."""

    similarity: Literal["auto", "correlation", "descriptors"] = "auto"
    """What the global and the continuous stage compare: intensities by local correlation, or MIND-SSC. `auto`
    takes descriptors where the two images are of different modalities."""
    windows: dict[str, _Window] = Field(default_factory=lambda: {"CT": _HU, "CBCT": _HU})
    """Values that become 0 and 1, by the first word of a modality, where the task itself has percentiles. An
    image that seems not to be in that unit has percentiles all the same."""
    finest_voxels: Positive = 1_300_000
    """Of the finest level of the discrete and the continuous stage; larger images are worked on at half their
    resolution or less."""
    global_stage: GlobalConfig | None = GlobalConfig()
    discrete_stage: DiscreteConfig | None = DiscreteConfig()
    continuous_stage: ContinuousConfig | None = ContinuousConfig()
    fine_stage: FineConfig | None = FineConfig()
