"""Progressive training: which level of a pyramid a step trains, and which levels rest meanwhile."""

from pairs.errors import UsageError
from pipeline.config import RegistrationTraining
from pipeline.network.backbones.backbone import Backbone, Pyramid
from pipeline.network.model import RegistrationNet
from pipeline.train.loop import Plan

__all__ = ["enter_stage", "stage_steps"]


def stage_steps(backbone: Backbone, settings: RegistrationTraining, steps: int) -> tuple[int, ...]:
    """Steps of each stage of a training, one stage a level; a single one where the backbone is no pyramid.

    Args:
        backbone: to be trained.
        settings: with the steps of each stage, or None for shares as published.
        steps: in all.

    Raises:
        UsageError: the configuration's stages are not one a level, or do not add up to `steps`.
    """
    levels = len(backbone.levels) if isinstance(backbone, Pyramid) else 1
    if settings.stages is not None:
        if len(settings.stages) != levels or sum(settings.stages) != steps:
            raise UsageError(
                "the stages do not fit the training",
                where="configuration field 'registration_training.stages'",
                expected=f"{levels} of them that add up to {steps} steps",
                got=f"{len(settings.stages)} that add up to {sum(settings.stages)}",
                remedy="change them, or leave them out for shares as published",
            )
        return settings.stages
    if not isinstance(backbone, Pyramid):
        return (steps,)
    coarser = [int(share * steps) for share in backbone.stage_shares[:-1]]
    return (*coarser, steps - sum(coarser))


def enter_stage(net: RegistrationNet, plan: Plan, settings: RegistrationTraining, step: int) -> None:
    """Set a pyramid up for a step: up to which level it runs, and whether the coarser ones rest.

    That follows from the step's number alone, so that a resumed training goes on as an unbroken one.
    """
    if not isinstance(net.backbone, Pyramid):
        return
    stage = plan.stage(step)
    resting = settings.resting_steps
    if resting is None:
        resting = round(net.backbone.resting_share * plan.stages[0])
    net.backbone.rest(stage.number if step - stage.start < resting else 0)
    net.level = stage.number if stage.number < len(net.backbone.levels) - 1 else None
