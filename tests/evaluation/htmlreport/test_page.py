"""The page: self-contained, escaped, with a text for every picture and a paragraph that can be cited."""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.tasks.task import Task
from tests.evaluation.htmlreport.conftest import Page

__all__: list[str] = []

Fields = Callable[[Task, float], Path]
Report = Callable[..., Path]

MARKUP = "<script>alert(1)</script>\"'&"


@pytest.fixture
def page(tiny_task: Task, fields_of: Fields, report_of: Report) -> Page:
    return Page(report_of(tiny_task, fields_of(tiny_task, 1.0)).read_text())


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    policy = next(one["content"] for one in page.all("meta") if "http-equiv" in one)
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy
    sources = [
        one[key]
        for _, one in page.elements
        for key in ("src", "srcset", "href")
        if key in one and not one[key].startswith(("data:", "#"))
    ]
    # Only references that a reader may follow.
    assert sources
    assert all(re.fullmatch(r"https://(arxiv|doi)\.org/\S+", one) for one in sources)
    assert not any("style" in one or any(key.startswith("on") for key in one) for _, one in page.elements)


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))
    links = [one["href"][1:] for _, one in page.elements if one.get("href", "").startswith("#")]
    assert set(links) <= set(ids)


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_has_a_text_with_its_numbers(page: Page) -> None:
    pictures = [one for one in page.all("svg") if one.get("aria-hidden") != "true"]
    # Three pairs, three slices of each, seven pictures of a slice.
    assert len(pictures) == 3 * 3 * 7
    texts = [one["aria-label"] for one in pictures if one["role"] == "img"]
    assert len(texts) == len(pictures)
    assert all(one.get("alt") for one in page.all("img"))
    for words in (
        r"Fixed image of 0001_0000 ← 0004_0000, axial, slice \d+ of 16, labels outlined$",
        r"Moving image after registration, .*, mean Dice of the pair 0\.\d{3}$",
        r"mean absolute difference 0\.\d{3} before and 0\.\d{3} after",
        r"Deformation grid on the fixed image, .*, no folded voxels$",
        r"Jacobian determinants, .*: 1\.00 to 1\.00, no folded voxels$",
        r"Length of the displacement, .*: mean 1\.0 mm, largest 1\.0 mm$",
    ):
        assert any(re.search(words, text) for text in texts), words


def test_a_folded_field_is_shown_where_it_folds_most(
    tiny_task: Task, fields_of: Fields, report_of: Report
) -> None:
    fields = fields_of(tiny_task, 0.0)
    displacement = np.zeros((14, 12, 16, 3), np.float32)
    displacement[9, 8, 11, 0] = 5
    write_displacement(fields, tiny_task.pairs[0], displacement, PROFILES["l2r2022"])
    page = Page(report_of(tiny_task, fields).read_text())
    titles = [words for words in page.words["h4"] if words.startswith("Deepest fold")]
    assert titles == ["Deepest fold, axial, slice 12 of 16"]
    assert "voxel 10, 8, 11, where the field shrinks most: Jacobian determinant -1.50" in page.text
    texts = [one["aria-label"] for one in page.all("svg") if "deepest fold" in one.get("aria-label", "")]
    assert any("-1.50 to 3.50, 1 of" in text.replace("\N{MINUS SIGN}", "-") for text in texts)


def test_tables_have_captions_and_headings(page: Page) -> None:
    assert page.text.count("<table") == page.text.count("<caption")
    assert all(one.get("scope") in ("col", "row") for one in page.all("th"))


def test_names_with_markup_are_text(
    tiny_task: Task,
    fields_of: Fields,
    report_of: Report,
    run_record: Callable[..., None],
    renamed: Callable[..., Task],
) -> None:
    task = renamed(tiny_task, labels={"0": {"1": MARKUP, "2": "</style>"}})
    fields = fields_of(task, 1.0)
    run_record(task, fields, weights=MARKUP, warnings=[MARKUP], device=MARKUP, config={"a": MARKUP})
    text = report_of(task, fields).read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    page = Page(text)
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert any(MARKUP in words for words in page.words["caption"] + page.words["th"])
    assert MARKUP in page.words["blockquote"][0]


def test_a_name_with_markup_of_the_task(
    tiny_task: Task, fields_of: Fields, report_of: Report, renamed: Callable[..., Task]
) -> None:
    task = renamed(tiny_task, name='<b>Tiny & "co"')
    page = Page(report_of(task, fields_of(task, 1.0)).read_text())
    assert page.words["h1"] == ['Registration report: <b>Tiny & "co"']
    assert "b" not in page.words


def test_what_was_run_and_the_paragraph_come_from_the_report_of_the_run(
    tiny_task: Task, fields_of: Fields, report_of: Report, run_record: Callable[..., None]
) -> None:
    fields = fields_of(tiny_task, 1.0)
    run_record(tiny_task, fields)
    page = Page(report_of(tiny_task, fields).read_text())
    paragraph = page.words["blockquote"][0]
    assert "3 pairs of Tiny were registered with textSCF (Chen et al., 2024)" in paragraph
    assert f"Tiny.safetensors (SHA-256 {'f' * 64})" in paragraph
    assert "1.5 s a pair on average" in paragraph
    facts = dict(zip(page.words["dt"], page.words["dd"], strict=True))
    assert facts["Device"] == "cpu"
    assert facts["Time"] == "1.5 s"
    assert "2.13.0" in facts["Program"]


def test_a_failed_or_stale_pair_says_so(
    tiny_task: Task, fields_of: Fields, report_of: Report, run_record: Callable[..., None]
) -> None:
    fields = fields_of(tiny_task, 1.0)
    pairs = [
        {"pair": pair.name, "status": status, "seconds": 1.0, "peak_memory_mib": 1.0, "error": "no image"}
        for pair, status in zip(tiny_task.pairs, ("done", "identity", "stale"), strict=True)
    ]
    run_record(tiny_task, fields, pairs=pairs)
    page = Page(report_of(tiny_task, fields).read_text())
    assert "not registered, a zero field was written in its place: no image" in page.text
    assert "the field is of an earlier run with other settings" in page.text
    flags = [one["data-flags"].split() for one in page.all("details") if one.get("class") == "pair"]
    assert sum("warned" in one for one in flags) == 2


def test_a_field_that_the_run_did_not_write_says_so(
    tiny_task: Task, fields_of: Fields, report_of: Report, run_record: Callable[..., None]
) -> None:
    fields = fields_of(tiny_task, 1.0)
    known = {"status": "done", "seconds": 1.0, "peak_memory_mib": 1.0}
    files = sorted(fields.glob("disp_*"))
    pairs = [
        known | {"pair": pair.name, "file": path.name, "file_sha256": sha256(path.read_bytes()).hexdigest()}
        for pair, path in zip(tiny_task.pairs, files, strict=True)
    ]
    pairs[1]["file_sha256"] = "0" * 64
    pairs[2]["file"] = "disp_0001_0004.npz"
    run_record(tiny_task, fields, pairs=pairs)
    page = Page(report_of(tiny_task, fields).read_text())
    told = [words for words in page.words["li"] if "the run did not write this field" in words]
    assert sorted(words.split()[7] for words in told) == [path.name for path in files[1:]]


def test_without_labels_the_images_and_the_fields_speak(
    tiny_task: Task, fields_of: Fields, report_of: Report, renamed: Callable[..., Task]
) -> None:
    task = renamed(tiny_task, keep_labels=False)
    page = Page(report_of(task, fields_of(task, 1.0)).read_text())
    assert "The task has no labels: what is said here rests on the images and the fields alone." in page.text
    assert "lowest correlation of the images after registration" in page.text
    assert "Dice" not in " ".join(page.words["th"])
    assert "where the images differ most" in page.text
    assert page.words["h3"][0].endswith("0001_0000 ← 0004_0000")


def test_regions_are_marked_as_no_ground_truth(
    tiny_task: Task, fields_of: Fields, report_of: Report, renamed: Callable[..., Task], tmp_path: Path
) -> None:
    regions = tmp_path / "regions"
    (tiny_task.root / "labelsTr").rename(regions)
    page = Page(report_of(tiny_task, fields_of(tiny_task, 1.0), "--segmentations", str(regions)).read_text())
    assert "They are no ground truth" in page.text
    assert "Regions of the label maps given with --segmentations; no ground truth" in page.words["caption"]
    assert "Dice of regions after" in page.words["th"]
    assert "lowest correlation" in page.text


def test_kept_segmentations_of_the_run_are_shown(
    tiny_task: Task,
    fields_of: Fields,
    report_of: Report,
    run_record: Callable[..., None],
    renamed: Callable[..., Task],
) -> None:
    task = renamed(tiny_task, keep_labels=False)
    fields = fields_of(task, 1.0)
    (fields / ".segmentations").mkdir()
    labels = np.zeros((14, 12, 16), np.uint8)
    labels[3:9, 3:9, 3:9] = 1
    np.savez(fields / ".segmentations" / "a.npz", labels=labels, confidence=np.ones(labels.shape, np.float16))
    pair = {"status": "done", "seconds": 1.0, "peak_memory_mib": 1.0}
    names = (["a.npz", "a.npz"], ["a.npz", "gone.npz"], ["../../a.npz", "a.npz"])
    pairs = [
        pair | {"pair": one.name, "segmentations": files}
        for one, files in zip(task.pairs, names, strict=True)
    ]
    run_record(task, fields, pairs=pairs, region_names=["background", "liver"])
    page = Page(report_of(task, fields).read_text())
    assert "Regions that the segmentor of the run found; no ground truth" in page.words["caption"]
    assert any("liver" in words for words in page.words["th"])
    assert "no regions: " in page.text


def test_points_alone_are_ranked_by_their_error(
    tiny_task: Task, fields_of: Fields, report_of: Report, tmp_path: Path
) -> None:
    folder = tiny_task.root / "keypointsTr"
    folder.mkdir()
    for subject in range(4):
        points = np.array([[6.0 + subject, 5, 6], [7.0 + subject, 6, 8]])
        np.savetxt(folder / f"Tiny_{subject + 1:04d}_0000.csv", points, delimiter=",")
    config = tmp_path / "config.json"
    config.write_text(
        json.dumps(
            {
                "task_name": "Tiny",
                "evaluation_methods": [
                    {"name": "TRE_kp", "metric": "tre", "dest": "keypoints"},
                    {"name": "LogJacDetStd", "metric": "sdlogj"},
                ],
                "eval_pairs": [
                    {"fixed": f"imagesTr/{pair.fixed.name}", "moving": f"imagesTr/{pair.moving.name}"}
                    for pair in tiny_task.pairs
                ],
                "expected_shape": [14, 12, 16],
            }
        )
    )
    page = Page(report_of(tiny_task, fields_of(tiny_task, 1.0), "--config", str(config)).read_text())
    assert "highest TRE_kp after registration" in page.text
    assert page.words["h3"][0].endswith("0001_0000 ← 0004_0000")


def test_an_anisotropic_grid_without_orientation_names_its_axes(
    tiny_task: Task, fields_of: Fields, report_of: Report
) -> None:
    for path in sorted((tiny_task.root / "imagesTr").glob("*.nii.gz")):
        array = np.random.default_rng(0).normal(size=(14, 12, 16)).astype(np.float32)
        image = nib.Nifti1Image(array, None)
        image.header.set_zooms((1.0, 2.0, 3.0))
        nib.save(image, path)
    page = Page(report_of(tiny_task, fields_of(tiny_task, 1.0)).read_text())
    assert any("across axis 3, slice" in words.lower() for words in page.words["h4"])
    assert "text" not in {tag for tag, _ in page.elements}
