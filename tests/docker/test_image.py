"""The image itself: what platforms demand of it, and what is inside."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import docker
import pytest

from pairs.process.version import VERSION

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]
MAX_BYTES = 1_700_000_000


@pytest.fixture(scope="module")
def attributes(engine: docker.DockerClient, image: str) -> dict[str, object]:
    return engine.images.get(image).attrs


def test_meets_the_rules_of_platforms(attributes: dict) -> None:
    config = attributes["Config"]
    assert (attributes["Os"], attributes["Architecture"]) == ("linux", "amd64")
    assert config["User"] == "10001:0"
    assert config["Entrypoint"] == ["/opt/textscf-l2r/docker/entrypoint.sh"]
    assert config["StopSignal"] == "SIGTERM"
    assert not config.get("ExposedPorts")
    assert not config.get("Volumes")
    assert not config.get("Healthcheck")
    assert attributes["Size"] <= MAX_BYTES


def test_labels_name_the_weights(attributes: dict) -> None:
    labels = attributes["Config"]["Labels"]
    weights = sha256((ROOT / "weights" / "HippocampusMR.safetensors").read_bytes()).hexdigest()
    assert labels["textscf-l2r.weights.HippocampusMR.sha256"] == weights
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.revision"]
    assert labels["org.opencontainers.image.version"] == VERSION


def test_nothing_to_build_or_download_with_is_inside(contained: Callable) -> None:
    script = (
        "for tool in gcc cc make pip pip3 curl wget git; do command -v $tool; done; ls /var/lib/apt/lists"
    )
    assert contained("-c", script, entrypoint="sh").out == ""


def test_bill_of_materials_names_every_package_and_its_licence(contained: Callable) -> None:
    folder = "/opt/textscf-l2r/sbom"
    bill = json.loads(contained(f"{folder}/python.cdx.json", entrypoint="cat").out)
    parts = {part["name"]: part for part in bill["components"]}
    assert parts["torch"]["version"] == "2.13.0+cpu"
    assert {"numpy", "scipy", "nibabel", "monai", "pydantic"} <= parts.keys()
    assert "open_clip_torch" not in parts
    assert [name for name, part in parts.items() if not part.get("licenses")] == []
    debian = contained(f"{folder}/debian.tsv", entrypoint="cat").out.splitlines()
    assert any(line.startswith("python3.11-minimal\t3.11.") for line in debian)


def test_program_is_compiled_and_belongs_to_nobody(contained: Callable) -> None:
    script = (
        "find /opt/textscf-l2r -name '*.py' -newer /nonexistent 2>/dev/null;"
        "find /opt/textscf-l2r ! -user 0; find /opt/textscf-l2r -perm -o+w ! -type l;"
        "ls /opt/textscf-l2r/pipeline/weights/__pycache__ | grep -c 'bundle.*pyc'"
    )
    assert contained("-c", script, entrypoint="sh").out == "1\n"
