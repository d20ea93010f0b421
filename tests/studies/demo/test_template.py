"""Template files: whole, small, licensed, and refused by name when damaged."""

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from pairs.errors import WeightsError
from pipeline.weights.tensorfile import write_tensors
from studies.demo.taskfolder import DEFAULT_TEMPLATE
from studies.demo.template import (
    HEADER_KEY,
    Template,
    TemplateHeader,
    quantised,
    read_template,
    write_template,
)

__all__: list[str] = []

IDENTITY = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))
HEADER = TemplateHeader(
    task="Toy",
    modality="MR",
    labels=(1, 4),
    region_names=("ball", "box"),
    affine=IDENTITY,
    made_from="nothing",
    licence="none",
    attribution="nobody",
)


def _template() -> Template:
    generator = np.random.default_rng(0)
    shares = generator.dirichlet((1, 1, 1), size=(5, 6, 7)).transpose(3, 0, 1, 2)
    return Template(HEADER, quantised(generator.random((5, 6, 7))), quantised(shares[1:]))


def test_round_trip_keeps_everything_and_the_same_bytes(tmp_path: Path) -> None:
    template = _template()
    write_template(tmp_path / "a.safetensors", template)
    write_template(tmp_path / "b.safetensors", read_template(tmp_path / "a.safetensors"))
    again = read_template(tmp_path / "b.safetensors")
    assert again.header == HEADER
    np.testing.assert_array_equal(again.image, template.image)
    np.testing.assert_array_equal(again.foreground, template.foreground)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_others_may_read_the_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_template(tmp_path / "a.safetensors", _template())
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a.safetensors")]
    assert modes[0] == modes[1]


def test_probabilities_sum_to_one_with_the_background_first() -> None:
    template = _template()
    probabilities = template.probabilities()
    assert probabilities.shape == (3, 5, 6, 7)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(probabilities[1:], template.foreground / 255, atol=5e-3)


def test_quantising_clips() -> None:
    assert quantised(np.array([-1.0, 0.0, 0.5, 1.0, 7.0])).tolist() == [0, 0, 128, 255, 255]


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.safetensors"
    with pytest.raises(WeightsError, match="no such file"):
        read_template(path)
    write_template(path, _template())
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(WeightsError, match="cannot read"):
        read_template(path)
    save_file({"image": np.zeros(3, np.uint8)}, path)
    with pytest.raises(WeightsError, match="template header field 'task'"):
        read_template(path)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(_template(), foreground=np.zeros((3, 5, 6, 7), np.uint8)),
        replace(_template(), image=np.zeros((5, 6, 7), np.float32)),
        replace(_template(), image=np.zeros((5, 6), np.uint8), foreground=np.zeros((2, 5, 6), np.uint8)),
        replace(_template(), header=HEADER.model_copy(update={"region_names": ("ball",)})),
    ],
)
def test_arrays_that_do_not_fit_the_header_are_refused(tmp_path: Path, wrong: Template) -> None:
    write_template(tmp_path / "t.safetensors", wrong)
    with pytest.raises(WeightsError, match="do not fit"):
        read_template(tmp_path / "t.safetensors")


def test_weights_in_place_of_a_template_are_refused(tmp_path: Path) -> None:
    """NumPy has no bfloat16."""
    path = tmp_path / "t.safetensors"
    write_tensors(
        path, {"image": torch.zeros(5, 6, 7, dtype=torch.bfloat16)}, HEADER_KEY, HEADER.model_dump()
    )
    with pytest.raises(WeightsError, match=r"do not fit its header: .*got .*torch\.bfloat16"):
        read_template(path)


def test_shipped_template_is_small_and_attributed() -> None:
    template = read_template(DEFAULT_TEMPLATE)
    assert DEFAULT_TEMPLATE.stat().st_size < 1_000_000
    assert template.header.task == "HippocampusMR"
    assert template.image.shape == (64, 64, 64)
    assert template.header.labels == (1, 2)
    assert template.header.licence == "CC BY-SA 4.0"
    assert "Antonelli" in template.header.attribution
    regions = template.probabilities().argmax(axis=0)
    assert all((regions == region).sum() > 1000 for region in (1, 2))
