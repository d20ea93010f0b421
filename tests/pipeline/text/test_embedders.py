"""The registry: every embedder by its name, none in the place of another."""

from pathlib import Path

import pytest
import torch

from pairs.errors import UsageError, WeightsError
from pipeline.text.embedders import EMBEDDERS, build_embedder, one_hot


def test_the_names() -> None:
    assert set(EMBEDDERS) == {"open_clip", "table", "minilm", "one-hot"}


def test_one_hot_leaves_the_first_axis_to_the_background() -> None:
    assert torch.equal(build_embedder("one-hot")(["x", "y"]), torch.eye(3)[1:])
    assert one_hot(["x"]).dtype == torch.float32


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(UsageError, match="one-hot"):
        build_embedder("bert")


@pytest.mark.parametrize(
    ("name", "option"),
    [("one-hot", "weights"), ("minilm", "vectors"), ("table", "weights"), ("open_clip", "rows")],
)
def test_an_option_that_would_not_be_read_is_refused(name: str, option: str) -> None:
    with pytest.raises(UsageError, match=f"does not read --{option}"):
        build_embedder(name, **{option: (0,) if option == "rows" else Path("f")})


def test_a_missing_file_is_never_filled_in_by_another_embedder() -> None:
    for name in ("open_clip", "table"):
        with pytest.raises(WeightsError):
            build_embedder(name)
