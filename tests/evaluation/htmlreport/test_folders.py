"""Names of files without the folders above."""

from pathlib import Path

from evaluation.htmlreport.folders import without_folders

__all__: list[str] = []


def test_files_are_named_from_their_folder_on() -> None:
    folders = (Path("/home/ann/Task"), Path("/home/ann/Task/fields"), Path("out"))
    text = "missing: /home/ann/Task/fields/a.npz, /home/ann/Task/imagesTr/b.nii.gz and out/c.npz"
    assert without_folders(text, folders) == "missing: a.npz, imagesTr/b.nii.gz and c.npz"


def test_the_folder_itself_has_its_name_and_others_stay() -> None:
    text = "no field in /home/ann/out; nor in /home/ann/outer or data/home/ann/out/b"
    shorter = "no field in out; nor in /home/ann/outer or data/home/ann/out/b"
    assert without_folders(text, [Path("/home/ann/out")]) == shorter
    assert without_folders("data/a.nii and a/b", [Path("a")]) == "data/a.nii and b"


def test_the_folder_that_one_is_in_changes_nothing() -> None:
    assert without_folders("see ./run.sh and a/b", (Path(),)) == "see ./run.sh and a/b"
