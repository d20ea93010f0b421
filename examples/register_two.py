"""Registers two NIfTI images, each on a grid of its own, and brings a label map of the moving one along.

python examples/register_two.py FIXED MOVING MOVING_LABELS OUT
"""

import sys
from pathlib import Path

import nibabel as nib

import textscf


def main(fixed: Path, moving: Path, moving_labels: Path, out: Path) -> None:
    """Writes the warped image, the warped label map and the field into a folder."""
    out.mkdir(parents=True, exist_ok=True)
    found = textscf.register(fixed, moving)
    for warning in found.warnings:
        print("warning:", warning)

    way = textscf.warp(found.field, moving=moving)
    for name, array in (("warped", way.image(moving)), ("labels", way.labels(moving_labels))):
        nib.save(nib.Nifti1Image(array, way.grid.affine), out / f"{name}.nii.gz")
    stored = textscf.write_field(out / "displacement.nii.gz", found.field)

    smoothness = textscf.regularity(found.displacement)
    print(f"{stored.path.name}: {found.displacement.shape[:3]} voxels, profile {stored.profile}")
    print(f"SDlogJ {smoothness.sdlogj:.3f}, folded voxels {smoothness.fold_fraction:.2%}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        main(*map(Path, sys.argv[1:5]))
    except textscf.KnownError as error:
        sys.exit(f"error: {error}")
