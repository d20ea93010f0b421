"""What the classes of a network mean: the region of each, where need be on either side of the body."""

from collections.abc import Sequence
from dataclasses import dataclass

from pairs.errors import WeightsError
from pipeline.regions.config import SegmentorConfig
from pipeline.typing import Bool, Float, Tensor

__all__ = ["ClassRegions", "class_regions", "region_of_classes"]


@dataclass(frozen=True)
class ClassRegions:
    """The region index that each class stands for.

    Attributes:
        left: Of each class, to the left of the mid-sagittal plane.
        right: The same to the right of it.
        count: Number of regions.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    count: int

    @property
    def depend_on_the_side(self) -> bool:
        """Whether a class stands for two regions."""
        return self.left != self.right

    def probabilities(
        self, of_classes: Float[Tensor, "M X Y Z"], right: Bool[Tensor, "X Y Z"] | None = None
    ) -> Float[Tensor, "N X Y Z"]:
        """Probabilities of regions: those of all classes that stand for one.

        Args:
            of_classes: Probabilities of the classes.
            right: Where it is right of the plane; not looked at where classes have sides.
        """
        if self.left == self.right == tuple(range(self.count)):
            return of_classes
        of_regions = of_classes.new_zeros(self.count, *of_classes.shape[1:])
        for here, there, probability in zip(self.left, self.right, of_classes, strict=True):
            if here == there or right is None:
                of_regions[here] += probability
            else:
                of_regions[here] += probability * ~right
                of_regions[there] += probability * right
        return of_regions


def class_regions(config: SegmentorConfig, regions: Sequence[int]) -> ClassRegions:
    """What the classes of a configured network mean.

    Args:
        config: Its `class_labels` and `right_class_labels`.
        regions: Label value of each region index.

    Raises:
        WeightsError: See `region_of_classes`.
    """
    left = region_of_classes(config.class_labels or regions, regions)
    right = left
    if config.right_class_labels is not None:
        right = region_of_classes(config.right_class_labels, regions)
    return ClassRegions(left, right, len(regions))


def region_of_classes(class_labels: Sequence[int], regions: Sequence[int]) -> tuple[int, ...]:
    """The region index that each class of a network stands for.

    Args:
        class_labels: the task's label of each class.
        regions: label value of each region index.

    Raises:
        WeightsError: a class has a label that is not among the regions, or none has one but background.
    """
    remedy = "give the task's label of each class with `class_labels`, in `convert` with --class-labels"
    unknown = sorted(set(class_labels) - set(regions))
    if unknown:
        raise WeightsError(
            "the segmentor's class_labels name labels that the weights do not have",
            expected=f"some of {list(regions)}",
            got=unknown,
            remedy=remedy,
        )
    if not any(class_labels):
        raise WeightsError(
            "the segmentor's class_labels name background only", got=list(class_labels), remedy=remedy
        )
    return tuple(list(regions).index(label) for label in class_labels)
