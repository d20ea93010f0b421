"""How long the trainings of a table may be: in steps each, or in minutes together."""

import re
from dataclasses import dataclass
from typing import Literal

from pairs.errors import UsageError

__all__ = ["Budget", "parse_budget"]

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
        raise UsageError("--budget", expected="a number and its unit: 1000steps or 90minutes", got=repr(text))
    return Budget(int(found[1]), "steps" if found[2] == "steps" else "minutes")
