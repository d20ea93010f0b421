"""What converted weights are for: a task's name, modality, labels and configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pairs.errors import UsageError
from pairs.tasks.official import official_names, read_official
from pairs.tasks.task import read_task
from pipeline.config import TaskConfig, read_config, shipped_config
from pipeline.network.backbones.registry import build_backbone
from pipeline.weights.bundle import BundleHeader

__all__ = ["Target", "target_of"]


@dataclass(frozen=True)
class Target:
    """A task that weights are converted for.

    Attributes:
        name: of the task.
        modality: of its fixed images.
        label_names: of its labels, without background.
        config: its settings.
    """

    name: str
    modality: str
    label_names: Mapping[int, str]
    config: TaskConfig

    @property
    def regions(self) -> tuple[int, ...]:
        """Label value of each region index, 0 first."""
        return (0, *sorted(self.label_names))

    def header(self, config: TaskConfig, training: dict[str, Any]) -> BundleHeader:
        """What a bundle for the task says of itself, under these settings and with this provenance."""
        return BundleHeader(
            task=self.name,
            modality=self.modality,
            regions=self.regions,
            region_names=("background", *(self.label_names[label] for label in self.regions[1:])),
            config=config,
            training=training,
        )


def target_of(task: str, config_file: Path | None, *, follow_links: bool = False) -> Target:
    """The task by its folder, or one of Learn2Reg's by name, so that no data need be at hand.

    Args:
        task: path of a task folder or dataset JSON, or the name of an official task.
        config_file: configuration in place of the shipped one.
        follow_links: whether symlinks may lead out of the task folder.

    Raises:
        UsageError: there is neither a folder nor an official task of this name, it has no labels, or its
            configuration names a backbone that there is not.
        TaskError: the task folder has faults.
    """
    if Path(task).exists():
        read = read_task(Path(task), follow_links=follow_links)
        name, modality, names = read.name, read.modality, dict(read.label_names)
    elif task in official_names():
        official = read_official(task)
        fixed = official.lists[0].fixed_modality
        name, modality = official.name, official.modality.get(fixed, "")
        names = dict(official.labels.get(fixed, {}))
    else:
        raise UsageError(
            "no such task",
            where=f"--task {task}",
            expected=f"a task folder, or one of {', '.join(official_names())}",
        )
    config = read_config(config_file) if config_file else shipped_config(name)
    with torch.device("meta"):
        build_backbone(config.registration)
    names = {label: word for label, word in (names or config.labels).items() if label != 0}
    if not names:
        raise UsageError("the task names no labels", where=name, remedy="name them in `labels` of --config")
    return Target(name, modality, names, config)
