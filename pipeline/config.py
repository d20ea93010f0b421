"""Configuration of a task: intensities, segmentor, registration, refinement and the trainings."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from pairs.errors import UsageError
from pairs.files.regularfile import read_regular
from pairs.tasks.known import known_tasks
from pipeline.configtypes import (
    Channels,
    Fraction,
    Label,
    Name,
    Positive,
    Precision,
    Rate,
    Schedule,
    Side,
    SubjectNumber,
    Weight,
    first_fault,
)
from pipeline.configtypes import StrictModel as _Model
from pipeline.general.config import GeneralConfig
from pipeline.regions.config import IntensityConfig, LatticeConfig, SegmentorConfig, SegmentorTraining
from pipeline.train.drawing.config import DrawingConfig

__all__ = [
    "MOST_PASSES",
    "DrawingConfig",
    "IntensityConfig",
    "LossConfig",
    "RefinementConfig",
    "RegistrationConfig",
    "RegistrationTraining",
    "SegmentorConfig",
    "SegmentorTraining",
    "SplitConfig",
    "TaskConfig",
    "read_config",
    "shipped_config",
]

MOST_PASSES = 8
"""Of the network over one pair."""


class RegistrationConfig(LatticeConfig):
    """Backbone, head and integration."""

    backbone: str = "lkunet"
    start_channels: Channels = 8
    decoder_stride: Literal[1, 2] = 1
    window: tuple[Side, Side, Side] | None = None
    """Attention window of TransMorph in tokens of 4 voxels, as published a 32nd of the sides: (3, 3, 4) for
    96x96x128. None is the (5, 6, 7) for 160x192x224. Backbones without attention refuse any."""
    head: Literal["text", "coordinates", "plain"] = "text"
    """`text`: a filter a region; `coordinates`: one a voxel, from its place; `plain`: none, the baseline."""
    blend: Literal["paper", "official"] = "paper"
    """`paper`: p w + (1 - p) w_r; `official`: w plus a 3x3x3 convolution, whatever the confidence."""
    mlp: Literal["shared", "per_axis"] = "shared"
    """One MLP for the three components of the displacement, or, as in the authors' code, one each."""
    mlp_width: Channels = 2048
    integration_steps: Annotated[int, Field(ge=0, le=10)] = 0
    passes: Annotated[int, Field(ge=1, le=MOST_PASSES)] = 1
    """How often the network is applied, each time to the moving image as warped so far. The paper has 1."""
    grid: Literal["full", "half"] = "full"
    """`half`: the network sees images averaged over 2x2x2 voxels, as in the paper for abdominal CT."""
    aligned: bool = False
    """Whether the global stage of the general method comes first, so that the network sees aligned images."""


class LossConfig(_Model):
    """Weights and kinds of the losses, in training and in refinement; by default the paper's."""

    similarity: Weight = 1.0
    similarity_kind: Literal["mse", "ncc"] = "mse"
    """Squared difference, or squared local correlation as in LapIRN."""
    ncc_window: Literal[3, 5, 7, 9] = 7
    """Side of the correlation's window in voxels, at the finest of its scales."""
    ncc_scales: Annotated[int, Field(ge=1, le=3)] = 1
    """Resolutions of the correlation; each takes two voxels off the window."""
    dice: Weight = 1.0
    dice_kind: Literal["authors", "challenge"] = "authors"
    """Over all classes, absent ones as 0; or over what the host scores: no background, no absent class."""
    smoothness: Weight = 0.1
    regulariser: Literal["gradient", "bending"] = "gradient"
    regularised: Literal["velocity", "displacement"] = "velocity"
    """Without integration both are the displacement."""
    volume: Weight = 0.0
    """Of local changes of volume, which SDlogJ measures; the paper has no such loss."""

    @model_validator(mode="after")
    def _coarsest_window_is_a_window(self) -> "LossConfig":
        if self.ncc_window - 2 * (self.ncc_scales - 1) < 3:
            raise ValueError("ncc_window to be at least 2 * ncc_scales + 1")
        return self


class RefinementConfig(LossConfig):
    """Instance optimisation after the network, by the regions that the segmentor sees in both images."""

    iterations: Annotated[int, Field(ge=0, le=1000)] = 0
    """Gradient steps a pair; 0 leaves it at the network's displacement, as in the paper."""
    target: Literal["fixed", "network"] = "fixed"
    """Where the Dice loss wants the moving image's regions: `fixed` is on those of the fixed image. `network`
    is where its last pass has moved them; the steps then begin at the first pass, which is smoother."""
    learning_rate_vox: Rate = 0.2
    """Adam's rate, about the largest change of a velocity in one step, in voxels of its grid."""
    rate_decay: Literal["none", "linear"] = "none"
    """`linear`: down to nearly 0 at the last step, so that larger steps before it leave no noise."""
    moments: tuple[Fraction, Fraction] = (0.9, 0.999)
    """Adam's decay rates of the mean and of the square; smaller ones suit a few steps."""
    grid: Literal["field", "half"] = "field"
    """Of the velocity: `field` is that of the network's own; `half` a coarser one than that of a network
    that speaks on the full grid, whose voxels would each go a way of their own."""
    sees: Literal["image", "network"] = "image"
    """Grid of the images and regions that are compared: the image's own, or the network's. They differ where
    the network works on the half grid; there many regions on the image's own take gigabytes."""
    squarings: Annotated[int, Field(ge=0, le=10)] | None = None
    """Of the velocity's integration; None is `integration_steps` of the registration."""


class RegistrationTraining(LossConfig):
    """How the registration network is trained (textSCF section IV-B, learning rate and length apart)."""

    augmentation: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Strength of the random changes of both images, apart from each other."""
    shift_vox: tuple[Weight, Weight, Weight] = (0.0, 0.0, 0.0)
    """Largest random shift of each image along each axis, in voxels of the network's grid and besides the
    augmentation: for scans that begin and end at different heights."""
    precision: Precision = "float32"
    batch: Positive = 1
    """Pairs a step, in all processes together."""
    steps: Positive = 3000
    passes: Annotated[int, Field(ge=1, le=MOST_PASSES)] = 1
    """Each pair draws a number of passes from 1 to this one; the last of them is learnt."""
    learning_rate: Rate = 1e-4
    schedule: Schedule = "polynomial"
    power: Weight = 0.9
    """Exponent of the polynomial decay."""
    warm_up: Annotated[int, Field(ge=0)] = 0
    """Steps at the start of each stage over which the rate rises from 0."""
    average: Fraction = 0.0
    """Decay of the moving average of the weights that is kept in their place; 0 keeps the last weights."""
    stages: tuple[Positive, ...] | None = None
    """Steps for each level of a pyramid, coarsest first, together `steps`; None shares them as published."""
    resting_steps: Annotated[int, Field(ge=0)] | None = None
    """Steps at the start of each stage in which the coarser levels rest; None is a share as published."""
    held_out: Annotated[int, Field(ge=0)] = 20
    pairs: Literal["any", "within-subject"] = "any"
    """`any`: two images of the task's modalities; `within-subject`: of one subject, as inhale and exhale."""
    crop: tuple[Side, Side, Side] | None = None
    """Size in voxels of the full grid of the crop around the non-zero content; None takes whole volumes."""
    validate_every: Positive = 250
    seed: int = 0


class SplitConfig(_Model):
    """Subject numbers of a division of a task's own, in place of the one that its pairs imply."""

    training: Annotated[tuple[SubjectNumber, ...], Field(min_length=2)]
    held_out: tuple[SubjectNumber, ...] = ()
    """Scored during training, never trained on."""
    test: tuple[SubjectNumber, ...] = ()
    """Never looked at in training."""

    @model_validator(mode="after")
    def _parts_are_apart(self) -> "SplitConfig":
        numbers = (*self.training, *self.held_out, *self.test)
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise ValueError(f"every subject once, not {twice} twice")
        return self


class TaskConfig(_Model):
    """Everything about one task that is not in its dataset JSON."""

    task: str
    anatomy: str | None = None
    """Fills the prompt's "in human ..."; None leaves it out."""
    labels: dict[Label, Name] = Field(default_factory=dict)
    """Names of the labels, for a dataset JSON that names none although there are label maps."""
    split: SplitConfig | None = None
    """Which subjects are trained on; None: all that are in none of the task's pairs."""
    intensity: IntensityConfig = IntensityConfig()
    segmentor: SegmentorConfig = SegmentorConfig()
    registration: RegistrationConfig = RegistrationConfig()
    refinement: RefinementConfig = RefinementConfig()
    refinement_for_half_grid: RefinementConfig | None = None
    """Takes its place in profiles that store the half grid: the host's upsampling smooths once more."""
    general: GeneralConfig = GeneralConfig()
    """Of the method that needs no weights."""
    drawing: DrawingConfig = DrawingConfig()
    """Of training images that are drawn from label maps."""
    segmentor_training: SegmentorTraining = SegmentorTraining()
    registration_training: RegistrationTraining = RegistrationTraining()

    @field_validator("labels")
    @classmethod
    def _background_is_no_label(cls, labels: dict[int, str]) -> dict[int, str]:
        return {label: name for label, name in labels.items() if label != 0}


def read_config(path: Path) -> TaskConfig:
    """The task configuration in a JSON file.

    Raises:
        UsageError: unreadable, not JSON, or a field that is unknown or of the wrong type.
    """
    try:
        return TaskConfig.model_validate_json(read_regular(path))
    except OSError as error:
        raise UsageError("cannot read the configuration", where=path, got=error.strerror) from error
    except ValidationError as error:
        fault = first_fault(error, TaskConfig)
        what = f"configuration field '{fault.field}'" if fault.field else "not a configuration"
        raise UsageError(what, where=path, expected=fault.expected, got=fault.got) from error


def shipped_config(task: str) -> TaskConfig:
    """The configuration that ships for `task`, or the defaults under its name."""
    known = next((one for one in known_tasks() if one.name == task), None)
    if known is None or known.configuration is None:
        return TaskConfig(task=task)
    settings = {"task": task, "anatomy": known.anatomy, **known.configuration}
    # By way of JSON, in which the types of numbers are as strict as in a file of the user's.
    return TaskConfig.model_validate_json(json.dumps(settings))
