"""Rules for the Dockerfile that hold before anything is built."""

import json
import re
from pathlib import Path

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    line
    for line in re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if line.strip()
]


def of(word: str) -> list[str]:
    """What stands behind an instruction, in order."""
    return [line.partition(" ")[2].strip() for line in INSTRUCTIONS if line.partition(" ")[0] == word]


def test_code_comes_after_packages_and_weights() -> None:
    copied = [line.split()[-1] for line in INSTRUCTIONS if line.startswith("COPY --from=")]
    assert copied[-4:] == [
        "/opt/venv",
        "/opt/textscf-l2r/weights",
        "/opt/textscf-l2r/sbom",
        "/opt/textscf-l2r",
    ]


def test_runs_as_nobody_by_an_entry_point_in_exec_form() -> None:
    assert [int(user.split(":")[0]) > 0 for user in of("USER")] == [True]
    assert [type(json.loads(entry)) for entry in of("ENTRYPOINT")] == [list]
    assert of("STOPSIGNAL") == ["SIGTERM"]
    assert not of("HEALTHCHECK") + of("EXPOSE") + of("VOLUME") + of("CMD")


def test_nothing_is_fetched_but_packages_with_hashes() -> None:
    assert not of("ADD")
    assert not re.search(r"\b(curl|wget|sudo)\b", TEXT)
    installs = [run for run in of("RUN") if "/opt/pip/bin/pip" in run and " install " in run]
    assert len(installs) == 2
    assert all("--require-hashes" in run and "--no-deps" in run for run in installs)
    assert ":latest" not in TEXT


def test_every_copied_path_passes_the_ignore_file() -> None:
    kept = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    sources = {
        source.rstrip("/")
        for copy in of("COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
    }
    assert sources == kept
    assert all((ROOT / source).exists() for source in sources)


def test_nothing_looks_for_a_network_or_a_home() -> None:
    environment = " ".join(of("ENV"))
    for setting in ("HF_HUB_OFFLINE=1", "HOME=/tmp", "USER=", "PYTHONNOUSERSITE=1", "PYTHONSAFEPATH=1"):
        assert setting in environment
