"""The GPU benchmark on a processor and on small sizes: what it counts, and that it tells what it has."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch

from benchmarks import gpu, gpupairs, gputraining, roofline
from benchmarks.gpuagreement import agreement
from benchmarks.gpupairs import pair_costs
from benchmarks.gputraining import training_paces
from benchmarks.roofline import Peaks, work_of

__all__: list[str] = []

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
PEAKS = Peaks({"float32": 1e9, "tf32": 2e9, "bfloat16": 4e9}, 1e8)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_work_is_that_of_each_operation() -> None:
    a, b = torch.randn(10, 20), torch.randn(20, 30)
    work = work_of(lambda: (a @ b).view(-1).relu(), PEAKS)
    assert work.flops == 2 * 10 * 20 * 30
    product, rectified = 4 * (200 + 600 + 300), 4 * (300 + 300)
    assert work.moved == product + rectified
    assert work.floor_s == pytest.approx(max(12_000 / 1e9, product / 1e8) + rectified / 1e8)


def test_a_lower_precision_has_a_peak_of_its_own() -> None:
    many_flops = Peaks({"float32": 1e3, "tf32": 1e3, "bfloat16": 4e3}, 1e12)
    floors = []
    for dtype in (torch.float32, torch.bfloat16):
        a = torch.randn(8, 8).to(dtype)
        floors.append(work_of(partial(torch.mm, a, a), many_flops).floor_s)
    assert floors == pytest.approx([1024 / 1e3, 1024 / 4e3])


def test_the_backward_pass_counts_too() -> None:
    weight = torch.randn(8, 8, requires_grad=True)
    image = torch.randn(4, 8)
    forward = work_of(lambda: image @ weight, PEAKS).flops
    assert work_of(lambda: (image @ weight).sum().backward(), PEAKS).flops == 2 * forward


def test_peaks_are_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "_REPEATS", 1)
    peaks = roofline.measured_peaks(CPU, shrink=128)
    assert min(*peaks.flops.values(), peaks.bytes_per_s) > 0


def test_a_cpu_agrees_with_itself() -> None:
    rows = list(agreement(CPU, 16, None))
    assert [row[0].split(",")[0] for row in rows] == [
        "HippocampusMR",
        "HippocampusMR",
        "OASIS",
        "AbdomenCTCT",
    ]
    assert {tuple(row[2:4]) for row in rows} == {("0", "0")}
    assert {row[-1] for row in rows} == {"yes"}
    assert rows[0][4] == "0"
    assert all(float(row[1]) > 1 for row in rows)


def test_a_pair_has_its_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpupairs, "SIZES", (("OASIS", (16, 16, 16)),))
    rows = list(pair_costs(CPU, 16, 1, PEAKS))
    assert [row[2] for row in rows] == ["field", "field, 15 steps of refinement", "regions of one"]
    for row in rows:
        assert len(row) == len(gpupairs.HEADER)
        assert float(row[3]) > 0
        assert float(row[5]) > 0


def test_a_pair_that_is_too_large_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(gpupairs, "SIZES", (("OASIS", (16, 16, 16)),))
    monkeypatch.setattr("pipeline.network.model.RegistrationNet.after_each_pass", fail)
    first = next(pair_costs(CPU, 16, 1, PEAKS))
    assert first[3] == "too little memory"
    assert len(first) == len(gpupairs.HEADER)


def test_training_has_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gputraining, "SIZES", (("OASIS", (16, 16, 16)),))
    monkeypatch.setattr(gputraining, "_LONG_S", 0.0)
    rows = list(training_paces(CPU, 16, PEAKS))
    assert [row[2] for row in rows] == ["float32", "bfloat16"]
    for row in rows:
        assert len(row) == len(gputraining.HEADER)
        assert float(row[3]) > 0


def test_the_budget_ends_it_between_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main(["--device", "cpu", "--shrink", "128", "--seconds", "0"]) == 1
    told = capsys.readouterr().out
    assert told.count("the time is up") == len(gpu.SECTIONS)


def test_one_section_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> Iterator[list[str]]:
        yield ["first", "row"]
        raise ZeroDivisionError

    monkeypatch.setitem(gpu.SECTIONS, "agreement", gpu.Section("Broken", ("a", "b"), fail))
    assert gpu.main(["agreement", "peaks", "--device", "cpu", "--shrink", "128"]) == 1
    told = capsys.readouterr()
    assert "| first | row |" in told.out
    assert "matrix product, bfloat16" in told.out
    assert "ZeroDivisionError" in told.err


def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 2
    assert "no usable CUDA device" in capsys.readouterr().err


def test_real_pairs_need_their_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["agreement", "--device", "cpu", "--shrink", "16", "--task", str(tmp_path)]
    assert gpu.main(arguments) == 1
    assert "no task found" in capsys.readouterr().err
