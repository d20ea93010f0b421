"""The mean of a population: training subjects registered onto one grid and averaged in their mean shape."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pairs.errors import BadLabels, UsageError
from pairs.images.grid import require_same_grid
from pairs.images.volume import Header, Volume, read_image, read_labels
from pairs.tasks.task import Subject
from pipeline.config import IntensityConfig
from pipeline.regions.segmentor import Segmentation
from pipeline.registration.preprocess import normalise
from pipeline.registration.registrar import require_same_lattice
from studies.demo.deformation import compose, inverse, pull_back
from studies.demo.template import LEVELS, Template, TemplateHeader, quantised

__all__ = [
    "Member",
    "Population",
    "Register",
    "average",
    "load_members",
    "mean_of",
    "most_typical",
    "quantise",
    "spread_over",
]

log = logging.getLogger(__name__)

Register = Callable[[Volume, Volume, Segmentation], np.ndarray]

ROUNDS = 2
MIN_COVERAGE = 0.2
"""Share of the subjects that must show a voxel for the template to show it."""


@dataclass(frozen=True, eq=False)
class Member:
    """One subject of the population.

    Attributes:
        image: as read, for the registrar.
        grey: the image scaled to 0..1, (X, Y, Z).
        regions: region index of each voxel, (X, Y, Z).
    """

    image: Volume
    grey: np.ndarray
    regions: np.ndarray


@dataclass(frozen=True, eq=False)
class Population:
    """The mean of registered subjects.

    Attributes:
        grey: mean grey value, (X, Y, Z) float32 in 0..1; 0 where too few subjects were imaged.
        probabilities: share of each region, background first, (N, X, Y, Z) float32.
    """

    grey: np.ndarray
    probabilities: np.ndarray


def spread_over(subjects: Sequence[Subject], count: int) -> tuple[Subject, ...]:
    """`count` of the subjects at even distances in their list, all of them where there are fewer.

    Raises:
        UsageError: fewer than two.
    """
    taken = min(max(count, 0), len(subjects))
    chosen = np.linspace(0, len(subjects) - 1, taken).round().astype(int)
    if len(chosen) < 2:
        raise UsageError("too few labelled training subjects", expected="at least 2", got=len(chosen))
    return tuple(subjects[index] for index in chosen)


def load_members(
    subjects: Sequence[Subject], labels: Sequence[int], intensity: IntensityConfig
) -> tuple[Member, ...]:
    """Read the subjects; `labels` gives the label value of each region index.

    Raises:
        VolumeError: a file is unreadable, grids differ, or a label map holds other labels.
    """
    members: list[Member] = []
    for subject in subjects:
        image, own = read_image(subject.image), read_labels(subject.label or subject.image)
        require_same_grid(image.header, own.header)
        if members:
            require_same_lattice(image.header, members[0].image.header)
        if not np.isin(own.array, labels).all():
            raise BadLabels("unknown labels", where=own.header.path, expected=list(labels))
        regions = np.searchsorted(labels, own.array).astype(np.uint8)
        members.append(Member(image, normalise(image.array, intensity), regions))
    return tuple(members)


def most_typical(members: Sequence[Member], regions: int) -> Member:
    """The member whose regions overlap most with the mean of all of them: the first reference."""
    shares = np.stack([np.mean([m.regions == r for m in members], axis=0) for r in range(1, regions)])

    def overlap(member: Member) -> float:
        own = np.stack([member.regions == r for r in range(1, regions)])
        return float(2 * (own * shares).sum() / max(own.sum() + shares.sum(), 1))

    return max(members, key=overlap)


def average(members: Sequence[Member], displacements: Sequence[np.ndarray], regions: int) -> Population:
    """The members' mean in their mean shape.

    The mean displacement leads from the reference to the members' mean shape; going back along it first
    leaves a template from which the members differ by nothing on average.

    Args:
        members: the population.
        displacements: u of each member onto one reference, (X, Y, Z, 3) in voxels.
        regions: number of regions, background included.
    """
    to_reference = inverse(np.mean(displacements, axis=0))
    shape = members[0].grey.shape
    total, seen = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    counts = np.zeros((regions, *shape), np.float32)
    for member, displacement in zip(members, displacements, strict=True):
        path = compose(displacement, to_reference)
        # Padding is no tissue: a voxel's mean is over the subjects whose crop reaches it.
        seen += pull_back((member.image.array != 0).astype(np.float32), path)
        total += pull_back(member.grey, path)
        for region in range(regions):
            counts[region] += pull_back((member.regions == region).astype(np.float32), path)
    shown = seen >= MIN_COVERAGE * len(members)
    mean = np.divide(total, seen, out=np.zeros_like(total), where=shown)
    return Population(np.where(shown, np.clip(mean, 1 / LEVELS, 1), 0), counts / len(members))


def mean_of(
    members: Sequence[Member],
    register: Register,
    intensity: IntensityConfig,
    regions: int,
    rounds: int = ROUNDS,
) -> Population:
    """Register all members onto the most typical one, average them, and do so again onto the average.

    Args:
        members: the population, on one grid.
        register: a `Registrar`, or any (moving, fixed, segmentation of fixed) -> displacement.
        intensity: how `register` scales its images.
        regions: number of regions, background included.
        rounds: how often; each round but the first starts from a sharper reference of the mean shape.
    """
    reference = most_typical(members, regions)
    fixed, probabilities = reference.image, np.stack([reference.regions == r for r in range(regions)])
    for turn in range(rounds):
        segmentation = _segmentation(probabilities)
        displacements = [register(member.image, fixed, segmentation) for member in members]
        mean_vox = float(np.abs(displacements).mean())
        log.info("round %d of %d: mean displacement %.2f voxels", turn + 1, rounds, mean_vox)
        population = average(members, displacements, regions)
        probabilities = population.probabilities
        fixed = _volume(population.grey, reference.image.header, intensity)
    return population


def quantise(population: Population, header: TemplateHeader) -> Template:
    """The population as a template."""
    return Template(header, quantised(population.grey), quantised(population.probabilities[1:]))


def _segmentation(probabilities: np.ndarray) -> Segmentation:
    """Region and confidence of each voxel from (N, X, Y, Z)."""
    labels = probabilities.argmax(axis=0).astype(np.uint8)
    return Segmentation(labels, probabilities.max(axis=0).astype(np.float16))


def _volume(grey: np.ndarray, header: Header, intensity: IntensityConfig) -> Volume:
    """The mean image in the units that the registrar expects of an image file."""
    if intensity.kind == "window":
        grey = grey * (intensity.high - intensity.low) + intensity.low
    return Volume(header, grey.astype(np.float32))
