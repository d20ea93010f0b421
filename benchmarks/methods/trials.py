"""The trials of all methods on all pairs of a task, kept in a folder: a stopped run goes on from there."""

import hashlib
import json
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.methods.trial import PROFILE, Trial, read_trial
from pairs.fields.displacement import field_name, write_displacement
from pairs.files.regularfile import open_regular, read_regular
from pairs.files.wholefile import probe_writable, write_json
from pairs.images.header import read_header
from pairs.process.cores import thread_count
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task
from studies.process import NoFigure, run_module
from studies.scores import Scores, read_scores

__all__ = ["Trials"]


@dataclass(frozen=True)
class Trials:
    """Where the trials of a task are.

    Attributes:
        source: Where the task was read from.
        task: The task, with the pairs that are tried.
        work: Folder that keeps the pair list, and displacements and figures of each method.
        limit_s: Seconds after which a method is ended.
    """

    source: Path
    task: Task
    work: Path
    limit_s: float

    @property
    def _pair_list(self) -> Path:
        return self.work / "pairs.json"

    def begin(self) -> None:
        """Makes the folder, with the pair list that all methods and the evaluation read."""
        probe_writable(self.work)
        root = self.task.root
        pairs = [(pair.fixed.relative_to(root), pair.moving.relative_to(root)) for pair in self.task.pairs]
        listed = [{"fixed": fixed.as_posix(), "moving": moving.as_posix()} for fixed, moving in pairs]
        write_json(self._pair_list, listed)

    def of(self, pair: Pair, methods: Mapping[str, str]) -> Iterator[tuple[str, Trial]]:
        """Tries one method after the other on a pair; what was tried before is not tried again.

        Args:
            pair: A pair of the task.
            methods: By name, what says its version and settings.
        """
        images = [_digest(pair.fixed), _digest(pair.moving)]
        for name, made_by in methods.items():
            folder = self.work / name
            probe_writable(folder / "fields")
            record = folder / "trials" / field_name(pair, PROFILE).replace(PROFILE.suffix, ".json")
            probe_writable(record.parent)
            made_from = {"made_by": made_by, "threads": thread_count(), "images": images}
            trial = self._kept(record, made_from)
            if trial is None or not (folder / "fields" / field_name(pair, PROFILE)).is_file():
                trial = self._tried(name, pair, folder / "fields")
                document = {"made_from": made_from, "limit_s": self.limit_s, "trial": asdict(trial)}
                write_json(record, document, strict=False)
            yield name, trial

    def _kept(self, record: Path, made_from: Mapping[str, object]) -> Trial | None:
        """The earlier trial, unless it was of something else, or failed under another limit."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            document = json.loads(read_regular(record))
            trial = Trial(**document["trial"])
            same_limit = trial.failure is None or document["limit_s"] == self.limit_s
            return trial if document["made_from"] == made_from and same_limit else None
        return None

    def _tried(self, name: str, pair: Pair, fields: Path) -> Trial:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as temporary:
            scratch, out = Path(temporary, "scratch"), Path(temporary, "trial.json")
            scratch.mkdir()
            arguments: list[str | Path] = ["--task", self.source, "--pairs", self._pair_list]
            arguments += ["--pair", pair.name, "--fields", fields, "--scratch", scratch]
            arguments += ["--limit-s", str(self.limit_s), "--out", out]
            try:
                run_module("benchmarks.methods.trial", name, *arguments)
                trial = read_trial(out)
            except NoFigure as error:
                trial = Trial(np.nan, np.nan, np.nan, self._end_of(error))
        if trial.failure is not None:
            still = np.zeros((*read_header(pair.fixed).shape, 3), np.float32)
            write_displacement(fields, pair, still, PROFILE)
        return trial

    def _end_of(self, error: NoFigure) -> str:
        if error.got == f"exit {-signal.SIGALRM}":
            return f"took longer than {self.limit_s:.0f} s"
        return f"its process ended with {error.got}"

    def scores(self, name: str) -> Scores:
        """Scores what a method gave, all by the same evaluator.

        Raises:
            NoFigure: If a displacement cannot be scored.
            UsageError: If the task has no labels.
        """
        folder = self.work / name
        arguments: list[str | Path] = ["--task", self.source, "--pairs", self._pair_list]
        arguments += ["--fields", folder / "fields", "--evaluator", "2.0", "--json", folder / "scores.json"]
        run_module("textscf", "evaluate", *arguments)
        return read_scores(folder / "scores.json")


def _digest(path: Path) -> str:
    with open_regular(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
