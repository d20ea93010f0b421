"""A pair as it looks: both images, the labels and the field on one grid, and what they say as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.htmlreport.regionmaps import RegionMaps
from evaluation.htmlreport.worst import Place, worst_fold, worst_labels, worst_likeness
from evaluation.metrics.regions import LabelMap, box_labels, labels_present
from evaluation.metrics.similarity import Similarity, similarity
from evaluation.picture.panels import contrast_window, unit_contrast
from evaluation.scoring.case import Case, FieldReader, load_case
from evaluation.scoring.score import PairScore
from evaluation.scoring.structures import Measures, Structures, measure_structures
from evaluation.scoring.warp import warp_image, warp_labels
from pairs.errors import VolumeError
from pairs.fields.displacement import ReadField, read_displacement
from pairs.images.header import Header, read_header
from pairs.images.volume import read_image
from pairs.tasks.evaluation_config import Method
from pairs.tasks.task import Pair, Task

__all__ = ["Appearance", "PairReader", "Regions"]

Labels = NDArray[np.integer]


@dataclass(frozen=True)
class Regions:
    """What is measured of regions, in a task that has no labels.

    Attributes:
        measures: The numbers of each region.
    """

    measures: Mapping[int, Measures]

    @property
    def mean_dice(self) -> tuple[float, float]:
        """Mean Dice over the regions in both images, before and after registration; NaN without any."""
        known = [one for one in self.measures.values() if not np.isnan(one.dice)]
        if not known:
            return np.nan, np.nan
        before, after = ([one.dice_before for one in known], [one.dice for one in known])
        return float(np.mean(before)), float(np.mean(after))


@dataclass(frozen=True, eq=False)
class Appearance:
    """Volumes on the fixed grid, and numbers over all of them.

    Attributes:
        pair: The pair.
        header: Grid of the fixed image.
        greys: Fixed, moving and warped image, in [0, 1].
        labels: The same of labels or regions; None without any.
        displacement: u, (X, Y, Z, 3), voxels.
        length_mm: Its length, (X, Y, Z).
        similarity: Of the images before and after registration.
        regions: What is measured of the regions, where they stand in for labels.
        is_one_modality: Whether equal tissue is equally bright in both images.
        warnings: What is unusual about the files.
    """

    pair: Pair
    header: Header
    greys: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
    labels: tuple[Labels, Labels, Labels] | None
    displacement: NDArray[np.float32]
    length_mm: NDArray[np.float32]
    similarity: tuple[Similarity, Similarity]
    regions: Regions | None
    is_one_modality: bool
    warnings: tuple[str, ...]

    def place(self, labels: Sequence[int]) -> Place:
        """Returns where the pair is worst: by its labels, else by its images, by regions, by its field.

        Regions may have guided the registration, and then fit better than the images do.
        """
        found = None if self.labels is None else worst_labels(self.labels[0], self.labels[2], labels)
        if found is not None and self.regions is None:
            return found
        if self.is_one_modality:
            inside = np.ones(self.greys[1].shape, dtype=np.float32)
            return worst_likeness(self.greys[0], self.greys[2], warp_image(inside, self.displacement) > 0.99)
        return found or worst_fold(self.displacement)


@dataclass(frozen=True)
class PairReader:
    """Reads the pairs of a task with their fields.

    Attributes:
        task: The task.
        fields: Folder of the fields.
        methods: The metrics of the evaluation, which say which labels are read.
        foreign: Reader of fields of another tool; None for the challenge's own.
        maps: Regions that stand in for labels; None for none.
    """

    task: Task
    fields: Path
    methods: Sequence[Method]
    foreign: FieldReader | None
    maps: RegionMaps | None

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that is read from."""
        return self.task.root, self.fields, *(() if self.maps is None else (self.maps.folder,))

    def read(self, pair: Pair, score: PairScore) -> Appearance:
        """Reads a pair that could be scored.

        Raises:
            DisplacementError: If its field cannot be read any more.
            VolumeError: If an image is missing, damaged or of another shape.
        """
        case = load_case(pair, self.fields, self.methods, reader=self.foreign or _reader_of(score.field))
        warnings = [*case.warnings]
        fixed, moving = read_image(pair.fixed), read_image(pair.moving)
        warnings += [
            f"{one.header.path.name}: {text}" for one in (fixed, moving) for text in one.header.warnings
        ]
        u = case.field.displacement
        # Beyond the moving image lies its smallest value.
        low = moving.array.min()
        warped = warp_image(moving.array - low, u) + low
        maps, regions = self._labels(case, warnings)
        window = contrast_window(moving.array)
        spacing = np.asarray(fixed.header.spacing_mm, dtype=np.float32)
        return Appearance(
            pair=pair,
            header=fixed.header,
            greys=(
                unit_contrast(fixed.array),
                # One window for both states of the moving image, so that its brightness is comparable.
                unit_contrast(moving.array, window),
                unit_contrast(warped, window),
            ),
            labels=maps,
            displacement=u,
            length_mm=np.sqrt(np.square(u * spacing).sum(axis=-1)),
            similarity=(similarity(fixed.array, moving.array), similarity(fixed.array, warped)),
            regions=regions,
            is_one_modality=pair.fixed_id.modality == pair.moving_id.modality,
            warnings=tuple(dict.fromkeys(warnings)),
        )

    def _labels(
        self, case: Case, warnings: list[str]
    ) -> tuple[tuple[Labels, Labels, Labels] | None, Regions | None]:
        """Returns the labels before and after the warp; regions in their place where there are none."""
        u = case.field.displacement
        if case.fixed is not None and case.moving is not None:
            return (case.fixed.array, case.moving.array, warp_labels(case.moving.array, u)), None
        if self.maps is None:
            return None, None
        grids = read_header(case.pair.fixed), read_header(case.pair.moving)
        try:
            fixed, moving = self.maps.read(case.pair, grids)
        except VolumeError as error:
            warnings.append(f"no regions: {error}")
            return None, None
        warped = warp_labels(moving, u)
        labels = [label for label in self.maps.names if label > 0] or labels_present(fixed)
        boxed: list[LabelMap] = [box_labels(one, labels) for one in (fixed, moving, warped)]
        structures = Structures(boxed[0], boxed[1], boxed[2], case.fixed_spacing_mm)
        return (fixed, moving, warped), Regions(measure_structures(structures, labels, set(labels)))


def _reader_of(path: Path) -> FieldReader:
    """Reads the very file that was scored, of several that a pair may have."""

    def read(folder: Path, pair: Pair, fixed: Header, moving: Header) -> ReadField:
        return read_displacement(path, fixed.shape)

    return read
