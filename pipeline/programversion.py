"""The version of the program that makes the numbers: a hash of its sources, which nobody can forget."""

from functools import cache
from hashlib import sha256
from pathlib import Path

__all__ = ["program_version", "version_of"]

_PACKAGES = ("pairs", "pipeline")
"""What lies between files and fields."""


@cache
def program_version() -> str:
    """The version of the sources that this process runs, 16 hexadecimal digits.

    The same sources give the same version on any machine and in the image. A change of any source counts,
    also one that changes no number: fields are then made again rather than kept wrongly.
    """
    return version_of(Path(__file__).resolve().parents[1])


def version_of(root: Path) -> str:
    """The version of the packages in a folder, by names and bytes of their Python files."""
    digest = sha256()
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py"), key=Path.as_posix):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16]
