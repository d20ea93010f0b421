"""The rules that no single file can show: who imports whom, what files hold, how long they get."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = [
    "CHECKS",
    "MAX_FILE_LINES",
    "MAX_FUNCTION_LINES",
    "Check",
    "citations_can_be_opened",
    "dependencies_have_one_door",
    "files_come_in_through_one_door",
    "files_stand_where_they_may",
    "imports_cross_no_border",
    "imports_make_no_circle",
    "modules_introduce_themselves",
    "nothing_asserts",
    "sizes_are_kept",
]

PACKAGES = ("pairs", "cluster", "evaluation", "transforms", "pipeline", "studies", "textscf")
MAY_IMPORT = {
    "pairs": {"pairs", "numpy", "nibabel", "isal", "pyfive", "scipy", "pydantic", "threadpoolctl"},
    "cluster": {"cluster", "pairs", "dask", "distributed", "tqdm"},
    "evaluation": {
        *("evaluation", "cluster", "pairs", "numpy", "scipy", "pydantic", "tqdm"),
        *("matplotlib", "contourpy", "PIL", "jinja2", "markupsafe"),
    },
    "transforms": {"transforms", "evaluation", "pairs", "numpy", "scipy", "pydantic", "h5py"},
}
MAY_NOT_IMPORT = {"pipeline": {"evaluation", "transforms", "nibabel", "studies"}, "studies": {"nibabel"}}
# The one module or sub-package of a package through which a dependency comes in.
DOORS = {
    "dask": ("cluster/starting",),
    "distributed": ("cluster/engine", "cluster/starting"),
    "open_clip": ("pipeline/text",),
    "monai": ("pipeline/regions",),
    "threadpoolctl": ("pairs/fields/resampling",),
    "isal": ("pairs/files/gzipfile",),
    "pyfive": ("pairs/fields/foreign/compositefile",),
    "matplotlib": ("evaluation/picture", "studies"),
    "h5py": ("transforms/export/x5",),
    "contourpy": ("evaluation/picture",),
    "PIL": ("evaluation/picture",),
    "jinja2": ("evaluation/htmlreport",),
}
# The door itself, and readers of what ships with the program or was written by it a moment before.
READS_ITS_OWN = (
    "pairs/files/regularfile.py",
    "pairs/tasks/known.py",
    "evaluation/submission/zeros.py",
    "pairs/process/sources.py",
    # What the kernel says in /proc and /sys.
    "pairs/process/controlgroups.py",
    "pairs/files/temporary.py",
)
# What users import; it fetches each name when it is asked for.
LAZY_DOOR = "textscf/__init__.py"
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc"}
MAX_FILE_LINES = 250
MAX_FUNCTION_LINES = 45

Check = Callable[[Path], list[str]]


def _sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Each source file of the packages: its path from the root, and its syntax tree."""
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _imports(file: str, tree: ast.Module) -> Iterator[str]:
    """Every module a file imports, at its top or inside a function, also by importlib with a literal name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            above = file.split("/")[: -node.level]
            yield ".".join([*above, node.module or ""])
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in {"import_module", "__import__"}:
                yield str(node.args[0].value)


def imports_cross_no_border(root: Path) -> list[str]:
    """The packages without torch import from a short list; `pipeline` neither the scorer nor nibabel."""
    faults = []
    for file, tree in _sources(root):
        package = file.partition("/")[0]
        allowed = MAY_IMPORT.get(package)
        for name in _imports(file, tree):
            top = name.partition(".")[0]
            outside = allowed is not None and top not in allowed | sys.stdlib_module_names
            if outside or top in MAY_NOT_IMPORT.get(package, set()):
                faults.append(f"{file} imports {name}")
    return faults


def imports_make_no_circle(root: Path) -> list[str]:
    """No module imports itself through others, imports inside functions and for annotations included."""
    trees = {file.removesuffix(".py").replace("/", "."): (file, tree) for file, tree in _sources(root)}
    left = {
        name: {one for one in _modules(file, tree) if one in trees} - {name}
        for name, (file, tree) in trees.items()
    }
    while free := [name for name, imported in left.items() if not imported & left.keys()]:
        for name in free:
            del left[name]
    # What only imports a circle is left over too; the circle is among what those import.
    used = set().union(*left.values()) if left else set()
    return [f"in a circle of imports: {', '.join(sorted(left.keys() & used))}"] if left else []


def _modules(file: str, tree: ast.Module) -> Iterator[str]:
    """Every module that a file imports, those of `from package import module` too."""
    yield from _imports(file, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dependencies_have_one_door(root: Path) -> list[str]:
    """A library such as open_clip, MONAI or matplotlib comes in through one sub-package."""
    faults = []
    for file, tree in _sources(root):
        for name in _imports(file, tree):
            top = name.partition(".")[0]
            doors = DOORS.get(top, ())
            if doors and not any(file == f"{door}.py" or file.startswith(f"{door}/") for door in doors):
                faults.append(f"{file} imports {name}, which belongs to {' and '.join(doors)}")
    return faults


def files_stand_where_they_may(root: Path) -> list[str]:
    """No Python in docker/, no package under tests/, no file that is a drawer."""
    faults = [f"Python in docker/: {path.name}" for path in (root / "docker").rglob("*.py")]
    faults += [f"package marker under tests/: {path}" for path in (root / "tests").rglob("__init__.py")]
    for folder in (*PACKAGES, "tests", "benchmarks"):
        names = [
            *(root / folder).rglob("*.py"),
            *(path for path in (root / folder).rglob("*") if path.is_dir()),
        ]
        faults += [f"a drawer, not a noun: {path}" for path in names if path.stem in DRAWERS]
    return faults


def modules_introduce_themselves(root: Path) -> list[str]:
    """A docstring in every file, `__all__` in every module, nothing more than a docstring in `__init__`."""
    faults = []
    for file, tree in _sources(root):
        if ast.get_docstring(tree) is None:
            faults.append(f"{file} has no docstring")
        name = file.rpartition("/")[2]
        if name == "__init__.py" and file != LAZY_DOOR:
            faults += [f"{file} holds more than a docstring"] * (len(tree.body) > 1)
        elif name != "__main__.py" and not any(_assigns_all(node) for node in tree.body):
            faults.append(f"{file} has no __all__")
    return faults


def _assigns_all(node: ast.stmt) -> bool:
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def files_come_in_through_one_door(root: Path) -> list[str]:
    """Whatever is read is opened by `pairs/files/regularfile.py`, which waits for no pipe and no device."""
    return [
        f"{file}:{node.lineno} opens a file to read"
        for file, tree in _sources(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and file not in READS_ITS_OWN and _opens_to_read(node)
    ]


def _opens_to_read(call: ast.Call) -> bool:
    owner, _, name = ast.unparse(call.func).rpartition(".")
    if owner in {"gzip", "lzma", "bz2"} or not owner:
        return name == "open"
    if owner in {"np", "numpy"}:
        return name in {"load", "fromfile"}
    mode = call.args[0] if call.args else None
    reads = mode is None or (isinstance(mode, ast.Constant) and str(mode.value).startswith("r"))
    return name in {"read_bytes", "read_text"} or (name == "open" and reads)


def citations_can_be_opened(root: Path) -> list[str]:
    """A page that a source names by its path from the root is in the checkout."""
    return [
        f"{file}:{number} cites {page}, which readers cannot open"
        for file, _ in _sources(root)
        for number, line in enumerate((root / file).read_text(encoding="utf-8").splitlines(), 1)
        for page in re.findall(r"\b[\w-]+/[\w./-]+\.md\b", line)
        if not (root / page).is_file()
    ]


def nothing_asserts(root: Path) -> list[str]:
    """`assert` vanishes under -O, so the packages raise."""
    return [
        f"{file}:{node.lineno} asserts"
        for file, tree in _sources(root)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
    ]


def sizes_are_kept(root: Path) -> list[str]:
    """Files in lines; functions in lines without their docstring."""
    faults = []
    for file, tree in _sources(root):
        lines = len((root / file).read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            faults.append(f"{file} has {lines} lines")
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and _length(node) > MAX_FUNCTION_LINES
            ):
                faults.append(f"{file}: {node.name} has {_length(node)} lines")
    return faults


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    told = _span(docstring) if docstring is not None else 0
    return _span(function) - told


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


CHECKS: tuple[Check, ...] = (
    imports_cross_no_border,
    imports_make_no_circle,
    dependencies_have_one_door,
    files_stand_where_they_may,
    modules_introduce_themselves,
    citations_can_be_opened,
    files_come_in_through_one_door,
    nothing_asserts,
    sizes_are_kept,
)
