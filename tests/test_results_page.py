"""Every table of scores says which profile the fields had: in another one they score otherwise."""

import re
from pathlib import Path

import pytest

from pairs.fields.profile import PROFILES
from pairs.tasks.editions import choose_profile

__all__: list[str] = []

ROOT = Path(__file__).resolve().parents[1]
TABLE = re.compile(r"^\|.*\n\|[-| ]+\|\n(?:\|.*\n)+", re.MULTILINE)


def sections(page: str) -> list[str]:
    return re.split(r"^(?=## )", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_every_table_of_scores_names_its_profile(page: str) -> None:
    scored = [text for text in sections(page) if any("Dice" in table[0] for table in TABLE.finditer(text))]
    assert scored
    for text in scored:
        named = any(f"`{name}`" in text for name in PROFILES)
        assert named or "no profile is involved" in text, text.splitlines()[0]


def test_the_figures_of_the_default_profile_stand_first() -> None:
    default = choose_profile(
        "HippocampusMR", (64, 64, 64), [Path("HippocampusMR_0211_0000.nii.gz")]
    ).profile.name
    text = next(text for text in sections("README.md") if text.startswith("## Results"))
    assert f"default profile (`{default}`" in text
    table = next(text for text in sections("docs/results.md") if text.startswith("## HippocampusMR"))
    first = next(line for line in table.splitlines() if line.startswith("| `"))
    assert first.startswith(f"| `{default}`")
