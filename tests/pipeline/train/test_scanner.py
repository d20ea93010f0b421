"""Grey values as if of another scanner: reproducible, on the content only, each change at times."""

import pytest
import torch

from pipeline.train import scanner
from pipeline.train.scanner import rescanned

__all__: list[str] = []

PROBABILITIES = ("NOISE", "BLUR", "BRIGHTNESS", "CONTRAST", "COARSE")


def image() -> torch.Tensor:
    """Textured content with zero padding around it."""
    values = torch.zeros(1, 1, 16, 18, 20)
    values[..., 3:13, 3:15, 3:17] = 0.2 + 0.6 * torch.rand(
        10, 12, 14, generator=torch.Generator().manual_seed(0)
    )
    return values


def changed(seed: int, strength: float = 1.0) -> torch.Tensor:
    return rescanned(image(), torch.Generator().manual_seed(seed), strength)


def test_same_random_numbers_same_result() -> None:
    assert torch.equal(changed(1), changed(1))
    assert not torch.equal(changed(1), changed(2))


def test_form_range_and_padding_stay() -> None:
    for seed in range(10):
        result = changed(seed)
        assert result.shape == image().shape
        assert 0 <= result.min() <= result.max() <= 1
        assert result[image() == 0].abs().max() == 0


def test_without_strength_nothing_changes() -> None:
    for seed in range(10):
        assert torch.allclose(changed(seed, 0.0), image(), atol=1e-6)


@pytest.mark.parametrize("one", PROBABILITIES)
def test_each_change_is_one_of_its_own(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROBABILITIES:
        monkeypatch.setattr(scanner, name, 0.0)
    monkeypatch.setattr(scanner, "regreyed", lambda image, generator, strength: image)
    assert torch.equal(changed(3), image())
    monkeypatch.setattr(scanner, one, 1.0)
    assert (changed(3) - image()).abs().max() > 0.01


@pytest.mark.parametrize("one", ["BLUR", "COARSE"])
def test_blur_and_lower_resolution_take_detail_away(one: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROBABILITIES:
        monkeypatch.setattr(scanner, name, float(name == one))
    monkeypatch.setattr(scanner, "regreyed", lambda image, generator, strength: image)
    inside = (..., slice(5, 11), slice(5, 13), slice(5, 15))
    assert min(changed(seed)[inside].std() for seed in range(6)) < 0.8 * image()[inside].std()
