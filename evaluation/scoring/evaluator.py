"""The official evaluators: what the program of each year computes, and its names and means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pairs.errors import UsageError
from pairs.fields.profile import PROFILES
from pairs.tasks.evaluation_config import Method

__all__ = ["EVALUATORS", "Evaluator", "configured_methods", "evaluator_for"]


@dataclass(frozen=True)
class Evaluator:
    """One state of the official scorer.

    Attributes:
        name: "2.0", "2023" (the states of 2.0 before 2024-08), "2021" or "2020".
        log_offset: What is added to the Jacobian determinant before the logarithm.
        log_clip: The range to which that sum is clipped.
        ddof: Of the standard deviation over cases; the one inside SDlogJ is always of ddof 0.
        quantiles: By metric, the quantile over cases that the JSON calls "30".
        metric_names: By metric, its name in the results where no configuration names it.
        masked: Whether a configuration can restrict SDlogJ to the mask of the fixed image.
        profiles: The profiles whose fields it reads; it would refuse all others for their shape or container.
    """

    name: str
    log_offset: float
    log_clip: tuple[float, float]
    ddof: int
    quantiles: Mapping[str, float]
    metric_names: Mapping[str, str]
    masked: bool
    profiles: tuple[str, ...]

    @property
    def early(self) -> bool:
        """Whether this is one of the half-resolution scorers of 2020 and 2021.

        They aggregate with pandas, which leaves NaN out, know three metrics, and give one number for each
        case and metric.
        """
        return self.ddof == 1

    def unread(self, profiles: Iterable[str]) -> tuple[str, ...]:
        """Returns those of the challenge's profiles that this evaluator does not read."""
        return tuple(sorted({one for one in profiles if one in PROFILES and one not in self.profiles}))

    def reports(self, method: Method) -> bool:
        """Says whether this evaluator's own results hold a method.

        The golden files of 2021 have no TRE, although the configuration beside them lists it as `TRE_kp`: the
        early evaluators leave it out unless it is asked for in version 0.1 of the form, which calls it `TRE`.
        """
        return not self.early or method.metric in self.metric_names or method.name == _V01_TRE


_LOW_QUANTILES = MappingProxyType({"dice": 0.3, "hd95": 0.3, "sdlogj": 0.3, "tre": 0.3})
# Since 2024-08 at the worse end, except for HD95, where 0.3 is the better one.
_WORSE_QUANTILES = MappingProxyType({"dice": 0.3, "hd95": 0.3, "sdlogj": 0.7, "tre": 0.7})
_NAMES = MappingProxyType({"dice": "DSC", "hd95": "HD95", "sdlogj": "LogJacDetStd", "tre": "TRE_kp"})
_EARLY_NAMES = MappingProxyType(
    {"dice": "DiceCoefficient", "hd95": "HausdorffDistance95", "sdlogj": "LogJacDetStd"}
)
_CLIP = (1e-9, 1e9)
_FULL = ("l2r2022", "lumir2024")
# The hippocampus was full in 2020, all other tasks half.
_OF_2020 = ("l2r2020-full", "l2r2021")

EVALUATORS: Mapping[str, Evaluator] = MappingProxyType(
    {
        evaluator.name: evaluator
        for evaluator in (
            Evaluator("2.0", 3.0, _CLIP, 0, _WORSE_QUANTILES, _NAMES, masked=True, profiles=_FULL),
            Evaluator("2023", 3.0, _CLIP, 0, _LOW_QUANTILES, _NAMES, masked=True, profiles=_FULL),
            Evaluator(
                "2021", 3.0, _CLIP, 1, _LOW_QUANTILES, _EARLY_NAMES, masked=False, profiles=("l2r2021",)
            ),
            Evaluator(
                "2020", 15.0, (0.0, 1e9), 1, _LOW_QUANTILES, _EARLY_NAMES, masked=False, profiles=_OF_2020
            ),
        )
    }
)

_BY_PROFILE = MappingProxyType({"l2r2021": "2021", "l2r2020-full": "2020"})
# Version 0.1 of the configuration has no names; its reader gives TRE this one.
_V01_TRE = "TRE"


def evaluator_for(profiles: Iterable[str]) -> Evaluator:
    """Chooses the evaluator that was made for fields of these profiles; 2.0 for all but two of them.

    Args:
        profiles: Names of the profiles of a task's fields.

    Raises:
        UsageError: If they are fields for different evaluators.
    """
    found = sorted(set(profiles))
    names = {_BY_PROFILE.get(profile, "2.0") for profile in found}
    if len(names) > 1:
        raise UsageError(
            "the fields are made for different evaluators",
            expected="one profile, or profiles of one evaluator",
            got=", ".join(found),
            remedy=f"name one with --evaluator {'|'.join(EVALUATORS)}",
        )
    return EVALUATORS[names.pop() if names else "2.0"]


def configured_methods(evaluator: Evaluator, methods: Sequence[Method]) -> tuple[Method, ...]:
    """Names the methods of a configuration as an evaluator does.

    The evaluators from 2023 on take the names as they are. Those of 2020 and 2021 had no configuration and
    wrote names of their own, and so do the golden files: there the first Dice, HD95 and SDlogJ method gets
    the evaluator's name, which is also what version 0.1 of the configuration stands for. A further method of
    the same metric (`DiceCoefficient_Secret`) keeps its name, and so does TRE.

    Args:
        evaluator: The evaluator.
        methods: The methods of the configuration, in its order.
    """
    if not evaluator.early:
        return tuple(methods)
    # A name that the file gives itself may not come up a second time.
    taken = {method.name for method in methods}
    named = []
    for method in methods:
        name = evaluator.metric_names.get(method.metric, method.name)
        if name not in taken:
            taken.add(name)
            method = method.model_copy(update={"name": name})
        named.append(method)
    return tuple(named)
