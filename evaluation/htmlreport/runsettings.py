"""The settings of a run, as far as the paragraph on the method tells them."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from evaluation.htmlreport.runrecord import Run

__all__ = ["General", "Refinement", "Registration", "Settings", "settings_of"]


class _Part(BaseModel):
    # Of the settings the paragraph tells the main ones.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Registration(_Part):
    """Backbone, head and integration."""

    backbone: str
    start_channels: int
    head: str
    integration_steps: int
    passes: int
    grid: str
    aligned: bool = False


class Refinement(_Part):
    """The steps after the network."""

    iterations: int
    learning_rate_vox: float
    similarity: float
    similarity_kind: str
    dice: float
    smoothness: float
    regularised: str
    volume: float = 0.0


class _GlobalStage(_Part):
    iterations: int


class _Discrete(_Part):
    cell: int
    reach: int


class _Continuous(_Part):
    levels: Sequence[tuple[int, int]]
    smoothness: float
    volume: float
    regions: float


class _FineStage(_Part):
    steps: int


class General(_Part):
    """The stages of the method without weights."""

    similarity: str
    global_stage: _GlobalStage | None = None
    discrete_stage: _Discrete | None = None
    continuous_stage: _Continuous | None = None
    fine_stage: _FineStage | None = None


class Settings(_Part):
    """Those of all methods; which of them counts is in the report."""

    registration: Registration
    refinement: Refinement
    refinement_for_half_grid: Refinement | None = None
    general: General


def settings_of(run: Run) -> Settings | None:
    """Returns the settings of a run; None where they are of another form."""
    try:
        return Settings.model_validate(run.config)
    except ValidationError:
        return None
