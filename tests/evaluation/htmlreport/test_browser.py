"""The page in a real Chromium: it says nothing, asks for nothing, and can be used by keyboard."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pairs.fields.displacement import write_displacement
from pairs.fields.profile import PROFILES
from pairs.tasks.task import Task

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__: list[str] = []

pytestmark = pytest.mark.slow

Fields = Callable[[Task, float], Path]
Report = Callable[..., Path]
Opened = Callable[..., "Page"]

PAIRS = 3


@pytest.fixture
def report(tiny_task: Task, fields_of: Fields, report_of: Report) -> Path:
    """Three pairs; the field of the last one, which is the hardest, folds."""
    fields = fields_of(tiny_task, 1.0)
    displacement = np.zeros((14, 12, 16, 3), np.float32)
    displacement[..., 0] = 1 + 3 * (-1.0) ** (np.arange(14)[:, None, None] // 2)
    write_displacement(fields, tiny_task.pairs[-1], displacement, PROFILES["l2r2022"])
    return report_of(tiny_task, fields)


@pytest.fixture
def opened(browser: "Browser") -> Iterator[Opened]:
    """A function that opens a page; at the end nothing may have been said in the console, or asked for."""
    contexts, said = [], []

    def open_page(path: Path, **settings: object) -> "Page":
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if is_foreign(request.url) else None)
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def is_foreign(url: str) -> bool:
    return not url.startswith(("file:", "data:"))


def names(page: "Page") -> list[str]:
    """The pairs of the table that are shown, from top to bottom."""
    return page.locator("#overview tbody tr:visible a").all_inner_texts()


def shown(page: "Page", selector: str) -> bool:
    """Whether a part of the first pair is shown."""
    return page.locator(f"#pair-1 {selector}").first.is_visible()


def tab_to(page: "Page", is_there: str) -> None:
    """Presses Tab until the element with the focus fulfils a condition, written in JavaScript."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate(f"(element => Boolean({is_there}))(document.activeElement)"):
            return
    raise LookupError(f"no Tab leads to {is_there}")


def test_every_pair_is_reached_and_opened_by_keyboard(report: Path, opened: Opened) -> None:
    page = opened(report)
    for rank in range(1, PAIRS + 1):
        tab_to(page, f"element.closest('#pair-{rank}') && element.matches('summary')")
        assert not page.locator(f"#pair-{rank} .inside").is_visible()
        page.keyboard.press("Enter")
        assert page.locator(f"#pair-{rank} .panels").first.is_visible()
        # What has the focus is seen to have it.
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")


def test_a_name_in_the_table_opens_its_pair(report: Path, opened: Opened) -> None:
    page = opened(report)
    tab_to(page, "element.matches('#overview a')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#pair-1 .panels")
    assert page.evaluate("document.activeElement.closest('details').id") == "pair-1"
    for key, there in (("n", "pair-2"), ("n", "pair-3"), ("n", "pair-3"), ("p", "pair-2")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.closest('details').id") == there
    assert page.evaluate("[...document.querySelectorAll('details.pair[open]')].length") == 1
    # The same link again, after the pair was closed.
    page.evaluate("document.querySelector('#pair-2').open = false")
    page.locator("#overview a").first.click()
    page.wait_for_selector("#pair-1 .panels")


def test_a_link_to_a_pair_opens_it(report: Path, opened: Opened) -> None:
    page = opened(report)
    page.goto(f"{report.as_uri()}#pair-2")
    page.reload()
    assert page.locator("#pair-2 .panels").first.is_visible()


def test_views_are_chosen_with_arrows_and_stay_for_all_pairs(report: Path, opened: Opened) -> None:
    page = opened(report)
    page.locator("#overview a").first.click()
    assert shown(page, ".compare .warped .whole")
    assert not shown(page, ".compare .moving .whole")
    assert shown(page, "svg.grid")
    tab_to(page, "element.matches('.as-difference')")
    page.keyboard.press("ArrowRight")
    assert shown(page, ".compare .warped .some")
    assert not shown(page, ".compare .warped .whole")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(
        "getComputedStyle(document.querySelector('.compare .warped .whole')).animationName"
    ) == ("flicker")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert shown(page, ".compare .moving .whole")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert shown(page, "svg.jacobian")
    assert not shown(page, "svg.grid")
    page.keyboard.press("ArrowRight")
    assert shown(page, "svg.lengths")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert not shown(page, ".lines")
    assert page.locator("#pair-2 .field-lengths").is_checked()
    assert not page.locator("#pair-3 .with-outlines").is_checked()


def test_folds_are_marked_on_the_grid_and_on_the_jacobian(report: Path, opened: Opened) -> None:
    page = opened(report)
    page.locator("#overview a").first.click()
    texts = page.locator("#pair-1 svg.jacobian").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert any(re.search(r", [1-9]\d* of \d+ voxels folded$", text) for text in texts)
    for selector in ("svg.grid .folds", "svg.jacobian .folds"):
        if selector.startswith("svg.jac"):
            page.locator("#pair-1 .field-jacobian").check()
        widths = page.locator(f"#pair-1 {selector}").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().width)"
        )
        assert max(widths) > 20


def test_the_table_is_sorted_by_keyboard_and_the_pairs_with_it(report: Path, opened: Opened) -> None:
    page = opened(report)
    hardest_first = names(page)
    assert page.locator("#overview th").first.get_attribute("aria-sort") == "ascending"
    tab_to(page, "element.matches('#overview thead button')")
    page.keyboard.press("Enter")
    assert names(page) == hardest_first[::-1]
    assert page.locator("#overview th").first.get_attribute("aria-sort") == "descending"
    assert page.locator("#list details").evaluate_all("all => all.map(one => one.id)") == [
        "pair-3",
        "pair-2",
        "pair-1",
    ]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert names(page) == sorted(hardest_first)
    assert page.locator("#overview th[aria-sort]").count() == 1


def test_pairs_are_filtered_by_name_and_kind(report: Path, opened: Opened) -> None:
    page = opened(report)
    tab_to(page, "element.matches('#words')")
    page.keyboard.type("0003")
    assert names(page) == ["0001_0000 ← 0003_0000"]
    assert page.locator("#count").inner_text() == "1 of 3 shown"
    assert page.locator("#list details:visible").count() == 1
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.locator("#kind").select_option("folded")
    assert names(page) == ["0001_0000 ← 0004_0000"]
    page.locator("#kind").select_option("")
    page.get_by_role("button", name="Open all shown").click()
    assert page.locator("details.pair[open]").count() == PAIRS
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details.pair[open]").count() == 0


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window(report: Path, opened: Opened, width: int, scheme: str) -> None:
    page = opened(report, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.get_by_role("button", name="Open all shown").click()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    ink, paper = page.evaluate("(s => [s.color, s.backgroundColor])(getComputedStyle(document.body))")
    assert contrast(ink, paper) > 7
    soft = page.evaluate("getComputedStyle(document.querySelector('.subtitle')).color")
    assert contrast(soft, paper) > 4.5


def contrast(first: str, second: str) -> float:
    """Of two colours `rgb(r, g, b)`, as WCAG 2 defines it."""
    light, dark = sorted((luminance(one) for one in (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_pairs_open_and_views_change_without_a_script(report: Path, opened: Opened) -> None:
    page = opened(report, java_script_enabled=False)
    page.locator("#pair-1 summary").click()
    page.locator("#pair-1 .field-jacobian").check()
    assert shown(page, "svg.jacobian")
    assert not page.locator("#filter").is_visible()


def test_markup_in_names_runs_nothing(
    tiny_task: Task,
    fields_of: Fields,
    report_of: Report,
    renamed: Callable[..., Task],
    opened: Opened,
) -> None:
    evil = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"
    task = renamed(tiny_task, labels={"0": {"1": evil, "2": f"</style></script>{evil}"}})
    page = opened(report_of(task, fields_of(task, 1.0)))
    page.get_by_role("button", name="Open all shown").click()
    assert page.title() == "Registration report: Tiny"
    assert evil in page.locator("#scores table").first.inner_text()
