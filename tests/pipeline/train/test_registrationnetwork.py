"""Training of the registration network on made-up subjects of 16 voxels a side."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pairs.errors import GridMismatch, Stopped
from pipeline.config import RegistrationConfig, RegistrationTraining, TaskConfig
from pipeline.network.filters.heads import PlainHead, TextHead
from pipeline.network.model import RegistrationNet
from pipeline.train import loop
from pipeline.train import registrationnetwork as registration
from pipeline.train.loop import Plan
from pipeline.train.pairing import any_two
from pipeline.train.registrationnetwork import Group, SegmentedSample, augmented_segmented, train_registration
from pipeline.train.subjects import Sample

__all__: list[str] = []

pytestmark = pytest.mark.slow

SIDE = 16


def config(**training: float | str) -> TaskConfig:
    return TaskConfig(
        task="Toy",
        registration=RegistrationConfig(start_channels=2, mlp_width=4),
        registration_training=RegistrationTraining(**training),
    )


def subject(
    number: int, shape: tuple[int, int, int] = (SIDE,) * 3, *, relabel: bool = False
) -> SegmentedSample:
    """A bright cube that sits elsewhere in each subject; the segmentor knows it with p = 0.9."""
    start = 3 + number % 4
    labels = torch.zeros(1, *shape, dtype=torch.int64)
    labels[:, start : start + 7, 4:12, 5:12] = 1
    noise = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(number))
    image = 0.8 * labels[:, None] + 0.2 * noise
    mask = labels.clone()
    if relabel:
        labels = labels.roll(3, dims=2)
    return SegmentedSample(Sample(str(number), image, labels), mask, torch.full((1, *shape), 0.9))


SUBJECTS = [subject(number) for number in range(4)]


def plan(out: Path, steps: int, rate: float = 5e-3) -> Plan:
    return Plan(out, steps, learning_rate=rate, power=0.9, validate_every=2, fingerprint="mine")


@pytest.fixture
def trained(device: torch.device) -> Callable[..., RegistrationNet]:
    def make(
        out: Path,
        training: Sequence[SegmentedSample] = SUBJECTS[:3],
        held_out: Sequence[SegmentedSample] = (),
        *,
        settings: TaskConfig | None = None,
        steps: int = 3,
        head: str = "text",
    ) -> RegistrationNet:
        vectors = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)) if head == "text" else None
        return train_registration(
            settings or config(), training, held_out, vectors, 3, plan(out, steps), device
        )

    return make


def equal(one: RegistrationNet, other: RegistrationNet) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(("head", "kind"), [("text", TextHead), ("plain", PlainHead)])
def test_an_interrupted_training_ends_with_the_same_weights(
    trained: Callable[..., RegistrationNet],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    head: str,
    kind: type,
) -> None:
    unbroken = trained(tmp_path / "unbroken", SUBJECTS[:3], SUBJECTS[2:], steps=4, head=head)
    assert isinstance(unbroken.head, kind)
    with monkeypatch.context() as during:
        asked = iter([False, False, True, True])
        during.setattr(loop, "stop_requested", lambda: next(asked))
        with pytest.raises(Stopped):
            trained(tmp_path / "broken", SUBJECTS[:3], SUBJECTS[2:], steps=4, head=head)
    torch.manual_seed(99)
    resumed = trained(tmp_path / "broken", SUBJECTS[:3], SUBJECTS[2:], steps=4, head=head)
    assert equal(resumed, unbroken)


def test_an_interrupted_training_in_bfloat16(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config(precision="bfloat16")
    unbroken = trained(tmp_path / "unbroken", settings=settings)
    assert unbroken.precision == torch.bfloat16
    assert not equal(unbroken, trained(tmp_path / "float32"))
    with monkeypatch.context() as during:
        during.setattr(loop, "stop_requested", lambda: True)
        with pytest.raises(Stopped):
            trained(tmp_path / "broken", settings=settings)
    assert equal(trained(tmp_path / "broken", settings=settings), unbroken)


def test_an_interrupted_training_with_stochastic_depth(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TransMorph leaves out branches at random; every step must leave out the same ones again."""
    network = RegistrationConfig(backbone="transmorph-tiny", window=(2, 2, 2), mlp_width=4)
    settings = config().model_copy(update={"registration": network})
    unbroken = trained(tmp_path / "unbroken", settings=settings)
    with monkeypatch.context() as during:
        asked = iter([False, False, True, True])
        during.setattr(loop, "stop_requested", lambda: next(asked))
        with pytest.raises(Stopped):
            trained(tmp_path / "broken", settings=settings)
    assert equal(trained(tmp_path / "broken", settings=settings), unbroken)


def test_training_is_reproducible_and_follows_its_seed(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    first = trained(tmp_path / "a")
    torch.manual_seed(5)
    assert equal(trained(tmp_path / "b"), first)
    assert not equal(trained(tmp_path / "c", settings=config(seed=1)), first)


def test_training_moves_the_cubes_onto_each_other(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    """Either direction of the pair has a region of its own, so its filter alone can tell where to go."""
    pair = [
        replace(one, regions=torch.full_like(one.regions, region), confidence=torch.ones_like(one.confidence))
        for region, one in ((1, subject(0)), (2, subject(2)))
    ]
    trained(tmp_path / "a.safetensors", pair, pair, steps=80)
    lines = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    # One cube of seven voxels lies two voxels behind the other.
    assert lines[0]["held_out"]["dice"] == pytest.approx(5 / 7, abs=0.05)
    assert lines[-1]["held_out"]["dice"] > 0.8


def test_held_out_subjects_leave_no_trace_in_the_weights(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    without = trained(tmp_path / "a", held_out=())
    assert equal(trained(tmp_path / "b", held_out=SUBJECTS[2:]), without)


def test_every_number_of_passes_is_drawn(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    forward = RegistrationNet.forward

    def watch(net: RegistrationNet, *inputs: torch.Tensor) -> object:
        drawn.append(inputs[4])
        return forward(net, *inputs)

    monkeypatch.setattr(RegistrationNet, "forward", watch)
    trained(tmp_path / "a", settings=config(passes=3), steps=20)
    assert set(drawn) == {1, 2, 3}


def test_true_labels_reach_the_network_through_the_dice_loss_only(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    lying = [subject(number, relabel=True) for number in range(3)]
    honest = trained(tmp_path / "a", settings=config(dice=0))
    assert equal(trained(tmp_path / "b", lying, settings=config(dice=0)), honest)
    assert not equal(trained(tmp_path / "c", lying), trained(tmp_path / "d"))


def test_regions_and_confidence_of_the_fixed_image_are_what_the_network_sees(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    forward = RegistrationNet.forward

    def watch(net: RegistrationNet, *inputs: torch.Tensor) -> object:
        seen.append(inputs)
        return forward(net, *inputs)

    monkeypatch.setattr(RegistrationNet, "forward", watch)
    trained(tmp_path / "a", [subject(n, relabel=True) for n in range(3)], steps=4)
    assert len(seen) == 4
    for moving, fixed, mask, confidence, passes in seen:
        assert passes == 1
        assert torch.equal(mask[:, None], (fixed > 0.5).long())
        assert confidence.unique().tolist() == pytest.approx([0.9])
        assert not torch.equal(moving, fixed)


def test_pairs_are_ordered_and_never_of_one_subject(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = []

    def note(
        net: RegistrationNet, moving: SegmentedSample, fixed: SegmentedSample, *_: object
    ) -> dict[str, torch.Tensor]:
        pairs.append((moving.sample.name, fixed.sample.name))
        return {"none": torch.stack([p.sum() * 0 for p in net.parameters()]).sum()}

    monkeypatch.setattr(registration, "pair_losses", note)
    trained(tmp_path / "a", steps=60)
    assert set(pairs) == {(a, b) for a in "012" for b in "012" if a != b}


def test_pairs_stay_within_a_task_and_tasks_come_by_their_subjects(
    device: torch.device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = []

    def note(
        net: RegistrationNet, moving: SegmentedSample, fixed: SegmentedSample, *_: object
    ) -> dict[str, torch.Tensor]:
        assert moving.sample.image.shape == fixed.sample.image.shape
        pairs.append((moving.sample.name, fixed.sample.name))
        return {"none": torch.stack([p.sum() * 0 for p in net.parameters()]).sum()}

    monkeypatch.setattr(registration, "pair_losses", note)
    # The other task's grid differs; only pairs within it need one shape.
    others = Group([subject(number, (16, 20, 32)) for number in (5, 6)], any_two)
    vectors = torch.randn(3, 5)
    settings = plan(tmp_path / "a", 120)
    train_registration(config(), SUBJECTS[:4], [], vectors, 3, settings, device, auxiliary=[others])
    assert {pair for pair in pairs if "5" in pair or "6" in pair} == {("5", "6"), ("6", "5")}
    assert set(pairs) > {(a, b) for a in "0123" for b in "0123" if a != b}
    # Two of six subjects: a third of the steps, 40 +- 5.2.
    assert 22 < sum("5" in pair for pair in pairs) < 58


def test_subjects_of_an_auxiliary_task_must_fit_each_other(device: torch.device, tmp_path: Path) -> None:
    others = Group([subject(5), subject(6, (16, 16, 32))], any_two)
    with pytest.raises(GridMismatch, match="`crop`"):
        train_registration(
            config(),
            SUBJECTS[:2],
            [],
            torch.randn(3, 5),
            3,
            plan(tmp_path / "a", 1),
            device,
            auxiliary=[others],
        )


def test_losses_in_the_log_are_those_of_the_paper(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    trained(tmp_path / "a.safetensors", held_out=SUBJECTS[2:], steps=2)
    (line,) = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    assert line["losses"].keys() == {"similarity", "dice", "smoothness"}
    assert line["held_out"].keys() == {"dice", "sdlogj", "folds"}


def test_one_held_out_subject_makes_no_pair(trained: Callable[..., RegistrationNet], tmp_path: Path) -> None:
    trained(tmp_path / "a.safetensors", held_out=SUBJECTS[3:], steps=2)
    (line,) = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    assert line["held_out"] == {}


def test_sides_that_are_no_multiple_are_padded(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    odd = [subject(number, (16, 20, 14)) for number in range(3)]
    net = trained(tmp_path / "a", odd, odd[:2], steps=2)
    assert all(p.isfinite().all() for p in net.parameters())


def test_subjects_of_different_shape_are_refused(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    with pytest.raises(GridMismatch, match="`crop`"):
        trained(tmp_path / "a", [*SUBJECTS[:2], subject(3, (16, 16, 32))])


def test_augmentation_moves_regions_and_confidence_with_the_labels() -> None:
    original = replace(subject(1), confidence=0.5 + 0.5 * subject(1).regions.float())
    changed = augmented_segmented(original, torch.Generator().manual_seed(2), 1.0)
    assert not torch.equal(changed.regions, original.regions)
    assert torch.equal(changed.regions, changed.sample.labels)
    # Trilinear confidence crosses 0.75 about where the nearest-voxel mask changes; outside p is 1.
    inside = changed.sample.image[:, 0] > 0
    assert ((changed.confidence > 0.75) == (changed.regions == 1))[inside].float().mean() > 0.95
    assert (changed.confidence[~inside] > 0.99).float().mean() > 0.5


def test_augmentation_is_off_at_strength_zero() -> None:
    original = subject(1)
    assert augmented_segmented(original, torch.Generator(), 0.0) is original
