"""A GPU that fails on the way, or that this PyTorch cannot use, as a known error that ends the run."""

from collections.abc import Iterator
from contextlib import contextmanager

from pairs.errors import KnownError

__all__ = ["GpuFailure", "gpu_failure_reported"]

# As CUDA words them; what a fault of the program would bring, such as an illegal access, is not among them.
_WORDS = (
    "CUDA error: unknown error",
    "devices are busy or unavailable",
    "device(s) is/are busy or unavailable",
    "driver version is insufficient",
    "hardware error",
    "launch timed out",
    "no kernel image is available",
    "uncorrectable ECC error",
    "unspecified launch failure",
)


class GpuFailure(KnownError):
    """A GPU that does not work; whatever a process asks of it afterwards fails too."""

    exit_code = 1
    code = "gpu"


@contextmanager
def gpu_failure_reported() -> Iterator[None]:
    """Within it, a GPU that does not work is a known error.

    Raises:
        GpuFailure: the GPU does not work.
    """
    try:
        yield
    except RuntimeError as error:
        # Below the first line CUDA explains how to debug programs.
        said = str(error).partition("\n")[0]
        if not any(words in said for words in _WORDS):
            raise
        raise GpuFailure(
            "the GPU failed, or this PyTorch cannot use it",
            got=said,
            remedy="run the same command again, which keeps finished pairs, or add --device cpu",
        ) from error
