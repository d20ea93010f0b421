"""`train --processes N`: what several processes write, and what is left when they are ended."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from pairs.errors import UsageError
from pipeline.config import RegistrationConfig, TaskConfig
from pipeline.network.model import build_for_training
from pipeline.train import command, footprint, launch
from pipeline.train.footprint import require_memory
from pipeline.train.launch import require_processes
from pipeline.weights.bundle import read_bundle

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[3]
CPU, GPU = torch.device("cpu"), torch.device("cuda")

Train = Callable[..., int]


def losses(out: Path) -> list[float]:
    lines = out.with_suffix(".metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, len(lines) + 1))
    return [sum(json.loads(line)["losses"].values()) for line in lines]


@pytest.fixture
def everystep(config: Path, tiny_config: TaskConfig) -> Path:
    """The configuration with a line in the log for every step, of four items; nothing is held out."""
    document = tiny_config.model_dump(mode="json")
    for section in ("segmentor_training", "registration_training"):
        document[section] |= {"validate_every": 1, "batch": 4, "held_out": 0}
    config.write_text(json.dumps(document))
    return config


@pytest.mark.slow
@pytest.mark.parametrize("network", ["segmentor", "registration"])
def test_two_processes_train_as_one_does(
    train: Train, everystep: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], network: str
) -> None:
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    assert train(network, one) == 0
    capfd.readouterr()
    assert train(network, two, "--processes", 2) == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert [line.split(":")[0] for line in said.out.splitlines()[-5:-1]] == [f"step {n}" for n in range(1, 5)]
    assert said.out.endswith(f"wrote {two}\n")
    assert losses(two) == pytest.approx(losses(one), rel=1e-5)
    assert not two.with_suffix(".checkpoint.safetensors").exists()
    found, expected = getattr(read_bundle(two), network), getattr(read_bundle(one), network)
    assert all(torch.allclose(found[name], value, atol=1e-3) for name, value in expected.items())


@contextmanager
def begun(tiny_task: Path, config: Path, out: Path) -> Iterator[subprocess.Popen]:
    """A training of two processes that has taken its third step."""
    words = ["train", "segmentor", "--task", tiny_task, "--config", config, "--device", "cpu", "--out", out]
    arguments = [*map(str, words), "--steps", "30", "--processes", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "textscf", *arguments], cwd=ROOT, env=environment, text=True, **pipes
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("step 3:"):
                break
        yield process


def ranks_of(process: subprocess.Popen) -> list[int]:
    """Process ids of the ranks, the leader's first."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ranks = [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
    assert len(ranks) == 2
    return ranks


def is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "sentence"), [(1, "process 2 of 2 ended by SIGKILL"), (None, "run the same")]
)
@pytest.mark.parametrize("processes", [1, 4])
def test_as_many_processes_or_one_go_on_from_the_checkpoint(
    train: Train,
    tiny_task: Path,
    everystep: Path,
    tmp_path: Path,
    victim: int | None,
    sentence: str,
    processes: int,
) -> None:
    """They see the same data, and add up the same numbers in another order."""
    out, unbroken = tmp_path / "a.safetensors", tmp_path / "unbroken.safetensors"
    with begun(tiny_task, everystep, out) as process:
        ranks = ranks_of(process)
        if victim is None:
            process.terminate()
        else:
            os.kill(ranks[victim], signal.SIGKILL)
        _, error = process.communicate(timeout=120)
    assert process.returncode == 75
    assert error.startswith("error: training stopped: ")
    assert sentence in error
    assert error.count("\n") == 1
    assert not any(map(is_running, ranks))
    assert out.with_suffix(".checkpoint.safetensors").is_file()
    assert not out.exists()
    assert train("segmentor", out, "--steps", 30, "--processes", processes) == 0
    assert train("segmentor", unbroken, "--steps", 30) == 0
    assert losses(out) == pytest.approx(losses(unbroken), rel=1e-3)


@pytest.mark.slow
def test_a_killed_leader_ends_the_others(tiny_task: Path, everystep: Path, tmp_path: Path) -> None:
    with begun(tiny_task, everystep, tmp_path / "a.safetensors") as process:
        ranks = ranks_of(process)
        os.kill(ranks[0], signal.SIGKILL)
        _, error = process.communicate(timeout=120)
    assert process.returncode == 75
    assert (
        error
        == "error: training stopped; got process 1 of 2 ended by SIGKILL; run the same command to go on\n"
    )
    assert not any(map(is_running, ranks))


@pytest.mark.slow
def test_none_outlives_the_first_process(tiny_task: Path, everystep: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"
    with begun(tiny_task, everystep, out) as process:
        ranks = ranks_of(process)
        process.kill()
    end = time.monotonic() + 60
    while any(map(is_running, ranks)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(is_running, ranks))
    assert out.with_suffix(".checkpoint.safetensors").is_file()


@pytest.mark.slow
def test_what_is_wrong_with_the_data_is_said_once(
    train: Train, everystep: Path, tiny_task: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tiny_task / "imagesTr" / "TinyMR_0002_0000.nii.gz").write_bytes(b"")
    out = tmp_path / "a.safetensors"
    assert train("segmentor", out, "--processes", 2) == 1
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "subject 0002_0000 is left out" in lines[0]
    assert "the exit code is 1" in lines[1]
    assert out.is_file()
    # What each of them would find for itself.
    assert train("registration", tmp_path / "b.safetensors", "--embedding", out, "--processes", 2) == 4
    assert capfd.readouterr().err.count("\n") == 1
    shutil.rmtree(tiny_task / "labelsTr")
    assert train("segmentor", tmp_path / "c.safetensors", "--processes", 2) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("warning: ")]
    assert len(errors) == 1
    assert "too few training subjects can be used" in errors[0]


@pytest.mark.parametrize("count", [0, -1, 3, 8])
def test_a_number_that_cannot_share_the_batch_is_refused(
    train: Train, everystep: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    for network in ("segmentor", "registration"):
        assert train(network, tmp_path / "a.safetensors", "--processes", count) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"--processes {count}; expected {'at least 1' if count < 1 else 'a divisor'}" in line


def test_the_batch_of_the_command_line_is_what_is_shared(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = []
    monkeypatch.setattr(command, "launch", lambda count, *_: launched.append(count) or 0)
    assert train("segmentor", tmp_path / "a.safetensors", "--processes", 3) == 2
    assert train("segmentor", tmp_path / "a.safetensors", "--processes", 3, "--batch", 3) == 0
    assert train("segmentor", tmp_path / "a.safetensors", "--batch", 3) == 0
    assert launched == [3]


def test_processes_share_the_memory_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    network = RegistrationConfig(start_channels=2, head="plain")
    weights = sum(one.numel() for one in build_for_training(network, None).parameters())
    # Each weight, its gradient and three moments, of four bytes, twice.
    monkeypatch.setattr(footprint, "memory_of", lambda _: 2 * 20 * weights)
    require_memory(network, None, CPU, 2)
    require_memory(network, None, GPU, 3)
    with pytest.raises(UsageError, match="too large to be trained here"):
        require_memory(network, None, CPU, 3)


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    require_processes(2, 8, GPU)
    with pytest.raises(UsageError, match=r"more processes than GPUs: --processes 4; expected at most 2"):
        require_processes(4, 8, GPU)
    require_processes(4, 8, CPU)


def test_more_processes_than_cores_are_warned_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(launch, "available_cores", lambda: 2)
    require_processes(2, 8, CPU)
    assert not caplog.records
    require_processes(4, 8, CPU)
    assert [record.getMessage() for record in caplog.records] == ["4 processes share 2 cores"]


def test_processes_that_end_while_they_are_looked_at_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """They run when first looked at, and have ended when their sentinels are gathered."""

    class Ending:
        sentinel = 0
        looks = 0

        @property
        def exitcode(self) -> int | None:
            self.looks += 1
            return None if self.looks == 1 else 0

    waited: list[list[int]] = []
    monkeypatch.setattr(launch, "wait", waited.append)
    members = [launch._Member(Ending(), None) for _ in range(2)]
    assert launch._first_failed(members) is None
    assert waited == [[0, 0]]
