"""Progressive training of a pyramid: who learns when, and an interruption that leaves no trace."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from pairs.errors import Stopped, UsageError
from pipeline.config import RegistrationConfig, RegistrationTraining, TaskConfig
from pipeline.network.backbones.registry import build_backbone
from pipeline.network.model import RegistrationNet
from pipeline.train import loop
from pipeline.train.loop import Plan
from pipeline.train.pairing import any_two
from pipeline.train.pairs import Group, scanned_pairs
from pipeline.train.registrationnetwork import train_registration
from pipeline.train.segmented import SegmentedSample
from pipeline.train.stages import stage_steps
from pipeline.train.subjects import Sample
from tests.pipeline.train.conftest import equal

__all__: list[str] = []

pytestmark = pytest.mark.slow

SIDE = 16
STAGES = (3, 3, 4)
RESTING = 2


def config(backbone: str = "lapirn", steps: int = 0, **training: object) -> TaskConfig:
    return TaskConfig(
        task="Toy",
        registration=RegistrationConfig(
            backbone=backbone, start_channels=1, mlp_width=4, integration_steps=steps
        ),
        registration_training=RegistrationTraining(**training),
    )


def subject(number: int) -> SegmentedSample:
    """A soft ball that sits elsewhere in each subject."""
    axes = torch.meshgrid(*[torch.arange(SIDE).float()] * 3, indexing="ij")
    centre = (6 + number, 8, 9 - number)
    radius = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True)).sqrt()
    labels = (radius < 5).long()[None]
    image = torch.sigmoid(5 - radius)[None, None]
    return SegmentedSample(Sample(str(number), image, labels), labels.clone(), torch.full_like(image[0], 0.9))


SUBJECTS = [subject(number) for number in range(3)]


@pytest.fixture
def trained(device: torch.device) -> Callable[..., RegistrationNet]:
    def make(
        out: Path,
        settings: TaskConfig | None = None,
        steps: int = sum(STAGES),
        rate: float = 1e-3,
    ) -> RegistrationNet:
        settings = settings or config(stages=STAGES, resting_steps=RESTING)
        vectors = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
        plan = Plan(out, steps, rate, power=0.9, validate_every=1, fingerprint="mine")
        material = scanned_pairs([Group(SUBJECTS, any_two)], (), settings)
        return train_registration(settings, material, vectors, 2, plan, device)

    return make


@pytest.mark.parametrize(
    ("steps", "expected"), [(120000, (30000, 30000, 60000)), (10, (2, 2, 6)), (1, (0, 0, 1))]
)
def test_stages_share_the_steps_as_published(steps: int, expected: tuple[int, ...]) -> None:
    assert stage_steps(build_backbone(config().registration), RegistrationTraining(), steps) == expected


def test_other_backbones_have_one_stage() -> None:
    assert stage_steps(build_backbone(config("lkunet").registration), RegistrationTraining(), 7) == (7,)


@pytest.mark.parametrize(
    ("backbone", "stages", "told"),
    [
        ("lapirn", (3, 3, 3), "expected 3 of them that add up to 10 steps, got 3 that add up to 9"),
        ("lapirn", (5, 5), "expected 3 of them that add up to 10 steps, got 2 that add up to 10"),
        ("lkunet", (5, 5), "expected 1 of them that add up to 10 steps, got 2 that add up to 10"),
    ],
)
def test_stages_that_do_not_fit_are_refused(backbone: str, stages: tuple[int, ...], told: str) -> None:
    with pytest.raises(UsageError, match=f"'registration_training.stages'; {told}"):
        stage_steps(build_backbone(config(backbone).registration), RegistrationTraining(stages=stages), 10)


@pytest.fixture
def learners(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """For every step the parts whose weights it changed: `0`, `1`, `2` for the levels, `h` for the head."""
    changed: list[str] = []
    optimise = loop._optimise

    def parts(net: RegistrationNet) -> dict[str, list[Tensor]]:
        modules = {**{str(n): level for n, level in enumerate(net.backbone.levels)}, "h": net.head}
        return {name: [p.detach().clone() for p in part.parameters()] for name, part in modules.items()}

    def watch(net: RegistrationNet, *rest: object) -> object:
        before = parts(net)
        result = optimise(net, *rest)
        after = parts(net)
        moved = [n for n in before if not all(map(torch.equal, before[n], after[n]))]
        changed.append("".join(moved))
        return result

    monkeypatch.setattr(loop, "_optimise", watch)
    return changed


def test_levels_learn_one_after_the_other_and_rest_at_first(
    trained: Callable[..., RegistrationNet], tmp_path: Path, learners: list[str]
) -> None:
    trained(tmp_path / "a")
    assert learners == ["0"] * 3 + ["1"] * 2 + ["01"] + ["2h"] * 2 + ["012h"] * 2


def test_coarser_levels_rest_for_a_fifteenth_of_the_first_stage(
    trained: Callable[..., RegistrationNet], tmp_path: Path, learners: list[str]
) -> None:
    trained(tmp_path / "a", config(), steps=80)
    assert learners[19:23] == ["0", "1", "01", "01"]
    assert learners[39:43] == ["01", "2h", "012h", "012h"]


def test_without_rest_all_levels_up_to_the_stage_learn(
    trained: Callable[..., RegistrationNet], tmp_path: Path, learners: list[str]
) -> None:
    trained(tmp_path / "a", config(stages=(1, 1, 1), resting_steps=0), steps=3)
    assert learners == ["0", "01", "012h"]


def test_the_log_follows_the_level_that_learns(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = []
    forward = RegistrationNet.forward

    def watch(net: RegistrationNet, *inputs: Tensor) -> object:
        levels.append(net.level)
        return forward(net, *inputs)

    monkeypatch.setattr(RegistrationNet, "forward", watch)
    net = trained(tmp_path / "a")
    assert levels == [0] * 3 + [1] * 3 + [None] * 4
    assert net.level is None


@pytest.mark.parametrize("after", [1, 3, 4, 5, 6, 7, 9])
def test_an_interrupted_training_ends_with_the_same_weights(
    trained: Callable[..., RegistrationNet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Stages begin at steps 3 and 6, rests end at 5 and 8."""
    unbroken = trained(tmp_path / "unbroken")
    with monkeypatch.context() as during:
        asked = iter(range(10_000))
        # The loop asks once a step whether to end.
        during.setattr(loop, "stop_requested", lambda: next(asked) >= after - 1)
        with pytest.raises(Stopped):
            trained(tmp_path / "broken")
    torch.manual_seed(99)
    assert equal(trained(tmp_path / "broken"), unbroken)


def test_stages_and_rests_change_what_is_learnt(
    trained: Callable[..., RegistrationNet], tmp_path: Path
) -> None:
    """So that the test above could fail."""
    one = trained(tmp_path / "a")
    assert not equal(trained(tmp_path / "b", config(stages=(4, 2, 4), resting_steps=RESTING)), one)
    assert not equal(trained(tmp_path / "c", config(stages=STAGES, resting_steps=1)), one)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(("backbone", "steps"), [("lapirn", 0), ("lapirn", 7), ("fouriernet", 0)])
def test_a_short_training_brings_the_balls_nearer(
    trained: Callable[..., RegistrationNet], tmp_path: Path, backbone: str, steps: int, precision: str
) -> None:
    settings = config(backbone, steps, smoothness=0.01, precision=precision)
    net = trained(tmp_path / "a.safetensors", settings, steps=60, rate=3e-3)
    lines = [json.loads(line) for line in (tmp_path / "a.metrics.jsonl").read_text().splitlines()]
    sums = [sum(line["losses"].values()) for line in lines]
    assert sum(sums[-12:]) < 0.7 * sum(sums[:12])
    assert all(value.isfinite().all() for value in net.state_dict().values())
