"""What one row of a table trains: the task's own configuration with a few things changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config import TaskConfig
from pipeline.network.backbones.registry import ONE_DECODER
from pipeline.network.backbones.transmorph import TRANSMORPHS

__all__ = ["RegionOrigin", "Variant"]

_PUBLISHED_SHARE = 32
_SMALLEST_WINDOW, _WINDOW_OF_SMALL_IMAGES = 3, 4


@dataclass(frozen=True)
class RegionOrigin:
    """Where regions come from, in training and in use.

    Attributes:
        segmentor: Bundle with a segmentor.
        files: Folder of label maps or probabilities named as the images; comes before the segmentor.
    """

    segmentor: Path | None = None
    files: Path | None = None


_AS_IN_THE_PAPER = {"volume": 0.0, "average": 0.0, "schedule": "polynomial", "warm_up": 0}
"""Of the training."""


@dataclass(frozen=True)
class Variant:
    """One model.

    Attributes:
        name: For files and the log.
        registration: Fields of the configuration's `registration` with values of their own.
        training: The same of `registration_training`.
        embed: Arguments of `embed` that make its text vectors; None takes the vectors of the whole table.
        regions: Its own source of regions; None takes the segmentor of the whole table.
        arguments: Further arguments of `train registration`.
        embed_arguments: Further arguments of `embed`, whoever chose the vectors.
    """

    name: str
    registration: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    embed: tuple[str, ...] | None = None
    regions: RegionOrigin | None = None
    arguments: tuple[str, ...] = ()
    embed_arguments: tuple[str, ...] = ()

    def config(self, base: TaskConfig, shape: tuple[int, int, int], passes: int = 1) -> TaskConfig:
        """The configuration to train with.

        Passes, refinement, the loss on volumes and averaged weights are ours: whatever `base` says, the
        network is applied once unless more is asked for, its displacement left as it is, and it is trained as
        in the paper.

        Args:
            base: The task's.
            shape: Of its images, in voxels.
            passes: How often the network is applied in use; training goes up to as many, but not beyond what
                `base` trains for.

        Raises:
            ValueError: A field does not exist or cannot have that value.
        """
        document = base.model_dump()
        trained = min(passes, base.registration_training.passes)
        document["registration"] |= {"passes": passes, **self.registration}
        document["registration_training"] |= {"passes": trained, **_AS_IN_THE_PAPER, **self.training}
        document["refinement"], document["refinement_for_half_grid"] = {}, None
        network = document["registration"]
        if network["backbone"] in ONE_DECODER:
            network["decoder_stride"] = 1
        if network["backbone"] in TRANSMORPHS:
            seen = base.registration_training.crop or shape
            network["window"] = network["window"] or _window(seen, halved=network["grid"] == "half")
        else:
            network["window"] = None
        return TaskConfig.model_validate(document)


def _window(shape: tuple[int, int, int], *, halved: bool) -> tuple[int, ...]:
    """TransMorph's: a 32nd of the padded sides as published, and of small images 4 tokens."""
    sides = (side // 2 if halved else side for side in shape)
    shares = [-(-side // _PUBLISHED_SHARE) for side in sides]
    return tuple(share if share >= _SMALLEST_WINDOW else _WINDOW_OF_SMALL_IMAGES for share in shares)
