"""The choice of a device and of a precision."""

import pytest
import torch

from pairs.errors import UsageError
from pipeline.machine.device import choose_device, mixed_precision, repeatable

__all__: list[str] = []


@pytest.mark.parametrize(("available", "chosen"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_the_gpu_when_there_is_one(
    monkeypatch: pytest.MonkeyPatch, available: bool, chosen: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device("auto").type == chosen
    assert choose_device("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="--device auto or cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_convolutions_run_in_the_precision_asked_for(precision: torch.dtype) -> None:
    conv, image = torch.nn.Conv3d(1, 1, 3), torch.zeros(1, 1, 8, 8, 8)
    with mixed_precision(torch.device("cpu"), precision):
        assert conv(image).dtype == precision
    assert conv(image).dtype == torch.float32


def told() -> tuple[object, ...]:
    """How float32 is taken in products and convolutions, and which algorithms of cuDNN are allowed."""
    cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul
    return products.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic, cudnn.benchmark


REPEATABLE = ("ieee", "ieee", True, False)


def test_within_repeatable_the_callers_settings_do_not_count_and_afterwards_they_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    # Not by monkeypatch, which does not see an attribute that is computed.
    products = torch.backends.cuda.matmul
    before, products.fp32_precision = products.fp32_precision, "tf32"
    try:
        with repeatable():
            assert told() == REPEATABLE
        assert told() == ("tf32", "tf32", False, True)
    finally:
        products.fp32_precision = before


def test_the_callers_settings_come_back_after_an_error() -> None:
    before, inside = told(), []

    @repeatable()
    def fail() -> None:
        inside.append(told())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert inside == [REPEATABLE]
    assert told() == before
