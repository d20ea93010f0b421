"""Which method registers a task: the networks of a bundle, or the general method where no bundle fits."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

import torch

from pairs.errors import UsageError, WeightsError
from pairs.fields.profile import Profile
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task
from pipeline.config import TaskConfig, shipped_config
from pipeline.general.intensities import intensities_of
from pipeline.general.registration import GeneralRegistration, compared_in
from pipeline.machine.memory import shortage_reported
from pipeline.predict.fit import require_fit
from pipeline.regions.segmentor import MOST_REGIONS
from pipeline.regions.sides import SideCheck
from pipeline.regions.source import RegionFiles, RegionSource, region_source
from pipeline.registration.bynetwork import NetworkRegistration
from pipeline.registration.pairwise import Registration
from pipeline.weights.bundle import Bundle, read_bundle
from pipeline.weights.folders import bundle_of

__all__ = ["METHODS", "Asked", "Choice", "choose_method"]

log = logging.getLogger(__name__)

METHODS = ("auto", "network", "general")

_NAMES: dict[Literal["network", "general"], str] = {"network": "weights", "general": "the general method"}


@dataclass(frozen=True)
class Asked:
    """What the user asked for.

    Attributes:
        method: One of `METHODS`.
        weights: A bundle's file; None takes the one that ships for the task.
        segmentations: Folder of the user's own label maps; None for none.
    """

    method: str = "auto"
    weights: Path | None = None
    segmentations: Path | None = None


@dataclass(frozen=True)
class Choice:
    """The method of a run.

    Attributes:
        task: What is registered.
        segmentations: Folder of the user's own label maps; None for none.
        config: Of the method.
        name: What the report calls the method.
        weights: The bundle's file; the general method has its segmentor alone, or goes without.
        bundle: What it holds.
    """

    task: Task
    segmentations: Path | None
    config: TaskConfig
    name: Literal["network", "general"]
    weights: Path | None = None
    bundle: Bundle | None = None

    @property
    def uses_masks(self) -> bool:
        """Whether it compares the images in the masks of the task alone."""
        return self.name == "general"

    @property
    def sha256(self) -> str:
        """Hash of what the method depends on: the weights with their settings, or settings and modalities."""
        if self.bundle is not None and self.name == "network":
            return self.bundle.sha256
        settings = _of_one_scaling(self.config, self.task).model_dump_json()
        parts = (settings, *_modalities(self.task, self.config), self.bundle.sha256 if self.bundle else "")
        return sha256("\n".join(parts).encode()).hexdigest()

    def __str__(self) -> str:
        """The method in a few words, for the log."""
        if self.weights is None:
            return _NAMES[self.name]
        if self.name == "general":
            return f"{_NAMES['general']} with the regions of {self.weights.name}"
        return f"{_NAMES['network']} {self.weights.name}"

    def segmented(self, pair: Pair) -> tuple[Path, ...]:
        """The images of a pair that a segmentor will be asked about."""
        if self.bundle is None or self.segmentations is not None or not self.bundle.header.label_names:
            return ()
        config = self.bundle.header.config
        refined = config.refinement.iterations > 0
        return (pair.fixed, pair.moving) if self.name == "general" or refined else (pair.fixed,)

    def portable(self) -> "Choice":
        """The same for another process, which reads the bundle itself and needs the kinds of pairs only."""
        kinds = {self.task.modalities_of(pair): pair for pair in reversed(self.task.pairs)}
        pairs = tuple(pair for pair in self.task.pairs if kinds[self.task.modalities_of(pair)] is pair)
        task = replace(self.task, pairs=pairs, subjects=(), left_out=(), held_out=frozenset())
        return replace(self, task=task, bundle=None)

    def registration(self, device: torch.device, profile: Profile, kept: Path) -> Registration:
        """Makes the method ready.

        Args:
            device: Where it works.
            profile: What the fields are stored as.
            kept: Folder for the results of a segmentor.

        Raises:
            KnownError: As the parts say.
        """
        if self.bundle is None or self.weights is None:
            names = {label: name for label, name in self.task.label_names.items() if label > 0}
            own = (0, *sorted(names))
            folder, sides = self.segmentations, SideCheck(names, own)
            files = None if folder is None else RegionFiles(folder, own, sides)
            return self._general(device, profile, files, own)
        with _shortage_reported(self.weights):
            regions, names = self.bundle.header.regions, self.bundle.header.label_names
            source = region_source(regions, names, self.segmentations, self.bundle, kept, device)
            if self.name == "general":
                return self._general(device, profile, source, regions)
            return NetworkRegistration(self.bundle, device, profile, source)

    def _general(
        self, device: torch.device, profile: Profile, source: RegionSource | None, regions: Sequence[int]
    ) -> Registration:
        modalities = _modalities(self.task, self.config)
        if compared_in(self.config, modalities) == "descriptors":
            log.info("modalities %s and %s: descriptors are compared, no intensities", *modalities)
        config = _of_one_scaling(self.config, self.task)
        return GeneralRegistration(config, device, profile, source, modalities, regions)


def choose_method(asked: Asked, task: Task) -> Choice:
    """Decides, and says in one line where the general method was not asked for.

    Raises:
        UsageError: The general method was asked for with segmentations of a task that names no labels, or
            too many.
        WeightsError: Weights were asked for that are missing, cannot be used, or are for another task.
    """
    path = asked.weights or bundle_of(task.name)
    if asked.method == "general" and asked.weights is None:
        return _without_weights(asked, task)
    if asked.weights is None and not path.exists():
        if asked.method == "network":
            got = f"no weights are shipped for {task.name}"
            remedy = "give --weights FILE, or --method general"
            raise WeightsError("no weights file", where=path, got=got, remedy=remedy)
        log.info("no weights are shipped for %s: the general method, which needs none, is used", task.name)
        return _without_weights(asked, task)
    with _shortage_reported(path):
        bundle = read_bundle(path)
    try:
        require_fit(bundle.header, task, path)
    except WeightsError as error:
        if asked.weights is not None or asked.method == "network":
            raise
        log.warning("%s: the general method, which needs no weights, is used", error)
        return _without_weights(asked, task)
    if asked.method == "auto" and not bundle.registration:
        log.info("%s holds a segmentor alone: the general method is used, with its regions", path.name)
    if asked.method == "general" or (asked.method == "auto" and not bundle.registration):
        return Choice(task, asked.segmentations, shipped_config(task.name), "general", path, bundle)
    return Choice(task, asked.segmentations, bundle.header.config, "network", path, bundle)


def _without_weights(asked: Asked, task: Task) -> Choice:
    if asked.segmentations is not None and not task.label_names:
        raise UsageError(
            "the task names no labels for the segmentations",
            where=task.root,
            remedy="state labels in the dataset JSON, or leave out --segmentations",
        )
    if asked.segmentations is not None and len(task.label_names) >= MOST_REGIONS:
        raise UsageError(
            "the task names too many labels for the segmentations",
            where=task.root,
            expected=f"at most {MOST_REGIONS - 1}",
            got=len(task.label_names),
            remedy="leave out --segmentations",
        )
    return Choice(task, asked.segmentations, shipped_config(task.name), "general")


def _modalities(task: Task, config: TaskConfig) -> tuple[str, str]:
    """Of the first pair whose two images are compared by descriptors, else of the first."""
    each = [task.modalities_of(pair) for pair in task.pairs]
    return next((one for one in each if compared_in(config, one) == "descriptors"), each[0])


def _of_one_scaling(config: TaskConfig, task: Task) -> TaskConfig:
    """Without windows of modalities where they change from pair to pair: one method serves all pairs."""
    sides = zip(*(task.modalities_of(pair) for pair in task.pairs), strict=True)
    if all(len({intensities_of(config, modality) for modality in side}) == 1 for side in sides):
        return config
    return config.model_copy(update={"general": config.general.model_copy(update={"windows": {}})})


def _shortage_reported(weights: Path) -> AbstractContextManager[None]:
    return shortage_reported("the networks", weights, "free some memory")
