"""The rows of the paper's Table 1 by name: embedder, sentence and background vector of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.text.embedders import DEFAULT_MODEL

__all__ = ["TABLE1", "TextRow"]


@dataclass(frozen=True)
class TextRow:
    """How one row makes its text vectors.

    Attributes:
        embedder: A name in `EMBEDDERS`.
        background: A variant of `background_vector`; the paper's SVD is `nullspace`.
        template: Its sentence; None is the sentence of the task's modality, "A computerized tomography of a
            [CLS] in human abdomen." where it is CT of the abdomen as in the paper.
        model: Name of the open_clip model.
    """

    embedder: str
    background: str = "nullspace"
    template: str | None = None
    model: str = DEFAULT_MODEL


_PHOTO = "A photo of a {name}."

TABLE1: Mapping[str, TextRow] = MappingProxyType(
    {
        "table1-1": TextRow("one-hot", background="onehot"),
        "table1-2": TextRow("open_clip", background="prompt", template=_PHOTO),
        "table1-3": TextRow("open_clip", template=_PHOTO),
        "table1-4": TextRow("open_clip", template="A photo of a {name} in human {anatomy}."),
        "table1-5": TextRow("open_clip", model="RN50x64-quickgelu"),
        "table1-6": TextRow("open_clip"),
        "table1-7": TextRow("table"),
    }
)
"""Row 0 has no text: it is the head `coordinates`. Row 7 takes a file with vectors of another text model."""
