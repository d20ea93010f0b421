"""A pair that is too large for the memory leaves nothing behind that the next pair would miss.

With stand-ins for what a GPU says: these tests have not met a GPU that is full.
"""

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from pipeline.network.model import RegistrationOutput
from pipeline.predict.report import RunReport
from pipeline.registration.registrar import Registrar

__all__: list[str] = []

pytestmark = pytest.mark.slow


@pytest.fixture
def _no_collector() -> Iterator[None]:
    """Python's collector of cycles stays away, as it may between any two pairs."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (torch.OutOfMemoryError, "CUDA out of memory"),
        (MemoryError, ""),
        (RuntimeError, "DefaultCPUAllocator: not enough memory"),
    ],
)
def test_what_a_failed_pair_held_is_free_for_the_next(
    predict: Callable[..., int],
    output: Path,
    report_of: Callable[[Path], RunReport],
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
    words: str,
) -> None:
    assert predict() == 0
    whole = {path.name: path.read_bytes() for path in output.glob("disp_*")}
    held: list[weakref.ref[torch.Tensor]] = []
    alive: list[bool] = []
    original = Registrar._outputs

    def work(self: Registrar, *inputs: object) -> list[RegistrationOutput]:
        if held:
            alive.append(held[0]() is not None)
            return original(self, *inputs)
        features = torch.zeros(8)
        held.append(weakref.ref(features))
        # A new one: an error that is kept keeps what it went through.
        raise kind(words)

    monkeypatch.setattr(Registrar, "_outputs", work)
    for path in output.glob("disp_*"):
        path.unlink()
    assert predict() == 1
    assert [record.error_code for record in report_of(output).pairs] == ["memory", None, None]
    assert alive == [False, False]
    after = {path.name: path.read_bytes() for path in output.glob("disp_*")}
    assert after == {name: field for name, field in whole.items() if name != "disp_0006_0007.npz"}
