"""The authors' checkpoint: every tensor in its place, as a recomputation by the published formulas shows."""

import logging
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from pairs.errors import WeightsError
from pipeline.config import RegistrationConfig, TaskConfig
from pipeline.network.model import build_for_training
from pipeline.text.table import EmbeddingTable, make_table
from pipeline.weights.bundle import Bundle, read_bundle, write_bundle
from pipeline.weights.convert.textscf import convert_registration

__all__: list[str] = []

NS, WIDTH, LENGTH = 2, 4, 6
NAMES = {1: "left thalamus", 3: "brain stem", 7: "right thalamus"}
SHAPE = (16, 32, 16)
CHANNELS = {  # (input, output) in multiples of Ns
    "ec1": (1, 1), "ec2": (1, 2), "ec4": (2, 4), "ec6": (4, 8), "ec8": (8, 8),
    "dc1": (16, 8), "dc2": (8, 4), "dc3": (8, 4), "dc4": (4, 2), "dc5": (4, 4), "dc6": (4, 2),
}  # fmt: skip
LARGE = {"ec3": 2, "ec5": 4, "ec7": 8, "ec9": 8}
GROWING = {"up1": 8, "up2": 4, "up3": 2, "up4": 2}

State = dict[str, torch.Tensor]


def checkpoint(nested: str = "") -> State:
    """Random weights under the released names; `nested` may stand between a branch and its tensors."""
    torch.manual_seed(0)
    state: State = {}

    def convolution(name: str, c_out: int, c_in: int, side: int) -> None:
        state[f"{name}.weight"] = torch.randn(c_out, c_in, side, side, side) * (c_in * side**3) ** -0.5
        state[f"{name}.bias"] = torch.randn(c_out) * 0.1

    convolution("eninput.0", NS, 2, 3)
    for name, (c_in, c_out) in CHANNELS.items():
        convolution(f"{name}.0", c_out * NS, c_in * NS, 3)
    for name, factor in LARGE.items():
        for branch, side in (("regular", 3), ("large", 5), ("one", 1)):
            convolution(f"{name}.{branch}{nested}", factor * NS, factor * NS, side)
    for name, factor in GROWING.items():
        convolution(f"{name}.0", factor * NS, factor * NS, 2)
    for name in ("eninput", *CHANNELS, *GROWING):
        state[f"{name}.1.weight"] = torch.rand(1)
    for name in LARGE:
        state[f"{name}.prelu.weight"] = torch.rand(1)
    for axis in "xyz":
        for index, (c_in, c_out) in {
            0: (LENGTH, WIDTH),
            2: (WIDTH, 2 * WIDTH),
            4: (2 * WIDTH, 2 * NS),
        }.items():
            state[f"flow.generate_flow_{axis}.mlp.{index}.weight"] = torch.randn(c_out, c_in)
            state[f"flow.generate_flow_{axis}.mlp.{index}.bias"] = torch.randn(c_out)
    convolution("flow.flow", 3, 2 * NS, 3)
    for name in ("transformer.grid", "integrate.transformer.grid"):
        state[name] = torch.zeros(1, 3, 4, 4, 4)
    return state


def official_displacement(
    state: State, moving: torch.Tensor, fixed: torch.Tensor, labels: torch.Tensor, vectors: torch.Tensor
) -> torch.Tensor:
    """The authors' network and head, written out."""

    def convolved(x: torch.Tensor, name: str, side: int, stride: int = 1) -> torch.Tensor:
        return F.conv3d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding=side // 2)

    def block(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        return F.prelu(convolved(x, f"{name}.0", 3, stride), state[f"{name}.1.weight"])

    def large(x: torch.Tensor, name: str) -> torch.Tensor:
        sides = {"regular": 3, "large": 5, "one": 1}
        total = x + sum(convolved(x, f"{name}.{branch}", side) for branch, side in sides.items())
        return F.prelu(total, state[f"{name}.prelu.weight"])

    def grown(x: torch.Tensor, name: str) -> torch.Tensor:
        up = F.conv_transpose3d(x, state[f"{name}.0.weight"], state[f"{name}.0.bias"], stride=2)
        return F.prelu(up, state[f"{name}.1.weight"])

    e0 = block(block(torch.cat([moving, fixed], 1), "eninput"), "ec1")
    e1 = large(block(e0, "ec2", 2), "ec3")
    e2 = large(block(e1, "ec4", 2), "ec5")
    e3 = large(block(e2, "ec6", 2), "ec7")
    e4 = large(block(e3, "ec8", 2), "ec9")
    d1 = block(block(torch.cat([grown(e4, "up1"), e3], 1), "dc1"), "dc2")
    d2 = block(block(torch.cat([grown(d1, "up2"), e2], 1), "dc3"), "dc4")
    features = block(block(torch.cat([grown(d2, "up3"), e1], 1), "dc5"), "dc6")
    half = labels[0, ::2, ::2, ::2]
    components = []
    for axis in "xyz":
        w = vectors
        for index in (0, 2, 4):
            name = f"flow.generate_flow_{axis}.mlp.{index}"
            w = w @ state[f"{name}.weight"].T + state[f"{name}.bias"]
            w = w if index == 4 else w.relu()
        components.append((w[half].movedim(-1, 0) * features[0]).sum(0))
    field = torch.stack(components)[None] + convolved(features, "flow.flow", 3)
    return F.interpolate(field, scale_factor=2, mode="trilinear", align_corners=False)


def table(
    length: int = LENGTH, names: dict[int, str] = NAMES, background: str = "official"
) -> EmbeddingTable:
    vectors = torch.randn(len(names) + 1, length, generator=torch.Generator().manual_seed(3))
    return make_table(vectors, ("background", *names.values()), (0, *names), "table", background)


def converted(state: State, text: EmbeddingTable | None = None) -> Bundle:
    return convert_registration(
        state,
        text or table(),
        TaskConfig(task="OASIS"),
        modality="MR",
        label_names=NAMES,
        where=Path("oasis.pth"),
        licence="CC BY-NC 4.0",
    )


@pytest.mark.parametrize("nested", ["", ".0"])
def test_the_bundle_computes_what_the_authors_formulas_say(tmp_path: Path, nested: str) -> None:
    write_bundle(tmp_path / "b.safetensors", converted(checkpoint(nested)))
    net = read_bundle(tmp_path / "b.safetensors").build_registration(torch.device("cpu"))
    random = torch.Generator().manual_seed(1)
    moving, fixed = torch.rand(2, 1, 1, *SHAPE, generator=random)
    labels = torch.randint(0, 4, (1, *SHAPE), generator=random)
    ours = net(moving, fixed, labels, torch.rand(1, *SHAPE, generator=random)).displacement
    expected = official_displacement(checkpoint(), moving, fixed, labels, table().vectors)
    assert expected.abs().max() > 0.5
    assert torch.allclose(ours, expected, atol=1e-5 * expected.abs().max().item())


def test_what_the_bundle_says_of_itself() -> None:
    header = converted(checkpoint()).header
    assert (header.task, header.regions) == ("OASIS", (0, 1, 3, 7))
    assert header.region_names == ("background", *NAMES.values())
    registration = header.config.registration
    assert (registration.blend, registration.mlp, registration.decoder_stride) == ("official", "per_axis", 2)
    assert (registration.start_channels, registration.mlp_width) == (NS, WIDTH)
    assert (header.config.intensity.low, header.config.intensity.high) == (0, 1)
    assert header.training["registration"]["licence"] == "CC BY-NC 4.0"


def test_half_precision_weights_become_single_ones() -> None:
    bundle = converted({name: value.half() for name, value in checkpoint().items()})
    assert {value.dtype for value in bundle.registration.values()} == {torch.float32}


def without(name: str) -> State:
    state = checkpoint()
    del state[name]
    return state


@pytest.mark.parametrize(
    ("state", "got"),
    [
        ({"layer.weight": torch.zeros(3, 3)}, "a tensor layer.weight of shape"),
        (checkpoint() | {"dc7.0.weight": torch.zeros(4, 6, 3, 3, 3)}, "a tensor dc7.0.weight"),
        (checkpoint() | {"ec1.2.weight": torch.zeros(2, 2, 3, 3, 3)}, "a tensor ec1.2.weight"),
        (without("ec5.large.weight"), "no tensor backbone.down.1.1.large.weight"),
        (without("dc4.0.bias"), "no tensor backbone.up.1.merge.1.0.bias"),
        (without("flow.generate_flow_z.mlp.4.weight"), "no tensor head.mlp.z.4.weight"),
        (
            checkpoint() | {"dc6.0.weight": torch.zeros(6, 8, 3, 3, 3)},
            "merge.1.0.weight of shape (6, 8, 3, 3, 3) in place of (4, 8, 3, 3, 3)",
        ),
        (
            checkpoint() | {"ec5.prelu.bias": torch.zeros(1)},
            "a tensor backbone.down.1.1.activation.bias",
        ),
        (
            {name: tensor for name, tensor in checkpoint().items() if not name.startswith("dc")},
            "no tensor backbone.up.0.merge.0.0.weight, no tensor backbone.up.0.merge.0.0.bias, "
            "no tensor backbone.up.0.merge.0.1.weight and 15 more",
        ),
        ({f"layer{n}.weight": torch.zeros(3, 3) for n in range(9)}, "and 6 more"),
        (checkpoint() | {"dc4.0.bias": torch.full((4,), torch.nan)}, "merge.1.0.bias with NaN or infinity"),
        ({}, "no eninput"),
    ],
)
def test_another_architecture_is_told_in_one_line(state: State, got: str) -> None:
    with pytest.raises(WeightsError, match="not of the authors' textSCF network") as raised:
        converted(state)
    assert got in str(raised.value)
    assert "\n" not in str(raised.value)


def test_vectors_of_another_width_or_for_other_labels() -> None:
    with pytest.raises(WeightsError, match="expected vectors of length 6, got 5"):
        converted(checkpoint(), table(length=5))
    with pytest.raises(WeightsError, match="other labels"):
        converted(checkpoint(), table(names={1: "left thalamus", 2: "brain stem"}))


def test_another_background_than_the_authors_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        converted(checkpoint())
        assert caplog.text == ""
        converted(checkpoint(), table(background="nullspace"))
    assert "background `official`, not `nullspace`" in caplog.text


def test_counts_of_the_released_size() -> None:
    """Ns = 64, C_Phi = 2048: everything but up4 and the buffers finds a place."""
    config = RegistrationConfig(start_channels=64, decoder_stride=2, mlp="per_axis", blend="official")
    with torch.device("meta"):
        net = build_for_training(config, torch.empty(36, 768))
    up4 = 128 * 128 * 8 + 128 + 1
    assert sum(p.numel() for p in net.parameters()) + up4 == 163_737_623
