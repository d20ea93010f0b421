"""BTCV's classes in the labels of the tasks that a BTCV segmentor can serve."""

from pairs.tasks.official import read_official
from pipeline.weights.convert.names import labels_by_name
from pipeline.weights.convert.swinunetr import CLASSES

__all__: list[str] = []


def test_abdomen_ct_has_every_organ_and_its_glands_the_other_way_round() -> None:
    labels = labels_by_name(read_official("AbdomenCTCT").labels[0], CLASSES)
    assert labels == (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 12)


def test_abdomen_mr_to_ct_has_four_organs_in_another_order() -> None:
    labels = labels_by_name(read_official("AbdomenMRCT").labels[0], CLASSES)
    assert labels == (0, 2, 3, 4, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)


def test_spellings_do_not_count() -> None:
    names = {5: "Oesophagus", 7: "IVC", 8: "gall-bladder", 9: "adrenal_gland_left", 10: "LEFT ADRENAL GLAND"}
    labels = labels_by_name(names, CLASSES)
    assert labels == (0, 0, 0, 0, 8, 5, 0, 0, 0, 7, 0, 0, 0, 10)
    assert len(labels) == len(CLASSES)
