"""What the tests of the program share."""

from tests.tinytask import (
    device,
    one_thread,
    signals_as_before,
    tiny_bundle,
    tiny_config,
    tiny_task,
    tiny_task_original,
)

__all__ = [
    "device",
    "one_thread",
    "signals_as_before",
    "tiny_bundle",
    "tiny_config",
    "tiny_task",
    "tiny_task_original",
]
