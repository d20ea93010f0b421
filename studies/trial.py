"""One training of one row, then its fields and their scores; whatever is there already is kept."""

import json
import logging
import shutil
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from pairs.files.wholefile import write_json
from pipeline.config import TaskConfig
from pipeline.weights.bundle import file_hash
from studies.budget import seconds_per_step
from studies.process import of_all_the_data, run_module
from studies.scores import Scores, read_scores
from studies.setting import Setting
from studies.variant import Variant

__all__ = ["Trial"]

log = logging.getLogger(__name__)

_PROFILE, _EVALUATOR = "l2r2022", "2.0"
"""Full resolution, and the evaluator of today's challenge."""


@dataclass(frozen=True)
class Trial:
    """A variant under one seed.

    Attributes:
        setting: What it shares with the others.
        variant: What is trained.
        seed: Of weights, pairs and augmentation.
        share: Of the minutes of the whole table.
    """

    setting: Setting
    variant: Variant
    seed: int
    share: float = 1.0

    @cached_property
    def config(self) -> TaskConfig:
        """With its steps in it.

        Raises:
            NoFigure: The pace of the training cannot be measured.
        """
        config, budget = self.setting.config_of(self.variant), self.setting.budget
        if budget is None:
            return config
        steps = budget.amount
        if budget.unit == "minutes":
            pace = seconds_per_step("registration", config, self._arguments, self.setting.runs)
            steps = budget.steps(self.share, pace)
        settings = config.registration_training.model_copy(update={"steps": steps})
        return config.model_copy(update={"registration_training": settings})

    @property
    def weights(self) -> Path:
        """The bundle; whoever changes anything that it depends on gets another one."""
        return self._file(".safetensors")

    def scores(self) -> Scores:
        """The scores on the task's pairs, after whatever of the work is still to be done.

        Raises:
            NoFigure: A command failed.
            Stopped: A signal came; the next call goes on from there.
        """
        found = self._file(".scores.json")
        if not found.is_file():
            lock = self._file(".lock")
            # Several commands may share a folder; who comes second waits, and finds the work done.
            with FileLock(lock):
                self._score(found)
                lock.unlink(missing_ok=True)
        return read_scores(found)

    def _score(self, found: Path) -> None:
        if found.is_file():
            return
        self.train()
        fields = self.predict()
        task = (*self.setting.task_arguments, "--evaluator", _EVALUATOR)
        with of_all_the_data(found):
            run_module("textscf", "evaluate", *task, "--fields", fields, "--json", found)
        shutil.rmtree(fields)

    def train(self) -> None:
        """Make the weights, unless they are there.

        Raises:
            NoFigure: The training failed; its output is in the log beside the weights.
            Stopped: A signal came; a checkpoint lies beside the weights.
        """
        if self.weights.is_file():
            return
        config = self.config
        log.info("%s, seed %d: %d steps", self.variant.name, self.seed, config.registration_training.steps)
        written = self._file(".config.json")
        write_json(written, config.model_dump(mode="json"))
        own = ("--config", written, "--seed", str(self.seed), "--out", self.weights)
        with of_all_the_data(self.weights):
            run_module("textscf", "train", "registration", *self._arguments, *own, log=self._file(".log"))

    def predict(self) -> Path:
        """Fields of the task's pairs; returns their folder.

        Raises:
            NoFigure: A pair failed.
            Stopped: A signal came; finished fields are kept.
        """
        fields = self._file(".fields")
        arguments: list[str | Path] = ["--weights", self.weights, "--profile", _PROFILE]
        files = self.setting.regions_of(self.variant).files
        if files is not None:
            arguments += ["--segmentations", files]
        device = (*self.setting.links, "--device", self.setting.device)
        run_module("textscf", "predict", self.setting.task.root, fields, *arguments, *device)
        return fields

    @cached_property
    def _arguments(self) -> tuple[str | Path, ...]:
        """Of `train`, all but configuration, seed and output."""
        setting, origin = self.setting, self.setting.regions_of(self.variant)
        arguments: list[str | Path] = [*setting.task_arguments, "--device", setting.device]
        vectors = setting.vectors_of(self.variant)
        if vectors is not None:
            arguments += ["--embedding", vectors]
        if origin.segmentor is not None:
            arguments += ["--segmentor", origin.segmentor]
        if origin.files is not None:
            arguments += ["--segmentations", origin.files]
        return (*arguments, *self.variant.arguments)

    def _file(self, ending: str) -> Path:
        return self.setting.runs / f"{self._stem}{ending}"

    @cached_property
    def _stem(self) -> str:
        """Named by all that the result depends on, so that tables share trainings and never mix them up."""
        vectors, origin = self.setting.vectors_of(self.variant), self.setting.regions_of(self.variant)
        depends = [
            # Without what is at its default: a field that a later version adds changes nothing of this.
            self.config.model_dump(mode="json", exclude_defaults=True),
            self.setting.task.name,
            [str(pair.fixed.name) + str(pair.moving.name) for pair in self.setting.task.pairs],
            file_hash(vectors) if vectors else None,
            file_hash(origin.segmentor) if origin.segmentor else None,
            sorted((path.name, file_hash(path)) for path in origin.files.iterdir()) if origin.files else None,
            self.variant.arguments,
            self.seed,
        ]
        digest = sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.variant.name}-seed{self.seed}-{digest}"
