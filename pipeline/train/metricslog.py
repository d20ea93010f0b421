"""The log of a training: a line of JSON for each validation, and the same in words on the console."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from pairs.files.regularfile import read_regular
from pairs.files.wholefile import whole_file
from pipeline.train.checkpoint import Checkpoint

__all__ = ["MetricsLog"]

log = logging.getLogger(__name__)


class MetricsLog:
    """Appends one JSON line per validation; lines past the resumed step are dropped first.

    Raises:
        OutputError: the log cannot be written.
    """

    def __init__(self, path: Path, keep_until: int) -> None:
        self.path = path
        lines = read_regular(path).splitlines() if path.is_file() and keep_until else []
        kept = [line for line in lines if _is_up_to(keep_until, line)]
        with whole_file(path) as temporary:
            temporary.write_bytes(b"".join(line + b"\n" for line in kept))

    def add(self, at: Checkpoint, losses: Mapping[str, float], figures: Mapping[str, float]) -> None:
        """Tell of a step, its losses and the figures of its validation."""
        entry = {
            "step": at.step,
            "seconds": round(at.seconds, 1),
            "losses": losses,
            "held_out": dict(figures),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        log.info("step %d: loss %s | held out %s", at.step, _words(losses), _words(figures))


def _words(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in figures.items())


def _is_up_to(step: int, line: bytes) -> bool:
    """Whether a line of the log is whole and not past `step`; a killed run may leave half a line."""
    try:
        return bool(json.loads(line)["step"] <= step)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
