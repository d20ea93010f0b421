"""The affine maps of ANTs and greedy, against scipy's writer of the same format and against a point."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from pairs.errors import DisplacementError
from pairs.fields.foreign.affinefile import read_affine, read_itk_affine, read_ras_affine

LINEAR = np.array([[1.1, 0.2, 0], [-0.1, 0.9, 0.05], [0, 0.1, 1]])
TRANSLATION = np.array([3.0, -2, 5])
CENTRE = np.array([10.0, 20, -30])
KIND = "AffineTransform_double_3_3"


SOUND = {KIND: np.concatenate([LINEAR.ravel(), TRANSLATION]), "fixed": CENTRE}


def itk_file(path: Path, variables: dict[str, np.ndarray]) -> Path:
    """Writes columns as ITK does; SOUND is LINEAR about CENTRE with TRANSLATION."""
    savemat(path, variables, format="4", oned_as="column")
    return path


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_an_itk_transform_turns_about_its_centre(dtype: type, tmp_path: Path) -> None:
    matrix = read_itk_affine(itk_file(tmp_path / "a.mat", {k: v.astype(dtype) for k, v in SOUND.items()}))
    lps = np.array([7.0, 11, 13])
    moved = LINEAR @ (lps - CENTRE) + CENTRE + TRANSLATION
    assert np.allclose(matrix @ (-7, -11, 13, 1), (-moved[0], -moved[1], moved[2], 1), rtol=1e-5)


def test_the_bytes_that_ants_writes(tmp_path: Path) -> None:
    """Level 4 headers: single precision, 12 x 1, a name of 26 bytes; then 3 x 1 and a name of 6 bytes."""
    content = np.array([10, 12, 1, 0, 26], "<i4").tobytes() + b"AffineTransform_float_3_3\0"
    content += np.append(np.eye(3).ravel(), (1, 2, 3)).astype("<f4").tobytes()
    content += np.array([10, 3, 1, 0, 6], "<i4").tobytes() + b"fixed\0" + bytes(12)
    (tmp_path / "a.mat").write_bytes(content)
    assert np.array_equal(read_itk_affine(tmp_path / "a.mat")[:, 3], (-1, -2, 3, 1))


def test_the_other_byte_order(tmp_path: Path) -> None:
    content = np.array([1000, 12, 1, 0, 27], ">i4").tobytes() + KIND.encode() + b"\0"
    content += np.append(np.eye(3).ravel(), (1, 2, 3)).astype(">f8").tobytes()
    content += np.array([1000, 3, 1, 0, 6], ">i4").tobytes() + b"fixed\0" + bytes(24)
    (tmp_path / "a.mat").write_bytes(content)
    assert np.array_equal(read_itk_affine(tmp_path / "a.mat")[:, 3], (-1, -2, 3, 1))


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({**SOUND, KIND: np.zeros(12)}, "not an invertible"),
        ({**SOUND, KIND: np.full(12, np.nan)}, "not an invertible"),
        ({**SOUND, KIND: np.ones(11)}, r"not an affine map.*with 11 and 3"),
        ({"Euler3DTransform_double_3_3": np.ones(6), "fixed": CENTRE}, "got Euler3DTransform_double_3_3"),
        ({"fixed": CENTRE}, "variables"),
        ({KIND: SOUND[KIND]}, "variables"),
        ({**SOUND, "fixed": np.zeros(2)}, r"not an affine map.*with 12 and 2"),
        ({**SOUND, "more": np.zeros(1)}, "variables"),
        ({**SOUND, KIND: np.ones(12) * 1j}, "level 4"),
        ({**SOUND, KIND: np.zeros(12, np.int32)}, "level 4"),
        ({**SOUND, "fixed": np.zeros(10**5)}, "too large"),
    ],
)
def test_other_itk_files_are_refused(variables: dict[str, np.ndarray], reason: str, tmp_path: Path) -> None:
    with pytest.raises(DisplacementError, match=reason) as caught:
        read_itk_affine(itk_file(tmp_path / "a.mat", variables))
    assert "a.mat" in str(caught.value)


@pytest.mark.parametrize("kept", [0, 3, 19, 30, 60, -1])
def test_truncated_itk_files_are_refused(kept: int, tmp_path: Path) -> None:
    path = itk_file(tmp_path / "a.mat", SOUND)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DisplacementError, match="cannot be read"):
        read_itk_affine(path)


def test_a_text_matrix(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_text("0.9 0.1 0 2.5 \n-1e-2 1 0 1\n0 0 1.1 -3\n0 0 0 1 \n\n")
    assert np.array_equal(
        read_ras_affine(tmp_path / "a.mat"),
        [[0.9, 0.1, 0, 2.5], [-1e-2, 1, 0, 1], [0, 0, 1.1, -3], [0, 0, 0, 1]],
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 0 0 0\n0 1 0 0\n0 0 1 0\n",
        "1 0 0\n0 1 0\n0 0 1\n0 0 0\n",
        "1 0 0 0\n0 1 0 0\n0 0 0 0\n0 0 0 1\n",
        "1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 1 1\n",
        "1 0 0 inf\n0 1 0 0\n0 0 1 0\n0 0 0 1\n",
        "a b c d\n" * 4,
        "\u00e9",
        "1 0 0 0\n" * 10**4,
    ],
)
def test_other_texts_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_text(text, encoding="utf-8")
    with pytest.raises(DisplacementError, match=r"cannot be read: .*a\.mat"):
        read_ras_affine(tmp_path / "a.mat")


def test_missing_files(tmp_path: Path) -> None:
    for read in (read_itk_affine, read_ras_affine):
        with pytest.raises(DisplacementError, match=r"missing: .*a\.mat"):
            read(tmp_path / "a.mat")


INSIGHT = """#Insight Transform File V1.0
#Transform 0
Transform: {kind}_double_3_3
Parameters: 0 -1 0 1 0 0 0 0 1 4 -3 2
FixedParameters: {centre}
"""


def test_an_affine_map_of_any_form_is_told_by_its_content(tmp_path: Path) -> None:
    """A turn and a shift in LPS, as ITK writes it in text, and in RAS, as greedy does."""
    itk, greedy = tmp_path / "a.tfm", tmp_path / "b.txt"
    itk.write_text(INSIGHT.format(kind="AffineTransform", centre="0 0 0"))
    greedy.write_text("0 -1 0 -4\n1 0 0 3\n0 0 1 2\n0 0 0 1\n")
    assert np.array_equal(read_affine(itk), read_affine(greedy))
    itk.write_text(INSIGHT.format(kind="MatrixOffsetTransformBase", centre="5 6 7"))
    centred = read_affine(itk)
    # The centre stays where it is but for the translation.
    assert (centred @ (-5, -6, 7, 1))[:3] == pytest.approx((-9, -3, 9))


@pytest.mark.parametrize(
    "text",
    [
        INSIGHT.format(kind="Euler3DTransform", centre="0 0 0"),
        INSIGHT.format(kind="AffineTransform", centre="0 0"),
        INSIGHT.format(kind="AffineTransform", centre="0 0 0") * 2,
        "#Insight Transform File V1.0\n",
        "1 0 0\n0 1 0\n",
    ],
)
def test_text_of_other_transforms_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.tfm").write_text(text)
    with pytest.raises(DisplacementError, match=r"a\.tfm"):
        read_affine(tmp_path / "a.tfm")
