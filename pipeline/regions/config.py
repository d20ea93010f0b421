"""Configuration of the segmentor: its network, what it sees, and its training."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.configtypes import (
    Channels,
    Fraction,
    Label,
    Orientation,
    Positive,
    Precision,
    Rate,
    Schedule,
    Side,
    StrictModel,
    Weight,
)

__all__ = ["IntensityConfig", "LatticeConfig", "MeshNetConfig", "SegmentorConfig", "SegmentorTraining"]

SWIN_STRIDE = 32
_Dilation = Annotated[int, Field(gt=0, le=64)]
# A finer lattice would take memory without end.
_Spacing = Annotated[float, Field(ge=0.05, le=100)]


class IntensityConfig(StrictModel):
    """How voxel values become 0..1."""

    kind: Literal["percentile", "window"] = "percentile"
    """`percentile`: of the voxels of each volume; `window`: fixed values such as HU."""
    of: Literal["nonzero", "all"] = "nonzero"
    """The voxels that a percentile is of; zeros are padding in most tasks."""
    low: float = 0.5
    high: float = 99.5
    headroom: Annotated[float, Field(ge=1)] = 1.0
    """How many times the upper percentile becomes 1. A large bright cyst moves the 99.5th percentile and
    darkens all else; the 85th, with headroom for what is brighter, stays where it is."""

    @model_validator(mode="after")
    def _range_is_sound(self) -> "IntensityConfig":
        if not self.low < self.high:
            raise ValueError("low to be below high")
        if self.kind == "percentile" and not (self.low >= 0 and self.high <= 100):
            raise ValueError("percentiles in 0..100")
        if self.kind == "window" and self.headroom != 1:
            raise ValueError("no headroom above a window")
        if self.kind == "window" and self.of != "nonzero":
            raise ValueError("`of` with percentiles only")
        return self


class LatticeConfig(StrictModel):
    """The grid that a network was trained on, where that is not the file's own."""

    orientation: Orientation | None = None
    """How the axes of its input lie, such as "RAS": to the right, the front and the head; None takes them as
    the file has them."""
    spacing_mm: tuple[_Spacing, _Spacing, _Spacing] | None = None
    """Voxel sizes of its input, along its axes; None takes those of the file."""


class MeshNetConfig(StrictModel):
    """A MeshNet's layers."""

    channels: Annotated[int, Field(gt=0, le=256)] = 30
    """Of every layer. A whole volume is kept for each, so that a file must not ask for any number."""
    dilations: Annotated[tuple[_Dilation, ...], Field(min_length=1, max_length=32)] = (
        *(1, 2, 4, 8, 16),
        *(8, 4, 2, 1),
    )
    """Of the 3x3x3 convolutions, one after the other."""
    activation: Literal["relu", "elu", "gelu"] = "relu"


class SegmentorConfig(LatticeConfig):
    """The segmentation network and its inference."""

    network: Literal[
        "unet", "plainunet", "swinunetr-base", "swinunetr-small", "swinunetr-tiny", "meshnet"
    ] = "unet"
    """`unet`: residual, its first level on the half grid; `plainunet`: nnU-Net's, on the full grid. A
    MeshNet is not trained here."""
    meshnet: MeshNetConfig | None = None
    """The layers, where the network is one."""
    channels: Annotated[tuple[Channels, ...], Field(min_length=2, max_length=8)] = (16, 32, 64, 128)
    """Of the levels of either U-Net."""
    residual_units: Annotated[int, Field(gt=0, le=16)] = 2
    """Of each level of the residual U-Net."""
    merging: Literal["current", "legacy"] = "current"
    """How SwinUNETR merges patches: `legacy` for weights trained before MONAI 1.5."""
    grid: Literal["full", "half", "blocks"] = "full"
    """`half`: the U-Net sees images averaged over 2x2x2 voxels, at an eighth of the cost; `blocks`: it sees
    each such block as eight channels and says what each voxel of it is, for little more."""
    interleaved: bool = False
    """Whether a network on the half grid sees each image twice, the second time one voxel further along every
    axis: the voxels in between are then found too, and the mean of both is surer."""
    roi: tuple[Side, Side, Side] = (64, 64, 64)
    """Sliding window in voxels; a volume that fits into it is seen whole. A MeshNet sees any volume whole."""
    overlap: Fraction = 0.5
    intensity: IntensityConfig | None = None
    """How the segmentor's own input is scaled; None scales it as the registration's."""
    class_labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=1024)] | None = None
    """The task's label of each class of the network, 0 for what the task does not name: the probabilities of
    classes that share a label are added. None: class k is the k-th of the task's labels."""
    right_class_labels: Annotated[tuple[Label, ...], Field(max_length=1024)] | None = None
    """The same for what lies to the right of the mid-sagittal plane, where classes have no sides. None:
    `class_labels` holds on both sides."""

    @model_validator(mode="after")
    def _class_0_is_background(self) -> "SegmentorConfig":
        if self.class_labels is not None and self.class_labels[0] != 0:
            raise ValueError("class_labels to begin with 0, the background")
        return self

    @model_validator(mode="after")
    def _sides_can_be_told(self) -> "SegmentorConfig":
        if self.right_class_labels is None:
            return self
        if self.class_labels is None or len(self.class_labels) != len(self.right_class_labels):
            raise ValueError("as many right_class_labels as class_labels")
        if self.orientation is None or self.spacing_mm is None:
            raise ValueError(
                "right_class_labels with orientation and spacing_mm: where right is, and how far"
            )
        if self.right_class_labels[0] != 0:
            raise ValueError("right_class_labels to begin with 0, the background")
        return self

    @model_validator(mode="after")
    def _window_suits_the_network(self) -> "SegmentorConfig":
        # A window of 32 voxels would leave one voxel at the bottom of SwinUNETR, and nothing to normalise.
        if self.is_swin and any(side % SWIN_STRIDE or side < 2 * SWIN_STRIDE for side in self.roi):
            raise ValueError("the sides of roi to be multiples of 32, from 64 on, for SwinUNETR")
        return self

    @model_validator(mode="after")
    def _window_suits_the_unet(self) -> "SegmentorConfig":
        stride = self.total_stride
        if self.is_unet and (any(side % stride for side in self.roi) or set(self.roi) == {stride}):
            raise ValueError(
                f"the sides of roi to be multiples of {stride}, and not all just {stride}, for the U-Net"
            )
        return self

    @model_validator(mode="after")
    def _half_grid_is_for_the_unet(self) -> "SegmentorConfig":
        if not self.is_unet and self.grid != "full":
            raise ValueError("grid 'full' where the network is no U-Net; the others have spacing_mm")
        if self.network != "plainunet" and self.grid == "blocks":
            raise ValueError("grid 'blocks' with the network 'plainunet', and with no other")
        if self.interleaved and self.grid != "half":
            raise ValueError("interleaved with grid 'half', and with no other")
        return self

    @model_validator(mode="after")
    def _layers_are_of_a_meshnet(self) -> "SegmentorConfig":
        if (self.meshnet is not None) != (self.network == "meshnet"):
            raise ValueError("`meshnet` with the network 'meshnet', and with no other")
        return self

    @property
    def is_unet(self) -> bool:
        """Whether the network takes volumes of any size, up to a multiple."""
        return self.network in ("unet", "plainunet")

    @property
    def is_swin(self) -> bool:
        """Whether the network takes windows of a few sizes only."""
        return self.network.startswith("swinunetr-")

    @property
    def total_stride(self) -> int:
        """Every side of the network's input must be a multiple of this."""
        if self.meshnet is not None:
            return 1
        stride = 2 ** (len(self.channels) - 1) if self.is_unet else SWIN_STRIDE
        return stride if self.grid == "full" else 2 * stride

    @property
    def is_on_the_image_grid(self) -> bool:
        """Whether the network sees the voxels of the file and gives the task's own labels."""
        return self.orientation is None and self.spacing_mm is None and self.class_labels is None


class SegmentorTraining(StrictModel):
    """How the segmentor is trained."""

    augmentation: Annotated[float, Field(ge=0, le=2)] = 1.0
    """Strength of the random changes of each subject; 0 trains on the subjects as they are."""
    greys: Literal["smooth", "scanner"] = "smooth"
    """`smooth`: gamma, shading and noise; `scanner`: as if of another scanner, by nnU-Net's changes."""
    precision: Precision = "float32"
    batch: Positive = 1
    """Subjects a step, in all processes together; one may be among them twice."""
    steps: Positive = 3000
    learning_rate: Rate = 1e-3
    schedule: Schedule = "polynomial"
    power: Weight = 0.9
    """Exponent of the polynomial decay."""
    warm_up: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate rises from 0."""
    average: Fraction = 0.0
    """Decay of the moving average of the weights that is kept in their place; 0 keeps the last weights."""
    validate_every: Positive = 250
    held_out: Annotated[int, Field(ge=0)] = 20
    """Last labelled training subjects kept for tuning, never trained on."""
    crop: tuple[Side, Side, Side] | None = None
    """Size in voxels of the training crop around the non-zero content; None takes whole volumes."""
    seed: int = 0
