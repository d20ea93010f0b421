"""Every table from its first training to its files, on the tiny task with a step a training."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from pairs.errors import Stopped
from pairs.tasks.task import read_task
from pipeline.config import SegmentorConfig, TaskConfig
from studies import trial
from studies.budget import Budget, seconds_per_step
from studies.command import TABLES
from studies.ownsegmentor import own_segmentor
from studies.process import NoFigure

__all__: list[str] = []

pytestmark = pytest.mark.slow

Reproduce = Callable[..., int]
Commands = list[tuple[str, ...]]
PNG = b"\x89PNG"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def trainings(commands: Commands, network: str = "registration") -> int:
    return sum(words[1:3] == ("train", network) for words in commands)


@pytest.mark.parametrize(
    ("name", "more", "trained"),
    [
        ("table1", (), 2),
        ("table2", ("--only", "LKU-Net", "VoxelMorph"), 2),
        ("table3", ("--only", "LKU-Net", "LKU-Net + filters", "LapIRN disp"), 3),
        ("table5", (), 4),
        ("fig3", (), 2),
        ("fig4", ("--only", "LKU-Net, Ns 4", "LKU-Net + filters, Ns 4"), 2),
        ("fig5", ("--only", "C_Phi 64"), 1),
        ("fig6", (), 2),
        ("fig8", ("--only", "LKU-Net, lambda 0.1", "LKU-Net, lambda 1", "LKU-Net, lambda 3"), 3),
    ],
)
def test_a_table_is_trained_scored_and_written(
    name: str, more: tuple[str, ...], trained: int, reproduce: Reproduce, commands: Commands, tmp_path: Path
) -> None:
    assert reproduce(name, *more) == 0
    assert trainings(commands) == trained
    out = tmp_path / "out"
    rows = rows_of(out / f"{name}.csv")
    assert sum(row["seeds"] == "1" for row in rows) == trained
    assert all(0 <= float(row["Dice [%]"]) <= 100 for row in rows if row["seeds"] == "1")
    assert len(rows_of(out / f"{name}-pairs.csv")) == 3 * trained
    text = (out / f"{name}.md").read_text(encoding="utf-8")
    assert "## The same as in the paper, and not" in text
    pictures = list(out.glob(f"{name}*.png"))
    assert pictures
    assert all(picture.read_bytes().startswith(PNG) and picture.name in text for picture in pictures)
    assert not list((out / "runs").glob("*.fields"))


def test_subjects_of_another_task_join(
    reproduce: Reproduce, commands: Commands, other_task: Path, tmp_path: Path
) -> None:
    assert reproduce("table4", "--aux-task", other_task) == 0
    joined = [words for words in commands if words[1] == "train" and "--aux-task" in words]
    assert [("background" in words) for words in joined] == [True, False]
    assert len(rows_of(tmp_path / "out" / "table4.csv")) == 4


def test_tables_share_trainings_and_a_second_call_trains_nothing(
    reproduce: Reproduce, commands: Commands
) -> None:
    assert reproduce("fig3") == 0
    assert reproduce("table3", "--only", "LKU-Net", "LKU-Net + filters") == 0
    assert trainings(commands) == 2
    done = len(commands)
    assert reproduce("fig3") == 0
    assert len(commands) == done


def test_another_seed_or_length_is_another_training(reproduce: Reproduce, commands: Commands) -> None:
    assert reproduce("fig5", "--only", "C_Phi 64") == 0
    assert reproduce("fig5", "--only", "C_Phi 64", "--seeds", "2") == 0
    assert trainings(commands) == 2
    assert reproduce("fig5", "--only", "C_Phi 64", "--budget", "2steps") == 0
    assert trainings(commands) == 3


def test_a_stopped_table_goes_on_where_it_was(
    reproduce: Reproduce, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trial.run_module

    def stopped_at_the_second(*arguments: str | Path, log: Path | None = None) -> object:
        if arguments[1] == "train" and trainings(commands) == 1:
            raise Stopped("stopped by a signal")
        return run(*arguments, log=log)

    with monkeypatch.context() as during:
        during.setattr(trial, "run_module", stopped_at_the_second)
        assert reproduce("fig3") == Stopped.exit_code
    assert trainings(commands) == 1
    assert reproduce("fig3") == 0
    assert trainings(commands) == 2


def test_two_commands_at_once_do_the_work_once(
    reproduce: Reproduce, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second asks for the row while the first one trains it."""
    run, second = trial.run_module, []

    def meanwhile(*arguments: str | Path, log: Path | None = None) -> object:
        if arguments[1] == "train" and not second:
            second.append(Thread(target=reproduce, args=("fig5", "--only", "C_Phi 64")))
            second[0].start()
            second[0].join(1)
            assert second[0].is_alive()
        return run(*arguments, log=log)

    monkeypatch.setattr(trial, "run_module", meanwhile)
    assert reproduce("fig5", "--only", "C_Phi 64") == 0
    second[0].join()
    assert trainings(commands) == 1
    assert sum(words[1] == "evaluate" for words in commands) == 1


def test_minutes_are_shared_by_the_trainings(
    reproduce: Reproduce, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(trial, "seconds_per_step", lambda *_: 15.0)
    assert reproduce("fig3", "--budget", "1minutes") == 0
    written = (tmp_path / "out" / "runs").glob("*.config.json")
    steps = [json.loads(path.read_text())["registration_training"]["steps"] for path in written]
    assert steps == [2, 2]


def test_the_pace_of_a_training_is_measured_once(
    tiny_task: Path, tiny_config: TaskConfig, commands: Commands, tmp_path: Path
) -> None:
    arguments = ("--task", tiny_task, "--device", "cpu")
    folder = tmp_path / "paces"
    first, again = (seconds_per_step("segmentor", tiny_config, arguments, folder) for _ in range(2))
    assert 0 < first == again
    assert len(commands) == 1
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_a_row_that_fails_leaves_the_others_and_exit_code_1(
    reproduce: Reproduce, commands: Commands, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a file for the vectors of row 7 there is no such row; with a bad one the row fails alone."""
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"not an archive")
    assert reproduce("table1", "--vectors", bad) == 1
    rows = {row[""]: row["seeds"] for row in rows_of(tmp_path / "out" / "table1.csv")}
    assert rows["#1 one-hot"] == "1"
    assert rows["#7 another text model, SVD"] == "0"
    assert rows["#6 the modality's sentence, SVD"] == "not run"
    assert "Traceback" not in capsys.readouterr().err


def test_a_training_that_fails_leaves_the_others_and_exit_code_1(
    reproduce: Reproduce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trial.run_module

    def failing(*arguments: str | Path, log: Path | None = None) -> object:
        if "train" in arguments and "lku-net-plain" in str(log):
            raise NoFigure("command failed")
        return run(*arguments, log=log)

    monkeypatch.setattr(trial, "run_module", failing)
    assert reproduce("fig3") == 1
    rows = rows_of(tmp_path / "out" / "fig3.csv")
    assert {row[""]: row["seeds"] for row in rows if row["seeds"]} == {
        "LKU-Net": "0",
        "LKU-Net + filters": "1",
    }


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--budget", "1000"), "1000steps or 90minutes"),
        (("--budget", "0steps"), "1000steps or 90minutes"),
        (("--seeds", "0"), "1 or more"),
        (("--only", "no such row"), "'LKU-Net + filters'"),
        (("--segmentor", "absent.safetensors"), "no such file"),
        (("--embedder", "word2vec"), "one-hot"),
        (("--weaker", "a.safetensors", "b.safetensors"), "no such file"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_trained(
    more: tuple[str, ...],
    told: str,
    reproduce: Reproduce,
    commands: Commands,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert reproduce("fig3", *more) != 0
    assert told in capsys.readouterr().err
    assert trainings(commands) == 0


def test_table4_asks_for_another_task(reproduce: Reproduce, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce("table4") == 2
    assert "--aux-task" in capsys.readouterr().err


def test_every_table_of_the_paper_has_its_command() -> None:
    assert {f"table{n}" for n in range(1, 6)} | {f"fig{n}" for n in range(3, 9)} <= set(TABLES)


def test_a_segmentor_of_other_data_settings_or_program_is_trained_anew(
    tiny_task: Path,
    tiny_config: TaskConfig,
    tmp_path: Path,
    commands: Commands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def trained(config: TaskConfig = tiny_config) -> Path:
        arguments = ("--task", tiny_task)
        return own_segmentor(read_task(tiny_task), config, arguments, "cpu", tmp_path, Budget(1, "steps"))

    seen = [trained()]
    assert trained() == seen[0]
    assert trainings(commands, "segmentor") == 1
    label = tiny_task / "labelsTr" / "TinyMR_0002_0000.nii.gz"
    shutil.copy(tiny_task / "labelsTr" / "TinyMR_0003_0000.nii.gz", label)
    seen.append(trained())
    seen.append(trained(tiny_config.model_copy(update={"segmentor": SegmentorConfig(channels=(2, 4))})))
    monkeypatch.setattr("studies.ownsegmentor.program_version", lambda: "another")
    seen.append(trained())
    assert len(set(seen)) == 4
    assert all(path.is_file() for path in seen)
