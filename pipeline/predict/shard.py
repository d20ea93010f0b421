"""One part of a task's pairs, for job arrays: each job takes another part, and together they take all."""

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pairs.errors import UsageError
from pairs.files.reportnames import shard_report_name
from pairs.tasks.pair import Pair
from pipeline.predict.report import ShardPart

__all__ = ["Shard", "shard_of"]

_FORM = re.compile(r"(\d{1,6})/(\d{1,6})")
_ID, _COUNT = "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"
_LEAST, _STEP = "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"


@dataclass(frozen=True)
class Shard:
    """The part of number `index` of `count` parts, from 1."""

    index: int
    count: int

    def __str__(self) -> str:
        """As in a sentence."""
        return f"shard {self.index} of {self.count}"

    @property
    def report_name(self) -> str:
        """Name of its report."""
        return shard_report_name(self.index, self.count)

    def part_of(self, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
        """Returns its pairs, in their order; every pair is in one shard, and shards are of about one size.

        Pairs of one fixed image stay together, so that one job segments it. Where there are fewer fixed
        images than shards, as with an atlas, they are divided all the same: no shard shall go without.
        """
        by_fixed: dict[Path, list[int]] = {}
        for place, pair in enumerate(pairs):
            by_fixed.setdefault(pair.fixed, []).append(place)
        groups = list(by_fixed.values())
        if len(groups) < self.count:
            most = max(1, len(pairs) // self.count)
            groups = [group[start : start + most] for group in groups for start in range(0, len(group), most)]
        # The largest group goes to the smallest shard, each time.
        sizes = [(0, number) for number in range(1, min(self.count, len(groups)) + 1)]
        own: list[int] = []
        for group in sorted(groups, key=len, reverse=True):
            size, number = heapq.heappop(sizes)
            heapq.heappush(sizes, (size + len(group), number))
            own += group if number == self.index else ()
        return tuple(pairs[place] for place in sorted(own))

    def described(self, pairs: Sequence[Pair]) -> ShardPart:
        """What its report says of it.

        Args:
            pairs: All of the task.
        """
        own = {pair.name for pair in self.part_of(pairs)}
        places = {pair.name: place for place, pair in enumerate(pairs) if pair.name in own}
        return ShardPart(shard=self.index, of=self.count, places=places, total=len(pairs))


def shard_of(text: str, environment: Mapping[str, str]) -> Shard:
    """Returns the shard that `--shard` names.

    Args:
        text: `I/N`, or `slurm` for the place of this job in its array.
        environment: Of the process.

    Raises:
        UsageError: There is no such shard, or no array of SLURM.
    """
    if text == "slurm":
        return _of_array(environment)
    found = _FORM.fullmatch(text)
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.index <= shard.count:
        raise UsageError(
            "no such shard", where=f"--shard {text}", expected="I/N with I from 1 to N, such as 3/8, or slurm"
        )
    return shard


def _of_array(environment: Mapping[str, str]) -> Shard:
    """The first task of the array has the first shard, with whatever number the array begins."""
    try:
        number, count = int(environment[_ID]), int(environment[_COUNT])
        least, step = int(environment.get(_LEAST, "1")), int(environment.get(_STEP, "1"))
    except (KeyError, ValueError) as error:
        raise UsageError(
            "not a job of a SLURM array",
            where="--shard slurm",
            expected=f"numbers in {_ID} and {_COUNT}",
            got=f"{_ID}={environment.get(_ID, '')}, {_COUNT}={environment.get(_COUNT, '')}",
            remedy="submit with sbatch --array=1-N, or give --shard I/N",
        ) from error
    place, rest = divmod(number - least, max(step, 1))
    if rest or not 0 <= place < count:
        raise UsageError(
            "the tasks of the SLURM array have gaps",
            where="--shard slurm",
            expected="a range such as --array=1-8",
            got=f"task {number} of {count} from {least}, in steps of {step}",
            remedy="give --shard I/N",
        )
    return Shard(place + 1, count)
