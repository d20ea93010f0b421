"""The script of the page on clusters, on a real SLURM of this machine alone."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipeline.predict.report import RunReport
from tests.clusterprocesses import ROOT, free_port
from textscf.program import main

__all__: list[str] = []

pytestmark = pytest.mark.slow

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
_START_S = 60.0
_CONFIGURATION = """
ClusterName=alone
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=2048 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment in which `sbatch` finds a SLURM; the test is skipped where none can be started."""
    absent = [name for name in _PROGRAMS if shutil.which(name) is None]
    if absent:
        pytest.skip(f"needs SLURM and munge (Debian: slurmctld slurmd slurm-client munge): no {absent[0]}")
    if os.getuid() != 0:
        pytest.skip("SLURM's daemons start jobs as other users: only root can run them")
    host = socket.gethostname()
    (tmp_path / "state").mkdir()
    text = _CONFIGURATION.format(host=host, folder=tmp_path, controller=free_port(), node=free_port())
    (tmp_path / "slurm.conf").write_text(text, encoding="utf-8")
    (tmp_path / "munge.key").write_bytes(os.urandom(128))
    (tmp_path / "munge.key").chmod(0o400)
    tmp_path.chmod(0o755)
    environment = os.environ | {"SLURM_CONF": str(tmp_path / "slurm.conf")}
    munge = [f"--{name}={tmp_path}/munge.{end}" for name, end in _MUNGE_FILES.items()]
    with ExitStack() as stack:
        for words in (["munged", "--foreground", "--force", *munge], ["slurmctld", "-D"], ["slurmd", "-D"]):
            log = stack.enter_context((tmp_path / f"{words[0]}.log").open("w"))
            daemon = subprocess.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(daemon.wait, _START_S)
            stack.callback(daemon.kill)
        if not _is_up(environment):
            logs = "".join((tmp_path / f"{name}.log").read_text()[-300:] for name in _PROGRAMS[:3])
            pytest.skip(f"SLURM cannot be started here: {logs}")
        yield environment


_MUNGE_FILES = {
    "socket": "socket",
    "key-file": "key",
    "pid-file": "pid",
    "log-file": "log",
    "seed-file": "seed",
}


def _is_up(environment: dict[str, str]) -> bool:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        asked = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], env=environment, capture_output=True, text=True, check=False
        )
        if asked.stdout.strip() == "idle":
            return True
        time.sleep(0.5)
    return False


def script_of_the_page(run: str, data: Path, out: Path) -> str:
    """The first script of docs/cluster.md, with the checkout in the place of the image."""
    page = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    found = re.search(r"^```bash\n(#!/bin/bash\n#SBATCH.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert found
    script, count = re.subn(r"^run=\(.*\)$", f"run=({run})", found[1], flags=re.MULTILINE)
    assert count == 1
    script, count = re.subn(r" /input /output ", f" {data} {out} --device cpu ", script)
    assert count == 1
    return script


@pytest.mark.parametrize("shard", ['"$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"', "slurm"])
def test_an_array_of_jobs_registers_all_pairs(
    slurm: dict[str, str],
    tiny_task: Path,
    output: Path,
    tmp_path: Path,
    report_of: Callable[[Path], RunReport],
    weights: Path,
    shard: str,
) -> None:
    run = f"env PYTHONPATH={ROOT} {sys.executable} -m textscf"
    script = script_of_the_page(run, tiny_task, output)
    named = '--shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"'
    assert named in script
    script = script.replace(named, f"--weights {weights} --profile l2r2021 --shard {shard}")
    (tmp_path / "textscf.sbatch").write_text(script, encoding="utf-8")
    # Arrays may begin with 0.
    array = "1-2" if shard != "slurm" else "0-1"
    submitted = subprocess.run(
        ["sbatch", "--wait", f"--array={array}", f"--output={tmp_path}/job-%a.out", "textscf.sbatch"],
        env=slurm,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    said = "".join(path.read_text() for path in sorted(tmp_path.glob("job-*.out")))
    assert submitted.returncode == 0, submitted.stderr + said
    assert "2 pairs of 3 in shard 1/2" in said
    assert "1 pair of 3 in shard 2/2" in said
    assert main(["merge", str(output)]) == 0
    assert [record.status for record in report_of(output).pairs] == ["done"] * 3
