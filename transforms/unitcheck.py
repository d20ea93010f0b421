"""Whether a field looks as if it were in millimetres: the checker's suspicion, for one field."""

from pathlib import Path

import numpy as np

from evaluation.submission.conventions import AS_STORED
from evaluation.submission.suspicions import judge
from evaluation.submission.trial import Evidence, Likeness, Trial, try_field
from pairs.errors import VolumeError
from pairs.fields.field import Field
from pairs.images.volume import read_image

__all__ = ["unit_suspicion"]

_SAME_MM = 1e-3
# So well aligned that no other reading of the field could be better by what `judge` asks for.
_GOOD = 0.8
_SLIGHT_LOSS = 0.1


def unit_suspicion(field: Field, moving: Path) -> str | None:
    """Says what speaks against a field in voxels; None where nothing does, or nothing can be compared.

    The images are compared at some thousand points, without the displacement, with it as it is, and with it
    read in other units and axes (docs/scoring.md). Where voxels are those of the patient's axes and of 1 mm,
    or the field was in millimetres to begin with, there is nothing to mistake, and nothing is read.

    Args:
        field: A field as it was read.
        moving: The moving image; one on another grid than the fixed image is not compared.
    """
    grid = field.grid
    if field.form == "millimetres" or np.allclose(grid.affine[:3, :3], np.eye(3), rtol=0, atol=_SAME_MM):
        return None
    try:
        images = [read_image(path).array for path in (grid.path, moving)]
    except VolumeError:
        # Of the fixed image the header alone is needed; what is wrong with the moving one is told elsewhere.
        return None
    if any(image.shape != grid.shape for image in images):
        return None
    # Images of two modalities need not be alike in brightness.
    evidence = Evidence((Likeness("correlation ratio", *images),), grid)
    name, u = field.path.name, field.displacement
    if _is_good(try_field(name, u, evidence, (AS_STORED,))):
        return None
    verdict = judge([try_field(name, u, evidence)])
    if not verdict.findings:
        return None
    found = verdict.findings[0]
    return f"{field.path}: {found.what}; {found.got}; {found.remedy}"


def _is_good(trial: Trial) -> bool:
    """Whether the images agree with the field as it is, which saves the trial of all other readings."""
    (before,), ((after,),) = trial.before, trial.after
    return bool(after > _GOOD and after > before - _SLIGHT_LOSS)
