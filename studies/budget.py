"""How long the trainings of a table may be, in steps each or in minutes together, and how long a step is."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pairs.errors import UsageError
from pairs.files.regularfile import read_regular
from pairs.files.wholefile import write_json
from pipeline.config import TaskConfig
from studies.process import run_module

__all__ = ["Budget", "parse_budget", "seconds_per_step"]

_STEPS = 8
"""How many are timed."""
_FORM = re.compile(r"(\d+)\s*(steps|minutes)")


@dataclass(frozen=True)
class Budget:
    """An amount and what it counts."""

    amount: int
    unit: Literal["steps", "minutes"]

    def steps(self, share: float, seconds_per_step: float) -> int:
        """Optimiser steps that fit into a share of the minutes, at least one."""
        return max(1, int(60 * self.amount * share / seconds_per_step))

    def __str__(self) -> str:
        return f"{self.amount} steps a training" if self.unit == "steps" else f"{self.amount} minutes in all"


def parse_budget(text: str) -> Budget:
    """The budget in "1000steps" or "90minutes".

    Raises:
        UsageError: It is neither, or nothing could be trained in it.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise UsageError(
            "argument --budget", expected="a number and its unit: 1000steps or 90minutes", got=repr(text)
        )
    return Budget(int(found[1]), "steps" if found[2] == "steps" else "minutes")


def seconds_per_step(
    network: str, config: TaskConfig, arguments: tuple[str | Path, ...], folder: Path
) -> float:
    """Measured once by a few steps and kept, so that a resumed table gives every training the same steps.

    Args:
        network: What to train.
        config: Its configuration.
        arguments: Of `train`, all but the configuration and the output.
        folder: Where the measurement is kept.

    Raises:
        NoFigure: The steps failed.
    """
    text = config.model_dump_json()
    kept = folder / f"pace-{sha256(f'{network} {text}'.encode()).hexdigest()[:8]}.json"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        trial = kept.with_suffix("")
        write_json(trial.with_suffix(".config.json"), _without_validation(config, network))
        out = trial.with_suffix(".safetensors")
        with_config: tuple[str | Path, ...] = ("--config", trial.with_suffix(".config.json"))
        run_module("textscf", "train", network, *arguments, *with_config, "--out", out)
        lines = read_regular(out.with_suffix(".metrics.jsonl")).splitlines()
        # The first half has the start in it.
        halfway, end = (json.loads(line)["seconds"] for line in lines[-2:])
        write_json(kept, {"seconds_per_step": (end - halfway) / (_STEPS // 2)})
        for left in (out, out.with_suffix(".metrics.jsonl"), trial.with_suffix(".config.json")):
            left.unlink()
    return float(json.loads(read_regular(kept))["seconds_per_step"])


def _without_validation(config: TaskConfig, network: str) -> dict[str, object]:
    document: dict[str, object] = config.model_dump(mode="json")
    settings = getattr(config, f"{network}_training").model_dump(mode="json")
    few = {"steps": _STEPS, "validate_every": _STEPS // 2, "held_out": 0}
    return document | {f"{network}_training": settings | few}
