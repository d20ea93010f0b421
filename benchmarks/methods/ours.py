"""Our own methods, as `predict` and `register` apply them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.methods.method import Displacement, Method, NotAtHand, Register
from pairs.files.regularfile import open_regular
from pairs.tasks.imagefiles import label_path
from pairs.tasks.pair import Pair
from pairs.tasks.task import Task
from pipeline.config import shipped_config
from pipeline.general.registration import GeneralRegistration
from pipeline.machine.device import choose_device
from pipeline.programversion import program_version
from pipeline.regions.source import RegionSource, region_source
from pipeline.weights.folders import bundle_of

__all__ = ["BUNDLED", "GENERAL", "GENERAL_MANUAL", "GENERAL_REGIONS"]


def _shipped_weights(task: Task) -> str:
    path = bundle_of(task.name)
    if not path.is_file():
        raise NotAtHand("no weights are shipped", where=task.name)
    with open_regular(path) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"program {program_version()}, weights {path.name} {digest[:8]}"


def _settings(task: Task) -> str:
    """The hash of the program's sources leaves out the settings, which are in JSON."""
    digest = hashlib.sha256(shipped_config(task.name).model_dump_json().encode()).hexdigest()
    return f"settings {digest[:8]}"


def _prepare_bundled(task: Task) -> Register:
    from pipeline.register import register
    from pipeline.weights.bundle import read_bundle

    bundle = read_bundle(bundle_of(task.name))

    def registered(pair: Pair, _folder: Path) -> Callable[[], Displacement]:
        found = register(pair.fixed, pair.moving, bundle, device="cpu")
        return lambda: found.displacement

    return registered


def _general(task: Task, regions: RegionSource | None = None) -> Register:
    """By the general method, with the settings that ship for the task."""
    config, device = shipped_config(task.name), choose_device("cpu")

    def registered(pair: Pair, _folder: Path) -> Callable[[], Displacement]:
        method = GeneralRegistration(config, device, regions=regions, modalities=task.modalities_of(pair))
        found = method(pair.moving, pair.fixed)
        return lambda: found.displacement

    return registered


def _prepare_general_regions(task: Task) -> Register:
    from pipeline.weights.bundle import read_bundle

    bundle = read_bundle(bundle_of(task.name))
    header = bundle.header
    segmentor = region_source(header.regions, header.label_names, None, bundle, None, choose_device("cpu"))
    return _general(task, segmentor)


def _label_folder(task: Task) -> Path:
    """Where the label maps of the pairs' images are, under the names of the images."""
    folders = {label_path(image).parent for pair in task.pairs for image in (pair.fixed, pair.moving)}
    folder = next(iter(folders), task.root)
    if len(folders) != 1 or not folder.is_dir():
        raise NotAtHand("no label maps of all images in one folder", where=task.root)
    return folder


def _prepare_general_manual(task: Task) -> Register:
    names = task.label_names
    return _general(
        task, region_source((0, *names), names, _label_folder(task), None, None, choose_device("cpu"))
    )


def _manual_labels(task: Task) -> str:
    return f"program {program_version()}, {_settings(task)}, label maps of {_label_folder(task).name}"


BUNDLED = Method("bundled", False, _shipped_weights, _prepare_bundled)
GENERAL = Method("general", False, lambda task: f"program {program_version()}, {_settings(task)}", _general)
GENERAL_REGIONS = Method(
    "general-regions",
    False,
    lambda task: f"{_shipped_weights(task)} for the regions alone, {_settings(task)}",
    _prepare_general_regions,
)
GENERAL_MANUAL = Method("general-manual", False, _manual_labels, _prepare_general_manual)
"""With the label maps that it is scored by as regions: a bound for any segmentor."""
