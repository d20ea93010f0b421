"""Drawn subjects: repeatable, without folds, cropped as real ones are."""

import numpy as np
import pytest

from studies.demo.deformation import gradient_of, smallest_determinant
from studies.demo.draw import DrawnSubject, draw_subject
from studies.demo.taskfolder import DEFAULT_TEMPLATE
from studies.demo.template import Template, read_template

__all__: list[str] = []

pytestmark = pytest.mark.slow

COUNT = 6


@pytest.fixture(scope="module")
def template() -> Template:
    return read_template(DEFAULT_TEMPLATE)


@pytest.fixture(scope="module")
def subjects(template: Template) -> list[DrawnSubject]:
    return [draw_subject(template, 0, number) for number in range(COUNT)]


def test_the_same_numbers_draw_the_same_subject(template: Template, subjects: list[DrawnSubject]) -> None:
    again, other = draw_subject(template, 0, 0), draw_subject(template, 1, 0)
    np.testing.assert_array_equal(again.image, subjects[0].image)
    np.testing.assert_array_equal(again.labels, subjects[0].labels)
    assert not np.array_equal(other.labels, subjects[0].labels)
    assert not np.array_equal(subjects[1].labels, subjects[0].labels)


def test_warps_are_several_voxels_and_fold_nowhere(subjects: list[DrawnSubject]) -> None:
    for subject in subjects:
        assert smallest_determinant(gradient_of(subject.warp)) > 0
        assert 2 < np.linalg.norm(subject.warp, axis=-1).max() < 15


def test_a_subject_is_a_full_box_in_zeros(subjects: list[DrawnSubject]) -> None:
    for subject in subjects:
        occupied = np.argwhere(subject.image)
        size = np.ptp(occupied, axis=0) + 1
        assert len(occupied) == size.prod()
        assert (size >= (28, 40, 26)).all()
        assert (size < 64).all()
        assert not subject.labels[subject.image == 0].any()


def test_labels_are_those_of_the_template(subjects: list[DrawnSubject]) -> None:
    for subject in subjects:
        assert subject.labels.dtype == np.uint8
        values, counts = np.unique(subject.labels, return_counts=True)
        assert values.tolist() == [0, 1, 2]
        assert counts.min() > 500


def test_number_ranges_differ_as_those_of_scanners(subjects: list[DrawnSubject]) -> None:
    images = [subject.image for subject in subjects]
    maxima = [float(image.max()) for image in images]
    assert {image.dtype.name for image in images} == {"uint8", "float32"}
    assert min(maxima) <= 255
    assert max(maxima) > 1e5


def test_pairs_overlap_as_real_ones_before_registration(subjects: list[DrawnSubject]) -> None:
    scores = []
    for fixed, moving in zip(subjects, [*subjects[1:], subjects[0]], strict=True):
        for label in (1, 2):
            a, b = fixed.labels == label, moving.labels == label
            scores.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert 0.5 < np.mean(scores) < 0.7
