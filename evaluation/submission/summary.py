"""The summary of a run for the organisers: pairs, runtime, memory, device."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pairs.files.damage import reason_of
from pairs.files.regularfile import read_regular
from pairs.files.reportnames import REPORT_NAME, unjoined
from pairs.process.counting import counted
from pairs.process.logline import one_line
from pairs.tasks.pair import Pair

__all__ = ["Summary", "summarise_run"]

log = logging.getLogger(__name__)

_UNKNOWN = "not recorded"
_FINISHED = ("done", "identity")


class _Record(BaseModel):
    """One pair of `report.json`; other keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pair: str
    status: str = ""
    seconds: float | None = None
    peak_memory_mib: float | None = None


class _Report(BaseModel):
    """The part of `report.json` that organisers ask for; a file of any version is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    device: str | None = None
    weights: str | None = None
    weights_sha256: str | None = None
    pairs: tuple[_Record, ...] = ()


@dataclass(frozen=True)
class Summary:
    """What is known of the run that made the fields; None where it is not recorded.

    Attributes:
        pairs: Number of pairs.
        recorded: How many of them have a runtime.
        mean_seconds: Mean runtime per pair.
        max_seconds: Longest runtime of a pair.
        peak_memory_mib: Largest memory of a pair.
        device: Where the network ran.
        weights: Name and hash of the weights.
        zeroed: Pairs whose field is a zero field, because registration failed.
    """

    pairs: int
    recorded: int = 0
    mean_seconds: float | None = None
    max_seconds: float | None = None
    peak_memory_mib: float | None = None
    device: str | None = None
    weights: str | None = None
    zeroed: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Returns the summary as lines for the organisers."""
        seconds = _UNKNOWN
        if self.mean_seconds is not None and self.max_seconds is not None:
            seconds = f"{self.mean_seconds:.2f} mean, {self.max_seconds:.2f} max"
            if self.recorded < self.pairs:
                seconds += f" (recorded for {self.recorded} of {counted(self.pairs, 'pair')})"
        memory = _UNKNOWN if self.peak_memory_mib is None else f"{self.peak_memory_mib:.0f} MiB"
        rows = [
            ("pairs", str(self.pairs)),
            ("seconds per pair", seconds),
            ("peak memory", memory),
            ("device", self.device or _UNKNOWN),
            ("weights", self.weights or _UNKNOWN),
        ]
        if self.zeroed:
            rows.append(("zero fields after failures", ", ".join(self.zeroed)))
        return [one_line(f"{word:<17} {value}") for word, value in rows]


def summarise_run(folder: Path, pairs: Sequence[Pair]) -> Summary:
    """Reads the report in the folder of fields; without one only the number of pairs is known.

    Args:
        folder: The folder of fields.
        pairs: The pairs that are submitted.
    """
    hint = unjoined(folder)
    if hint is not None:
        log.warning("%s", hint)
    try:
        report = _Report.model_validate_json(read_regular(folder / REPORT_NAME))
    except FileNotFoundError:
        return Summary(len(pairs))
    except (OSError, ValidationError) as error:
        why = reason_of(error) if isinstance(error, OSError) else "it is not a report of predict"
        log.warning("%s is not used: %s; the summary has no runtimes", folder / REPORT_NAME, why)
        return Summary(len(pairs))
    names = {pair.name for pair in pairs}
    records = [record for record in report.pairs if record.pair in names and record.status in _FINISHED]
    seconds = [record.seconds for record in records if record.seconds is not None]
    memory = [record.peak_memory_mib for record in records if record.peak_memory_mib is not None]
    return Summary(
        pairs=len(pairs),
        recorded=len(seconds),
        mean_seconds=sum(seconds) / len(seconds) if seconds else None,
        max_seconds=max(seconds, default=None),
        peak_memory_mib=max(memory, default=None),
        device=report.device,
        weights=_weights(report),
        zeroed=tuple(record.pair for record in records if record.status == "identity"),
    )


def _weights(report: _Report) -> str | None:
    if report.weights is None or report.weights_sha256 is None:
        return report.weights
    return f"{report.weights} (sha256 {report.weights_sha256})"
