"""Runs the code of a notebook without Jupyter: `python tests/notebookcells.py FILE` keeps its output."""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["outputs_of", "run_cells"]


def outputs_of(notebook: dict[str, Any]) -> list[str]:
    """Returns the text that is stored below each cell of code."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return ["".join(line for output in cell["outputs"] for line in output["text"]) for cell in cells]


def run_cells(notebook: dict[str, Any]) -> None:
    """Runs the cells of code in the current folder, and puts what each prints below it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, start=1):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        lines = printed.getvalue().splitlines(keepends=True)
        cell["execution_count"] = number
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []


if __name__ == "__main__":
    path = Path(sys.argv[1])
    content = json.loads(path.read_text(encoding="utf-8"))
    run_cells(content)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
