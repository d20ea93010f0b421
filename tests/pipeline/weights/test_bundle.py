"""Bundles: whole round trips, and every damage told in one sentence with exit code 4."""

import json
import pickle
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pairs.errors import OutputError, WeightsError
from pipeline.config import RegistrationConfig, TaskConfig
from pipeline.weights.bundle import HEADER_KEY, Bundle, file_hash, read_bundle, write_bundle
from pipeline.weights.tensorfile import HASH_KEY

__all__: list[str] = []

CPU = torch.device("cpu")
PARTS = ("segmentor", "registration", "text")


@pytest.fixture
def written(tiny_bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "TinyMR.safetensors"
    write_bundle(path, tiny_bundle)
    return path


def rewrite(path: Path, change: Callable[[dict], object] | None = None, extra: str | None = None) -> None:
    """Writes the bundle's file again with another header or one tensor more, and without the hash."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[HEADER_KEY])
        header.pop(HASH_KEY, None)
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    if change is not None:
        change(header)
    if extra is not None:
        tensors[extra] = torch.zeros(1)
    save_file(tensors, path, metadata={HEADER_KEY: json.dumps(header)})


def refuse(path: Path, match: str) -> WeightsError:
    with pytest.raises(WeightsError, match=match) as caught:
        read_bundle(path)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return caught.value


def test_round_trip(written: Path, tiny_bundle: Bundle) -> None:
    back = read_bundle(written)
    assert back.header == tiny_bundle.header
    assert back.sha256 == file_hash(written)
    for part in PARTS:
        before, after = getattr(tiny_bundle, part), getattr(back, part)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_networks_from_a_file_act_like_those_in_memory(written: Path, tiny_bundle: Bundle) -> None:
    random = torch.Generator().manual_seed(0)
    moving, fixed = torch.rand(2, 1, 1, 16, 16, 16, generator=random)
    labels = torch.randint(0, 3, (1, 16, 16, 16), generator=random)
    outputs, segmentations = [], []
    for bundle in (tiny_bundle, read_bundle(written)):
        net = bundle.build_registration(CPU)
        assert not net.training
        outputs.append(net(moving, fixed, labels, torch.ones(1, 16, 16, 16)).displacement)
        segmentations.append(bundle.build_segmentor(CPU).segment(fixed[0, 0].numpy()))
    assert torch.equal(*outputs)
    assert outputs[0].abs().max() > 0
    assert np.array_equal(segmentations[0].labels, segmentations[1].labels)


def test_equal_bundles_give_equal_bytes_and_nothing_else(written: Path, tiny_bundle: Bundle) -> None:
    other = written.with_name("other.safetensors")
    write_bundle(other, tiny_bundle)
    assert other.read_bytes() == written.read_bytes()
    assert sorted(path.name for path in written.parent.iterdir()) == [
        "TinyMR.safetensors",
        "other.safetensors",
    ]


def test_writing_replaces_the_earlier_file_as_a_whole(written: Path, tiny_bundle: Bundle) -> None:
    write_bundle(written, replace(tiny_bundle, segmentor={}))
    assert read_bundle(written).segmentor == {}


def test_a_folder_that_is_not_there_is_an_output_error(tiny_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_bundle(tmp_path / "absent" / "a.safetensors", tiny_bundle)


def test_views_of_one_tensor_are_written_apart(tiny_bundle: Bundle, tmp_path: Path) -> None:
    both = torch.arange(6.0).view(2, 3)
    text = {"vectors": both.T, "row": both[0]}
    write_bundle(tmp_path / "a.safetensors", replace(tiny_bundle, text=text))
    back = read_bundle(tmp_path / "a.safetensors").text
    assert all(torch.equal(back[key], text[key]) for key in text)


def test_missing_file(tmp_path: Path) -> None:
    refuse(tmp_path / "absent.safetensors", "no such file")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    refuse(tmp_path, "not a regular file")


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 0.5, -1])
def test_truncated_file(written: Path, kept: float) -> None:
    whole = written.read_bytes()
    size = int(len(whole) * kept) if isinstance(kept, float) else kept
    written.write_bytes(whole[:size])
    refuse(written, "cannot read")


def test_a_file_with_bytes_behind_its_end(written: Path) -> None:
    written.write_bytes(written.read_bytes() + b"x")
    refuse(written, "cannot read")


class Trap:
    """A pickle that would leave a mark when it is opened."""

    def __init__(self, mark: str) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return open, (self.mark, "w")


@pytest.mark.parametrize("plain", [True, False])
def test_pickles_are_refused_and_never_opened(tmp_path: Path, tiny_bundle: Bundle, plain: bool) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "opened"
    content = {"state": tiny_bundle.segmentor, "trap": Trap(str(mark))}
    if plain:
        path.write_bytes(pickle.dumps(Trap(str(mark))))
    else:
        torch.save(content, path)
    refuse(path, "expected a safetensors")
    assert not mark.exists()


def test_safetensors_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    refuse(path, "not a weights bundle")


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{", "{}"])
def test_header_that_is_no_bundle_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"text.vectors": torch.zeros(2)}, path, metadata={HEADER_KEY: text})
    refuse(path, "not a weights bundle")


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_format_version(written: Path, version: object) -> None:
    rewrite(written, lambda header: header.update(format_version=version))
    refuse(written, r"bundle format.*expected version 1")


ALTERATIONS: dict[str, Callable[[dict], object]] = {
    "task": lambda header: header.pop("task"),
    "colour": lambda header: header.update(colour="red"),
    "modality": lambda header: header.update(modality=3),
    "regions": lambda header: header.update(regions=[0, "spleen", 4]),
    "config.registration.start_channels": lambda h: h["config"]["registration"].update(start_channels=-1),
    "config.registration.depth": lambda h: h["config"]["registration"].update(depth=3),
    "config.segmentor.overlap": lambda h: h["config"]["segmentor"].update(overlap=1.0),
}


@pytest.mark.parametrize("field", ALTERATIONS)
def test_altered_header_is_refused_by_the_field(written: Path, field: str) -> None:
    rewrite(written, ALTERATIONS[field])
    refuse(written, f"header field '{field}")


def test_a_task_without_labels_has_the_background_alone(written: Path) -> None:
    alone = {"regions": [0], "region_names": ["background"], "prompts": []}
    rewrite(written, lambda header: header.update(alone))
    assert read_bundle(written).header.regions == (0,)


@pytest.mark.parametrize(
    "change",
    [
        {"regions": [0, 4, 1]},
        {"regions": [1, 2, 4]},
        {"regions": [0, 1, 1]},
        {"regions": [], "region_names": [], "prompts": []},
        {"regions": [0], "prompts": []},
        {"region_names": ["background", "left bean"]},
        {"prompts": ["background"]},
    ],
)
def test_header_whose_regions_do_not_fit_each_other(written: Path, change: dict[str, object]) -> None:
    rewrite(written, lambda header: header.update(change))
    refuse(written, "header field 'regions'")


@pytest.mark.parametrize("key", ["optimizer.0.step", "weights", "segmentation.a"])
def test_unknown_tensor(written: Path, key: str) -> None:
    rewrite(written, extra=key)
    refuse(written, key)


@pytest.mark.parametrize("section", ["segmentor", "registration"])
def test_tensors_that_do_not_fit_the_configuration(written: Path, section: str) -> None:
    changes = {"segmentor": {"channels": [4, 16]}, "registration": {"start_channels": 4}}
    rewrite(written, lambda header: header["config"][section].update(changes[section]))
    bundle = read_bundle(written)
    build = bundle.build_segmentor if section == "segmentor" else bundle.build_registration
    with pytest.raises(WeightsError, match=f"the {section} tensors do not fit") as caught:
        build(CPU)
    assert caught.value.exit_code == 4
    assert str(written) in str(caught.value)
    assert " more; " in str(caught.value)


def test_a_header_that_asks_for_much_takes_no_memory_for_it(written: Path) -> None:
    """2048 start channels are a network of 15 GB; it is compared with the tensors before it is allocated."""
    for section, asked in (
        ("registration", {"start_channels": 2048}),
        ("segmentor", {"channels": [4096, 8192, 16384], "roi": [64, 64, 64]}),
    ):
        rewrite(written, lambda header, s=section, a=asked: header["config"][s].update(a))
    bundle = read_bundle(written)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for build in (bundle.build_segmentor, bundle.build_registration):
        with pytest.raises(WeightsError, match="do not fit the bundle's configuration"):
            build(CPU)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize("count", [2**25, 2**40, 2**63, 2**64 + 1, 10**300])
@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("segmentor", "residual_units"),
        ("segmentor", "channels"),
        ("segmentor", "roi"),
        ("segmentor", "class_labels"),
        ("registration", "start_channels"),
        ("registration", "mlp_width"),
        ("registration", "window"),
        ("registration", "passes"),
        ("segmentor_training", "crop"),
    ],
)
def test_sizes_that_no_network_has_are_refused_by_name(
    written: Path, section: str, name: str, count: int
) -> None:
    lists = {"channels": [8, count], "roi": [count] * 3, "window": [count] * 3, "crop": [count] * 3}
    lists["class_labels"] = [0, count if count > 2**31 else -1]
    rewrite(written, lambda header: header["config"][section].update({name: lists.get(name, count)}))
    refuse(written, f"header field 'config.{section}.{name}")


def test_more_regions_than_a_byte_tells_are_refused(written: Path) -> None:
    many = {"regions": list(range(257)), "region_names": ["x"] * 257, "prompts": []}
    rewrite(written, lambda header: header.update(many))
    refuse(written, "header field 'regions'")


def test_a_header_nested_without_end(written: Path) -> None:
    save_file({"text.vectors": torch.zeros(2)}, written, metadata={HEADER_KEY: "[" * 200_000})
    refuse(written, "not a weights bundle")


def test_a_flipped_bit_of_a_tensor_is_noticed(written: Path) -> None:
    content = bytearray(written.read_bytes())
    content[-1000] ^= 1
    written.write_bytes(content)
    refuse(written, "the file was altered.*download it again, or make it again")


def test_a_bundle_of_an_earlier_version_is_read_with_a_warning(
    written: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read_bundle(written)
    assert not caplog.messages
    rewrite(written)
    assert read_bundle(written).registration
    assert "holds no hash of its content" in caplog.text


@pytest.mark.parametrize("part", ["segmentor", "registration"])
def test_missing_and_surplus_tensors(tiny_bundle: Bundle, part: str) -> None:
    state = dict(getattr(tiny_bundle, part))
    first = next(iter(state))
    for altered in ({k: v for k, v in state.items() if k != first}, state | {"more": torch.zeros(1)}):
        bundle = replace(tiny_bundle, **{part: altered})
        with pytest.raises(WeightsError, match="do not fit"):
            bundle.build_segmentor(CPU) if part == "segmentor" else bundle.build_registration(CPU)


def test_table_of_another_number_of_regions(tiny_bundle: Bundle) -> None:
    state = tiny_bundle.registration | {"head.filters": torch.zeros(5, 4, 3)}
    with pytest.raises(WeightsError, match=r"head\.filters"):
        replace(tiny_bundle, registration=state).build_registration(CPU)


def test_a_part_that_the_bundle_does_not_hold(tiny_bundle: Bundle) -> None:
    with pytest.raises(WeightsError, match=r"no segmentor.*--segmentations"):
        replace(tiny_bundle, segmentor={}).build_segmentor(CPU)
    with pytest.raises(WeightsError, match="no registration network"):
        replace(tiny_bundle, registration={}).build_registration(CPU)


def test_a_backbone_this_program_does_not_have(tiny_bundle: Bundle, tiny_config: TaskConfig) -> None:
    config = tiny_config.model_copy(update={"registration": RegistrationConfig(backbone="of tomorrow")})
    header = tiny_bundle.header.model_copy(update={"config": config})
    with pytest.raises(WeightsError, match="of tomorrow"):
        replace(tiny_bundle, header=header).build_registration(CPU)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02ctorch"])
def test_a_pytorch_checkpoint_is_told_as_such(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "model.pth").write_bytes(start + bytes(100))
    with pytest.raises(WeightsError, match="got a PyTorch checkpoint; make a bundle of it with `convert`"):
        read_bundle(tmp_path / "model.pth")


def test_a_pointer_in_place_of_weights_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n")
    with pytest.raises(WeightsError, match="got a Git LFS pointer; fetch the file with `git lfs pull`"):
        read_bundle(tmp_path / "a.safetensors")
