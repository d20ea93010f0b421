"""Errors that mean too little memory, of the processor and of a GPU."""

from contextlib import ExitStack

import pytest
import torch

from pairs.errors import TooLittleMemory
from pipeline.machine.memory import as_shortage, shortage_reported

__all__: list[str] = []

SHORTAGES = pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 byte."),
    ],
)


def fail(error: Exception, *parts: str) -> None:
    """Raises within parts of work, the outermost first."""
    with ExitStack() as stack:
        for part in parts:
            stack.enter_context(shortage_reported(part))
        raise error


@SHORTAGES
def test_a_shortage_says_of_what(error: Exception) -> None:
    with pytest.raises(TooLittleMemory, match="too little memory for the network") as caught:
        fail(error, "the network")
    assert caught.value.__cause__ is error


def test_a_shortage_is_told_once() -> None:
    """The innermost knows best what there was too little memory for."""
    with pytest.raises(TooLittleMemory, match="for this image"):
        fail(MemoryError(), "this pair", "this image")


def test_other_errors_pass() -> None:
    error = RuntimeError("shapes")
    assert as_shortage(error, "this pair") is None
    with pytest.raises(RuntimeError, match="shapes"):
        fail(error, "this pair")


def test_only_users_of_a_gpu_are_sent_to_the_processor() -> None:
    with pytest.raises(TooLittleMemory, match=r"CUDA out of memory; crop the images, or use --device cpu$"):
        fail(torch.OutOfMemoryError("CUDA out of memory"), "this pair")
    told = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"
    with pytest.raises(TooLittleMemory, match=r"got RuntimeError Default.* memory; crop the images$"):
        fail(RuntimeError(told), "this pair")
