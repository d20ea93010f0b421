"""`submit` as it is typed: what is packed, what is refused, what is said."""

import argparse
import json
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from evaluation.submission import inspection
from evaluation.submission.findings import Finding
from evaluation.submission.submitcommand import add_arguments, run
from evaluation.submission.suspicions import SUSPICION, Verdict
from pairs.errors import OutputError, UsageError
from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.images.volume import write_volume
from pairs.tasks.task import read_task

SHAPE = (8, 6, 10)


def make_task(root: Path, first: int = 1) -> Path:
    """A task of two pairs of images without structure; only their grid counts here."""
    (root / "imagesTr").mkdir(parents=True)
    names = [f"{root.name}_{first + i:04d}_0000.nii.gz" for i in range(3)]
    for name in names:
        write_volume(root / "imagesTr" / name, np.zeros(SHAPE, np.float32), np.eye(4))
    pairs = [
        {"fixed": f"./imagesTr/{one}", "moving": f"./imagesTr/{other}"} for one, other in pairwise(names)
    ]
    document = {"name": root.name, "training": [], "registration_val": pairs}
    (root / f"{root.name}_dataset.json").write_text(json.dumps(document))
    return root


def write_fields(task: Path, folder: Path, profile: str) -> Path:
    folder.mkdir()
    for number, pair in enumerate(read_task(task).pairs):
        displacement = np.full((*SHAPE, 3), 0.5 + number, np.float32)
        write_displacement(folder, pair, displacement, PROFILES[profile])
    return folder


@pytest.fixture
def submit(tmp_path: Path) -> Callable[..., int]:
    """Calls `submit` and writes to `a.zip`."""

    def call(task: Path, fields: Path, *more: object) -> int:
        parser = argparse.ArgumentParser()
        add_arguments(parser)
        sources = ["--task", task, "--fields", fields, "--zip", tmp_path / "a.zip"]
        return run(parser.parse_args([*map(str, [*sources, *more])]))

    return call


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.parametrize(
    ("task", "profile", "options", "expected"),
    [
        ("Own", "l2r2022", [], ["disp_0001_0000_0002_0000.nii.gz", "disp_0002_0000_0003_0000.nii.gz"]),
        (
            "LUMIR",
            "lumir2024",
            ["--folder", "mine"],
            ["mine/disp_0001_0002.nii.gz", "mine/disp_0002_0003.nii.gz"],
        ),
        ("OASIS", "l2r2021", [], ["task_03/disp_0001_0002.npz", "task_03/disp_0002_0003.npz"]),
        (
            "Own",
            "l2r2021",
            ["--task-number", 2],
            ["task_02/disp_0001_0002.npz", "task_02/disp_0002_0003.npz"],
        ),
        ("HippocampusMR", "l2r2020-full", [], ["task_04/disp_0001_0002.npz", "task_04/disp_0002_0003.npz"]),
    ],
)
def test_the_zip_of_each_year_twice_the_same(
    tmp_path: Path, submit: Callable[..., int], task: str, profile: str, options: list, expected: list[str]
) -> None:
    root = make_task(tmp_path / task)
    fields = write_fields(root, tmp_path / "fields", profile)
    (fields / "report.json").write_text("{}")
    (fields / "notes.txt").write_text("not for the host")
    assert submit(root, fields, *options) == 0
    assert names(tmp_path / "a.zip") == expected
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        for name in expected:
            assert archive.read(name) == (fields / Path(name).name).read_bytes()
    first = (tmp_path / "a.zip").read_bytes()
    assert submit(root, fields, *options) == 0
    assert (tmp_path / "a.zip").read_bytes() == first


def test_a_faulty_set_is_refused_with_its_list(
    tmp_path: Path, submit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_task(tmp_path / "OASIS")
    fields = write_fields(root, tmp_path / "fields", "l2r2021")
    (fields / "disp_0002_0003.npz").unlink()
    assert submit(root, fields) == 1
    assert not (tmp_path / "a.zip").exists()
    told = capsys.readouterr().out
    assert "error: disp_0002_0003.npz: [missing]" in told
    # A missing field is nothing that a repair could mend.
    assert "no zip is written; next: register 1 missing pair" in told
    assert "--fix" not in told


def test_what_no_edition_takes_is_refused_with_the_command_to_type(
    tmp_path: Path, submit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_task(tmp_path / "HippocampusMR")
    fields = write_fields(root, tmp_path / "fields", "l2r2021")
    for more in ([], ["--profile", "l2r2021"], ["--accept-suspicions"]):
        with pytest.raises(UsageError, match="no edition of HippocampusMR reads profile l2r2021") as refused:
            submit(root, fields, *more)
        assert refused.value.exit_code == 2
        for words in ("l2r2020-full (2020) or l2r2022 (2022 on)", "predict --profile l2r2022"):
            assert words in str(refused.value)
        assert not (tmp_path / "a.zip").exists()
    assert "error: [edition]" in capsys.readouterr().out


def test_a_suspicion_is_packed_only_when_asked(
    tmp_path: Path, submit: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_task(tmp_path / "Own")
    fields = write_fields(root, tmp_path / "fields", "l2r2022")
    suspicion = Finding("error", SUSPICION, "", "suspected: components reversed")
    monkeypatch.setattr(inspection, "judge", lambda _: Verdict((suspicion,)))
    assert submit(root, fields) == 1
    assert not (tmp_path / "a.zip").exists()
    assert submit(root, fields, "--accept-suspicions") == 0
    (tmp_path / "a.zip").unlink()
    (fields / "disp_0001_0000_0002_0000.nii.gz").unlink()
    assert submit(root, fields, "--accept-suspicions") == 1
    assert not (tmp_path / "a.zip").exists()


def test_zero_fields_of_other_tasks_only_when_asked(tmp_path: Path, submit: Callable[..., int]) -> None:
    root, lung, hippocampus = (
        make_task(tmp_path / name, first)
        for name, first in (("OASIS", 1), ("LungCT", 5), ("HippocampusMR", 7))
    )
    fields = write_fields(root, tmp_path / "fields", "l2r2021")
    assert submit(root, fields) == 0
    assert len(names(tmp_path / "a.zip")) == 2
    assert submit(root, fields, "--all-tasks-zero", lung, hippocampus) == 0
    assert names(tmp_path / "a.zip") == [
        "task_02/disp_0005_0006.npz",
        "task_02/disp_0006_0007.npz",
        "task_03/disp_0001_0002.npz",
        "task_03/disp_0002_0003.npz",
        "task_04/disp_0007_0008.npz",
        "task_04/disp_0008_0009.npz",
    ]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        shapes = {"task_02/disp_0005_0006.npz": (3, 4, 3, 5), "task_04/disp_0007_0008.npz": (3, 8, 6, 10)}
        for name, shape in shapes.items():
            with archive.open(name) as stream, np.load(stream) as field:
                assert field["arr_0"].dtype == np.float16
                assert field["arr_0"].shape == shape
                assert not field["arr_0"].any()


@pytest.mark.parametrize(
    ("profile", "options"),
    [
        ("l2r2022", ["--task-number", 3]),
        ("l2r2022", ["--all-tasks-zero", "."]),
        ("l2r2022", ["--folder", "../up"]),
        ("l2r2022", ["--folder", ""]),
        ("l2r2021", ["--folder", "mine"]),
        ("l2r2021", []),
        ("l2r2021", ["--task-number", 0]),
    ],
)
def test_options_that_do_not_go_together(
    tmp_path: Path, submit: Callable[..., int], profile: str, options: list
) -> None:
    root = make_task(tmp_path / "Own")
    fields = write_fields(root, tmp_path / "fields", profile)
    with pytest.raises(UsageError):
        submit(root, fields, *options)
    assert not (tmp_path / "a.zip").exists()


def test_two_tasks_of_one_number(tmp_path: Path, submit: Callable[..., int]) -> None:
    root, other = make_task(tmp_path / "OASIS"), make_task(tmp_path / "AbdomenCTCT")
    fields = write_fields(root, tmp_path / "fields", "l2r2021")
    with pytest.raises(UsageError, match="same number"):
        submit(root, fields, "--all-tasks-zero", other)


def test_a_zip_that_cannot_be_written(tmp_path: Path, submit: Callable[..., int]) -> None:
    root = make_task(tmp_path / "Own")
    fields = write_fields(root, tmp_path / "fields", "l2r2022")
    (tmp_path / "a.zip").mkdir()
    with pytest.raises(OutputError):
        submit(root, fields)
    assert not list(tmp_path.glob(".partial*"))


def test_the_summary_for_the_organisers(
    tmp_path: Path, submit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_task(tmp_path / "Own")
    fields = write_fields(root, tmp_path / "fields", "l2r2022")
    records = [
        {"pair": pair.name, "status": "done", "seconds": 2.0, "peak_memory_mib": 512.0}
        for pair in read_task(root).pairs
    ]
    (fields / "report.json").write_text(json.dumps({"device": "cpu", "pairs": records}))
    assert submit(root, fields) == 0
    told = capsys.readouterr().out
    for words in (
        "2.00 mean, 2.00 max",
        "512 MiB",
        "device            cpu",
        "weights           not recorded",
    ):
        assert words in told


@pytest.mark.parametrize("name", ["fields/disp_0001_0000_0002_0000.nii.gz", "A/A_dataset.json"])
def test_a_zip_replaces_no_field_and_no_file_of_the_task(
    submit: Callable[..., int], tmp_path: Path, name: str
) -> None:
    task = make_task(tmp_path / "A")
    fields = write_fields(task, tmp_path / "fields", "l2r2022")
    before = (tmp_path / name).read_bytes()
    with pytest.raises(UsageError, match="also an input"):
        submit(task, fields, "--zip", tmp_path / name)
    assert (tmp_path / name).read_bytes() == before


def test_a_part_of_the_pairs_is_not_packed(
    tmp_path: Path, submit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_task(tmp_path / "Own")
    fields = write_fields(root, tmp_path / "fields", "l2r2022")
    listed = tmp_path / "one.csv"
    listed.write_text("fixed,moving\n1,2\n")
    for more in ([], ["--accept-suspicions"]):
        assert submit(root, fields, "--pairs", listed, *more) == 1
        refusal = (
            "no zip is written; next: leave out --pairs: a host needs all pairs of the task, not 1 of them"
        )
        assert capsys.readouterr().out.splitlines()[-1] == refusal
        assert not (tmp_path / "a.zip").exists()
    assert submit(root, fields) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("next: upload it")


def test_the_pairs_of_a_hosts_configuration_are_all_that_it_wants(
    tmp_path: Path, submit: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_task(tmp_path / "Own")
    fields = write_fields(root, tmp_path / "fields", "l2r2022")
    (fields / "disp_0002_0000_0003_0000.nii.gz").unlink()
    config, (pair, _) = tmp_path / "config.json", read_task(root).pairs
    listed = {"fixed": f"imagesTr/{pair.fixed.name}", "moving": f"imagesTr/{pair.moving.name}"}
    methods = [{"name": "SDlogJ", "metric": "sdlogj"}]
    config.write_text(json.dumps({"evaluation_methods": methods, "eval_pairs": [listed]}))
    assert submit(root, fields, "--config", config) == 0
    assert "[subset]" not in capsys.readouterr().out
