"""Importing a module of ours does nothing: no file is read, no process started, no device chosen."""

import subprocess
import sys
from pathlib import Path

import pytest

__all__: list[str] = []

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("pairs", "cluster", "evaluation", "transforms", "pipeline", "studies", "textscf")

# Runs in a process of its own, with the root of the tree and the modules to import as arguments.
_PROBE = """
import importlib, sys
from pathlib import Path

ROOT, MODULES = Path(sys.argv[1]), sys.argv[2:]
NAMES = ("pairs", "cluster", "evaluation", "transforms", "pipeline", "studies", "textscf")
OURS = [ROOT / name for name in NAMES]
PYTHONS = [Path(sys.prefix), Path(sys.base_prefix)]
WATCHED = {"open", "os.mkdir", "socket.connect", "subprocess.Popen"}

def within(path, folders):
    return any(Path(path).is_relative_to(folder) for folder in folders)

def is_our_doing(frame):
    # The import system reads source and bytecode for everybody.
    if frame.f_code.co_filename.startswith("<frozen importlib"):
        return False
    # The innermost module body that is running answers for what is called from it.
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame is not None and within(frame.f_code.co_filename, OURS)

def watch(event, arguments):
    if event not in WATCHED or not is_our_doing(sys._getframe(1)):
        return
    # pydantic looks for plug-ins among the installed packages, decorators of torch read source.
    if event != "open" or not (within(arguments[0], PYTHONS) or str(arguments[0]).endswith(".py")):
        print(f"{current}: {event} {arguments[0]}")

current = ""
sys.addaudithook(watch)
for current in MODULES:
    importlib.import_module(current)
torch = sys.modules.get("torch")
if torch is not None and not MODULES[0].startswith(("pipeline", "studies", "textscf")):
    print(f"{MODULES[0]} or a module beside it imports torch")
if torch is not None and torch.cuda.is_initialized():
    print("a device was chosen")
"""


def effects(root: Path, package: str) -> list[str]:
    """Imports each module of a package in a fresh process; returns what was opened, started or went wrong."""
    paths = [path.relative_to(root).with_suffix("") for path in sorted((root / package).rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths if path.name != "__main__"]
    command = [sys.executable, "-P", "-B", "-c", _PROBE, str(root), *names]
    run = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": str(root)}, check=False)
    return run.stdout.splitlines() + ([run.stderr] if run.returncode else [])


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_happens_at_import(package: str) -> None:
    assert effects(ROOT, package) == []


@pytest.mark.parametrize(
    "body",
    [
        "OPENED = open('new.txt', 'w')",
        "from pathlib import Path\nPath('new').mkdir()",
        "import subprocess\nsubprocess.run(['true'])",
        "def read():\n    return open('/dev/null').read()\nTEXT = read()",
        "import pathlib\nTABLE = pathlib.Path(__file__).with_name('table.json').read_text()",
        "raise SystemExit('stopped')",
    ],
)
def test_a_module_that_acts_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, "pairs/a.py", body)
    _write(tmp_path, "pairs/table.json", "{}")
    assert effects(tmp_path, "pairs")


def test_torch_outside_pipeline_is_found(tmp_path: Path) -> None:
    _write(tmp_path, "torch.py", "class cuda:\n    is_initialized = staticmethod(lambda: False)\n")
    _write(tmp_path, "evaluation/__init__.py", "import torch")
    assert effects(tmp_path, "evaluation") == ["evaluation or a module beside it imports torch"]


def test_a_chosen_device_is_found(tmp_path: Path) -> None:
    _write(tmp_path, "torch.py", "class cuda:\n    is_initialized = staticmethod(lambda: True)\n")
    _write(tmp_path, "pipeline/a.py", "import torch")
    assert effects(tmp_path, "pipeline") == ["a device was chosen"]


def test_a_module_that_only_defines_is_accepted(tmp_path: Path) -> None:
    _write(
        tmp_path, "pairs/a.py", "import json, dataclasses\n@dataclasses.dataclass\nclass A:\n    x: int = 1\n"
    )
    _write(tmp_path, "pairs/b.py", "import pydantic\nclass B(pydantic.BaseModel):\n    x: int = 1\n")
    assert effects(tmp_path, "pairs") == []


def _write(root: Path, file: str, source: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
