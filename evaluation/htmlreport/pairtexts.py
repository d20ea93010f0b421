"""The words that stand for each picture of a pair, with the numbers that it shows."""

from collections.abc import Callable

from evaluation.htmlreport.pairview import SectionView
from evaluation.htmlreport.shown import number

__all__ = ["texts_of"]

Text = Callable[[SectionView], str]


def texts_of(pair: str, dice: tuple[float, float] | None) -> tuple[Text, ...]:
    """Returns the texts of the fixed, moving and warped image, the comparison, and the three of the field.

    Args:
        pair: Name of the pair.
        dice: Mean Dice before and after registration; None where nothing is outlined.
    """
    before, after = (
        ("", "") if dice is None else (f", mean Dice of the pair {number(one, 3)}" for one in dice)
    )
    outlined = "" if dice is None else ", labels outlined"
    return (
        lambda one: f"Fixed image of {pair}, {one.title}{outlined}",
        lambda one: f"Moving image before registration, {one.title}{outlined}{before}",
        lambda one: f"Moving image after registration, {one.title}{outlined}{after}",
        lambda one: (
            f"Fixed and moving image compared, {one.title}: mean absolute difference "
            f"{number(one.differences[0], 3)} before and {number(one.differences[1], 3)} after registration, "
            "of a grey range of 1"
        ),
        lambda one: (
            f"Deformation grid on the fixed image, {one.title}, a line every {one.grid_step} voxels, "
            f"{_folds(one)}"
        ),
        lambda one: (
            f"Jacobian determinants, {one.title}: {number(one.determinants[0], 2)} to "
            f"{number(one.determinants[1], 2)}, {_folds(one)}"
        ),
        lambda one: (
            f"Length of the displacement, {one.title}: mean {number(one.lengths_mm[0], 1)} mm, largest "
            f"{number(one.lengths_mm[1], 1)} mm"
        ),
    )


def _folds(section: SectionView) -> str:
    return f"{section.folded} of {section.voxels} voxels folded" if section.folded else "no folded voxels"
