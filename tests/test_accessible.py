"""Every page we write, checked by axe-core in headless Chromium: contrast, names, labels, structure, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import CHROMIUM, Page
from tests.test_view_page import settle

axe = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed (pip install '.[dev]')")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")

SOURCE = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA: rule, and the first places."""
    page.run(f"{SOURCE}; 0")
    found = page.run(f"axe.run(document, {{runOnly: {json.dumps(RULES)}}}).then(r => JSON.stringify(r.violations))")
    return [
        f"{v['id']}: {v['help']}; " + "; ".join(f"{n['target']} {n['html'][:150]}" for n in v["nodes"][:3])
        for v in json.loads(found)
    ]


@pytest.fixture(scope="module", params=["light", "dark"])
def browser(request: pytest.FixtureRequest) -> Iterator[Page]:
    with Page(dark=request.param == "dark") as page:
        yield page


@pytest.mark.parametrize("name", ["report", "explain", "leaderboard", "check"])
def test_a_page_has_no_violation(name: str, pages: dict[str, Path], browser: Page) -> None:
    browser.open(pages[name])
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert violations(browser) == []


def test_every_part_of_the_view_has_no_violation(pages: dict[str, Path], browser: Page) -> None:
    browser.open(pages["view"])
    settle(browser)
    links: Any = browser.run("[...document.querySelectorAll('main a[href^=\"#/\"]')].map(a => a.getAttribute('href'))")
    assert links
    assert violations(browser) == []
    seen = set()
    for _ in range(3):  # from the table to a model, to its questions, to a question
        href = next((x for x in links if x not in seen), None)
        if href is None:
            break
        seen.add(href)
        browser.run(f"location.hash = {json.dumps(href)}")
        settle(browser)
        assert violations(browser) == [], href
        links = browser.run(
            "[...document.querySelectorAll('main a[href^=\"#/\"]')].map(a => a.getAttribute('href')).reverse()"
        )


def test_axe_finds_what_is_wrong(tmp_path: Path, browser: Page) -> None:
    """The check itself: a page with a picture without text, grey on grey and a field without a label."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><html><body><img src=x><p style='color:#888;background:#999'>text</p><input></body>"
    )
    browser.open(page)
    assert {x.split(":")[0] for x in violations(browser)} >= {"image-alt", "color-contrast", "label", "html-has-lang"}
