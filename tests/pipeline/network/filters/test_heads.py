"""Heads: the run-time table is the trained MLP, the start is the identity, the plain head is blind."""

import pytest
import torch

from pipeline.network.filters.heads import FilterTableHead, PlainHead, TextHead

__all__: list[str] = []

pytestmark = pytest.mark.usefixtures("on_device")

SHAPE = (4, 5, 6)
REGIONS = 4
CHANNELS = 6


def text_head(width: int = 8, *, trained: bool = True, mlp: str = "shared", blend: str = "paper") -> TextHead:
    torch.manual_seed(0)
    head = TextHead(torch.randn(REGIONS, 5), CHANNELS, width, mlp, blend)
    if trained:
        for parameter in head.parameters():
            torch.nn.init.normal_(parameter)
    return head


EVERY_HEAD = pytest.mark.parametrize(
    ("mlp", "blend"), [(mlp, blend) for mlp in ("shared", "per_axis") for blend in ("paper", "official")]
)


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator(torch.get_default_device()).manual_seed(1)
    features = torch.randn(1, CHANNELS, *SHAPE, generator=random)
    labels = torch.randint(0, REGIONS, (1, *SHAPE), generator=random)
    return features, labels, torch.rand(1, *SHAPE, generator=random)


@EVERY_HEAD
def test_table_head_equals_the_head_it_was_made_from(mlp: str, blend: str) -> None:
    head = text_head(mlp=mlp, blend=blend)
    table = FilterTableHead.from_text_head(head)
    assert torch.equal(table(*inputs()), head(*inputs()))


@EVERY_HEAD
def test_table_head_does_not_share_memory_with_its_origin(mlp: str, blend: str) -> None:
    head = text_head(mlp=mlp, blend=blend)
    table = FilterTableHead.from_text_head(head)
    before = table(*inputs())
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(1)
    assert torch.equal(table(*inputs()), before)


@pytest.mark.parametrize("blend", ["paper", "official"])
def test_a_table_may_keep_the_first_regions_only(blend: str) -> None:
    head = text_head(blend=blend)
    few = FilterTableHead.from_text_head(head, 2)
    features, labels, confidence = inputs()
    labels = labels.clamp(max=1)
    assert few.filters.shape[0] == 2
    # Not bitwise: the product of fewer rows may add in another order.
    expected = head(features, labels, confidence)
    assert torch.allclose(few(features, labels, confidence), expected, rtol=1e-5, atol=1e-6)


def test_table_head_holds_filters_only() -> None:
    table = FilterTableHead.from_text_head(text_head())
    assert {key: tuple(value.shape) for key, value in table.state_dict().items()} == {
        "filters": (REGIONS, CHANNELS, 3),
        "free_filter": (CHANNELS, 3),
    }


def test_official_table_head_holds_filters_and_the_convolution() -> None:
    table = FilterTableHead.from_text_head(text_head(mlp="per_axis", blend="official"))
    assert {key: tuple(value.shape) for key, value in table.state_dict().items()} == {
        "filters": (REGIONS, CHANNELS, 3),
        "free_conv.weight": (3, CHANNELS, 3, 3, 3),
        "free_conv.bias": (3,),
    }


def test_official_blending_adds_and_does_not_look_at_the_confidence() -> None:
    head = text_head(blend="official")
    features, labels, confidence = inputs()
    filters = head.region_filters()[labels]
    convolved = torch.nn.functional.conv3d(features, head.free_conv.weight, head.free_conv.bias, padding=1)
    expected = torch.einsum("bxyzcd,bcxyz->bdxyz", filters, features) + convolved
    assert torch.allclose(head(features, labels, confidence), expected, rtol=1e-5, atol=1e-4)
    assert torch.equal(head(features, labels, 1 - confidence), head(features, labels, confidence))


def test_an_mlp_per_axis_makes_one_component_each() -> None:
    head = text_head(mlp="per_axis")
    filters = head.region_filters()
    for component, mlp in enumerate((head.mlp.x, head.mlp.y, head.mlp.z)):
        assert torch.equal(filters[..., component], mlp(head.embeddings))


@pytest.mark.parametrize(
    ("mlp", "channels", "count"),
    [
        ("shared", 16, 10_164_272),
        ("shared", 64, 10_754_240),
        ("per_axis", 16, 30_099_504),
        ("per_axis", 64, 30_689_472),
        ("per_axis", 128, 31_476_096),
    ],
)
def test_parameters_of_phi(mlp: str, channels: int, count: int) -> None:
    with torch.device("meta"):
        head = TextHead(torch.empty(14, 768), channels, 2048, mlp)
    assert sum(p.numel() for p in head.mlp.parameters()) == count
    assert head.free_filter.shape == (channels, 3)


@EVERY_HEAD
def test_an_untrained_head_moves_almost_nothing(mlp: str, blend: str) -> None:
    assert text_head(2048, trained=False, mlp=mlp, blend=blend)(*inputs()).abs().max() < 0.2


def test_text_vectors_are_stored_but_not_trained() -> None:
    head = text_head()
    assert "embeddings" in head.state_dict()
    assert "embeddings" not in dict(head.named_parameters())


def test_a_head_keeps_its_own_text_vectors() -> None:
    vectors = torch.randn(REGIONS, 5)
    head = TextHead(vectors, CHANNELS, 8)
    kept = vectors.clone()
    vectors.zero_()
    assert torch.equal(head.embeddings, kept)


def test_equal_text_vectors_give_equal_filters() -> None:
    head = text_head()
    head.embeddings[2] = head.embeddings[1]
    filters = head.region_filters()
    assert torch.allclose(filters[1], filters[2])
    assert not torch.allclose(filters[0], filters[1])


def test_filters_follow_their_row() -> None:
    head = text_head()
    before = head.region_filters()
    order = torch.tensor([2, 0, 3, 1])
    head.embeddings.copy_(head.embeddings[order].clone())
    assert torch.allclose(head.region_filters(), before[order], atol=1e-5)


@EVERY_HEAD
def test_mlp_learns_from_every_region_it_sees(mlp: str, blend: str) -> None:
    head = text_head(mlp=mlp, blend=blend)
    head(*inputs()).square().sum().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_zero_last_layer_is_the_identity() -> None:
    head = text_head()
    with torch.no_grad():
        for parameter in (head.mlp[-1].weight, head.mlp[-1].bias, head.free_filter):
            parameter.zero_()
    assert head(*inputs()).abs().max() == 0


def test_plain_head_is_blind_to_labels_and_confidence() -> None:
    head = PlainHead(CHANNELS)
    features, labels, confidence = inputs()
    assert torch.equal(
        head(features, labels, confidence), head(features, 1 - labels.clamp(max=1), 1 - confidence)
    )
    assert sum(p.numel() for p in head.parameters()) == CHANNELS * 3 * 27


def test_every_head_gives_three_components_on_the_feature_grid() -> None:
    for head in (text_head(), FilterTableHead(REGIONS, CHANNELS), PlainHead(CHANNELS)):
        assert head(*inputs()).shape == (1, 3, *SHAPE)
