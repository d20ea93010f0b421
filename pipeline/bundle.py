"""The weights bundle: one safetensors file with all that inference needs, and what it was made from."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pairs.errors import UsageError, WeightsError
from pipeline.config import TaskConfig
from pipeline.configtypes import first_fault
from pipeline.memory import shortage_told
from pipeline.misfits import misfits, told
from pipeline.model import RegistrationNet, build_for_inference
from pipeline.segment.networks import build_network
from pipeline.segment.segmentor import Segmentor
from pipeline.segment.volumes import VolumeSegmentor
from pipeline.tensorfile import read_tensors, write_tensors
from pipeline.typing import Tensor

__all__ = ["FORMAT_VERSION", "Bundle", "BundleHeader", "file_hash", "read_bundle", "write_bundle"]

FORMAT_VERSION = 1
HEADER_KEY = "textscf_bundle"


class BundleHeader(BaseModel):
    """What a bundle says of itself; stored as JSON in the safetensors header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    task: str
    modality: str
    regions: tuple[int, ...]
    """Label value of each region index, 0 first; 0 alone for a task without labels."""
    region_names: tuple[str, ...]
    config: TaskConfig
    prompts: tuple[str, ...] = ()
    embedder: str | None = None
    background: str | None = None
    embedding_sha256: str | None = None
    training: dict[str, Any] = {}
    """Data, licence, commands and figures, as free JSON."""

    @model_validator(mode="after")
    def _regions_are_sound(self) -> "BundleHeader":
        if list(self.regions) != sorted({0, *self.regions}):
            raise ValueError("regions to be ascending label values, 0 first")
        if len(self.region_names) != len(self.regions):
            raise ValueError(f"{len(self.regions)} names of regions, not {len(self.region_names)}")
        if self.prompts and len(self.prompts) != len(self.regions):
            raise ValueError(f"{len(self.regions)} prompts, not {len(self.prompts)}")
        return self


@dataclass(frozen=True)
class Bundle:
    """Weights in memory.

    Attributes:
        header: names, configuration and provenance.
        segmentor: state of the segmentation network, empty when there is none.
        registration: state of the run-time registration network, empty when there is none.
        text: `vectors`, the embeddings the filter table came from; empty for the plain head.
        sha256: hash of the file it was read from; empty before it is written.
        path: that file.
    """

    header: BundleHeader
    segmentor: dict[str, Tensor] = field(default_factory=dict)
    registration: dict[str, Tensor] = field(default_factory=dict)
    text: dict[str, Tensor] = field(default_factory=dict)
    sha256: str = ""
    path: Path | None = None

    @property
    def _where(self) -> object:
        return self.path or self.header.task

    @shortage_told("the segmentor")
    def build_segmentor(self, device: torch.device) -> Segmentor:
        """The segmentor on `device`.

        Raises:
            WeightsError: the bundle holds none, or its tensors do not fit its configuration.
            TooLittleMemory: the network does not fit into the device's memory.
        """
        if not self.segmentor:
            raise WeightsError(
                "the weights hold no segmentor", where=self._where, remedy="give --segmentations DIR"
            )
        network = build_network(self.header.config.segmentor, len(self.header.regions))
        _load(network, self.segmentor, "segmentor", self._where)
        config = self.header.config
        return Segmentor(network, config.segmentor, device, config.segmentor_training.crop)

    def build_volume_segmentor(self, device: torch.device) -> VolumeSegmentor:
        """The segmentor for volumes as they lie in their files, on `device`.

        Raises:
            WeightsError: the bundle holds none, or its parts do not fit each other.
            TooLittleMemory: the network does not fit into the device's memory.
        """
        header = self.header
        return VolumeSegmentor(self.build_segmentor(device), header.config.intensity, header.regions)

    @shortage_told("the registration network")
    def build_registration(self, device: torch.device) -> RegistrationNet:
        """The run-time registration network on `device`.

        Raises:
            WeightsError: the bundle holds none, or its tensors do not fit its configuration.
            TooLittleMemory: the network does not fit into the device's memory.
        """
        if not self.registration:
            raise WeightsError("the weights hold no registration network", where=self._where)
        try:
            net = build_for_inference(self.header.config.registration, len(self.header.regions))
        except UsageError as error:
            raise WeightsError(
                "this program cannot build the bundle's network", where=self._where, got=error
            ) from error
        _load(net, self.registration, "registration", self._where)
        return net.to(device)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write the bundle, whole or not at all; equal bundles give equal bytes."""
    parts = {"segmentor": bundle.segmentor, "registration": bundle.registration, "text": bundle.text}
    tensors = {f"{part}.{key}": value for part, state in parts.items() for key, value in state.items()}
    write_tensors(path, tensors, HEADER_KEY, bundle.header.model_dump_json())


def read_bundle(path: Path) -> Bundle:
    """Read a bundle.

    Raises:
        WeightsError: absent, not safetensors (a pickle is never opened), truncated, of an unknown
            format version, or with a header that does not fit.
    """
    file = read_tensors(path)
    header = _header(path, file.metadata.get(HEADER_KEY, ""))
    parts: dict[str, dict[str, Tensor]] = {"segmentor": {}, "registration": {}, "text": {}}
    for key, value in file.tensors.items():
        part, _, name = key.partition(".")
        if part not in parts:
            raise WeightsError("unknown tensor in the weights", where=path, got=key)
        parts[part][name] = value
    return Bundle(header, parts["segmentor"], parts["registration"], parts["text"], file_hash(path), path)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _header(path: Path, text: str) -> BundleHeader:
    try:
        version = json.loads(text)["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError("not a weights bundle", where=path, got="no bundle header") from error
    if version != FORMAT_VERSION:
        raise WeightsError("bundle format", where=path, expected=f"version {FORMAT_VERSION}", got=version)
    try:
        return BundleHeader.model_validate_json(text)
    except ValidationError as error:
        fault = first_fault(error, BundleHeader)
        what = f"bundle header field '{fault.field or 'regions'}'"
        raise WeightsError(what, where=path, expected=fault.expected, got=fault.got) from error


def _load(module: torch.nn.Module, state: dict[str, Tensor], part: str, where: object) -> None:
    faults = misfits(state, module.state_dict())
    if faults:
        raise WeightsError(
            f"the {part} tensors do not fit the bundle's configuration",
            where=where,
            got=told(faults),
            remedy="the file was altered: get it anew, or make it again",
        )
    module.load_state_dict(state)
