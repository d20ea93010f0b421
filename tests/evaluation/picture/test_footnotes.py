"""The notes under the box plots name what is not drawn."""

from collections.abc import Callable

from evaluation.picture.footnotes import footnotes
from evaluation.scoring.evaluate import Evaluation

Many = Callable[..., Evaluation]


def test_absent_and_lost_structures_are_named_with_their_pairs(many_scores: Many) -> None:
    lines = footnotes(many_scores(3, 2, "dice", "hd95", gaps=True), 300).splitlines()
    assert lines[-2] == (
        "Not in both images (NaN), not drawn in pairs: "
        "2 Left-Structure-Of-Length-2 (1 of 3: 0001_0000←0000_0000)."
    )
    assert lines[-1] == (
        "Lost by the warp (HD95 infinite), not drawn in pairs: "
        "1 Left-Structure-Of-Length-1 (1 of 3: 0001_0000←0002_0000); mean of each pair (1 of 3)."
    )


def test_without_gaps_there_are_only_the_key_and_the_figures(many_scores: Many) -> None:
    lines = footnotes(many_scores(3, 2, "dice", "hd95", "tre"), 300).splitlines()
    assert len(lines) == 3
    assert "SDlogJ 0.1000 ± 0.0000 (official, log(J + 3)), 0.4000 ± 0.0000 (log J)" in lines[1]
    assert "Folded voxels: 0.200 % on average" in lines[1]
    assert lines[2] == "TRE_kp 9.000 → 2.000 mm on average."


def test_smoothness_before_registration_is_no_gap(many_scores: Many) -> None:
    assert "NaN" not in footnotes(many_scores(3, 0, "sdlogj"), 300)


def test_lines_are_as_long_as_asked(many_scores: Many) -> None:
    notes = footnotes(many_scores(9, 12, "dice", "hd95", gaps=True), 60)
    assert max(len(line) for line in notes.splitlines()) <= 60
