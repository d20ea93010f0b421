"""Files of points: read in their own coordinates, written back with everything else as it was."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from pairs.errors import BadPoints, KnownError
from transforms.points.pointfile import read_points, write_points
from transforms.points.pointset import CoordinateSystem, from_voxels, to_voxels

__all__: list[str] = []

FCSV = """# Markups fiducial file version = 4.11
# CoordinateSystem = {system}
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
vtkMRMLMarkupsFiducialNode_0,1,2,3,0,0,0,1,1,1,0,AC,"one, two",
vtkMRMLMarkupsFiducialNode_1,4,5,6.5,0,0,0,1,1,1,0,PC,,vtkMRMLScalarVolumeNode1
"""
MARKUPS = {
    "@schema": "https://raw.githubusercontent.com/Slicer/Slicer/main/markups-schema-v1.0.3.json#",
    "markups": [
        {
            "type": "Fiducial",
            "coordinateSystem": "LPS",
            "coordinateUnits": "mm",
            "controlPoints": [
                {
                    "id": "1",
                    "label": "AC",
                    "position": [1, 2, 3],
                    "orientation": [-1, 0, 0, 0, -1, 0, 0, 0, 1],
                },
                {"id": "2", "label": "no place", "positionStatus": "undefined"},
                {"id": "3", "label": "PC", "position": [4, 5, 6.5], "selected": True},
            ],
            "display": {"color": [0.4, 1, 0]},
        }
    ],
}
POINTS = np.array([[1, 2, 3], [4, 5, 6.5]])


def written(path: Path, moved: np.ndarray, system: CoordinateSystem = "voxels") -> str:
    points = read_points(path, system)
    target = path.with_name(f"moved_{path.name}")
    write_points(target, points, moved)
    return target.read_text()


def test_a_table_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("1,2,3,left\n4,5,6.5,right\n")
    found = read_points(path)
    assert found.system == "voxels"
    assert found.names == ("line 1", "line 2")
    assert np.array_equal(found.coordinates, POINTS)
    assert written(path, POINTS + 10) == "11.0,12.0,13.0,left\n14.0,15.0,16.5,right\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_with_a_header_keeps_its_other_columns(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    lines = ["# note", "name,Z,X,Y,weight", "a,3,1,2,0.5", "", "b,6.5,4,5,"]
    path.write_text("\n".join(lines).replace(",", delimiter) + "\n")
    found = read_points(path, "lps")
    assert found.system == "lps"
    assert found.names == ("a", "b")
    assert np.array_equal(found.coordinates, POINTS)
    expected = ["# note", "name,Z,X,Y,weight", "a,13.0,11.0,12.0,0.5", "", "b,16.5,14.0,15.0,"]
    assert written(path, POINTS + 10, "lps") == "\n".join(expected).replace(",", delimiter) + "\n"


@pytest.mark.parametrize(("word", "system"), [("LPS", "lps"), ("RAS", "ras"), ("0", "ras"), ("1", "lps")])
def test_fiducials_of_slicer(word: str, system: str, tmp_path: Path) -> None:
    path = tmp_path / "p.fcsv"
    path.write_text(FCSV.format(system=word))
    found = read_points(path)
    assert found.system == system
    assert found.names == ("AC", "PC")
    assert np.array_equal(found.coordinates, POINTS)
    expected = FCSV.format(system=word).replace("_0,1,2,3,", "_0,11.0,12.0,13.0,")
    assert written(path, POINTS + 10) == expected.replace("_1,4,5,6.5,", "_1,14.0,15.0,16.5,")


def test_old_fiducials_that_do_not_say_are_in_ras(tmp_path: Path) -> None:
    path = tmp_path / "p.fcsv"
    for version, system in (("4.10", "ras"), ("4.11", "lps"), ("5.6", "lps")):
        text = FCSV.replace("# CoordinateSystem = {system}\n", "").replace("4.11", version)
        path.write_text(text)
        assert read_points(path).system == system


def test_markups_of_slicer_change_in_their_positions_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.mrk.json"
    path.write_text(json.dumps(MARKUPS))
    found = read_points(path)
    assert found.system == "lps"
    assert found.names == ("AC", "PC")
    changed = json.loads(written(path, POINTS + 10))
    points = changed["markups"][0]["controlPoints"]
    assert points[0].pop("position") == [11, 12, 13]
    assert points[2].pop("position") == [14, 15, 16.5]
    before = json.loads(json.dumps(MARKUPS))
    for number in (0, 2):
        before["markups"][0]["controlPoints"][number].pop("position")
    assert changed == before


def test_a_point_that_comes_from_nowhere_has_no_place(tmp_path: Path) -> None:
    path = tmp_path / "p.mrk.json"
    path.write_text(json.dumps(MARKUPS))
    points = json.loads(written(path, np.array([[np.nan] * 3, [1, 1, 1]])))["markups"][0]["controlPoints"]
    assert "position" not in points[0]
    assert points[0]["positionStatus"] == "undefined"
    assert points[2]["position"] == [1, 1, 1]


@pytest.mark.parametrize("system", ["voxels", "ras", "lps"])
def test_coordinates_go_to_voxels_and_back(system: CoordinateSystem) -> None:
    affine = np.array([[0, -2.0, 0, 5], [1, 0, 0, 6], [0, 0, 3, 7], [0, 0, 0, 1]])
    voxels = np.array([[1.0, 2], [3, 4], [5, 6]])
    points = from_voxels(voxels, system, affine)
    first = {"voxels": (1, 3, 5), "ras": (-1, 7, 22), "lps": (1, -7, 22)}[system]
    assert points[0] == pytest.approx(first)
    assert to_voxels(points, system, affine) == pytest.approx(voxels)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("p.csv", "1,2,3\n4,five,6\n", "line 2; expected a number in column 2, got 'five'"),
        ("p.csv", "1,2,3\n4,5\n", "expected a number in column 3"),
        ("p.csv", "1,2,nan\n", "coordinate is no number"),
        ("p.csv", "a,b,c\n1,2,3\n", "no columns x, y and z"),
        ("p.csv", "x,y,z\n", "file holds no points"),
        ("p.csv", "\n", "file is empty"),
        ("p.fcsv", FCSV.format(system="IJK"), "expected RAS or LPS, got IJK"),
        ("p.mrk.json", "[1, 2]", "not a markups file"),
        ("p.mrk.json", '{"markups": []}', "file holds no points"),
        ("p.mrk.json", json.dumps(MARKUPS).replace("LPS", "IJK"), "unknown coordinate system"),
        ("p.mrk.json", json.dumps(MARKUPS).replace('"mm"', '"um"'), "unknown units"),
        ("p.mrk.json", "{", "not valid JSON"),
        ("p.vtk", "points", "not a file of points"),
    ],
)
def test_files_that_cannot_be_used(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(KnownError, match=re.escape(sentence)) as error:
        read_points(path)
    assert error.value.exit_code == (1 if isinstance(error.value, BadPoints) else 2)
