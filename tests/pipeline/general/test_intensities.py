"""Intensities of images by their modality: windows, percentiles, and what is not in its unit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pairs.images.header import Header
from pairs.images.volume import Volume
from pipeline.config import TaskConfig
from pipeline.general.config import GeneralConfig
from pipeline.general.intensities import intensities_of
from pipeline.general.registration import GeneralRegistration
from pipeline.regions.config import IntensityConfig

__all__: list[str] = []

OWN = TaskConfig(task="T", intensity=IntensityConfig(kind="window", low=-500, high=800))
PERCENTILES = TaskConfig(task="T")


def row(*values: float) -> Volume:
    array = np.array(values, np.float32).reshape(-1, 1, 1)
    return Volume(Header(Path("a.nii.gz"), array.shape, (1, 1, 1), np.eye(4), array.dtype), array)


@pytest.mark.parametrize("modality", ["CT", "ct", "CT portal venous", "CBCT"])
def test_ct_has_a_window_where_the_task_has_none(modality: str) -> None:
    of_ct = intensities_of(PERCENTILES, modality)
    assert of_ct(row(-1024, -200, 600, 3000)).ravel().tolist() == [0, 0.5, 1, 1]
    assert of_ct.warnings(row(-1024, -200, 600, 3000)) == []
    # The task's own window holds for all images.
    assert intensities_of(OWN, modality) == intensities_of(OWN, "MR") == intensities_of(OWN, "")


@pytest.mark.parametrize("modality", ["MR", "MR T1w", "CTA", "PSMA PET", "", "0000"])
def test_other_modalities_have_what_the_task_sets(modality: str) -> None:
    found = intensities_of(PERCENTILES, modality)
    assert (found.task, found.window) == (PERCENTILES.intensity, None)


@pytest.mark.parametrize("values", [(0, 1064, 1100, 4024), (0, 0.3, 0.4, 1), (-1, -0.4, -0.3, 1)])
def test_ct_in_another_unit_is_told_and_has_percentiles(values: tuple[float, ...]) -> None:
    of_ct = intensities_of(PERCENTILES, "CT")
    (told,) = of_ct.warnings(row(*values))
    assert told.startswith("a.nii.gz: ")
    assert "from -1000 to 600" in told
    assert "percentiles are taken" in told
    assert np.array_equal(of_ct(row(*values)), intensities_of(PERCENTILES, "MR")(row(*values)))


def test_windows_are_a_setting() -> None:
    general = GeneralConfig(windows={"PET": (0.0, 20.0)})
    config = PERCENTILES.model_copy(update={"general": general})
    assert intensities_of(config, "CT").window is None
    assert intensities_of(config, "PET")(row(0, 10, 20)).ravel().tolist() == [0, 0.5, 1]
    with pytest.raises(ValidationError, match="low to be below high"):
        GeneralConfig(windows={"PET": (20.0, 0.0)})


def test_each_image_of_a_pair_has_its_own() -> None:
    registration = GeneralRegistration(PERCENTILES, torch.device("cpu"), modalities=("MR", "CT"))
    fixed, moving = registration.intensities
    assert (fixed.window is None, moving.window is None) == (True, False)
    assert registration.method.intensities == registration.intensities
