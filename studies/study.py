"""`reproduce TABLE --task DIR`: train what it needs, score it, write Markdown, CSV and a picture."""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pairs.errors import Stopped
from pairs.files.wholefile import whole_file
from studies import setting
from studies.fidelity import fidelity_of
from studies.report import markdown_of, write_csv, write_pairs_csv
from studies.setting import Setting, setting_of
from studies.table import Result, Row, measure, require_rows

__all__ = ["Study"]

log = logging.getLogger(__name__)

More = Callable[[Setting, Path, Sequence[Result]], str]


@dataclass(frozen=True)
class Study:
    """A table or figure of the paper that is made by training.

    Attributes:
        name: As it is asked for; the reports are named so.
        title: Above the table.
        rows: What it has on a given ground.
        more: Draws the picture at the path it is given; returns what Markdown has besides the table.
    """

    name: str
    title: str
    rows: Callable[[Setting], list[Row]]
    more: More

    add_arguments = staticmethod(setting.add_arguments)

    def run(self, options: argparse.Namespace) -> int:
        """Make it; returns 0, or 1 where a row failed.

        Raises:
            KnownError: An argument is wrong, the folder is not writable, or a signal came.
        """
        try:
            ground = setting_of(options)
            rows = require_rows(self.rows(ground), options.only)
            results, faults = measure(ground, rows, partial(self._write, ground))
            print(self._write(ground, results))
        except KeyboardInterrupt as interrupt:
            # Between two commands; a command passes the signal on by itself.
            raise Stopped("stopped by a signal", remedy="run the same command to go on") from interrupt
        log.info("wrote %s", ground.out / f"{self.name}.md")
        return 1 if faults else 0

    def _write(self, ground: Setting, results: Sequence[Result]) -> str:
        """The three files and the one of all pairs; returns the Markdown."""
        stem = ground.out / self.name
        write_csv(stem.with_suffix(".csv"), results)
        write_pairs_csv(stem.with_name(f"{self.name}-pairs.csv"), results)
        budget = "steps as configured" if ground.budget is None else str(ground.budget)
        trainings = "one training" if ground.seeds == 1 else f"{ground.seeds} trainings"
        parts = [
            f"# {self.title}: {ground.task.name}",
            f"{len(ground.task.pairs)} pairs, {budget}, {trainings} a row. `reproduce {self.name}`.",
            markdown_of(results),
            self.more(ground, stem.with_suffix(".png"), results),
            fidelity_of(ground, results),
        ]
        text = "\n\n".join(part for part in parts if part)
        with whole_file(stem.with_suffix(".md")) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
        return text
