"""`import textscf`: every name is there, and none is loaded before it is asked for."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import textscf
from pairs.errors import UsageError

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", textscf.__all__)
def test_every_name_is_documented_and_annotated(name: str) -> None:
    found = getattr(textscf, name)
    assert found.__name__ == name
    told = inspect.getdoc(found) or ""
    assert len(told.splitlines()) > 1
    if inspect.isfunction(found):
        signature = inspect.signature(found)
        assert signature.return_annotation is not signature.empty
        assert [one for one in signature.parameters if f"{one}:" not in told] == []


def test_what_editors_see_is_what_there_is() -> None:
    tree = ast.parse((ROOT / "textscf" / "__init__.py").read_text(encoding="utf-8"))
    (seen,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in seen.body if isinstance(node, ast.ImportFrom)]
    shown = {alias.asname: node.module for node in imports for alias in node.names}
    assert sorted(name or "" for name in shown) == sorted(textscf.__all__)
    for name, module in shown.items():
        assert getattr(importlib.import_module(module or ""), name or "") is getattr(textscf, name or "")


def test_dir_names_them_and_another_name_is_no_attribute() -> None:
    assert set(textscf.__all__) <= set(dir(textscf))
    with pytest.raises(AttributeError, match="no attribute 'registre'"):
        textscf.registre  # noqa: B018


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("import textscf", ("numpy", "torch", "pydantic")),
        ("import textscf; textscf.warp; textscf.read_field; textscf.regularity", ("torch", "matplotlib")),
        ("import textscf; textscf.evaluate", ("torch", "matplotlib")),
    ],
)
def test_only_what_is_needed_is_loaded(line: str, absent: tuple[str, ...]) -> None:
    program = f"{line}; import sys; print(*(name for name in {absent} if name in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-P", "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert run.stdout.split() == []


def test_words_that_mean_nothing_are_known_errors() -> None:
    for call in (
        lambda: textscf.predict("task", "out", method="magic"),
        lambda: textscf.predict("task", "out", on_error="ignore"),
        lambda: textscf.evaluate("task", "fields", tool="voxelmorph"),
        lambda: textscf.evaluate("task", "fields", evaluator="1999"),
        lambda: textscf.report("task", "fields", "page.html", tool="voxelmorph"),
        lambda: textscf.register("a.nii.gz", "b.nii.gz", device="tpu"),
        lambda: textscf.segment("a.nii.gz", "w.safetensors", device="tpu"),
    ):
        with pytest.raises(UsageError, match="no such"):
            call()
