"""The profile that a run takes unasked, and what it says of one that was asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.predict.report import RunReport
from textscf.program import main

__all__: list[str] = []

Unasked = Callable[..., int]
ReportOf = Callable[[Path], RunReport]


@pytest.fixture
def unasked(tiny_task: Path, output: Path, weights: Path) -> Unasked:
    """`predict` of the tiny task under another name; returns the exit code."""

    def run(name: str, *arguments: str) -> int:
        path = tiny_task / "TinyMR_dataset.json"
        document = json.loads(path.read_text(encoding="utf-8")) | {"name": name}
        path.write_text(json.dumps(document), encoding="utf-8")
        words = ["predict", tiny_task, output, "--weights", weights, "--device", "cpu", *arguments]
        return main([str(word) for word in words])

    return run


@pytest.mark.parametrize(
    ("name", "profile", "why"),
    [
        ("HippocampusMR", "l2r2022", "the HippocampusMR of 2022 on asks for it"),
        ("PSMAReg", "psmareg2026", "the PSMAReg of 2026 asks for it"),
        ("LUMIR", "lumir2024", "the LUMIR of 2024 on asks for it"),
        ("TinyMR", "l2r2022", "TinyMR is no task of the challenge"),
    ],
)
def test_a_run_takes_what_the_task_asks_for_and_says_why(
    unasked: Unasked,
    output: Path,
    report_of: ReportOf,
    caplog: pytest.LogCaptureFixture,
    name: str,
    profile: str,
    why: str,
) -> None:
    assert unasked(name) == 0
    report = report_of(output)
    assert report.profile == profile
    assert report.profile_reason.startswith(why)
    assert f"profile {profile} ({why}" in caplog.text
    assert not any("no edition of" in warning for warning in report.warnings)


def test_a_profile_that_no_edition_takes_is_written_with_a_warning(
    unasked: Unasked, output: Path, report_of: ReportOf, caplog: pytest.LogCaptureFixture
) -> None:
    assert unasked("HippocampusMR", "--profile", "l2r2021") == 0
    report = report_of(output)
    assert (report.profile, report.profile_reason) == ("l2r2021", "asked for with --profile")
    sentence = (
        "no edition of HippocampusMR reads profile l2r2021; its hosts read l2r2020-full (2020) or"
        " l2r2022 (2022 on)"
    )
    assert sentence in report.warnings
    assert sentence in [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
