"""The weights bundle: one safetensors file with all that inference needs, and what it was made from."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pairs.errors import UsageError, WeightsError
from pairs.files.regularfile import open_regular
from pairs.process.counting import first_few
from pipeline.config import TaskConfig
from pipeline.configtypes import Label, first_fault
from pipeline.machine.memory import shortage_reported
from pipeline.network.model import RegistrationNet, build_for_inference
from pipeline.regions.networks import build_network, outline
from pipeline.regions.segmentor import MOST_REGIONS, Segmentor
from pipeline.regions.volumes import VolumeRange
from pipeline.typing import Tensor
from pipeline.weights.tensorfile import read_own, state_faults, write_tensors

__all__ = ["FORMAT_VERSION", "Bundle", "BundleHeader", "file_hash", "read_bundle", "write_bundle"]

FORMAT_VERSION = 1
HEADER_KEY = "textscf_bundle"

log = logging.getLogger(__name__)


class _Version(BaseModel):
    """The one entry that every version has."""

    format_version: Any


class BundleHeader(BaseModel):
    """What a bundle says of itself; stored as JSON in the safetensors header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: int = FORMAT_VERSION
    task: str
    modality: str
    regions: Annotated[tuple[Label, ...], Field(max_length=MOST_REGIONS)]
    """Label value of each region index, 0 first; 0 alone for a task without labels."""
    region_names: tuple[str, ...]
    volumes_ml: tuple[VolumeRange, ...] = ()
    """Smallest and largest volume of each region in the training; the first is that of an image's content.
    Empty where they are not known."""
    config: TaskConfig
    prompts: tuple[str, ...] = ()
    embedder: str | None = None
    background: str | None = None
    embedding_sha256: str | None = None
    training: dict[str, Any] = {}
    """Data, licence, commands and figures, as free JSON."""

    @property
    def label_names(self) -> dict[int, str]:
        """Names of the labels but background."""
        return dict(zip(self.regions[1:], self.region_names[1:], strict=True))

    @model_validator(mode="after")
    def _regions_are_sound(self) -> "BundleHeader":
        if list(self.regions) != sorted({0, *self.regions}):
            raise ValueError("regions to be ascending label values, 0 first")
        if len(self.region_names) != len(self.regions):
            raise ValueError(f"{len(self.regions)} names of regions, not {len(self.region_names)}")
        if self.volumes_ml and len(self.volumes_ml) != len(self.regions):
            raise ValueError(f"{len(self.regions)} ranges of volumes, not {len(self.volumes_ml)}")
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

    Examples:
        >>> import torch
        >>> from pipeline.weights.folders import bundle_of
        >>> bundle = read_bundle(bundle_of("HippocampusMR"))
        >>> net = bundle.build_registration(torch.device("cpu"))
        >>> net.training, net.backbone.stride
        (False, 1)
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

    @shortage_reported("the segmentor")
    def build_segmentor(self, device: torch.device) -> Segmentor:
        """Returns the segmentor on `device`.

        Raises:
            WeightsError: the bundle holds none, or its parts do not fit each other.
            TooLittleMemory: the network does not fit into the device's memory.
        """
        if not self.segmentor:
            raise WeightsError(
                "the weights hold no segmentor", where=self._where, remedy="give --segmentations DIR"
            )
        config, regions = self.header.config, len(self.header.regions)
        network = _fitting(
            lambda: outline(config.segmentor, regions), self.segmentor, "segmentor", self._where
        )
        if any(parameter.is_meta for parameter in network.parameters()):
            network = build_network(config.segmentor, regions)
        network.load_state_dict(self.segmentor)
        crop = config.segmentor_training.crop
        return Segmentor(network, config.segmentor, device, config.intensity, self.header.regions, crop)

    @shortage_reported("the registration network")
    def build_registration(self, device: torch.device) -> RegistrationNet:
        """The run-time registration network on `device`.

        Raises:
            WeightsError: the bundle holds none, or its tensors do not fit its configuration.
            TooLittleMemory: the network does not fit into the device's memory.
        """
        if not self.registration:
            raise WeightsError("the weights hold no registration network", where=self._where)
        config, regions = self.header.config.registration, len(self.header.regions)

        def on_meta() -> torch.nn.Module:
            with torch.device("meta"):
                return build_for_inference(config, regions)

        _fitting(on_meta, self.registration, "registration", self._where)
        net = build_for_inference(config, regions)
        net.load_state_dict(self.registration)
        return net.to(device)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write the bundle, whole or not at all; equal bundles give equal bytes."""
    parts = {"segmentor": bundle.segmentor, "registration": bundle.registration, "text": bundle.text}
    tensors = {f"{part}.{key}": value for part, state in parts.items() for key, value in state.items()}
    write_tensors(path, tensors, HEADER_KEY, bundle.header.model_dump(mode="json"))


def read_bundle(path: Path) -> Bundle:
    """Reads a bundle; one of an earlier version, which holds no hash of its content, with a warning.

    Raises:
        WeightsError: absent, not safetensors (a pickle is never opened), truncated, altered, of an unknown
            format version, or with a header that does not fit.

    Examples:
        >>> from pipeline.weights.folders import bundle_of
        >>> bundle = read_bundle(bundle_of("HippocampusMR"))
        >>> bundle.header.task, bundle.header.label_names
        ('HippocampusMR', {1: 'hippocampus head', 2: 'hippocampus tail'})
    """
    file = read_own(path, HEADER_KEY)
    header = _header(path, file.header)
    if not file.hashed:
        log.warning("%s holds no hash of its content, so that an altered byte in it goes unnoticed", path)
    parts: dict[str, dict[str, Tensor]] = {"segmentor": {}, "registration": {}, "text": {}}
    for key, value in file.tensors.items():
        part, _, name = key.partition(".")
        if part not in parts:
            raise WeightsError("unknown tensor in the weights", where=path, got=key)
        parts[part][name] = value
    return Bundle(header, parts["segmentor"], parts["registration"], parts["text"], file_hash(path), path)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal; an OSError if it is no regular file."""
    digest = sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _header(path: Path, text: str) -> BundleHeader:
    try:
        version = _Version.model_validate_json(text).format_version
    except ValidationError as error:
        raise WeightsError("not a weights bundle", where=path, got="no bundle header") from error
    if version != FORMAT_VERSION:
        raise WeightsError(
            "unknown bundle format", where=path, expected=f"version {FORMAT_VERSION}", got=version
        )
    try:
        return BundleHeader.model_validate_json(text)
    except ValidationError as error:
        fault = first_fault(error, BundleHeader)
        what = f"bundle header field '{fault.field or 'regions'}'"
        raise WeightsError(what, where=path, expected=fault.expected, got=fault.got) from error


def _fitting(
    build: Callable[[], torch.nn.Module], state: dict[str, Tensor], part: str, where: object
) -> torch.nn.Module:
    """The network that tensors fit, found out before the memory is taken that the header asks for.

    Args:
        build: Makes the network without memory for its weights.
        state: Tensors of the file by name.
        part: What the network is, for messages.
        where: The file.

    Raises:
        WeightsError: they do not fit, or there is no such network.
    """
    try:
        network = build()
    except UsageError as error:
        raise WeightsError(
            "this program cannot build the bundle's network", where=where, got=error
        ) from error
    # Of the libraries, on sizes that no network has.
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        faults = [f"sizes that no network has: {error}"]
    else:
        faults = state_faults(state, network.state_dict())
    if faults:
        raise WeightsError(
            f"the {part} tensors do not fit the bundle's configuration",
            where=where,
            got=first_few(faults, 3),
            remedy="the file was altered: download it again, or make it again",
        )
    return network
