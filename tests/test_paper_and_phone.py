"""Pages on paper and on a phone: nothing runs out of the page, and what is left out or hidden is said or shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from calm_ext.report.plots.style import heat_colours, letters_on
from tests.chromium import CHROMIUM, Page
from tests.test_view_page import go, settle
from tests.view_results import OTHER, TASK, N

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")


@pytest.fixture(scope="module")
def phone() -> Iterator[Page]:
    with Page(width=390) as page:
        yield page


@pytest.fixture(scope="module")
def paper() -> Iterator[Page]:
    with Page(width=1032) as page:  # A4 across, without its margins, at 96 pixels an inch
        page.send("Emulation.setEmulatedMedia", media="print")
        yield page


@pytest.mark.parametrize("name", ["leaderboard", "check"])
def test_a_table_that_scrolls_fades_where_more_is_hidden(phone: Page, pages: dict[str, Path], name: str) -> None:
    phone.open(pages[name])
    wide = "[...document.querySelectorAll('.scroll')].find(x => x.scrollWidth > x.clientWidth + 20)"
    wait = "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
    more = f"{wait}.then(() => parseFloat(getComputedStyle({wide}).getPropertyValue('--more')))"
    assert phone.run(more) > 20
    phone.run(f"{wide}.scrollLeft = 1e6")
    assert phone.run(more) == 0, "at the end nothing more is hidden"


def test_what_does_not_scroll_does_not_fade(paper: Page, pages: dict[str, Path]) -> None:
    for name in ("leaderboard", "check"):
        paper.open(pages[name])
        assert paper.run("getComputedStyle(document.querySelector('.scroll')).maskImage") == "none"


@pytest.mark.parametrize("name", ["report", "explain", "leaderboard", "view", "check"])
def test_paper_is_light_where_the_screen_is_dark(pages: dict[str, Path], name: str) -> None:
    shades = (
        "const sum = (x) => x.match(/[\\d.]+/g).slice(0, 3).reduce((s, v) => s + Number(v), 0);"
        "const own = getComputedStyle(document.body), plot = document.querySelector('figure img');"
        "[sum(own.backgroundColor), sum(own.color), plot ? getComputedStyle(plot).filter : 'none']"
    )
    with Page(width=1032, dark=True) as page:
        page.open(pages[name])
        screen = page.run(f"(() => {{ {shades.replace('[sum(own', 'return [sum(own')} }})()")
        assert screen[0] < 150 < screen[1], "the screen is dark"
        features = [{"name": "prefers-color-scheme", "value": "dark"}]
        page.send("Emulation.setEmulatedMedia", media="print", features=features)
        ground, ink, inverted = page.run(f"(() => {{ {shades.replace('[sum(own', 'return [sum(own')} }})()")
    assert ground == 3 * 255
    assert ink < 150
    assert inverted == "none"


def test_what_belongs_together_is_on_one_page(paper: Page, pages: dict[str, Path]) -> None:
    def kept(selector: str, rule: str) -> list[str]:
        found: list[str] = paper.run(
            f"[...document.querySelectorAll('{selector}')].map(x => getComputedStyle(x).{rule})"
        )
        return found

    paper.open(pages["report"])
    for selector in ("h2", "h3", "p:has(+ figure)", "p:has(+ .scroll)", "thead"):
        assert set(kept(selector, "breakAfter")) == {"avoid"}, selector
    tallest = max(paper.run("[...document.querySelectorAll('figure img')].map(x => x.getBoundingClientRect().height)"))
    assert 200 < tallest <= 15 / 2.54 * 96 + 1, "a plot leaves room for its head"
    paper.open(pages["check"])
    assert set(kept("pre", "breakInside")) == {"avoid"}, "no command is cut"
    assert set(kept("td.bar i", "printColorAdjust")) == {"exact"}, "bars are drawn where backgrounds are not printed"
    paper.open(pages["leaderboard"])
    assert set(kept("section > p, dl", "breakInside")) == {"avoid"}


def test_names_of_models_keep_their_column_on_paper(paper: Page, pages: dict[str, Path]) -> None:
    paper.open(pages["leaderboard"])
    widths = paper.run("[...document.querySelectorAll('tbody th.model')].map(x => x.getBoundingClientRect().width)")
    assert widths
    assert min(widths) > 100
    assert paper.run("document.documentElement.scrollWidth") <= 1032, "the languages are on the page"


def test_paper_says_what_it_leaves_out(paper: Page, pages: dict[str, Path]) -> None:
    paper.open(pages["report"])
    paper.run("document.getElementById('f-move').value = 'any'")
    paper.run("document.getElementById('f-move').dispatchEvent(new Event('change'))")
    assert (
        paper.run("document.getElementById('on-paper').innerText") == "Only questions 1 to 20 of these 60 are printed."
    )
    paper.open(pages["view"])
    settle(paper)
    go(paper, "e", "alpha", TASK)
    assert f"Only questions 1 to 50 of these {N} are printed" in paper.run("document.querySelector('.paper').innerText")
    paper.open(pages["explain"])
    assert paper.run("[...document.querySelectorAll('article.telling details')].every(x => !x.offsetHeight)")


def test_the_card_marks_what_is_wrong_and_chance_and_cuts_no_command(phone: Page, pages: dict[str, Path]) -> None:
    phone.open(pages["check"])
    wrong, marked = phone.run(
        "['.answered.wrong', '.answered.wrong .mark'].map(s => [...document.querySelectorAll(s)].filter(x => s === '.answered.wrong' || x.textContent.startsWith('✗ wrong')).length)"
    )
    assert wrong == marked > 0
    assert phone.run("[...document.querySelectorAll('td.bar b')].every(x => x.style.left === '25%')")
    assert "The line in each bar is chance, 25 %." in phone.run("document.body.innerText")
    assert phone.run("[...document.querySelectorAll('pre')].every(x => x.scrollWidth <= x.clientWidth)")


def test_columns_are_those_of_the_shown_tables_in_groups(phone: Page, pages: dict[str, Path]) -> None:
    phone.open(pages["view"])
    settle(phone)
    values = "[...document.querySelectorAll('.columns input')].map(x => x.value)"
    for task, there in (("", True), (TASK, True), (OTHER, False)):
        go(phone, "", task=task)
        assert ("acc_ar" in phone.run(values)) == there, "the second task has two languages"
    go(phone, "")
    select = "document.querySelector('form[aria-label=\"Filter the results\"] select')"
    phone.run(f"{select}.value = '{OTHER}'; {select}.dispatchEvent(new Event('change'))")
    assert "acc_ar" not in phone.run(values), "nor when it is chosen"
    groups = phone.run("[...document.querySelectorAll('.columns legend')].map(x => x.textContent)")
    assert {"Accuracy", "Agreement", "Accuracy by language"} <= set(groups)
    assert len(groups) == len(set(groups))


def test_numbers_on_a_heat_map_have_contrast_and_its_scale_one_direction() -> None:
    def luminance(colour: tuple[float, ...]) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    shades = [luminance(heat_colours()(i / 100)) for i in range(101)]
    assert shades == sorted(shades, reverse=True), "darker is higher, as in the view"
    for i, shade in enumerate(shades):
        letters = {"black": 0.0, "white": 1.0}[letters_on(heat_colours()(i / 100))]
        low, high = sorted((shade, letters))
        assert (high + 0.05) / (low + 0.05) >= 4.5
