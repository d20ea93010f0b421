"""`table4`: subjects with other regions join the training."""

from pairs.errors import UsageError
from studies.methods import INITIAL, filtered
from studies.paper import ABDOMEN
from studies.setting import Setting
from studies.table import Row
from studies.variant import Variant

__all__ = ["joint_rows"]


def joint_rows(setting: Setting) -> list[Row]:
    """The task alone; with the others, their regions background; with the others, their regions named.

    Raises:
        UsageError: No auxiliary task was given.
    """
    if not setting.auxiliary:
        raise UsageError("table4 trains with subjects of other tasks", remedy="give --aux-task DIR")
    alone = filtered("LKU-Net", {"backbone": "lkunet"}, ABDOMEN["textSCF"])
    joined = tuple(part for one in setting.auxiliary for part in ("--aux-task", *one))
    named = tuple(part for one in setting.auxiliary for part in ("--aux-task", one[0]))
    text = {"backbone": "lkunet", "head": "text"}
    unnamed = Variant("joint-background", text, arguments=(*joined, "--aux-regions", "background"))
    encoded = Variant("joint-encoded", text, arguments=joined, embed_arguments=named)
    note = ("the other subjects are those given, where the paper has 20 lung CT",)
    return [
        Row(INITIAL, published=ABDOMEN["initial"]),
        Row("the task alone", alone.variant, alone.published),
        Row("others join, their regions background", unnamed, against="the task alone", notes=note),
        Row("others join, their regions encoded", encoded, against="the task alone", notes=note),
    ]
