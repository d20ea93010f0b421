"""A GPU that fails ends the run in one line, and the same command goes on; stand-ins say what CUDA would."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pipeline.network.model import RegistrationOutput
from pipeline.predict.report import RunReport
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle

__all__: list[str] = []

pytestmark = pytest.mark.slow

ADVICE = "\nCUDA kernel errors might be asynchronously reported at some other API call.\n"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (torch.AcceleratorError, "CUDA error: no kernel image is available for execution on the device"),
        (torch.AcceleratorError, "CUDA error: unspecified launch failure"),
        (RuntimeError, "CUDA error: uncorrectable ECC error encountered"),
        (RuntimeError, "CUDA error: unknown error"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--on-error", "identity")])
def test_a_gpu_that_fails_ends_the_run(
    predict: Callable[..., int],
    output: Path,
    report_of: Callable[[Path], RunReport],
    listing: Callable[[Path], list[str]],
    only_error_line: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
    words: str,
    options: tuple[str, ...],
) -> None:
    original, calls = Registrar._outputs, []

    def work(self: Registrar, *inputs: object) -> list[RegistrationOutput]:
        calls.append(1)
        if len(calls) == 2:
            raise kind(words + ADVICE)
        return original(self, *inputs)

    with monkeypatch.context() as patch:
        patch.setattr(Registrar, "_outputs", work)
        assert predict(*options) == 1
    line = only_error_line()
    assert f"got {words}; run the same command again" in line
    assert "asynchronously" not in line
    assert listing(output) == ["disp_0006_0007.npz", "report.json"]
    assert [record.status for record in report_of(output).pairs] == ["done"]
    assert predict() == 0
    assert [record.status for record in report_of(output).pairs] == ["done", "done", "done"]


def test_networks_that_do_not_reach_the_gpu(
    predict: Callable[..., int], only_error_line: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("CUDA error: CUDA-capable device(s) is/are busy or unavailable" + ADVICE)

    monkeypatch.setattr(Bundle, "build_registration", refuse)
    assert predict() == 1
    assert "busy or unavailable; run the same command again" in only_error_line()
