"""Image identifiers: the subject and modality numbers at the end of a Learn2Reg file name."""

import re
from dataclasses import dataclass
from pathlib import PurePath

from pairs.errors import TaskError

__all__ = ["ImageId", "parse_image_id"]

_NAME = re.compile(
    r"(?:.*_)?(?P<subject>[0-9]{4})_(?P<modality>[0-9]{4})(?:_(?P<visit>[0-9]{2}))?\.nii(?:\.gz)?"
)


@dataclass(frozen=True, order=True)
class ImageId:
    """Who and what an image shows; `str()` gives it as in the file name, "0211_0000".

    Attributes:
        subject: Four digits.
        modality: Four digits.
        visit: Two digits in PSMAReg, where one subject is imaged twice; empty elsewhere.
    """

    subject: str
    modality: str
    visit: str = ""

    def __str__(self) -> str:
        return "_".join(part for part in (self.subject, self.modality, self.visit) if part)


def parse_image_id(name: str) -> ImageId:
    """Reads the identifier from a file name or path such as `imagesTr/HippocampusMR_0211_0000.nii.gz`.

    The official evaluator cuts by position instead, which takes other names for other subjects.
    PSMAReg names end in a visit: `PSMARegPSMA_0001_0000_01.nii.gz`.

    Raises:
        TaskError: If the name does not end in `_SSSS_MMMM.nii`, `_SSSS_MMMM_VV.nii` or either with `.gz`.
    """
    match = _NAME.fullmatch(PurePath(name).name)
    if match is None:
        raise TaskError(
            "image name has no identifiers",
            where=name,
            expected="a name ending in _SSSS_MMMM.nii.gz (4-digit subject, 4-digit modality)",
            remedy="rename the image and its entries in the task file",
        )
    return ImageId(match["subject"], match["modality"], match["visit"] or "")
