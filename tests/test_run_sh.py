"""run.sh as a user meets it, with stand-ins for the Python and the system tools that it calls."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from pairs.process.version import VERSION

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    "run.sh",
    "requirements.txt",
    "requirements-dev.txt",
    "textscf/__init__.py",
    "textscf/overview.py",
    "textscf/verbs.py",
    "pairs/process/version.py",
)
SCRIPTS = (ROOT / "run.sh", ROOT / ".ci" / "run")

# Notes its arguments and the two settings it got; fails for what a test has named in the file `refused`.
# The table of verbs is read by a real one.
_PYTHON = """#!/bin/sh
case "$*" in *textscf.overview*) exec "{real}" "$@" ;; esac
printf '%s|' "$PYTHONPATH" "$PYTHONSAFEPATH" "$@" >>"{log}"; echo >>"{log}"
case "$*" in
  -V) echo "Python 3.11.2" ;;
  "-m venv"*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
esac
while read -r words; do
  case "$*" in *"$words"*) echo "refused: $*" >&2; exit 1 ;; esac
done <"{refused}"
"""


@dataclass(frozen=True)
class Checkout:
    """A copy of run.sh in a folder with a space in its name, and the stand-ins, first on the path."""

    root: Path
    bin: Path
    log: Path
    refused: Path

    def run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the copy, by default from another folder than its own."""
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "PYTHONPATH": "elsewhere"}
        command = [str(self.root / "run.sh"), *arguments]
        return subprocess.run(
            command,
            cwd=folder or self.bin,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def refuse(self, *words: str) -> None:
        """Makes the stand-in Python fail for calls that contain these words."""
        self.refused.write_text("".join(f"{word}\n" for word in words), encoding="utf-8")

    def calls(self, words: str = "") -> list[str]:
        """The calls of Python so far that contain these words."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line for line in lines if words in line]

    def stand_in(self, name: str, script: str) -> None:
        """Puts a shell script on the path."""
        path = self.bin / name
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout without an environment, on a machine without a GPU, for a user who is not root."""
    root = tmp_path / "a checkout"
    root.mkdir()
    for name in COPIED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    copy = Checkout(root, tmp_path / "bin", tmp_path / "log", tmp_path / "refused")
    copy.bin.mkdir()
    copy.refuse()
    copy.stand_in("python3", _PYTHON.format(log=copy.log, refused=copy.refused, real=sys.executable))
    copy.stand_in("nvidia-smi", "#!/bin/sh\nexit 9\n")
    copy.stand_in("id", "#!/bin/sh\necho 1000\n")
    return copy


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_and_can_be_executed(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_no_complaints() -> None:
    subprocess.run(["shellcheck", *map(str, SCRIPTS)], check=True)


@pytest.mark.parametrize("arguments", [(), ("no-such-verb",)])
def test_wrong_use_prints_usage_and_sets_nothing_up(checkout: Checkout, arguments: Sequence[str]) -> None:
    run = checkout.run(*arguments)
    assert run.returncode == 2
    assert run.stdout == ""
    assert "usage: ./run.sh VERB" in run.stderr
    assert checkout.calls() == []
    assert not (checkout.root / ".venv").exists()


def test_unknown_verb_is_named(checkout: Checkout) -> None:
    assert checkout.run("no-such-verb").stderr.splitlines()[-1] == "error: unknown verb: no-such-verb"


def test_help_goes_to_stdout(checkout: Checkout) -> None:
    run = checkout.run("--help")
    assert run.returncode == 0
    assert "demo [FOLDER]" in run.stdout
    assert run.stderr == ""
    assert checkout.calls() == []


def test_the_version_is_told_without_an_environment(checkout: Checkout) -> None:
    run = checkout.run("--version")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"textscf-l2r {VERSION}\n", "")
    assert checkout.calls() == []
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {VERSION}\n" in cited
    assert f"\n## [{VERSION}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["predict", "evaluate", "demo"])
def test_verb_is_handed_on_with_its_arguments(checkout: Checkout, verb: str) -> None:
    run = checkout.run(verb, "a folder", "--option", "*")
    assert run.returncode == 0
    assert run.stdout == ""
    assert checkout.calls()[-1] == f"{checkout.root}|1|-m|textscf|{verb}|a folder|--option|*|"


def test_two_folders_are_handed_on_to_predict(checkout: Checkout) -> None:
    assert checkout.run("./in", "out").returncode == 0
    assert checkout.calls()[-1] == f"{checkout.root}|1|-m|textscf|./in|out|"


def test_exit_code_is_the_verbs(checkout: Checkout) -> None:
    checkout.run("predict")
    checkout.refuse("-m textscf")
    assert checkout.run("predict").returncode == 1


def test_link_to_run_sh_finds_the_checkout(checkout: Checkout) -> None:
    checkout.run("info")
    (checkout.bin / "run-link").symlink_to(checkout.root / "run.sh")
    subprocess.run([checkout.bin / "run-link", "info"], check=True, cwd=checkout.bin)
    assert checkout.calls()[-1] == f"{checkout.root}|1|-m|textscf|info|"


def test_set_up_happens_once(checkout: Checkout) -> None:
    assert "installing requirements.txt" in checkout.run("info").stderr
    first = len(checkout.calls("|pip|"))
    assert checkout.run("info").stderr == ""
    assert len(checkout.calls("|pip|")) == first


def test_two_first_uses_at_once_set_up_once(checkout: Checkout) -> None:
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(checkout.run, ["info", "info"]))
    assert [run.returncode for run in runs] == [0, 0]
    assert len(checkout.calls("|-m|venv|")) == len(checkout.calls("|torch==")) == 1


def test_changed_pins_are_installed_into_the_same_environment(checkout: Checkout) -> None:
    checkout.run("info")
    with (checkout.root / "requirements.txt").open("a") as pins:
        pins.write("# changed\n")
    assert "installing requirements.txt" in checkout.run("info").stderr
    assert len(checkout.calls("|-m|venv|")) == 1


def test_failed_set_up_is_not_taken_for_done(checkout: Checkout) -> None:
    checkout.refuse("--no-deps -r")
    run = checkout.run("info")
    assert run.returncode != 0
    assert checkout.calls("textscf|info") == []
    checkout.refuse()
    assert checkout.run("info").returncode == 0
    assert checkout.calls("textscf|info")


@pytest.mark.parametrize("state", ["closed", "gone", "folder closed"])
def test_an_environment_of_another_user_is_never_deleted(checkout: Checkout, state: str) -> None:
    checkout.run("info")
    python = checkout.root / ".venv" / "bin" / "python"
    precious = checkout.root / ".venv" / "lib"
    precious.touch()
    (checkout.root / ".venv" / "requirements.txt.sha256").unlink()
    if state == "closed":
        python.chmod(0o644)
    elif state == "gone":
        python.unlink()
        python.symlink_to("/of/another/user/python3")
    else:
        # The super-user may write everywhere; the stand-in for a folder of another user is none at all.
        checkout.root.joinpath(".venv").rename(checkout.root / "away")
        checkout.root.joinpath(".venv").write_text("closed")
        precious = checkout.root / "away" / "lib"
    before = len(checkout.calls("|-m|venv|"))
    run = checkout.run("info")
    assert run.returncode == 2
    assert run.stderr.startswith("error: the ")
    assert "by this user: " in run.stderr
    assert run.stderr.count("\n") == 1
    assert precious.exists()
    assert len(checkout.calls("|-m|venv|")) == before


def test_an_environment_that_is_half_made_is_completed(checkout: Checkout) -> None:
    checkout.run("info")
    venv = checkout.root / ".venv"
    (venv / "requirements.txt.sha256").unlink()
    (venv / "bin" / "python").unlink()
    (venv / "lib").touch()
    assert checkout.run("info").returncode == 0
    assert (venv / "lib").exists()
    assert checkout.calls("|-m|venv|")[-1].endswith(f"|-m|venv|{venv}|")


def test_without_gpu_only_the_cpu_build_of_torch_is_installed(checkout: Checkout) -> None:
    checkout.run("info")
    installs = checkout.calls("|torch==")
    assert len(installs) == 1
    assert installs[0].endswith("+cpu|")
    assert "|--no-deps|" in installs[0]


def test_cpu_build_is_looked_for_at_pytorchs_own_index_next(checkout: Checkout) -> None:
    checkout.refuse("--no-deps torch==")
    run = checkout.run("info")
    assert run.returncode == 0
    assert "refused" not in run.stderr
    assert "|--index-url|" in checkout.calls("|torch==")[-1]


def test_missing_cpu_build_stops_the_set_up(checkout: Checkout) -> None:
    checkout.refuse("+cpu")
    assert checkout.run("info").returncode != 0
    assert not any("+cpu" not in call for call in checkout.calls("|torch=="))


def test_with_gpu_torch_comes_with_what_it_needs(checkout: Checkout) -> None:
    checkout.stand_in("nvidia-smi", "#!/bin/sh\n")
    checkout.run("info")
    installs = checkout.calls("|torch==")
    assert len(installs) == 1
    assert "+cpu" not in installs[0]
    assert "--no-deps" not in installs[0]
    assert f"|-c|{checkout.root}/requirements.txt|" in installs[0]


def test_missing_venv_module_names_the_remedy(checkout: Checkout) -> None:
    checkout.refuse("import ensurepip")
    run = checkout.run("info")
    assert run.returncode == 2
    assert "sudo apt-get install -y python3-venv" in run.stderr.splitlines()[-1]


def test_root_gets_the_venv_module_installed(checkout: Checkout) -> None:
    checkout.refuse("import ensurepip")
    checkout.stand_in("id", "#!/bin/sh\necho 0\n")
    checkout.stand_in("apt-get", f'#!/bin/sh\ncase "$*" in install*) : >"{checkout.refused}" ;; esac\n')
    assert checkout.run("info").returncode == 0


def test_old_python_is_refused(checkout: Checkout) -> None:
    checkout.refuse("version_info")
    run = checkout.run("info")
    assert run.returncode == 2
    assert "expected 3.11 or newer, got Python 3.11.2" in run.stderr


def test_test_runs_the_tests_last_and_fails_with_any_check(checkout: Checkout) -> None:
    assert checkout.run("test", "-k", "a b").returncode == 0
    assert [call.split("|")[3] for call in checkout.calls()[-4:]] == ["ruff", "ruff", "mypy", "pytest"]
    assert checkout.calls()[-1].endswith("|-m|pytest|-k|a b|")
    checkout.refuse("-m mypy")
    run = checkout.run("test")
    assert run.returncode == 1
    assert "failed: mypy" in run.stderr
    assert "|pytest|" in checkout.calls()[-1]
