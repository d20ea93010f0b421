"""The paragraph to cite: every number in it comes from the settings of the run."""

from typing import Any

import pytest

from evaluation.htmlreport.methodtext import method_paragraph, references_of
from evaluation.htmlreport.runrecord import Run
from evaluation.scoring.evaluator import EVALUATORS
from pipeline.config import TaskConfig

__all__: list[str] = []


def run(config: TaskConfig | dict[str, Any], **entries: object) -> Run:
    settings = config if isinstance(config, dict) else config.model_dump(mode="json")
    return Run.model_validate(
        {"task": "Tiny", "profile": "l2r2022", "device": "cuda:0", "torch": "2.13", "version": "9.8.7"}
        | {"method": "network", "config": settings}
        | entries
    )


def paragraph(config: TaskConfig | dict[str, Any], **entries: object) -> str:
    return method_paragraph(run(config, **entries), EVALUATORS["2021"], 2)


def changed(**sections: dict[str, Any]) -> TaskConfig:
    document = TaskConfig(task="Tiny").model_dump(mode="json")
    for section, values in sections.items():
        document[section] |= values
    return TaskConfig.model_validate(document, strict=False)


def test_a_network_is_told_with_its_settings() -> None:
    config = changed(
        registration={"integration_steps": 6, "passes": 4, "start_channels": 12},
        refinement={"iterations": 17, "learning_rate_vox": 0.35, "dice": 0.0, "smoothness": 0.7},
    )
    text = paragraph(config, weights="a.safetensors", weights_sha256="abc")
    for words in (
        "2 pairs of Tiny were registered with textSCF (Chen et al., 2024)",
        "textscf-l2r 9.8.7",
        "on cuda:0 with torch 2.13",
        "a.safetensors (SHA-256 abc",
        "LKU-Net with 12 channels",
        "6 squarings",
        "applied 4 times",
        "17 steps of Adam at a rate of 0.35 voxels",
        "velocity (weight 0.7)",
        "evaluator 2021",
        "log(J + 3)",
    ):
        assert words in text
    assert "Dice loss" not in text


def test_what_a_network_does_not_do_is_not_told() -> None:
    text = paragraph(
        changed(registration={"integration_steps": 0, "passes": 1}, refinement={"iterations": 0})
    )
    assert "Its output is the displacement." in text
    assert "refined" not in text
    assert "applied" not in text


def test_half_grids_have_a_refinement_of_their_own() -> None:
    config = changed(refinement={"iterations": 5})
    half = config.refinement.model_copy(update={"iterations": 9})
    config = config.model_copy(update={"refinement_for_half_grid": half})
    assert "5 steps" in paragraph(config)
    assert "9 steps" in paragraph(config, profile="l2r2021")


def test_the_general_method_is_told_by_its_stages() -> None:
    config = TaskConfig(task="Tiny")
    text = paragraph(config, method="general")
    for words in (
        "general method of textscf-l2r",
        "no trained weights",
        "up to 4 cells of 3 voxels",
        "9 steps",
    ):
        assert words in text
    shorter = config.model_dump(mode="json")
    shorter["general"]["discrete_stage"] = None
    assert "cells" not in paragraph(shorter, method="general")


@pytest.mark.parametrize("config", [{}, {"registration": {"backbone": 3}}, {"general": []}])
def test_settings_of_another_form_leave_the_names(config: dict[str, Any]) -> None:
    text = paragraph(config)
    assert "2 pairs of Tiny were registered with textSCF" in text
    assert "backbone" not in text


def test_references_go_with_the_method() -> None:
    assert "Text Prompts" in references_of(run({}))[0].text
    assert not any("Text Prompts" in one.text for one in references_of(run({}, method="general")))
    assert len(references_of(None)) == 1
