"""The log of a training, `.metrics.jsonl`: a line for each validation, and one at the end."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pairs.errors import OutputError
from pipeline.train.loop import Plan
from tests.pipeline.train.noisytraining import log_lines, run

__all__: list[str] = []


def test_log_has_one_line_a_validation_and_one_at_the_end(plan: Plan) -> None:
    run(plan)
    lines = log_lines(plan)
    assert [line["step"] for line in lines] == [2, 4, 6, 8, 9]
    for line in lines:
        assert line.keys() == {"step", "seconds", "losses", "held_out"}
        assert line["losses"].keys() == {"fit", "size"}
        assert line["held_out"] == {"dice": 0.5}
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


def test_a_new_training_starts_a_new_log(plan: Plan) -> None:
    plan.metrics.write_text('{"step": 1}\n')
    run(plan)
    assert [line["step"] for line in log_lines(plan)] == [2, 4, 6, 8, 9]


def test_a_log_that_cannot_be_written_is_an_output_error(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        run(replace(plan, out=tmp_path / "absent" / "net.safetensors"))


def test_losses_are_read_only_where_they_are_told(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """To read one is to wait for a GPU; two of them at each of five validations, and none at other steps."""
    read, item = [], torch.Tensor.item
    monkeypatch.setattr(torch.Tensor, "item", lambda tensor: read.append(1) or item(tensor))
    run(plan)
    assert len(read) == 2 * len(log_lines(plan)) == 10
