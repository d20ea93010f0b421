"""The second call: finished pairs are kept, and whatever changed is done again."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairs.images.volume import read_image, write_volume
from pairs.process.version import VERSION
from pipeline.predict.pairrecord import PairRecord
from pipeline.predict.report import read_report
from pipeline.regions.segmentor import Segmentor
from pipeline.registration.registrar import Registrar
from pipeline.weights.bundle import Bundle, file_hash, write_bundle

__all__: list[str] = []

pytestmark = pytest.mark.slow

Predict = Callable[..., int]
NAMES = ("disp_0006_0007.npz", "disp_0007_0008.npz", "disp_0008_0006.npz")


class Work:
    """Counts how often the networks are asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts = {"registered": 0, "segmented": 0}
        for name, owner in (("registered", Registrar), ("segmented", Segmentor)):
            monkeypatch.setattr(owner, "__call__", self._counting(name, owner.__call__))

    def _counting(self, name: str, original: Callable[..., object]) -> Callable[..., object]:
        def count(*arguments: object) -> object:
            self.counts[name] += 1
            return original(*arguments)

        return count

    def since(self) -> tuple[int, int]:
        """Pairs registered and images segmented since the last question."""
        numbers = (self.counts["registered"], self.counts["segmented"])
        self.counts = dict.fromkeys(self.counts, 0)
        return numbers


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


def records(output: Path) -> tuple[PairRecord, ...]:
    report = read_report(output)
    assert report is not None
    return report.pairs


def state(output: Path) -> dict[str, tuple[int, bytes]]:
    return {name: ((output / name).stat().st_mtime_ns, (output / name).read_bytes()) for name in NAMES}


def test_finished_pairs_are_kept(predict: Predict, output: Path, work: Work) -> None:
    assert predict() == 0
    assert work.since() == (3, 3)
    before, told = state(output), records(output)
    assert predict() == 0
    assert work.since() == (0, 0)
    assert state(output) == before
    assert records(output) == told


def test_nothing_is_built_for_nothing(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    assert predict() == 0
    monkeypatch.setattr(Registrar, "__init__", lambda *_: pytest.fail("a network was built"))
    assert predict() == 0


def test_each_file_is_read_once_to_compare(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    assert predict() == 0
    read: list[str] = []
    monkeypatch.setattr(
        "pipeline.predict.fingerprint.file_hash", lambda path: read.append(path.name) or file_hash(path)
    )
    assert predict() == 0
    assert sorted(read) == [f"TinyMR_{subject}_0000.nii.gz" for subject in ("0006", "0007", "0008")]


def test_an_image_of_several_pairs_is_segmented_once(
    predict: Predict, output: Path, work: Work, rewrite_task: Callable[..., None]
) -> None:
    image = "imagesTr/TinyMR_{}_0000.nii.gz".format
    pairs = [{"fixed": image("0001"), "moving": image(moving)} for moving in ("0002", "0003", "0004")]
    rewrite_task(registration_val=pairs)
    assert predict() == 0
    assert work.since() == (3, 1)
    # Another profile needs new fields, and no new segmentation.
    assert predict("--profile", "l2r2022") == 0
    assert work.since() == (3, 0)


def test_changed_weights(
    predict: Predict, output: Path, weights: Path, work: Work, tiny_bundle: Bundle
) -> None:
    assert predict() == 0
    work.since()
    other = {name: tensor * 1.5 for name, tensor in tiny_bundle.registration.items()}
    original = weights.read_bytes()
    write_bundle(weights, replace(tiny_bundle, registration=other))
    before = state(output)
    assert predict() == 0
    assert work.since() == (3, 3)
    assert all(state(output)[name][1] != before[name][1] for name in NAMES)
    weights.write_bytes(original)
    assert predict() == 0
    # The segmentations of these weights are still there.
    assert work.since() == (3, 0)
    assert all(state(output)[name][1] == before[name][1] for name in NAMES)


def test_an_upgrade_of_the_program(
    predict: Predict, output: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert predict() == 0
    work.since()
    for module in ("predict.fingerprint", "regions.kept", "predict.taskrun"):
        monkeypatch.setattr(f"pipeline.{module}.program_version", lambda: "another")
    assert predict() == 0
    assert work.since() == (3, 3)
    report = read_report(output)
    assert report is not None
    assert (report.program, report.version) == ("another", VERSION)
    assert predict() == 0
    assert work.since() == (0, 0)


def test_a_changed_input(predict: Predict, tiny_task: Path, output: Path, work: Work) -> None:
    assert predict() == 0
    work.since()
    before = state(output)
    path = tiny_task / "imagesTr" / "TinyMR_0007_0000.nii.gz"
    image = read_image(path)
    write_volume(path, image.array[::-1], image.header.affine)
    assert predict() == 0
    assert work.since() == (2, 1)
    after = state(output)
    assert [after[name] == before[name] for name in NAMES] == [False, False, True]


def test_a_changed_segmentation(predict: Predict, tiny_task: Path, work: Work) -> None:
    own = ("--segmentations", tiny_task / "labelsTr")
    assert predict(*own) == 0
    assert predict(*own) == 0
    assert work.since() == (3, 0)
    path = tiny_task / "labelsTr" / "TinyMR_0007_0000.nii.gz"
    labels = read_image(path)
    write_volume(path, np.zeros(labels.array.shape, np.uint8), labels.header.affine)
    assert predict(*own) == 0
    # The image is fixed in one pair and moving in another.
    assert work.since() == (2, 0)
    # Without them the bundle's segmentor is asked, for every pair.
    assert predict() == 0
    assert work.since() == (3, 3)


def test_another_profile_leaves_no_field_of_the_first(predict: Predict, output: Path, work: Work) -> None:
    assert predict() == 0
    assert predict("--profile", "l2r2022") == 0
    assert work.since()[0] == 6
    names = [
        f"disp_{a}_0000_{b}_0000.nii.gz" for a, b in (("0006", "0007"), ("0007", "0008"), ("0008", "0006"))
    ]
    assert sorted(path.name for path in output.glob("disp_*")) == names


def test_the_report_can_remove_nothing_but_fields_of_its_pair(
    predict: Predict, output: Path, tmp_path: Path
) -> None:
    assert predict() == 0
    precious = tmp_path / "precious.npz"
    precious.write_bytes(b"precious")
    (output / "notes.txt").write_text("mine", encoding="utf-8")
    text = (output / "report.json").read_text(encoding="utf-8")
    text = text.replace(f'"{NAMES[0]}"', '"../precious.npz"').replace(f'"{NAMES[1]}"', '"notes.txt"')
    (output / "report.json").write_text(text, encoding="utf-8")
    assert predict() == 0
    assert precious.exists()
    assert (output / "notes.txt").exists()


@pytest.mark.parametrize("damage", ["deleted", "truncated", "flipped"])
def test_a_damaged_field(predict: Predict, output: Path, work: Work, damage: str) -> None:
    assert predict() == 0
    work.since()
    before = state(output)
    path = output / NAMES[1]
    if damage == "deleted":
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[500] ^= 1
        path.write_bytes(content[:400] if damage == "truncated" else content)
    assert predict() == 0
    assert work.since() == (1, 0)
    assert {name: content for name, (_, content) in state(output).items()} == {
        name: content for name, (_, content) in before.items()
    }


@pytest.mark.parametrize("text", ["", "{", "[]", '{"task": "TinyMR"}'])
def test_a_report_that_cannot_be_used(predict: Predict, output: Path, work: Work, text: str) -> None:
    assert predict() == 0
    work.since()
    (output / "report.json").write_text(text, encoding="utf-8")
    assert predict() == 0
    assert work.since() == (3, 0)


def test_failed_pairs_are_tried_again(predict: Predict, tiny_task: Path, output: Path, work: Work) -> None:
    path = tiny_task / "imagesTr" / "TinyMR_0007_0000.nii.gz"
    away = shutil.move(path, tiny_task / "away.nii.gz")
    assert predict() == 1
    assert work.since()[0] == 1
    shutil.move(away, path)
    assert predict() == 0
    assert work.since()[0] == 2


def test_a_pair_that_fails_now_leaves_no_field_of_before(
    predict: Predict, tiny_task: Path, output: Path
) -> None:
    assert predict() == 0
    (tiny_task / "imagesTr" / "TinyMR_0007_0000.nii.gz").write_bytes(b"")
    assert predict() == 1
    assert sorted(path.name for path in output.glob("disp_*")) == [NAMES[2]]


def test_an_interrupted_second_run_forgets_nothing(
    predict: Predict, output: Path, work: Work, monkeypatch: pytest.MonkeyPatch, tiny_task: Path
) -> None:
    """The report of a run that stops early still knows the pairs that it did not come to."""
    assert predict() == 0
    (output / NAMES[0]).unlink()
    before = {name: (output / name).read_bytes() for name in NAMES[1:]}
    with monkeypatch.context() as patch:
        patch.setattr(Registrar, "__call__", stop)
        assert predict() == 75
    assert [record.status for record in records(output)] == ["stale", "done", "done"]
    monkeypatch.setattr("pipeline.machine.stopping._requested", False)
    work.since()
    assert predict() == 0
    assert work.since()[0] == 1
    assert {name: (output / name).read_bytes() for name in NAMES[1:]} == before


def stop(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_weights_changed_back_after_a_stop(
    predict: Predict,
    output: Path,
    weights: Path,
    work: Work,
    tiny_bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert predict() == 0
    original = weights.read_bytes()
    write_bundle(weights, replace(tiny_bundle, text={}))
    with monkeypatch.context() as patch:
        patch.setattr(Registrar, "__call__", stop)
        assert predict() == 75
    assert {record.status for record in records(output)} == {"stale"}
    monkeypatch.setattr("pipeline.machine.stopping._requested", False)
    weights.write_bytes(original)
    work.since()
    assert predict() == 0
    assert work.since() == (0, 0)
    assert {record.status for record in records(output)} == {"done"}


def test_the_report_is_json_others_can_read(predict: Predict, output: Path) -> None:
    assert predict() == 0
    document = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert [pair["file"] for pair in document["pairs"]] == list(NAMES)
    assert document["config"]["task"] == "TinyMR"
