"""The names of the reports that `predict` leaves beside its fields, for all who look into such a folder."""

import re
from contextlib import suppress
from pathlib import Path

from pairs.files.regularfile import is_regular

__all__ = ["REPORT_NAME", "is_report", "journal_name", "shard_report_name", "shard_reports", "unjoined"]

REPORT_NAME = "report.json"
_SHARD = re.compile(r"report\.([1-9]\d{0,5})-of-([1-9]\d{0,5})\.json")
_JOURNAL = re.compile(r"report(\.[1-9]\d{0,5}-of-[1-9]\d{0,5})?\.journal\.jsonl")


def shard_report_name(index: int, count: int) -> str:
    """Returns the name of the report of one shard."""
    return f"report.{index}-of-{count}.json"


def journal_name(report: str) -> str:
    """Returns the name of the journal of a report, which has what is not in the report yet."""
    return f"{report.removesuffix('.json')}.journal.jsonl"


def is_report(name: str) -> bool:
    """Whether a file of this name is a report or its journal, whole or of a shard."""
    return name == REPORT_NAME or any(form.fullmatch(name) for form in (_SHARD, _JOURNAL))


def shard_reports(folder: Path) -> list[Path]:
    """Lists the reports of shards in a folder, by their numbers; none where it cannot be read."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            name = _SHARD.fullmatch(path.name)
            if name is not None:
                found.append((int(name[2]), int(name[1]), path))
    return [path for _, _, path in sorted(found)]


def unjoined(folder: Path) -> str | None:
    """Says what of a run is not in `report.json` yet, and what joins it; None where nothing is.

    Args:
        folder: A folder of fields.
    """
    if shard_reports(folder):
        return f"{folder} has reports of shards that are not in {REPORT_NAME}: join them with merge"
    if is_regular(folder / journal_name(REPORT_NAME)):
        return f"a run in {folder} has not ended, or was killed: predict goes on with it"
    return None
