"""Which evaluator a set of fields gets, and how an evaluator names the metrics of a configuration."""

from pathlib import Path

import pytest

from evaluation.scoring.evaluator import EVALUATORS, configured_methods, evaluator_for
from pairs.errors import UsageError
from pairs.fields.profile import PROFILES
from pairs.tasks.evaluation_config import Method, parse_evaluation_config

_LISTED = (
    Method(name="LogJacDetStd", metric="sdlogj"),
    Method(name="DSC", metric="dice", labels=(1,)),
    Method(name="HD95", metric="hd95", labels=(1,)),
    Method(name="TRE_kp", metric="tre", dest="keypoints"),
)


@pytest.mark.parametrize("profile", list(PROFILES))
def test_every_profile_has_its_evaluator(profile: str) -> None:
    expected = {"l2r2021": "2021", "l2r2020-full": "2020"}.get(profile, "2.0")
    assert evaluator_for([profile, profile]).name == expected


def test_fields_of_other_tools_go_to_the_newest() -> None:
    assert evaluator_for(["itk"]).name == "2.0"
    assert evaluator_for(["lumir2024", "l2r2022"]).name == "2.0"


def test_fields_for_two_evaluators_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"l2r2021, l2r2022.*--evaluator"):
        evaluator_for(["l2r2022", "l2r2021"])


@pytest.mark.parametrize("name", ["2.0", "2023"])
def test_later_evaluators_take_the_names_of_the_configuration(name: str) -> None:
    own = (Method(name="My Dice", metric="dice", labels=(1,)),)
    assert configured_methods(EVALUATORS[name], own) == own
    assert configured_methods(EVALUATORS[name], _LISTED) == _LISTED
    assert all(EVALUATORS[name].reports(method) for method in _LISTED)


@pytest.mark.parametrize("name", ["2021", "2020"])
def test_early_evaluators_have_names_of_their_own(name: str) -> None:
    methods = configured_methods(EVALUATORS[name], _LISTED)
    assert [method.name for method in methods] == [
        "LogJacDetStd",
        "DiceCoefficient",
        "HausdorffDistance95",
        "TRE_kp",
    ]
    assert [EVALUATORS[name].reports(method) for method in methods] == [True, True, True, False]
    assert [method.labels for method in methods] == [method.labels for method in _LISTED]


@pytest.mark.parametrize("name", list(EVALUATORS))
def test_the_oldest_form_keeps_its_names_and_its_points_everywhere(name: str) -> None:
    settings = {"sdlogj": True, "dice": [1, 2], "dice_secret": [3], "hd95": [1, 2], "tre": True}
    document = {"task_name": "Toy", "evaluation_methods": settings, "eval_pairs": []}
    config = parse_evaluation_config(document, Path("Toy_VAL_evaluation_config.json"))
    methods = configured_methods(EVALUATORS[name], config.methods)
    assert [method.name for method in methods] == [
        "LogJacDetStd",
        "DiceCoefficient",
        "DiceCoefficient_Secret",
        "HausdorffDistance95",
        "TRE",
    ]
    assert all(EVALUATORS[name].reports(method) for method in methods)


def test_no_name_comes_up_twice() -> None:
    methods = (
        Method(name="A", metric="dice", labels=(1,)),
        Method(name="B", metric="dice", labels=(2,)),
        Method(name="HausdorffDistance95", metric="dice", labels=(3,)),
        Method(name="C", metric="hd95", labels=(1,)),
    )
    names = [method.name for method in configured_methods(EVALUATORS["2021"], methods)]
    assert names == ["DiceCoefficient", "B", "HausdorffDistance95", "C"]
