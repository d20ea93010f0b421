"""A prediction run that takes a fraction of a second."""

from tests.quickrun import (
    image,
    listing,
    only_error_line,
    output,
    predict,
    quick_states,
    report_of,
    rewrite_task,
    tiny_bundle,
    weights,
)

__all__ = [
    "image",
    "listing",
    "only_error_line",
    "output",
    "predict",
    "quick_states",
    "report_of",
    "rewrite_task",
    "tiny_bundle",
    "weights",
]
