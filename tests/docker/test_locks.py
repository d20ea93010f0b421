"""The locks of the images say what requirements.txt says, and every file has a hash."""

import re
from pathlib import Path

import pytest

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("cpu", "cuda", "open-clip", "sbom")
PIN = re.compile(r"^([A-Za-z][\w.-]*)==(\S+)", re.MULTILINE)
OPEN_CLIP = {"open-clip-torch", "ftfy", "regex", "wcwidth"}


def pins(path: Path) -> dict[str, str]:
    """Version by normalised name."""
    text = path.read_text(encoding="utf-8")
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in PIN.findall(text)}


def lock(name: str) -> dict[str, str]:
    return pins(ROOT / "locks" / f"{name}.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_a_hash(name: str) -> None:
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z])", text.strip())
    assert len(entries) == len(lock(name)) > 3
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_images_have_the_versions_of_the_checkout() -> None:
    wanted = pins(ROOT / "requirements.txt")
    without_open_clip = {name: version for name, version in wanted.items() if name not in OPEN_CLIP}
    assert lock("open-clip") == {name: wanted[name] for name in OPEN_CLIP}
    assert lock("cpu") == without_open_clip | {"torch": f"{wanted['torch']}+cpu"}
    cuda = lock("cuda")
    assert without_open_clip.items() <= cuda.items()
    # What is left is what torch runs on a GPU with.
    assert all(re.match(r"nvidia-|cuda-|triton$", name) for name in cuda.keys() - without_open_clip.keys())


def test_no_lock_brings_a_second_torch() -> None:
    assert [name for name in LOCKS if "torchvision" in lock(name)] == []
    assert [name for name in LOCKS if "torch" in lock(name)] == ["cpu", "cuda"]
