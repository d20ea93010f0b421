"""Box plots: a PNG that fits few and many structures, whose texts do not overlap."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from evaluation.picture.boxplots import draw_boxplots
from evaluation.scoring.evaluate import Evaluation
from pairs.errors import OutputError

pytestmark = pytest.mark.slow

Many = Callable[..., Evaluation]

_PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved while a test runs."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *arguments: object, **options: object) -> None:
        figures.append(figure)
        save(figure, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def _texts(figure: Figure) -> list[Text]:
    found = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def _require_readable(figure: Figure) -> None:
    """Every text is inside the figure and apart from every other one."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in _texts(figure)]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        apart = (
            first.x1 <= second.x0 or second.x1 <= first.x0 or first.y1 <= second.y0 or second.y1 <= first.y0
        )
        assert apart, (one, other)


@pytest.mark.parametrize(
    ("pairs", "structures", "metrics"),
    [
        (1, 2, ("sdlogj", "dice", "hd95")),
        (14, 5, ("sdlogj", "dice", "hd95", "tre")),
        (19, 35, ("dice", "hd95")),
        (3, 0, ("sdlogj", "tre")),
        (1, 0, ("sdlogj",)),
    ],
)
def test_the_picture_is_readable(
    many_scores: Many,
    drawn: list[Figure],
    tmp_path: Path,
    pairs: int,
    structures: int,
    metrics: tuple[str, ...],
) -> None:
    out = tmp_path / "boxes.png"
    draw_boxplots(many_scores(pairs, structures, *metrics, gaps=structures > 2), out)
    data = out.read_bytes()
    assert data.startswith(_PNG)
    width, height = (int.from_bytes(data[start : start + 4]) for start in (16, 20))
    assert 500 < width < 2500
    assert 250 < height < 2500
    _require_readable(drawn[0])


def test_each_structure_has_its_row_and_medians_of_the_finite_values(
    many_scores: Many, drawn: list[Figure], tmp_path: Path
) -> None:
    evaluation = many_scores(2, 2, "dice", "hd95", gaps=True)
    draw_boxplots(evaluation, tmp_path / "boxes.png")
    texts = [text.get_text() for text in _texts(drawn[0])]
    assert "1 Left-Structure-Of-Length-1" in texts
    # Of label 1 the second HD95 is infinite, so the median is the first; label 2 has only the second pair.
    first, second = evaluation.scores
    before = (first.before["HD95"].detailed, second.before["HD95"].detailed)
    after = first.after["HD95"].detailed
    assert isinstance(before[0], tuple)
    assert isinstance(before[1], tuple)
    assert isinstance(after, tuple)
    assert f"{(before[0][0] + before[1][0]) / 2:.2f} → {after[0]:.2f}" in texts
    assert any(text.startswith(f"{before[1][1]:.2f} → ") for text in texts)


def test_names_from_files_are_drawn_as_they_are_and_short(
    many_scores: Many, drawn: list[Figure], tmp_path: Path
) -> None:
    evaluation = many_scores(1, 2, "dice")
    names = {1: "$x_{$ and \x1b[31m$", 2: "endless " * 20}
    draw_boxplots(replace(evaluation, name="$a_{$" * 40, label_names=names), tmp_path / "boxes.png")
    _require_readable(drawn[0])
    assert not any("\x1b" in text.get_text() for text in _texts(drawn[0]))


def test_a_folder_that_does_not_exist_is_an_output_error(many_scores: Many, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        draw_boxplots(many_scores(1, 1, "dice"), tmp_path / "absent" / "boxes.png")
    assert list(tmp_path.iterdir()) == []
