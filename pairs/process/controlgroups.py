"""What the control groups of a container allow, as the kernel says it in files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["control_groups", "limits_in"]


def control_groups(root: Path) -> Iterator[Path]:
    """Folders of the groups that the process is in, of version 1 and 2, each with those above it.

    In a container the path may be that of the host, where nothing is mounted: the folder at the top is then
    the container's own group.
    """
    mounted = root / "sys" / "fs" / "cgroup"
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, group = line.partition(":")
        controllers, _, path = group.partition(":")
        top = mounted / controllers
        for part in (PurePosixPath(path), *PurePosixPath(path).parents):
            yield top / str(part).lstrip("/")


def limits_in(path: Path) -> list[float]:
    """The numbers in a file; none where it is absent, or says `max` or -1, which is no limit."""
    with contextlib.suppress(OSError, ValueError):
        numbers = [float(word) for word in path.read_text(encoding="utf-8").split()]
        return numbers if min(numbers, default=-1) > 0 else []
    return []
