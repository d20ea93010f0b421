"""The commands around the image: `run.sh docker ...` and docker/engine.sh."""

import gzip
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]


def call(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command of the checkout as from a shell."""
    command = [str(ROOT / arguments[0]), *map(str, arguments[1:])]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_an_engine_that_is_there_is_left_alone(engine: docker.DockerClient) -> None:
    started = call("docker/engine.sh", "start")
    assert (started.returncode, started.stdout) == (0, "")
    assert "left alone" in started.stderr
    ran = call("docker/engine.sh", "run", "sh", "-c", "echo ran; exit 3")
    assert (ran.returncode, ran.stdout) == (3, "ran\n")
    assert engine.ping()


def test_stop_without_an_engine_of_its_own_does_nothing(tmp_path: Path) -> None:
    done = call("docker/engine.sh", "stop", TMPDIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "no engine of this script runs" in done.stderr


def test_smoke_draws_registers_and_scores(image: str, tmp_path: Path) -> None:
    done = call("run.sh", "docker", "--image", image, "smoke", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    assert f"{image} works" in done.stderr
    fields = list((tmp_path / "kept" / "fields").glob("disp_*"))
    assert len(fields) == 6
    assert {path.stat().st_uid for path in fields} == {os.getuid()}
    assert re.search(r"6 pairs, fields in profile l2r2022, evaluator 2\.0", done.stdout)


def test_predict_and_evaluate_with_paths_of_this_machine(image: str, demo_task: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "lists" / "one.csv"
    pairs.parent.mkdir()
    pairs.write_text("fixed,moving\n9001,9002\n", encoding="utf-8")
    fields, metrics = tmp_path / "new" / "fields", tmp_path / "scores" / "metrics.json"
    named = ("run.sh", "docker", "--image", image)
    done = call(*named, "predict", demo_task, fields, "--pairs", pairs, "--profile", "l2r2021")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in fields.glob("disp_*")] == ["disp_9001_9002.npz"]
    whole = call(*named, "predict", demo_task, fields, "--profile", "l2r2021")
    assert whole.returncode == 0, whole.stderr
    assert "1 of them finished before" in whole.stdout
    scored = call(*named, "evaluate", "--task", demo_task, "--fields", fields, "--json", metrics)
    assert scored.returncode == 0, scored.stderr
    assert json.loads(metrics.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict"], "usage"),
        (["predict", "/absent", "/tmp"], "/absent"),
        (["evaluate", "--task"], "--task takes a path"),
        (["build", "--torch", "tpu"], "cpu or cuda"),
        (["build", "--wieghts"], "--wieghts"),
        (["save"], "usage"),
        (["push"], "docker takes"),
    ],
)
def test_bad_arguments_are_one_line(engine: docker.DockerClient, arguments: list[str], words: str) -> None:
    done = call("run.sh", "docker", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_image_is_named(engine: docker.DockerClient, demo_task: Path, tmp_path: Path) -> None:
    done = call("run.sh", "docker", "--image", "textscf-l2r:none", "predict", demo_task, tmp_path / "out")
    assert done.returncode == 2
    assert "textscf-l2r:none" in done.stderr
    assert "docker build" in done.stderr


def test_save_writes_the_archive_and_what_organisers_ask_for(
    image: str, contained: Callable, demo_task: Path, fields: Path, tmp_path: Path
) -> None:
    mounts = {demo_task: "/input:ro", fields: "/output"}
    assert contained("/input", "/output", mounts=mounts).code == 0
    folder = tmp_path / "upload"
    # The base image stands in for the whole one, which would take a minute to compress.
    named = ("run.sh", "docker", "--image", "debian:bookworm-slim")
    done = call(*named, "save", folder, "--report", fields / "report.json")
    assert done.returncode == 0, done.stderr
    with gzip.open(folder / "debian-bookworm-slim.tar.gz") as archive:
        assert archive.read(100)
    text = (folder / "README.txt").read_text(encoding="utf-8")
    report = json.loads((fields / "report.json").read_text(encoding="utf-8"))
    assert "3 pairs, device cpu" in text
    assert f"Peak memory        {max(pair['peak_memory_mib'] for pair in report['pairs'])} MiB" in text
    seconds = sorted(pair["seconds"] for pair in report["pairs"])
    assert f"{seconds[1]} (median), {seconds[2]} (largest)" in text
    assert report["weights_sha256"] in text
