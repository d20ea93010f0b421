"""Prompts: spelling, order, templates, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairs.errors import TaskError, UsageError
from pipeline.text.prompts import TEMPLATES, anatomy_of, normalise_name, prompts_for, require_prompts


def test_default_prompts_are_those_of_the_paper() -> None:
    names = {6: "liver", 1: "spleen"}
    assert prompts_for(names, "CT", "abdomen") == (
        "A computerized tomography of a spleen in human abdomen.",
        "A computerized tomography of a liver in human abdomen.",
    )
    assert prompts_for({1: "hippocampus head"}, "MR", "brain") == (
        "A magnetic resonance imaging of a hippocampus head in human brain.",
    )


def test_background_label_is_left_out() -> None:
    assert prompts_for({0: "background", 2: "b", 1: "a"}, "mri") == (
        "A magnetic resonance imaging of a a.",
        "A magnetic resonance imaging of a b.",
    )


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("CT", "A computerized tomography of a liver in human abdomen."),
        ("MR", "A magnetic resonance imaging of a liver in human abdomen."),
        ("{anatomy}: {name}", "abdomen: liver"),
    ],
)
def test_templates_by_name(template: str, expected: str) -> None:
    assert prompts_for({1: "Liver"}, "MR", "abdomen", template) == (expected,)


def test_every_template_drops_an_unknown_anatomy() -> None:
    for name in TEMPLATES:
        (prompt,) = prompts_for({1: "liver"}, "CT", None, name)
        assert prompt.endswith("of a liver.")


@pytest.mark.parametrize(
    ("task", "anatomy"),
    [
        ("AbdomenCTCT", "abdomen"),
        ("AbdomenMRCT", "abdomen"),
        ("AbdomenMRMR", "abdomen"),
        ("OASIS", "brain"),
        ("HippocampusMR", "brain"),
        ("LUMIR25", "brain"),
        ("LungCT", "chest"),
        ("NLST", "chest"),
        ("Mystery", None),
    ],
)
def test_anatomy_of_the_known_tasks(task: str, anatomy: str | None) -> None:
    assert anatomy_of(task) == anatomy


@given(st.text(alphabet="aB-_ \u00a0\uff21\ufb01", min_size=1))
def test_normalising_twice_changes_nothing(name: str) -> None:
    try:
        once = normalise_name(name)
    except TaskError:
        assert not name.strip(" -_\u00a0")
    else:
        assert normalise_name(once) == once
        assert once == once.lower() == " ".join(once.split())
        assert not set(once) & set("-_\u00a0")


def test_names_are_normalised() -> None:
    assert normalise_name("Left-Cerebral_White  Matter ") == "left cerebral white matter"
    assert normalise_name("\uff2civer") == "liver"


@pytest.mark.parametrize("name", ["", "  ", "-_-", "liver\x00", "li\x1b[31mver", "li\u200bver"])
def test_unusable_names_are_refused(name: str) -> None:
    with pytest.raises(TaskError):
        prompts_for({1: name}, "CT")


@pytest.mark.parametrize("names", [{}, {0: "background"}, {-1: "liver"}])
def test_no_label_is_refused(names: dict[int, str]) -> None:
    with pytest.raises(TaskError):
        prompts_for(names, "CT")


@pytest.mark.parametrize(
    ("modality", "template"),
    [
        ("US", None),
        ("CT", "no placeholder"),
        ("CT", "{name} {other}"),
        ("CT", "{anatomy} {name}"),
        ("CT", "{}"),
    ],
)
def test_unusable_templates_are_refused(modality: str, template: str | None) -> None:
    with pytest.raises(UsageError):
        prompts_for({1: "liver"}, modality, None, template)


def test_a_name_with_braces_is_not_a_placeholder() -> None:
    assert prompts_for({1: "{anatomy}"}, "CT", "abdomen", "A photo of a {name}.") == (
        "A photo of a {anatomy}.",
    )


def test_a_prompt_is_refused_and_never_cut() -> None:
    fits = "word " * 75
    assert require_prompts([fits]) == (fits,)
    for prompt in ("word " * 76, "1" * 76, "", " "):
        with pytest.raises(UsageError):
            require_prompts([prompt])
    with pytest.raises(UsageError):
        prompts_for({1: "word " * 76}, "CT")


@pytest.mark.parametrize(("names", "told"), [({1: "liver", 7: " _"}, "label 7; "), ({0: "none"}, "got none")])
def test_a_label_without_a_name_is_told_with_the_remedy(names: dict[int, str], told: str) -> None:
    with pytest.raises(TaskError, match="name every label in `labels`") as caught:
        prompts_for(names, "CT")
    assert told in str(caught.value)
