"""A program's process: standard streams that fail, its threads, its user, its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[3]

# Prints much, does its work after it, and ends with the code that it is given.
PRINTING = """
import logging, sys
from pathlib import Path
from pairs.process.program import run_program

def main():
    logging.basicConfig(stream=sys.stdout, level="INFO")
    for number in range(2_000):
        print("line", number)
        logging.info("another line")
        print("trouble", file=sys.stderr)
    Path(sys.argv[1]).write_text("done")
    return int(sys.argv[2])

run_program(main)
"""


def shell(
    redirection: str, code: int, done: Path, script: str = PRINTING
) -> subprocess.CompletedProcess[str]:
    """Runs the script with its streams redirected by a shell; its exit code is the last line of stdout."""
    command = f'{{ "$0" -c "$1" "$2" {code}; echo "code $?" >&3; }} {redirection}'
    return subprocess.run(
        ["bash", "-c", f"{{ {command}; }} 3>&1 1>/dev/null", sys.executable, script, str(done)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("code", [0, 1])
@pytest.mark.parametrize(
    "redirection",
    [
        "2>/dev/null | head -1 >/dev/null",
        "2>&1 | true",
        ">&- 2>&-",
        "<&- >&- 2>&-",
        ">&- 2>/dev/null",
        "2>&- >/dev/null",
        "2>/dev/full",
    ],
)
def test_work_is_done_and_the_code_is_its_own(tmp_path: Path, redirection: str, code: int) -> None:
    done = tmp_path / "done"
    run = shell(redirection, code, done)
    assert (run.stdout, run.stderr) == (f"code {code}\n", "")
    assert done.read_text(encoding="utf-8") == "done"


@pytest.mark.parametrize(("code", "told"), [(0, 5), (1, 1)])
def test_output_lost_on_a_full_disk_is_told_in_one_line(tmp_path: Path, code: int, told: int) -> None:
    done = tmp_path / "done"
    quiet = PRINTING.replace('        print("trouble", file=sys.stderr)\n', "")
    run = shell(">/dev/full", code, done, quiet)
    assert run.stdout == f"code {told}\n"
    assert run.stderr.startswith("error: what was printed is lost: standard output; got No space left")
    assert run.stderr.count("\n") == 1
    assert done.exists()


def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    script = PRINTING.replace(
        "    for number", "    stream = open(sys.argv[1] + '.other', 'w')\n    for number"
    )
    run = shell(">&- 2>&-", 0, tmp_path / "done", script)
    assert run.stdout == "code 0\n"
    assert (tmp_path / "done.other").read_bytes() == b""


def test_what_writes_past_python_to_a_broken_stream_is_silenced_too(tmp_path: Path) -> None:
    script = PRINTING.replace("    Path(", "    import os\n    os.write(1, b'from a library')\n    Path(")
    run = shell("2>/dev/null | true", 0, tmp_path / "done", script)
    assert run.stdout == "code 0\n"
    assert (tmp_path / "done").is_file()


def test_letters_that_the_terminal_lacks_are_escaped(tmp_path: Path) -> None:
    script = "from pairs.process.program import run_program\nrun_program(lambda: print('\\u00e9') or 0)"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, b"\\xe9\n", b"")


@pytest.mark.parametrize(("end", "code"), [("", 0), ("0", 0), ("2", 2), ("'no such thing'", 1)])
def test_the_code_of_a_library_that_ends_the_program(end: str, code: int) -> None:
    script = (
        f"import sys\nfrom pairs.process.program import run_program\nrun_program(lambda: sys.exit({end}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (code, "no such thing\n" if code == 1 else "")


def test_a_child_inherits_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    child = "import os, sys; os.fstat(1); open(sys.argv[1], 'w').close()"
    script = (
        "import subprocess, sys\nfrom pairs.process.program import run_program\n"
        f"run_program(lambda: subprocess.run([sys.executable, '-c', {child!r}, sys.argv[1]]).returncode)"
    )
    done = tmp_path / "done"
    run = shell("<&- >&- 2>/dev/null", 0, done, script)
    assert run.stdout == "code 0\n"
    assert done.exists()


def settings(**environment: str) -> str:
    """User and threads of a program whose environment holds nothing else, as NumPy would find them."""
    script = (
        "import getpass, os, pwd\nfrom pairs.process.program import run_program\n"
        "def none(number): raise KeyError(number)\npwd.getpwuid = none\n"
        "run_program(lambda: print(getpass.getuser(), os.environ['OMP_NUM_THREADS']) or 0)"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env={"PYTHONPATH": str(ROOT), **environment}, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_user_without_a_name_gets_one() -> None:
    assert settings(OMP_NUM_THREADS="3") == "nobody 3"
    assert settings(OMP_NUM_THREADS="3", LOGNAME="ada") == "ada 3"


def test_threads_are_set_before_the_first_verb() -> None:
    cores = len(os.sched_getaffinity(0))
    assert 1 <= int(settings().split()[1]) <= cores


def test_no_numerical_library_is_loaded_before_the_number_of_threads_is_set() -> None:
    script = (
        "import sys, textscf.__main__\nprint([name for name in ('numpy', 'torch') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"
