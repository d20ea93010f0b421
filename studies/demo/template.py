"""The population template: a mean image and label probabilities, with their names and licence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pairs.errors import WeightsError
from pipeline.configtypes import first_fault
from pipeline.typing import Tensor
from pipeline.weights.tensorfile import read_own, write_tensors

__all__ = ["Template", "TemplateHeader", "quantised", "read_template", "write_template"]

HEADER_KEY = "textscf_template"
LEVELS = 255


class TemplateHeader(BaseModel):
    """What a template says of itself; stored as JSON in the safetensors header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Annotated[int, Field(ge=1, le=1)] = 1
    task: str
    modality: str
    labels: tuple[Annotated[int, Field(gt=0)], ...]
    """Label value of each region, background left out, in ascending order."""
    region_names: tuple[str, ...]
    affine: tuple[tuple[float, float, float, float], ...] = Field(min_length=4, max_length=4)
    """Voxel indices to millimetres."""
    made_from: str
    licence: str
    attribution: str


@dataclass(frozen=True, eq=False)
class Template:
    """A template in memory, quantised as in its file.

    Attributes:
        header: names, grid, provenance and licence.
        image: mean grey values, (X, Y, Z) uint8 with 255 for 1.0; 0 where too few subjects were imaged.
        foreground: probability of each region but the background, (N, X, Y, Z) uint8 with 255 for 1.0.
    """

    header: TemplateHeader
    image: np.ndarray
    foreground: np.ndarray

    @property
    def affine(self) -> np.ndarray:
        """Voxel indices to millimetres, (4, 4)."""
        return np.array(self.header.affine)

    def intensities(self) -> np.ndarray:
        """Grey values, (X, Y, Z) float32 in 0..1."""
        return self.image.astype(np.float32) / LEVELS

    def probabilities(self) -> np.ndarray:
        """Region probabilities with the background first, (N + 1, X, Y, Z) float32 that sum to 1."""
        foreground = self.foreground.astype(np.float32) / LEVELS
        background = np.clip(1 - foreground.sum(axis=0), 0, 1)
        together = np.concatenate([background[None], foreground])
        # Rounding each region up can carry the sum a few 255ths over one.
        return together / together.sum(axis=0)


def quantised(values: np.ndarray) -> np.ndarray:
    """Values of 0..1 as uint8."""
    return np.rint(np.clip(values, 0, 1) * LEVELS).astype(np.uint8)


def write_template(path: Path, template: Template) -> None:
    """Write the template as one safetensors file, whole or not at all."""
    tensors = {
        "image": torch.from_numpy(template.image),
        "foreground": torch.from_numpy(template.foreground),
    }
    write_tensors(path, tensors, HEADER_KEY, template.header.model_dump(mode="json"))


def read_template(path: Path) -> Template:
    """Read a template.

    Raises:
        WeightsError: absent, damaged, of an unknown format, or with arrays that do not fit its header.
    """
    file = read_own(path, HEADER_KEY)
    try:
        header = TemplateHeader.model_validate_json(file.header or "{}")
    except ValidationError as error:
        fault = first_fault(error, TemplateHeader)
        what = f"template header field '{fault.field}'"
        raise WeightsError(what, where=path, expected=fault.expected, got=fault.got) from error
    _require_fit(path, header, file.tensors)
    return Template(header, file.tensors["image"].numpy(), file.tensors["foreground"].numpy())


def _require_fit(path: Path, header: TemplateHeader, tensors: dict[str, Tensor]) -> None:
    forms = {key: (tuple(tensor.shape), tensor.dtype) for key, tensor in tensors.items()}
    shape = tuple(tensors["image"].shape) if "image" in tensors else ()
    count = len(header.labels)
    expected = {"image": (shape, torch.uint8), "foreground": ((count, *shape), torch.uint8)}
    if forms != expected or len(shape) != 3 or len(header.region_names) != count:
        raise WeightsError(
            "the template's arrays do not fit its header", where=path, expected=expected, got=forms
        )
