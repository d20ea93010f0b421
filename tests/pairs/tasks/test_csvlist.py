"""Pair lists as spreadsheets and other tools write them: read, or told by line and column."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pairs.errors import TaskError
from pairs.tasks.csvlist import parse_csv
from pairs.tasks.task import read_task

__all__: list[str] = []


@pytest.fixture
def table(tmp_path: Path) -> Callable[[bytes], Path]:
    """A function that writes a file of these bytes."""

    def write(content: bytes) -> Path:
        path = tmp_path / "pairs.csv"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        b"fixed\tmoving\n1\t2\n",
        b"fixed;moving\r\n1;2\r\n",
        b"\xef\xbb\xbffixed;moving\r\n1;2\r\n",
        "fixed\tmoving\n1\t2\n".encode("utf-16"),
        b"Fixed,Moving\n0001,0002\n",
        b"fixed,moving\n00001,00002\n",
        b"fixed,moving\n1.0,2.0\n",
        b"fixed;moving\n1,0;2,0\n",
        b'"fixed","moving"\n"1","2"\n',
        b"fixed_image,moving_image\n1,2\n",
        b"fixed id,moving id\n1,2\n",
        b",fixed,moving\n0,1,2\n",
        b"fixed,moving,\n1,2,\n,,\n\n",
        b"target,source\n1,2\n",
    ],
)
def test_what_tools_write_is_one_pair(table: Callable[[bytes], Path], content: bytes) -> None:
    form = parse_csv(table(content))
    assert [(pair.fixed, pair.moving) for pair in form.pairs] == [(1, 2)]
    assert form.faults == ()


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        (b"source,target\n2,1\n", "column 'source' is taken for the moving images"),
        (b"fixed,moving,note\n1,2,g\xe4ste\n", "not in UTF-8; read as Latin-1"),
        (b"fixed,moving,note\n1,2,x\n", "unknown column 'note' ignored"),
    ],
)
def test_what_is_guessed_is_told(table: Callable[[bytes], Path], content: bytes, warning: str) -> None:
    form = parse_csv(table(content))
    assert [(pair.fixed, pair.moving) for pair in form.pairs] == [(1, 2)]
    assert warning in form.warnings


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"1,2\n3,4\n", r"without a header: .*pairs\.csv line 1; got '1, 2'; put a line before it"),
        (b"\na_0001_0000.nii.gz,b\n", r"without a header: .*line 2"),
        (
            b"fixed,other\n1,2\n",
            r"names no column 'moving': .*line 1; expected fixed,moving, got",
        ),
        (b"fixed,fixed,moving\n1,2,3\n", r"names 2 columns 'fixed'"),
        (b"PK\x03\x04abc", "a spreadsheet or archive; save it as CSV"),
        (b"\xd0\xcf\x11\xe0abc", "a spreadsheet or archive; save it as CSV"),
        (b",\n,,\n", "file is empty"),
        (b" \n", "file is empty"),
        (b"\xff\xfe,\x00\n", "fixed"),
    ],
)
def test_what_is_no_table_is_told_with_what_to_do(
    table: Callable[[bytes], Path], content: bytes, sentence: str
) -> None:
    with pytest.raises(TaskError, match=sentence):
        parse_csv(table(content))


def test_faults_of_lines_name_line_and_column(table: Callable[[bytes], Path]) -> None:
    form = parse_csv(table(b"fixed;moving image\n1;2\n;4\n5;\n6;7;8\n"))
    assert len(form.pairs) == 1
    assert form.faults == (
        "line 3, column fixed: expected an id or a path, got nothing",
        "line 4, column moving image: expected an id or a path, got nothing",
        "line 5: expected 2 cells, got 3",
    )


@pytest.mark.parametrize("text", ["T_0001_0000.nii.gz", "T_0001_0000", "imagesTr/T_0001_0000", "1"])
def test_names_without_folder_or_ending_are_those_of_the_task(
    tmp_path: Path, table: Callable[[bytes], Path], text: str
) -> None:
    (tmp_path / "imagesTr").mkdir()
    for number in (1, 2):
        (tmp_path / "imagesTr" / f"T_{number:04d}_0000.nii.gz").touch()
    task = read_task(tmp_path, pairs_file=table(f"fixed,moving\n{text},2\n".encode()))
    assert [pair.name for pair in task.pairs] == ["0001_0000<--0002_0000"]
    assert task.pairs[0].fixed == tmp_path / "imagesTr" / "T_0001_0000.nii.gz"


def test_a_path_that_is_refused_names_line_and_column(tmp_path: Path, table: Callable[[bytes], Path]) -> None:
    with pytest.raises(TaskError, match=r"line 2, column moving: path with \.\. refused"):
        read_task(tmp_path, pairs_file=table(b"fixed,moving\n1,../T_0002_0000\n"))


def test_an_image_given_by_number_must_not_be_a_link_out_of_the_task(
    tmp_path: Path, table: Callable[[bytes], Path]
) -> None:
    root, outside = tmp_path / "T", tmp_path / "T_0002_0000.nii.gz"
    (root / "imagesTr").mkdir(parents=True)
    (root / "imagesTr" / "T_0001_0000.nii.gz").touch()
    outside.touch()
    (root / "imagesTr" / outside.name).symlink_to(outside)
    pairs = table(b"fixed,moving\n1,2\n")
    with pytest.raises(
        TaskError, match=r"line 2, column moving: symlink leaves the task folder.*--follow-links"
    ):
        read_task(root, pairs_file=pairs)
    assert len(read_task(root, pairs_file=pairs, follow_links=True).pairs) == 1


def test_what_participants_bring_is_read_or_told(shared: Path) -> None:
    task = shared / "cases" / "participant" / "base"
    read = {}
    for path in sorted((shared / "cases" / "participant" / "csv").glob("*.csv")):
        try:
            read[path.stem] = [pair.name for pair in read_task(task, pairs_file=path).pairs]
        except TaskError as error:
            read[path.stem] = str(error)
    pair = ["0211_0000<--0250_0000"]
    told = {stem: found for stem, found in read.items() if found != pair}
    assert sorted(told) == ["empty", "noheader", "othertask", "othertaskpaths", "xls"]
    assert "put a line before it that names the columns" in told["noheader"]
    assert len(read) > 20
