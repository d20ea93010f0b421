"""What is told of two registered scans: the arrays to write, the images to draw, and the figures."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from evaluation.metrics.jacobian import regularity
from evaluation.metrics.overlap import dice
from evaluation.metrics.similarity import similarity
from evaluation.picture.threeplanes import ThreeImages
from pairs.fields.field import Field
from pairs.images.relation import Matrix
from pairs.process.stopwatch import Stopwatch
from pairs.process.version import VERSION
from pipeline.predict.report import peak_memory_mib
from pipeline.programversion import program_version
from pipeline.scans.registration import RegisteredScans
from textscf.scans.report import Change, GridRelation, Regularity, Rows, ScanReport

__all__ = ["ScanResults", "results_of"]

LabelMaps = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of the fixed image, and of the moving one on its grid, before and after."""


@dataclass(frozen=True, eq=False)
class ScanResults:
    """All that is written.

    Attributes:
        warped: The moving image on the fixed grid, (X, Y, Z).
        field: The displacement.
        shown: What the picture shows.
        report: The report.
    """

    warped: np.ndarray
    field: Field
    shown: ThreeImages
    report: ScanReport

    @property
    def summary(self) -> str:
        """The figures in one line."""
        report = self.report
        parts = [f"correlation {_told(report.similarity['correlation'])}"]
        if report.dice is not None:
            parts.insert(0, f"mean Dice {_told(report.dice['mean'])}")
        parts.append(f"largest displacement {report.displacement.largest_mm:.1f} mm")
        if report.displacement.folded_percent is not None:
            parts.append(f"folded {report.displacement.folded_percent:.3f} %")
        return ", ".join(parts)


def results_of(found: RegisteredScans) -> ScanResults:
    """Warps the moving image, and compares both states with the fixed one.

    Args:
        found: The registration.
    """
    scans, watch = found.scans, Stopwatch(found.seconds)
    method, bundle = found.method, found.method.bundle
    with watch.part("warping"):
        warped, before, moving_labels = found.warped(), found.before(), found.moving_labels()
    after = warped.astype(np.float32, copy=False)
    label_maps = None
    if scans.fixed_labels is not None and moving_labels is not None:
        label_maps = (scans.fixed_labels.array, *moving_labels)
    with watch.part("figures"):
        alike = [similarity(scans.fixed.array, one, scans.mask) for one in (before, after)]
        displacement = _regularity(found)
        overlaps = None if label_maps is None else _overlaps(label_maps)
    report = ScanReport(
        fixed=scans.fixed.header.path.name,
        moving=scans.moving.header.path.name,
        method=method.name,
        compared=method.compared,
        weights=bundle.path.name if bundle is not None and bundle.path is not None else None,
        weights_sha256=bundle.sha256 if bundle is not None else None,
        version=VERSION,
        program=program_version(),
        torch=torch.__version__,
        device=str(method.device),
        grids=_grids(found),
        displacement=displacement,
        similarity={
            name: _change(*(getattr(one, name) for one in alike))
            for name in ("correlation", "mutual_information")
        },
        dice=overlaps,
        seconds=watch.seconds,
        peak_memory_mib=peak_memory_mib(method.device),
        warnings=found.warnings,
    )
    images = (scans.fixed.array, before, after)
    shown = ThreeImages(images, label_maps, scans.fixed.header.affine, scans.grid.placed)
    return ScanResults(warped, found.field, shown, report)


def _grids(found: RegisteredScans) -> GridRelation:
    relation = found.scans.relation
    return GridRelation(
        basis=relation.basis,
        centres_put_together=relation.basis == "centres",
        centre_distance_mm=round(relation.centre_distance_mm, 3),
        overlap=round(relation.overlap, 4),
        fixed_voxel_to_moving_voxel=_rows(relation.to_moving_voxels()),
        fixed_mm_to_moving_mm=_rows(found.matrix),
    )


def _rows(matrix: Matrix) -> Rows:
    return tuple(tuple(row) for row in matrix.tolist())


def _regularity(found: RegisteredScans) -> Regularity:
    """Of the displacement with its affine part, within the mask where there is one."""
    u, mask = found.displacement, found.scans.mask
    measured = regularity(u, None if mask is None else mask.astype(np.uint8))
    per_voxel = found.scans.fixed.header.affine[:3, :3].astype(np.float32)
    # A few planes at a time: the lengths are wanted, not a second field.
    longest = max(float(np.linalg.norm(plane @ per_voxel.T, axis=-1).max()) for plane in u)
    folds = _number(measured.fold_fraction)
    return Regularity(
        largest_mm=round(longest, 4),
        folded_percent=None if folds is None else 100 * folds,
        sdlogj=_number(measured.sdlogj),
    )


def _overlaps(label_maps: LabelMaps) -> dict[str, Change]:
    """Dice of each label that a label map holds before registration, and their mean."""
    fixed, before, after = label_maps
    labels = [int(label) for label in np.unique(fixed) if label > 0]
    each = {
        str(label): (dice(fixed == label, before == label), dice(fixed == label, after == label))
        for label in labels
    }
    means = np.mean(list(each.values()), axis=0)
    return {
        "mean": _change(float(means[0]), float(means[1])),
        **{label: _change(*pair) for label, pair in each.items()},
    }


def _change(before: float, after: float) -> Change:
    return Change(before=_number(before), after=_number(after))


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return round(value, 6) if math.isfinite(value) else None


def _told(change: Change) -> str:
    return " → ".join("-" if one is None else f"{one:.3f}" for one in (change.before, change.after))
