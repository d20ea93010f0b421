"""Versions of programs by their sources: a hash, which nobody can forget to raise."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

__all__ = ["version_of"]


def version_of(root: Path, packages: Iterable[str]) -> str:
    """Returns 16 hexadecimal digits made of the names and bytes of the packages' Python files.

    Args:
        root: The folder in which the packages lie.
        packages: Their names.
    """
    digest = sha256()
    for package in packages:
        for path in sorted((root / package).rglob("*.py"), key=Path.as_posix):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:16]
