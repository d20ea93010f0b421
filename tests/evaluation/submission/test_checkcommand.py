"""`check` as it is typed: lines, exit codes, the next step."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from evaluation.submission.checkcommand import add_arguments, run
from pairs.errors import NothingToDo, UsageError

FIRST = "disp_0001_0101.npz"


def call(*arguments: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([*map(str, arguments)]))


def lines(capsys: pytest.CaptureFixture[str]) -> Sequence[str]:
    return capsys.readouterr().out.splitlines()


def test_right_fields(known: "Known", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    assert call("--task", known.task.root, "--fields", fields) == 0
    assert lines(capsys) == [
        "0 errors, 0 warnings in 3 fields",
        "3 pairs, profile l2r2021 (the one that most fields fit best)",
        "next: run submit; a host accepts these fields",
    ]


def test_a_fault_and_its_repair(known: "Known", tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    (fields / FIRST).rename(fields / "disp_1_101.npz")
    arguments = ("--task", known.task.root, "--fields", fields, "--profile", "l2r2021")
    assert call(*arguments) == 1
    told = lines(capsys)
    assert told[0].startswith("error: disp_1_101.npz: [name] misnamed for pair 0001_0000<--0101_0000")
    assert told[-1] == "next: check --fix OUT repairs 1 of 1 error in a copy"
    assert call(*arguments, "--fix", tmp_path / "out") == 0
    told = lines(capsys)
    assert f"repaired: disp_1_101.npz -> {FIRST} (name)" in told
    assert told[-3:-1] == ["0 errors, 0 warnings in 3 fields", "3 pairs, profile l2r2021 (as given)"]
    # Who named no profile did not ask for that of the copy.
    call(*arguments[:4], "--fix", tmp_path / "again")
    assert "as given" not in capsys.readouterr().out
    assert call("--task", known.task.root, "--fields", tmp_path / "out") == 0


def test_fields_that_no_edition_takes_are_an_error_and_can_be_converted(
    make_known: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = make_known(name="HippocampusMR", pairs=2)
    fields = own.write(tmp_path / "fields", "l2r2021")
    arguments = ("--task", own.task.root, "--fields", fields)
    assert call(*arguments) == 1
    told = lines(capsys)
    assert told[0].startswith("error: [edition] no edition of HippocampusMR reads profile l2r2021")
    assert "predict --profile l2r2022" in told[-1]
    assert call(*arguments, "--profile", "l2r2022", "--fix", tmp_path / "out") == 0
    assert call("--task", own.task.root, "--fields", tmp_path / "out") == 0


def test_what_repair_cannot_do_is_said(
    known: "Known", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021", lambda u: -u)
    (fields / FIRST).unlink()
    assert call("--task", known.task.root, "--fields", fields, "--fix", tmp_path / "out") == 1
    step = lines(capsys)[-1]
    assert "register 1 missing pair" in step
    np.savez(fields / FIRST, np.full((3, 8, 6, 10), np.nan, np.float16))
    (fields / "disp_0002_0102.npz").unlink()
    (fields / "disp_0003_0103.npz").unlink()
    assert call("--task", known.task.root, "--fields", fields) == 1


def test_faults_of_the_call_are_known_errors(known: "Known", tmp_path: Path) -> None:
    with pytest.raises(UsageError) as usage:
        call("--task", known.task.root, "--fields", tmp_path / "absent")
    assert usage.value.exit_code == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingToDo) as nothing:
        call("--task", known.task.root, "--fields", tmp_path / "empty")
    assert nothing.value.exit_code == 3


def test_a_part_of_the_pairs_is_not_for_upload(
    known: "Known", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    listed = tmp_path / "two.csv"
    listed.write_text("fixed,moving\n1,101\n2,102\n")
    assert call("--task", known.task.root, "--fields", fields, "--pairs", listed) == 0
    told = lines(capsys)
    # The field of the pair that is left out is not reported, and need not be removed.
    assert told[1] == "0 errors, 1 warning in 2 fields"
    warned = "warning: [subset] the pair list has only some of the task's pairs; "
    assert f"{warned}expected all 3 pairs, got 2" in told[0]
    assert told[-1] == "next: leave out --pairs: a host needs all pairs of the task, not 2 of them"
    # Another list, such as the hidden one of an organiser, or the same one: nothing to warn of.
    for rows in ("1,103\n2,102\n", "1,101\n2,102\n3,103\n"):
        listed.write_text(f"fixed,moving\n{rows}")
        call("--task", known.task.root, "--fields", fields, "--pairs", listed)
        assert "[subset]" not in capsys.readouterr().out


def test_labels_that_may_not_be_read_are_told_once_and_the_check_goes_on(
    known: "Known", tmp_path: Path, close_folder: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    close_folder(known.task.root / "labelsTr")
    assert call("--task", known.task.root, "--fields", fields) == 0
    told = lines(capsys)
    assert told[0].startswith("warning: [evidence] label maps or images cannot be read; got for example: ")
    assert "got Permission denied" in told[0]
    assert told[1] == "0 errors, 1 warning in 3 fields"


def test_one_pair_is_in_the_singular(
    make_known: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = make_known(pairs=1)
    fields = own.write(tmp_path / "fields", "l2r2021")
    call("--task", own.task.root, "--fields", fields)
    assert lines(capsys)[-3].endswith(" in 1 field")
    (fields / FIRST).rename(fields / "notes.txt")
    call("--task", own.task.root, "--fields", fields)
    told = lines(capsys)
    assert told[-3].endswith(" in a folder without a field of these pairs")
    assert told[-2].startswith("1 pair, profile")
