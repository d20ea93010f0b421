"""What the tests of the pipeline share."""

from tests.tinytask import (
    device,
    on_device,
    one_thread,
    other_task,
    refused,
    signals_as_before,
    tiny_bundle,
    tiny_config,
    tiny_task,
    tiny_task_original,
)

__all__ = [
    "device",
    "on_device",
    "one_thread",
    "other_task",
    "refused",
    "signals_as_before",
    "tiny_bundle",
    "tiny_config",
    "tiny_task",
    "tiny_task_original",
]
