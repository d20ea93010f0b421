"""The command line: verbs, their short form, and bad arguments in one line."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.config import TaskConfig
from pipeline.weights.bundle import Bundle, write_bundle
from textscf.program import main
from textscf.verbs import VERBS, Verb

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]


def in_a_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "textscf", *arguments]
    return subprocess.run(
        command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no verb"),
        (["predict"], "input, output"),
        (["predict", "in"], "output"),
        (["predcit", "in", "out"], "unknown verb: predcit"),
        (["/in"], "output"),
        (["/in", "out", "--profile", "l2r1999"], "l2r1999"),
        (["/in", "out", "--wieghts", "w"], "--wieghts"),
        (["--profile", "l2r2022", "in"], "output"),
        (["/in\n\x1b[31m", "out", "more"], "more"),
        (["evaluate", "--task", "in"], "--fields"),
        (["bench", "no-such"], "no-such"),
        (["docker", "build"], "run.sh"),
        (["info", "a", "b"], "b"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("error: ")
    assert words in written.err
    assert "--help" in written.err
    assert written.err.count("\n") == 1


HERE = [verb for verb in VERBS if verb.module is not None]


@pytest.mark.parametrize("verb", HERE, ids=lambda verb: verb.name)
def test_each_verb_shows_its_arguments_and_an_example(verb: Verb, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb.name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert f"usage: ./run.sh {verb.name}" in shown
    assert f"./run.sh {verb.example}" in " ".join(shown.split())


def test_help_lists_the_verbs() -> None:
    """Without importing one of them: help comes at once."""
    run = in_a_process("--help")
    assert (run.returncode, run.stderr) == (0, "")
    assert all(f"  {verb.name} " in run.stdout for verb in VERBS)


@pytest.mark.slow
def test_known_errors_end_a_process_with_their_code_and_one_line(tmp_path: Path) -> None:
    run = in_a_process(str(tmp_path / "nowhere"), str(tmp_path / "out"), "--device", "cpu")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: task folder or file is missing")
    assert run.stderr.count("\n") == 1


TASK, CONFIG, WEIGHTS, ABSENT = "a task", "a configuration", "a bundle", "an absent file"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["predict", TASK, "out", "--weights", WEIGHTS, "--device", "cpu"], 0),
        (["train", "segmentor", "--task", TASK, "--config", CONFIG, "--steps", "1", "--device", "cpu"], 0),
        (["embed", "--task", TASK, "--embedder", "one-hot"], 0),
        # What is read after the task is missing.
        (["convert", "--segmentor", ABSENT, "--size", "tiny", "--task", TASK], 4),
        (["template", "--task", TASK, "--weights", ABSENT], 4),
    ],
)
def test_every_verb_that_reads_a_task_can_follow_links(
    tiny_task: Path,
    tiny_config: TaskConfig,
    tiny_bundle: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: Sequence[str],
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    linked = tmp_path / "linked"
    linked.mkdir()
    shutil.copy(tiny_task / "TinyMR_dataset.json", linked)
    for folder in ("imagesTr", "labelsTr"):
        (linked / folder).symlink_to(tiny_task / folder)
    Path("config.json").write_text(tiny_config.model_dump_json(), encoding="utf-8")
    write_bundle(Path("weights.safetensors"), tiny_bundle)
    files = {TASK: str(linked), CONFIG: "config.json", WEIGHTS: "weights.safetensors", ABSENT: "absent.pt"}
    command = [files.get(word, word) for word in words]
    command += [] if words[0] == "predict" else ["--out", "new.safetensors"]
    assert main(command) == 2
    assert "symlink leaves the task folder" in capsys.readouterr().err
    assert main([*command, "--follow-links"]) == code
    assert "symlink" not in capsys.readouterr().err
