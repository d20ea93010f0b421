"""Tensors by name, and what keeps them from being the weights of a network."""

from collections.abc import Mapping

from pipeline.typing import Tensor

__all__ = ["state_faults"]


def state_faults(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[str]:
    """Everything that keeps `state` from being loaded, in the network's own order.

    The shapes in it show which other network the tensors are of.

    Args:
        state: Tensors of a file by name.
        expected: The network's, which may be on the meta device.
    """
    found = [fault for name, tensor in expected.items() if (fault := _fault(name, state.get(name), tensor))]
    return found + [
        f"a tensor {name} that the network does not have" for name in state if name not in expected
    ]


def _fault(name: str, tensor: Tensor | None, expected: Tensor) -> str | None:
    if tensor is None:
        return f"no tensor {name}"
    if tensor.shape != expected.shape:
        return f"{name} of shape {tuple(tensor.shape)} in place of {tuple(expected.shape)}"
    return None if tensor.isfinite().all() else f"{name} with NaN or infinity"
