"""The sentences and exit codes of known errors."""

import copy
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairs import errors
from pairs.errors import (
    GridMismatch,
    KnownError,
    OutputError,
    TaskError,
    exit_code_of,
    known_error,
    report_and_exit_code,
)

_KINDS = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, KnownError)]


def test_sentence_has_all_parts_in_order() -> None:
    error = GridMismatch(
        "shape differs", where="a.nii.gz", expected=(4, 4, 4), got=(4, 4, 5), remedy="resample it"
    )
    assert str(error) == "shape differs: a.nii.gz; expected (4, 4, 4), got (4, 4, 5); resample it"


def test_absent_parts_leave_no_trace() -> None:
    assert str(KnownError("no pairs")) == "no pairs"
    assert str(KnownError("no pairs", got=0)) == "no pairs; got 0"
    assert str(KnownError("no pairs", where="x", remedy="add one")) == "no pairs: x; add one"


@given(st.text())
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    sentence = str(KnownError(text, where=text, expected=text, got=text, remedy=text))
    assert sentence.isprintable()


def test_newline_and_colour_in_a_file_name_are_escaped() -> None:
    assert str(KnownError("bad", where="a\n\x1b[31merror: fake")) == r"bad: a\n\x1b[31merror: fake"


def test_no_part_is_longer_than_a_few_lines_and_both_ends_are_kept() -> None:
    path = "/first/" + "x" * 5000 + "/last.nii.gz"
    sentence = str(KnownError("bad", where=path, expected="a" * 5000, got="\x1b" * 5000, remedy="mend it"))
    assert len(sentence) < 1300
    assert sentence.startswith("bad: /first/xxx")
    assert "x/last.nii.gz; expected aaa" in sentence
    assert sentence.endswith("; mend it")
    assert len(str(KnownError("w" * 10**7, remedy="r" * 10**7))) <= 2000


def test_collected_faults_are_bounded_too() -> None:
    error = TaskError.collect("t" * 5000, [f"{number} {'f' * 5000}" for number in range(20)])
    assert len(str(error)) <= 2000
    assert str(error).endswith("and 10 more")
    assert len(error.faults) == 20
    assert max(map(len, error.faults)) <= 400


@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [
        ("UsageError", 2, "usage"),
        ("TaskError", 2, "task"),
        ("NothingToDo", 3, "nothing"),
        ("VolumeError", 1, "volume"),
        ("MissingVolume", 1, "missing"),
        ("CorruptVolume", 1, "corrupt"),
        ("GridMismatch", 1, "grid"),
        ("NonFinite", 1, "nonfinite"),
        ("BadLabels", 1, "labels"),
        ("DisplacementError", 1, "displacement"),
        ("NonFiniteDisplacement", 1, "nonfinite"),
        ("WeightsError", 4, "weights"),
        ("OutputError", 5, "output"),
        ("Stopped", 75, "stopped"),
    ],
)
def test_exit_codes_are_those_promised_to_users(name: str, exit_code: int, code: str) -> None:
    kind = getattr(errors, name)
    assert (kind.exit_code, kind.code) == (exit_code, code)


@pytest.mark.parametrize("kind", _KINDS)
def test_every_error_survives_a_process_boundary(kind: type[KnownError]) -> None:
    error = kind("what\n", where="w", expected=1, got=2, remedy="r")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(copy.copy(error)) == str(error)
    assert type(pickle.loads(pickle.dumps(error))) is kind


def test_collected_faults_are_numbered_on_one_line() -> None:
    error = TaskError.collect("task.json", ["no name", "pair 3\nis itself"])
    assert str(error) == r"2 faults in task.json: 1) no name 2) pair 3\nis itself"
    assert error.faults == ("no name", r"pair 3\nis itself")
    assert pickle.loads(pickle.dumps(error)).faults == error.faults


def test_one_collected_fault_is_singular_and_none_is_a_mistake_of_the_caller() -> None:
    assert str(TaskError.collect("t", ["no name"])) == "1 fault in t: 1) no name"
    with pytest.raises(ValueError, match="at least one"):
        TaskError.collect("t", [])


def test_a_plain_task_error_is_its_own_only_fault() -> None:
    assert TaskError("no name", where="t").faults == ("no name: t",)


def test_report_goes_to_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_and_exit_code(OutputError("cannot write", where="/x")) == 5
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: cannot write: /x\n"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PermissionError(13, "Permission denied", "/data/closed"), 2, "/data/closed; got Permission denied"),
        (OSError(36, "File name too long", "x" * 300), 2, "got File name too long"),
        (FileNotFoundError(2, "No such file or directory", "/gone"), 2, "/gone"),
        (OSError(28, "No space left on device"), 5, "cannot write; got No space left on device"),
        (OSError(122, "Disk quota exceeded", "/home/a"), 5, "cannot write: /home/a; got Disk quota exceeded"),
        (OSError(30, "Read-only file system", "/ro/a"), 5, "cannot write: /ro/a; got Read-only file system"),
        (MemoryError(), 1, "too little memory; give more"),
        (RuntimeError("can't start new thread"), 1, "too little memory; got can't start new thread"),
        (ImportError("libtorch.so: failed to map segment from shared object"), 1, "too little memory"),
        (KeyboardInterrupt(), 75, "stopped by a signal"),
    ],
)
def test_surroundings_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    def command() -> int:
        raise error

    assert exit_code_of(command) == code
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("error: ")
    assert words in written.err
    assert written.err.count("\n") == 1


def test_faults_of_the_program_keep_their_traceback() -> None:
    def command() -> int:
        raise RuntimeError("shapes differ")

    assert known_error(RuntimeError("shapes differ")) is None
    with pytest.raises(RuntimeError, match="shapes differ"):
        exit_code_of(command)
