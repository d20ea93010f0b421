"""The regions of one task, or of several that are trained together, in one table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.text.prompts import normalise_name

__all__ = ["JointRegions", "joint_regions"]

BACKGROUND = "background"


@dataclass(frozen=True)
class JointRegions:
    """Regions of a main task, then those that only its auxiliary tasks have.

    Attributes:
        labels: Label value of each row, ascending, 0 first. The main task's are its own; the others are
            numbered after them, since two tasks may give one value to different regions.
        names: Name of each row.
    """

    labels: tuple[int, ...]
    names: tuple[str, ...]

    def rows_of(self, label_names: Mapping[int, str]) -> tuple[int, ...]:
        """Row of each region index of an auxiliary task: of its background, then of its labels, ascending.

        A region is known by its name; what is not in the table is background.
        """
        known: dict[str, int] = {}
        for row, name in enumerate(self.names):
            known.setdefault(normalise_name(name), row)
        names = (normalise_name(label_names[label], label) for label in sorted(label_names) if label != 0)
        return (0, *(known.get(name, 0) for name in names))


def joint_regions(main: Mapping[int, str], auxiliary: Sequence[Mapping[int, str]] = ()) -> JointRegions:
    """One table for the regions of all tasks; a region that several of them name has one row.

    Args:
        main: Names by label of the main task; its rows come first, so a table can be cut back to them.
        auxiliary: The same of each auxiliary task.

    Raises:
        TaskError: If a name is empty or unprintable.
    """
    labels = [0, *sorted(label for label in main if label != 0)]
    names = [BACKGROUND, *(main[label] for label in labels[1:])]
    taken = {normalise_name(name, label) for label, name in zip(labels, names, strict=True)}
    for task in auxiliary:
        for label in sorted(task):
            name = normalise_name(task[label], label)
            if label != 0 and name not in taken:
                taken.add(name)
                names.append(task[label])
                labels.append(labels[-1] + 1)
    return JointRegions(tuple(labels), tuple(names))
