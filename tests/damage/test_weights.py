"""Damaged weights, vectors, checkpoints and what else is read beside the networks."""

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pipeline.config import RegistrationConfig, SegmentorConfig, TaskConfig, read_config
from pipeline.network.model import build_for_inference
from pipeline.regions.kept import KeptSegmentations
from pipeline.regions.networks import build_network
from pipeline.regions.segmentor import Segmentation
from pipeline.text.table import make_table, read_table, write_table
from pipeline.text.vectorfile import VectorFileEmbedder
from pipeline.train.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pipeline.weights.bundle import Bundle, BundleHeader, read_bundle, write_bundle
from pipeline.weights.info import describe
from pipeline.weights.torchfile import read_state
from studies.demo.taskfolder import DEFAULT_TEMPLATE
from studies.demo.template import read_template, write_template

__all__: list[str] = []

SHAPE = (4, 6, 8)
CPU = torch.device("cpu")
IMAGE = np.random.default_rng(1).random(SHAPE).astype(np.float32)


def _document(name: str, document: object, folder: Path) -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


SEGMENTATION = Segmentation(np.ones(SHAPE, np.uint8), np.full(SHAPE, 0.5, np.float16))


def _kept(folder: Path) -> Path:
    KeptSegmentations(folder, "w", 2).put(IMAGE, SEGMENTATION)
    return next(folder.glob("*.npz"))


def _read_kept(path: Path) -> None:
    found = KeptSegmentations(path.parent, "w", 2).get(IMAGE)
    assert found is None or (found.labels.shape == SHAPE and np.isfinite(found.confidence).all())


def _vectors(name: str, folder: Path) -> Path:
    np.savez_compressed(
        folder / "v.npz", embeddings=np.ones((2, 5), np.float32), prompts=np.array(["one", "two"])
    )
    np.savez(folder / "w_embeddings.npz", embeddings=np.ones((2, 5), np.float16))
    (folder / "w_prompts.json").write_text(
        json.dumps({"template": "{name}", "names": ["one", "two"], "dim": 5})
    )
    torch_file = {"embeddings": torch.ones(2, 5)}
    from safetensors.torch import save_file

    save_file(torch_file, folder / "s.safetensors")
    return folder / name


def _embedded(path: Path) -> None:
    name = path.name.replace("w_prompts.json", "w_embeddings.npz")
    VectorFileEmbedder(path.with_name(name))(["one", "two"])


def _table(folder: Path) -> Path:
    write_table(
        folder / "t.safetensors", make_table(torch.ones(2, 3), ("background", "one"), (0, 1), "e", "b")
    )
    return folder / "t.safetensors"


TASK_CONFIG = TaskConfig(
    task="A",
    segmentor=SegmentorConfig(channels=(4, 8), residual_units=1, roi=(32, 32, 32)),
    registration=RegistrationConfig(start_channels=2, mlp_width=8),
)


def _bundle(folder: Path) -> Path:
    header = BundleHeader(
        task="A", modality="MR", regions=(0, 1), region_names=("background", "one"), config=TASK_CONFIG
    )
    segmentor = build_network(TASK_CONFIG.segmentor, 2).state_dict()
    registration = build_for_inference(TASK_CONFIG.registration, 2).state_dict()
    write_bundle(
        folder / "A.safetensors", Bundle(header, segmentor, registration, {"vectors": torch.ones(2, 3)})
    )
    return folder / "A.safetensors"


def _built(path: Path) -> None:
    bundle = read_bundle(path)
    describe(bundle)
    bundle.build_segmentor(CPU)
    bundle.build_registration(CPU)


def _template(folder: Path) -> Path:
    template = read_template(DEFAULT_TEMPLATE)
    small = dataclasses.replace(
        template, image=template.image[:4, :4, :4], foreground=template.foreground[:, :4, :4, :4]
    )
    write_template(folder / "t.safetensors", small)
    return folder / "t.safetensors"


def _checkpoint(zipped: bool, folder: Path) -> Path:
    state = {"a.weight": torch.ones(3, 4), "a.index": torch.tensor([1, 2])}
    content = {"state_dict": state, "best": np.float64(0.5), "epoch": 3}
    torch.save(content, folder / "a.pth", _use_new_zipfile_serialization=zipped)
    return folder / "a.pth"


def _state(path: Path) -> None:
    for tensor in read_state(path).values():
        tensor.isfinite().all()


def _training() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(module.parameters(), amsgrad=True)
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return module, optimizer


def _own_checkpoint(folder: Path) -> Path:
    save_checkpoint(folder / "c.safetensors", *_training(), Checkpoint(3, 1.5), "mine")
    return folder / "c.safetensors"


def _resumed(path: Path) -> None:
    load_checkpoint(path, *_training(), "mine")


Reader = tuple[Callable[[Path], Path], Callable[[Path], object]]
READERS: dict[str, Reader] = {
    "kept segmentation": (_kept, _read_kept),
    "vectors with prompts": (partial(_vectors, "v.npz"), _embedded),
    "vectors": (partial(_vectors, "w_embeddings.npz"), _embedded),
    "prompts": (partial(_vectors, "w_prompts.json"), _embedded),
    "safetensors vectors": (partial(_vectors, "s.safetensors"), _embedded),
    "table": (_table, read_table),
    "bundle": (_bundle, _built),
    "task config": (partial(_document, "A.json", TASK_CONFIG.model_dump(mode="json")), read_config),
    "template": (_template, read_template),
    "checkpoint": (partial(_checkpoint, True), _state),
    "legacy checkpoint": (partial(_checkpoint, False), _state),
    "own checkpoint": (_own_checkpoint, _resumed),
}


def test_a_damaged_file_ends_in_a_known_error(reader: Reader, survives_damage: Callable[..., None]) -> None:
    survives_damage(*reader)


def test_what_is_no_file_is_not_waited_for(reader: Reader, waits_for_nothing: Callable[..., None]) -> None:
    waits_for_nothing(*reader)
