"""A Docker engine, the image built from the checkout, and containers run as a locked-down host would."""

import gc
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException, NotFound
from docker.models.containers import Container

from studies.demo.taskfolder import DEFAULT_TEMPLATE, write_task
from studies.demo.template import read_template

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "textscf-l2r:test"
USER = "12345:0"
LOCKED: Mapping[str, Any] = {
    "network_mode": "none",
    "read_only": True,
    "tmpfs": {"/tmp": ""},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "user": USER,
    "pids_limit": 128,
    "shm_size": "64m",
    "mem_limit": "4g",
    "memswap_limit": "4g",
}
"""What Grand Challenge, Apptainer and hospitals impose between them."""


@dataclass(frozen=True)
class Finished:
    """A container that has ended."""

    code: int
    out: str
    err: str
    changed: tuple[str, ...]
    """Paths of the container's own file system that it made, changed or removed."""

    @property
    def error_line(self) -> str:
        """Its standard error, which must be one line that names an error."""
        assert self.err.startswith("error: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err


Contained = Callable[..., Finished]
Started = Callable[..., Container]


def _answering_engine() -> docker.DockerClient | None:
    with warnings.catch_warnings():
        # docker leaves the socket open on which no engine answers; collected here, it troubles no test.
        warnings.simplefilter("ignore", ResourceWarning)
        with suppress(DockerException):
            client = docker.from_env(timeout=600)
            client.ping()
            return client
        gc.collect()
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the engine takes minutes."""
    for item in items:
        if "engine" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine that the environment names; without one these tests are skipped."""
    client = _answering_engine()
    if client is None:
        pytest.skip('no Docker engine answers; as root, eval "$(docker/engine.sh start)" brings one up')
    yield client
    client.close()


@pytest.fixture(scope="session")
def build(engine: docker.DockerClient) -> Callable[..., str]:
    """Builds an image of this checkout by the command that users have; returns its name."""

    def call(name: str, *options: str) -> str:
        command = [ROOT / "run.sh", "docker", "--image", name, "build", "--torch", "cpu", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return name

    return call


@pytest.fixture(scope="session")
def image(build: Callable[..., str]) -> str:
    """The image of this checkout."""
    return build(IMAGE)


@pytest.fixture
def started(engine: docker.DockerClient, image: str) -> Iterator[Started]:
    """Starts containers; the caller's arguments go before the locks. They are removed in the end."""
    containers: list[Container] = []

    def start(*command: str | Path, mounts: Mapping[Path, str] | None = None, **options: object) -> Container:
        volumes = [f"{source}:{target}" for source, target in (mounts or {}).items()]
        settings = {"image": image, **LOCKED, **options}
        container = engine.containers.create(
            command=[str(word) for word in command], volumes=volumes, **settings
        )
        containers.append(container)
        container.start()
        return container

    yield start
    for container in containers:
        try:
            container.remove(force=True)
        except NotFound:
            continue


@pytest.fixture
def contained(started: Started) -> Contained:
    """Runs a container to its end."""

    def run(*command: str | Path, **options: object) -> Finished:
        container = started(*command, **options)
        code = container.wait(timeout=600)["StatusCode"]
        out, err = (container.logs(stdout=which, stderr=not which).decode() for which in (True, False))
        changed = tuple(change["Path"] for change in container.diff() or ())
        return Finished(code, out, err, changed)

    return run


@pytest.fixture(scope="session")
def demo_task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo task, drawn outside."""
    folder = tmp_path_factory.mktemp("demo") / "task"
    write_task(folder, read_template(DEFAULT_TEMPLATE), subjects=3, seed=0)
    return folder


@pytest.fixture
def fields(tmp_path: Path) -> Path:
    """A folder that any user may write into."""
    folder = tmp_path / "fields"
    folder.mkdir()
    folder.chmod(0o777)
    return folder
