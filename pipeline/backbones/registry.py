"""The backbones by name."""

from collections.abc import Callable

from pairs.errors import UsageError
from pipeline.backbones.backbone import Backbone
from pipeline.backbones.lkunet import LKUNet
from pipeline.config import RegistrationConfig

__all__ = ["BACKBONES", "build_backbone"]

BACKBONES: dict[str, Callable[[RegistrationConfig], Backbone]] = {
    "lkunet": lambda config: LKUNet(config.start_channels, config.decoder_stride),
}


def build_backbone(config: RegistrationConfig) -> Backbone:
    """The configuration's backbone with fresh weights.

    Raises:
        UsageError: its name is not in `BACKBONES`.
    """
    if config.backbone not in BACKBONES:
        known = ", ".join(sorted(BACKBONES))
        raise UsageError("unknown backbone", expected=f"one of {known}", got=config.backbone)
    return BACKBONES[config.backbone](config)
