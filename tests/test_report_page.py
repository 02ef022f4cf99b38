"""The report's page in headless Chromium: hostile text stays text, the filters work, no network, phone and desktop."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from calm_ext.report import write_report

from .chromium import CHROMIUM, Page
from .test_report import make_run

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")

# Each would run if it were ever taken for markup: as an element, out of an attribute, or out of the data's script.
HOSTILE = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 2</script>",
    '<img src=x onerror="window.hit = 3">',
    '"\'><svg onload="window.hit = 4">',
    "<!--<script>window.hit = 5//-->\u2028window.hit = 6",
    "{{ 7 * 7 }}<iframe srcdoc='<script>parent.hit = 8</script>'></iframe>",
    "http://example.org/<link rel=stylesheet href=http://example.org/x.css>",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which everything that a model or a data set says is hostile."""
    path = make_run(tmp_path_factory.mktemp("runs") / "toy", languages=["en", "ar", "ja"], n=40, n_test=60)
    for when in ("before", "after"):
        for samples in (path / "eval" / when).glob("samples_*.jsonl"):
            rows = [json.loads(x) for x in samples.read_text().splitlines()]
            for i, row in enumerate(rows):
                evil = HOSTILE[i % len(HOSTILE)]
                doc = row["doc"]
                doc["questions"] = [f"{evil} {q}" for q in doc["questions"]]
                doc["options"] = [[f"{evil} {o}" for o in own] for own in doc["options"]]
                doc["passages"] = [[{"id": "p", "language": x, "text": evil}] for x in doc["languages"]]
                row["kappa"] = {
                    x: "ABCD".index(r[-1]) for x, r in zip(doc["languages"], row["filtered_resps"], strict=True)
                }
                row["filtered_resps"] = [f"{evil}\n{r}" for r in row["filtered_resps"]]
            samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    results = path / "eval/before/results.json"
    results.write_text(
        results.read_text().replace('"model_name": "toy"', '"model_name": "<script>window.hit = 9</script>"')
    )
    write_report(path)
    return path


@pytest.fixture
def desktop(tab: Page, run: Path) -> Page:
    tab.open(run / "report/index.html")
    return tab


def choose(page: Page, field: str, value: str) -> None:
    page.run(f"{{ const s = document.getElementById('{field}'); s.value = {json.dumps(value)};"
             "s.dispatchEvent(new Event(s.tagName === 'INPUT' ? 'input' : 'change')); }")  # fmt: skip


def found(page: Page) -> int:
    text: str = page.run("new Promise(r => setTimeout(() => r(document.getElementById('found').textContent), 200))")
    return int(text.split()[0])


def tasks_of(run: Path) -> list[dict[str, Any]]:
    text = (run / "report/index.html").read_text(encoding="utf-8")
    content = text.split('id="questions-data">')[1].split("</script>")[0]
    tasks: list[dict[str, Any]] = json.loads(content)["tasks"]
    return tasks


def test_hostile_text_stays_text(desktop: Page) -> None:
    choose(desktop, "f-move", "any")
    shown = ""
    for _ in range(3):  # pages of twenty
        desktop.run("document.querySelectorAll('#list details').forEach(d => { d.open = true; })")
        desktop.run("new Promise(r => setTimeout(r, 100))")
        desktop.run("document.querySelectorAll('#list details details').forEach(d => { d.open = true; })")
        shown += desktop.run("document.getElementById('list').textContent")
        desktop.run("document.getElementById('next').click()")
    for evil in HOSTILE:
        assert shown.count(evil) > 20, evil
    assert desktop.run("window.hit === undefined")
    assert desktop.run("document.scripts.length") == 2
    assert desktop.run("document.querySelectorAll('#list img, svg, iframe, link, [onerror], [onload]').length") == 0
    assert desktop.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    # Not even the Content-Security-Policy had anything to stop.
    assert desktop.problems() == []
    assert desktop.requested() == []


def test_filters(desktop: Page, run: Path) -> None:
    rows = tasks_of(run)[0]["rows"]
    choose(desktop, "f-move", "changed")
    assert found(desktop) == sum(row[6] != row[8] for row in rows) > 0
    choose(desktop, "f-language", "ar")
    assert found(desktop) == sum(row[6][1] != row[8][1] for row in rows) > 0
    choose(desktop, "f-move", "gained")
    assert found(desktop) == sum(row[6][1] != row[1] == row[8][1] for row in rows) > 0
    head = "document.querySelector('#list .head')"
    assert desktop.run(f"[{head}.lang, {head}.dir, getComputedStyle({head}).direction]") == ["ar", "rtl", "rtl"]
    choose(desktop, "f-move", "to-right")
    assert found(desktop) == sum(row[2] == "to-right" for row in rows) > 0
    choose(desktop, "f-move", "any")
    choose(desktop, "f-text", "WINDOW.hit = 4")
    assert found(desktop) == sum(i % len(HOSTILE) == 3 for i in range(60))
    choose(desktop, "f-text", "nowhere to be found")
    assert found(desktop) == 0
    choose(desktop, "f-text", "")
    choose(desktop, "f-task", "1")
    assert found(desktop) == 40


def test_keyboard_alone_opens_a_question(desktop: Page) -> None:
    choose(desktop, "f-move", "any")
    desktop.run("document.getElementById('f-text').focus()")
    desktop.key("Tab", 9)
    assert desktop.run("document.activeElement.tagName") == "SUMMARY"
    desktop.key("Enter", 13, "\r")
    assert (
        desktop.run("new Promise(r => setTimeout(() => r(document.querySelectorAll('#list .version').length), 100))")
        == 3
    )
    assert desktop.run("document.getElementById('found').getAttribute('aria-live')") == "polite"


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1280, True)])
def test_nothing_is_wider_than_the_window(run: Path, width: int, dark: bool) -> None:
    with Page(width=width, dark=dark) as page:
        for name in ("index.html", "explain.html"):
            page.open(run / "report" / name)
            page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            wide = page.run("new Promise(r => setTimeout(() => r(document.documentElement.scrollWidth), 100))")
            assert wide == width, name
            background = page.run("getComputedStyle(document.body).backgroundColor")
            assert (background == "rgb(255, 255, 255)") != dark, name


def test_the_explanation_runs_nothing(run: Path, tab: Page) -> None:
    """Its questions are hostile, too, and it has no script of its own."""
    tab.open(run / "report/explain.html")
    assert tab.problems() == []
    assert tab.run("window.hit") is None
    assert tab.run("document.querySelectorAll('script, svg, iframe, img:not(figure img)').length") == 0
    assert "window.hit = 1" in tab.run("document.body.textContent")


def test_without_javascript_the_page_says_what_is_missing(run: Path) -> None:
    with Page(javascript=False) as page:
        page.open(run / "report/index.html")
        text = page.run("document.body.innerText")
        assert "needs JavaScript, which is off here" in text
        assert "What happened" in text
        assert not page.run("document.getElementById('filters').checkVisibility()")


@pytest.mark.parametrize("gone", ["eval/before", "eval/after", "ballots.jsonl", "training", "questions.jsonl"])
def test_half_a_run_is_no_blank_page(run: Path, tmp_path: Path, gone: str, tab: Page) -> None:
    half = tmp_path / "half"
    shutil.copytree(run, half)
    shutil.rmtree(half / gone) if (half / gone).is_dir() else (half / gone).unlink()
    write_report(half)
    tab.open(half / "report/index.html")
    assert tab.problems() == []
    assert "This run is not complete." in tab.run("document.body.innerText")
    assert tab.run("document.querySelectorAll('#list details').length") > 0
