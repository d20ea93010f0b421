"""Budgets, and the configuration of a row."""

import pytest

from pairs.errors import UsageError
from pipeline.config import RefinementConfig, RegistrationConfig, TaskConfig, shipped_config
from studies.budget import Budget, parse_budget
from studies.variant import Variant

__all__: list[str] = []

SHAPE = (160, 192, 224)


TOY = TaskConfig(task="Toy")


def network(
    base: TaskConfig = TOY, shape: tuple[int, int, int] = SHAPE, **fields: object
) -> RegistrationConfig:
    return Variant("row", fields).config(base, shape).registration


@pytest.mark.parametrize(
    ("text", "budget"), [("1000steps", Budget(1000, "steps")), ("90 minutes", Budget(90, "minutes"))]
)
def test_a_budget_has_a_unit(text: str, budget: Budget) -> None:
    assert parse_budget(text) == budget


@pytest.mark.parametrize("text", ["1000", "0steps", "1.5minutes", "-3steps", "hours", ""])
def test_other_budgets_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="1000steps or 90minutes"):
        parse_budget(text)


def test_minutes_are_shared() -> None:
    """60 minutes for three trainings at half a second a step; at least one step, however slow."""
    assert Budget(60, "minutes").steps(1 / 3, 0.5) == 2400
    assert Budget(1, "minutes").steps(1.0, 600.0) == 1


def test_what_the_paper_does_not_have_is_left_out() -> None:
    base = shipped_config("HippocampusMR")
    assert base.registration.passes > 1
    assert base.refinement != RefinementConfig()
    config = Variant("row").config(base, (64, 64, 64))
    assert config.registration.passes == config.registration_training.passes == 1
    assert config.refinement == RefinementConfig()
    assert config.refinement_for_half_grid is None
    ours = base.registration_training
    assert (ours.volume, ours.average, ours.schedule) != (0, 0, "polynomial")
    trained = config.registration_training
    assert (trained.volume, trained.average, trained.schedule, trained.warm_up) == (0, 0, "polynomial", 0)
    base = base.model_copy(update={"registration_training": ours.model_copy(update={"passes": 3})})
    for asked, trained in ((2, 2), (6, 3)):
        config = Variant("row").config(base, (64, 64, 64), passes=asked)
        assert config.registration.passes == asked
        assert config.registration_training.passes == trained


def test_a_row_changes_what_it_names_and_nothing_else() -> None:
    base = shipped_config("OASIS")
    variant = Variant("row", {"start_channels": 16}, {"smoothness": 3.0})
    config = variant.config(base, SHAPE)
    assert config.registration == base.registration.model_copy(update={"start_channels": 16})
    assert config.registration_training == base.registration_training.model_copy(update={"smoothness": 3.0})
    with pytest.raises(ValueError, match="no_such_field"):
        Variant("row", {"no_such_field": 1}).config(base, SHAPE)


@pytest.mark.parametrize(
    ("shape", "grid", "window"),
    [
        ((160, 192, 224), "full", (5, 6, 7)),
        ((192, 160, 256), "half", (3, 3, 4)),
        ((64, 64, 64), "full", (4, 4, 4)),
    ],
)
def test_the_window_of_transmorph_is_the_published_share(
    shape: tuple[int, int, int], grid: str, window: tuple[int, int, int]
) -> None:
    assert network(shape=shape, backbone="transmorph-tiny", grid=grid).window == window


def test_a_backbone_with_one_decoder_takes_no_other() -> None:
    base = shipped_config("OASIS")
    assert base.registration.decoder_stride == 2
    assert network(base, backbone="lapirn").decoder_stride == 1
    assert network(base, backbone="voxelmorph").decoder_stride == 2
