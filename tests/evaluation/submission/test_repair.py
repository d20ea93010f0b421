"""A repaired copy checks clean and decodes to the same displacement; what needs a guess is left out."""

import gzip
import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from evaluation.submission import repair as repair_module
from evaluation.submission.checker import check_fields
from evaluation.submission.conventions import CONVENTIONS
from evaluation.submission.repair import inverted, repair_fields
from pairs.errors import NothingToDo, OutputError, UsageError
from pairs.fields.displacement import find_field, read_displacement
from pairs.fields.fieldfile import write_array
from pairs.fields.profile import PROFILES

pytestmark = pytest.mark.slow

SHAPE = (16, 12, 20)
PLACES = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
FIRST, SECOND, THIRD = "disp_0001_0101.npz", "disp_0002_0102.npz", "disp_0003_0103.npz"


def mend(known: "Known", fields: Path, out: Path, profile: str, *, accepted: bool = True) -> list[str]:
    before = check_fields(known.task, fields, profile=PROFILES[profile])
    repairs = repair_fields(before, fields, out)
    again = check_fields(known.task, out, profile=PROFILES[profile])
    assert again.accepted == accepted
    return [str(one) for one in repairs]


def worst_error(known: "Known", folder: Path) -> float:
    """Largest mean difference of a field from the true displacement, in voxels."""
    return max(
        float(
            np.abs(
                read_displacement(find_field(folder, pair), SHAPE).displacement - known.truth[pair.name]
            ).mean()
        )
        for pair in known.task.pairs
    )


@pytest.mark.parametrize(
    ("source", "target"),
    list(itertools.permutations(["l2r2021", "l2r2020-full", "l2r2022", "psmareg2026"], 2)),
)
def test_fields_of_one_profile_become_those_of_another(
    known: "Known", tmp_path: Path, source: str, target: str
) -> None:
    fields = known.write(tmp_path / "fields", source)
    mend(known, fields, tmp_path / "out", target)
    bound = 0.02 if not PROFILES[source].half and not PROFILES[target].half else 0.3
    if PROFILES[source].half and PROFILES[target].half:
        # Nothing tells which grid the samples were meant on; they are kept as they are.
        bound = 0.6
    assert worst_error(known, tmp_path / "out") < bound


def rename(path: Path, name: str) -> Path:
    return path.rename(path.parent / name)


def resave(path: Path, change: Callable[[np.ndarray], np.ndarray], key: str = "arr_0") -> None:
    with np.load(path) as archive:
        array = archive["arr_0"]
    np.savez(path, **{key: change(array)})


def two_arrays(path: Path) -> None:
    with np.load(path) as archive:
        array = archive["arr_0"]
    np.savez(path, u=array, spacing=np.ones(3))


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (lambda p: rename(p, "DISP-1-101.NPZ"), "name"),
        (lambda p: rename(p, "disp_0001_0000_0101_0000.npz"), "name"),
        (lambda p: resave(p, lambda a: a, "flow"), "key"),
        (lambda p: resave(p, lambda a: a.astype("f8")), "dtype"),
        (lambda p: resave(p, lambda a: a.astype(">f2")), "dtype"),
        (lambda p: resave(p, lambda a: np.moveaxis(a, 0, -1)), "channel"),
        (two_arrays, "arrays, key"),
        (lambda p: resave(p, lambda a: np.moveaxis(a, 0, -1).astype(">f4"), "u"), "channel, dtype, key"),
    ],
)
def test_one_fault_is_mended_and_the_values_stay(
    known: "Known", tmp_path: Path, change: Callable[[Path], None], rules: str
) -> None:
    fields, right = (known.write(tmp_path / name, "l2r2021") for name in ("fields", "right"))
    change(fields / FIRST)
    lines = mend(known, fields, tmp_path / "out", "l2r2021")
    assert lines[0].endswith(f"-> {FIRST} ({rules})")
    assert lines[1:] == [f"copied: {SECOND}", f"copied: {THIRD}"]
    with np.load(tmp_path / "out" / FIRST) as mended, np.load(right / FIRST) as wanted:
        assert np.array_equal(mended["arr_0"], wanted["arr_0"])
    assert (tmp_path / "out" / SECOND).read_bytes() == (right / SECOND).read_bytes()


def test_a_bare_npy_and_a_plain_nifti(known: "Known", tmp_path: Path) -> None:
    fields = known.write(tmp_path / "fields", "l2r2022")
    first, second, _ = sorted(fields.iterdir())
    field = read_displacement(first, SHAPE).displacement
    first.unlink()
    np.save(fields / "disp_0001_0101.npy", field)
    second.write_bytes(gzip.decompress(second.read_bytes()))
    rename(second, second.name.removesuffix(".gz"))
    mend(known, fields, tmp_path / "out", "l2r2022")
    assert worst_error(known, tmp_path / "out") == 0


def test_a_subfolder_is_flattened_and_other_files_stay_behind(known: "Known", tmp_path: Path) -> None:
    known.write(tmp_path / "fields" / "task_03", "l2r2021")
    (tmp_path / "fields" / "notes.txt").write_text("x")
    mend(known, tmp_path / "fields", tmp_path / "out", "l2r2021")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [FIRST, SECOND, THIRD]


def test_what_needs_a_guess_is_left_out_with_its_reason(known: "Known", tmp_path: Path) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    resave(fields / FIRST, lambda a: np.where(a == a.max(), np.nan, a).astype("f2"))
    rename(fields / SECOND, "disp_0102_0002.npz")
    lines = mend(known, fields, tmp_path / "out", "l2r2021", accepted=False)
    assert lines[0].startswith(f"left out: {FIRST}: values are not finite")
    assert "swapped" in lines[1]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [THIRD]


@pytest.mark.parametrize("profile", ["l2r2021", "l2r2022"])
@pytest.mark.parametrize(
    "change",
    [
        lambda u: -u,
        lambda u: -u[..., ::-1],
        lambda u: u * (1, -1, 1),
        lambda u: u + PLACES,
        lambda u: u[::-1] * (-1, 1, 1),
    ],
    ids=["direction", "direction and order", "flip", "absolute", "array"],
)
def test_a_certain_mistake_is_repaired(
    known: "Known", tmp_path: Path, change: Callable, profile: str
) -> None:
    fields = known.write(tmp_path / "fields", profile, change)
    lines = mend(known, fields, tmp_path / "out", profile)
    assert all(line.startswith("repaired") and line.endswith("(suspicion)") for line in lines)
    assert worst_error(known, tmp_path / "out") < 0.3


# Fields that are also too long are read as reversed ones, which comes close.
@pytest.mark.parametrize(("length", "error_vox"), [(1.0, 0.1), (1.3, 1.0)])
def test_fields_of_the_other_way_are_inverted(
    known: "Known", tmp_path: Path, length: float, error_vox: float
) -> None:
    fields = known.write(tmp_path / "fields", "l2r2022", lambda u: length * inverted(u)[..., [1, 0, 2]])
    mend(known, fields, tmp_path / "out", "l2r2022")
    assert worst_error(known, tmp_path / "out") < error_vox


def test_what_is_worse_without_a_certain_reason_is_copied(known: "Known", tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=(*SHAPE, 3))
    smooth = 60 * np.stack([ndimage.gaussian_filter(noise[..., i], 3) for i in range(3)], axis=-1)
    fields = known.write(tmp_path / "fields", "l2r2022", lambda u: smooth)
    lines = mend(known, fields, tmp_path / "out", "l2r2022", accepted=False)
    assert all(line.startswith("copied") for line in lines)


def test_a_zero_field_among_absolute_ones_stays_zero(known: "Known", tmp_path: Path) -> None:
    fields = known.write(tmp_path / "fields", "l2r2022", lambda u: u + PLACES)
    first = min(fields.iterdir())
    write_array(first, np.zeros((*SHAPE, 3), np.float32))
    mend(known, fields, tmp_path / "out", "l2r2022")
    assert not read_displacement(tmp_path / "out" / first.name, SHAPE).displacement.any()


def test_axes_of_different_lengths_are_never_exchanged(known: "Known", tmp_path: Path) -> None:
    fields = known.write(tmp_path / "fields", "l2r2022")
    turned = next(one for one in CONVENTIONS if not one.fits(SHAPE))
    check = replace(check_fields(known.task, fields), meant=turned)
    with pytest.raises(NothingToDo):
        repair_fields(check, fields, tmp_path / "out")


def test_links_become_files(known: "Known", tmp_path: Path) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    (fields / FIRST).rename(tmp_path / "elsewhere.npz")
    (fields / FIRST).symlink_to(tmp_path / "elsewhere.npz")
    mend(known, fields, tmp_path / "out", "l2r2021")
    assert not (tmp_path / "out" / FIRST).is_symlink()


def test_the_copy_needs_a_folder_of_its_own(known: "Known", tmp_path: Path) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("x")
    (tmp_path / "file").write_text("x")
    check = check_fields(known.task, fields)
    for out in (tmp_path / "full", tmp_path / "file", fields, fields / "inner"):
        with pytest.raises(UsageError):
            repair_fields(check, fields, out)
    (tmp_path / "new").mkdir()
    assert len(repair_fields(check, fields, tmp_path / "new")) == 3


def test_nothing_is_left_of_a_repair_that_fails(
    known: "Known", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = known.write(tmp_path / "fields", "l2r2021")
    check = check_fields(known.task, fields)
    copy, calls = shutil.copyfile, []

    def fail_at_the_second(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(repair_module.shutil, "copyfile", fail_at_the_second)
    with pytest.raises(OutputError, match="No space left"):
        repair_fields(check, fields, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["fields"]


def test_a_set_without_a_usable_field(known: "Known", tmp_path: Path) -> None:
    (tmp_path / "fields").mkdir()
    write_array(tmp_path / "fields" / FIRST, np.zeros((2, 2)))
    check = check_fields(known.task, tmp_path / "fields")
    with pytest.raises(NothingToDo):
        repair_fields(check, tmp_path / "fields", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_inverse_undoes_a_smooth_displacement() -> None:
    shape = (20, 18, 22)
    noise = np.random.default_rng(0).normal(size=(3, *shape))
    parts = np.stack([60 * ndimage.gaussian_filter(one, 4) for one in noise])
    back = np.moveaxis(inverted(np.moveaxis(parts, 0, -1).astype(np.float32)), -1, 0)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")) + back
    forth = np.stack([ndimage.map_coordinates(one, places, order=1, mode="nearest") for one in parts])
    inner = (slice(None), *(slice(5, -5),) * 3)
    assert np.abs(back)[inner].max() > 1.5
    assert np.abs(back + forth)[inner].max() < 0.05
