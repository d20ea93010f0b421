"""What keeps tensors from fitting a network, told so that the reader sees which other network they are of."""

from collections.abc import Mapping

from pipeline.typing import Tensor

__all__ = ["misfits", "told"]

TOLD = 3


def misfits(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    """Everything that keeps `state` from being loaded, in the network's own order.

    Args:
        state: Tensors of a file by name.
        expected: The network's, which may be on the meta device.
    """
    found = [fault for name, tensor in expected.items() if (fault := _misfit(name, state.get(name), tensor))]
    return found + [
        f"a tensor {name} that the network does not have" for name in state if name not in expected
    ]


def told(faults: list[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(faults) - TOLD} more misfits" if len(faults) > TOLD else ""
    return ", ".join(faults[:TOLD]) + more


def _misfit(name: str, tensor: Tensor | None, expected: Tensor) -> str | None:
    if tensor is None:
        return f"no tensor {name}"
    if tensor.shape != expected.shape:
        return f"{name} of shape {tuple(tensor.shape)} in place of {tuple(expected.shape)}"
    return None if tensor.isfinite().all() else f"{name} with NaN or infinity"
