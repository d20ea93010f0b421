"""The backbones by name."""

from collections.abc import Callable
from functools import partial

from pairs.errors import UsageError
from pipeline.config import RegistrationConfig
from pipeline.network.backbones.backbone import Backbone
from pipeline.network.backbones.fouriernet import FourierNet
from pipeline.network.backbones.lapirn import LapIRN
from pipeline.network.backbones.lkunet import LKUNet
from pipeline.network.backbones.transmorph import PUBLISHED_WINDOW, TRANSMORPHS, Size, TransMorph
from pipeline.network.backbones.voxelmorph import VOXELMORPHS, VoxelMorph, Widths

__all__ = ["BACKBONES", "build_backbone"]


def _voxelmorph(widths: Widths, config: RegistrationConfig) -> Backbone:
    return VoxelMorph(widths, config.decoder_stride)


def _transmorph(size: Size, config: RegistrationConfig) -> Backbone:
    return TransMorph(size, config.window or PUBLISHED_WINDOW, config.decoder_stride)


BACKBONES: dict[str, Callable[[RegistrationConfig], Backbone]] = {
    "lkunet": lambda config: LKUNet(config.start_channels, config.decoder_stride),
    **{name: partial(_voxelmorph, widths) for name, widths in VOXELMORPHS.items()},
    **{name: partial(_transmorph, size) for name, size in TRANSMORPHS.items()},
    "fouriernet": lambda config: FourierNet(config.start_channels),
    "lapirn": lambda config: LapIRN(config.start_channels, config.integration_steps),
}
ONE_DECODER = ("fouriernet", "lapirn")
"""Backbones whose F lies on a grid of its own, whatever stride the others offer."""


def build_backbone(config: RegistrationConfig) -> Backbone:
    """The configuration's backbone with fresh weights.

    Raises:
        UsageError: its name is not in `BACKBONES`, or an option is given to one that does not have it.
    """
    if config.backbone not in BACKBONES:
        known = ", ".join(sorted(BACKBONES))
        raise UsageError(
            "unknown backbone",
            where="configuration field 'registration.backbone'",
            expected=f"one of {known}",
            got=repr(config.backbone),
        )
    if config.window is not None and config.backbone not in TRANSMORPHS:
        raise UsageError(
            "this backbone has no attention window",
            where="configuration field 'registration.window'",
            expected=f"null, or one of the backbones {', '.join(TRANSMORPHS)}",
            got=f"{config.window} with {config.backbone}",
        )
    if config.decoder_stride != 1 and config.backbone in ONE_DECODER:
        raise UsageError(
            "this backbone has one decoder only",
            where="configuration field 'registration.decoder_stride'",
            expected=f"1 with {config.backbone}",
            got=config.decoder_stride,
        )
    return BACKBONES[config.backbone](config)
