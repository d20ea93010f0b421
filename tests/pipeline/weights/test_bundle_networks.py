"""The networks of a bundle: in a file they act like those in memory; tensors that do not fit are refused."""

import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pairs.errors import WeightsError
from pipeline.config import RegistrationConfig, TaskConfig
from pipeline.weights.bundle import Bundle, read_bundle
from tests.pipeline.weights.conftest import rewrite

__all__: list[str] = []

CPU = torch.device("cpu")


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
