"""Addresses of the leaderboard and of the report, and links to a question: what is chosen, Back, and no dead link."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.metrics.names import PARTIAL
from calm_ext.report import write_report
from calm_ext.report.links import question_links
from tests.chromium import CHROMIUM, Page
from tests.test_report import make_run
from tests.test_view_page import settle
from tests.view_results import OTHER, TASK, make_results

browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")
LANGUAGES = ["en", "ar", "ja"]
LINK = re.compile(r'<a href="([^"]+)">all answers (in the \w+)</a>')


@pytest.fixture(scope="module")
def board(make_once: Callable[[str, Callable[[Path], object]], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    done = CliRunner().invoke(cli, ["leaderboard", str(make_once("view_results", make_results)), "-o", str(folder)])
    assert done.exit_code == 0, done.output
    return folder / "index.html"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose samples a view can read: every question has the same metrics."""
    path = make_run(tmp_path_factory.mktemp("runs") / "toy", languages=LANGUAGES, n=40, n_test=60, evil=False)
    for samples in path.glob("eval/*/samples_*.jsonl"):
        rows = [json.loads(line) for line in samples.read_text().splitlines()]
        rows = [{**r, "metrics": [m for m in r["metrics"] if m not in PARTIAL]} for r in rows]
        samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    write_report(path)
    return path


def wait(page: Page) -> None:
    page.run("new Promise(r => setTimeout(r, 250))")


def back(page: Page) -> None:
    page.run("history.back()")
    wait(page)


# --- the leaderboard ------------------------------------------------------------------------------------------------


def names(page: Page) -> list[str]:
    shown = "[...document.querySelectorAll('section:not([hidden]) tbody tr:not([hidden])')]"
    found: list[str] = page.run(f"{shown}.map(r => r.cells[1].textContent)")
    return found


def heads(page: Page) -> list[str]:
    found: list[str] = page.run(
        "[...document.querySelectorAll('table')[0].tHead.rows[0].cells].filter(h => !h.hidden).map(h => h.dataset.key)"
    )
    return [x for x in found if x]


@browser
def test_the_leaderboards_choices_are_in_its_address(tab: Page, board: Path) -> None:
    tab.open(board)
    start, all_heads = names(tab), heads(tab)
    assert tab.run("location.hash") == ""
    tab.run("document.querySelector('th[data-key=consistency] button').click()")
    tab.run("document.querySelector('th[data-key=consistency] button').click()")
    tab.run("document.getElementById('model').value = 'demo'")
    tab.run(f"document.getElementById('task').value = {json.dumps(TASK)}")
    tab.run("document.querySelector('[name=column][value=kappa]').click()")
    wait(tab)
    address = tab.run("location.hash")
    for said in ("sort=consistency", "find=demo", f"task={TASK}", "cols="):
        assert said in address, address
    shown, chosen = names(tab), heads(tab)
    assert sorted(shown) == ["demo after", "demo before"]
    assert chosen == [x for x in all_heads if x != "kappa"]
    tab.open(board, address)
    assert (names(tab), heads(tab)) == (shown, chosen)
    assert tab.run("document.querySelector('th[data-key=consistency]').getAttribute('aria-sort')") == "ascending"
    assert tab.run("document.querySelector('[name=column][value=kappa]').checked") is False
    tab.run("document.querySelector('button[type=reset]').click()")
    wait(tab)
    assert (names(tab), heads(tab), tab.run("location.hash")) == (start, all_heads, "#/")
    assert tab.problems() == []


@browser
def test_back_returns_to_what_the_leaderboard_showed(tab: Page, board: Path) -> None:
    tab.open(board, "#/?sort=model")
    by_name = names(tab)
    tab.run(f"location.hash = '#/?task={OTHER}'")
    wait(tab)
    assert names(tab) != by_name
    back(tab)
    assert names(tab) == by_name
    tab.run("location.hash = '#glossary'")
    wait(tab)
    assert names(tab) == by_name, "a place in the page is no choice"


@browser
def test_what_an_address_of_the_leaderboard_has_too_much_is_said(tab: Page, board: Path) -> None:
    tab.open(board, "#/?sort=nosuch&cols=acc,neither")
    said = tab.run("document.getElementById('status').textContent")
    assert "The address has sort=nosuch, which is not there." in said
    assert "The address has cols=neither, which is not there." in said
    assert len(names(tab)) > 3
    assert "kappa" in heads(tab)


# --- the report -----------------------------------------------------------------------------------------------------


def opened(page: Page) -> list[str]:
    found: list[str] = page.run("[...document.querySelectorAll('#list > details[open]')].map(d => d.dataset.id)")
    return found


def state(page: Page) -> list[Any]:
    fields = [f"document.getElementById('{x}').value" for x in ("f-task", "f-move", "f-language", "f-text")]
    found: list[Any] = page.run(f"[{', '.join(fields)}, document.getElementById('found').textContent]")
    return found


def set_field(page: Page, field: str, value: str) -> None:
    page.run(f"{{ const s = document.getElementById('{field}'); s.value = {json.dumps(value)};"
             "s.dispatchEvent(new Event(s.tagName === 'INPUT' ? 'input' : 'change')); }")  # fmt: skip
    wait(page)


@browser
def test_the_reports_choices_are_in_its_address(tab: Page, run: Path) -> None:
    page = run / "report/index.html"
    tab.open(page)
    first = state(tab)
    assert tab.run("location.hash") == "", "what is usual is not said"
    set_field(tab, "f-language", "ja")
    set_field(tab, "f-move", "gained")
    set_field(tab, "f-text", "test")
    address = tab.run("location.hash")
    assert address == "#/?show=gained&a=ja&find=test"
    wanted = state(tab)
    tab.open(page, address)
    assert state(tab) == wanted != first
    set_field(tab, "f-text", "")
    set_field(tab, "f-move", "any")
    set_field(tab, "f-language", "")
    tab.run("document.getElementById('next').click()")
    assert tab.run("location.hash") == "#/?show=any&page=2"
    tab.open(page, "#/?show=any&page=2")
    assert tab.run("document.getElementById('page').textContent") == "page 2 of 3"
    assert tab.problems() == []


@browser
def test_an_open_question_is_an_address_and_back_closes_it(tab: Page, run: Path) -> None:
    page = run / "report/index.html"
    tab.open(page, "#/?show=any")
    tab.run("document.querySelectorAll('#list > details')[3].querySelector('summary').click()")
    wait(tab)
    (one,) = opened(tab)
    address = tab.run("location.hash")
    assert address == f"#/?show=any&open={one}"
    tab.open(page, address)
    wait(tab)
    assert opened(tab) == [one]
    assert tab.run("document.querySelectorAll('#list .version').length") == len(LANGUAGES), "it is shown as a whole"
    tab.open(page, "#/?show=any")
    tab.run("document.querySelectorAll('#list > details')[3].querySelector('summary').click()")
    wait(tab)
    back(tab)
    assert (opened(tab), tab.run("location.hash")) == ([], "#/?show=any")


@browser
def test_a_named_question_is_shown_whatever_the_filters_and_what_is_not_there_is_said(tab: Page, run: Path) -> None:
    page = run / "report/index.html"
    tab.open(page, "#/?find=nowhere&open=test-0045")
    wait(tab)
    assert opened(tab) == ["test-0045"]
    assert tab.run("document.getElementById('page').textContent") == "page 3 of 3"
    box = "document.querySelector('#list > details[open]').getBoundingClientRect()"
    assert tab.run(f"{box}.top >= -1 && {box}.top < innerHeight")
    tab.open(page, "#/?open=nosuch&a=xx")
    assert "The address has a=xx, open=nosuch, which is not there." in state(tab)[-1]


# --- links to a question ----------------------------------------------------------------------------------------------


def links(run: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = LINK.findall((run / "report/explain.html").read_text(encoding="utf-8"))
    return found


def test_without_a_view_the_question_is_in_the_report(run: Path) -> None:
    found = links(run)
    shown = json.loads((run / "report/index.html").read_text().split('id="questions-data">')[1].split("</script>")[0])
    there = {(t["name"], row[0]) for t in shown["tasks"] for row in t["rows"]}
    assert len(found) > 20 and {words for _, words in found} == {"in the report"}
    for address, _ in found:
        match = re.fullmatch(r"index\.html#/\?task=(\w+)&amp;show=any&amp;open=(.+)", address)
        assert match and (match[1], unquote(match[2])) in there


def test_a_view_beside_the_run_has_the_question(run: Path, tmp_path: Path, tab: Page) -> None:
    own = tmp_path / "runs/toy"
    shutil.copytree(run, own)
    made = CliRunner().invoke(cli, ["view", str(own), "-o", str(tmp_path / "runs/view")])
    assert made.exit_code == 0, made.output
    write_report(own)
    found = links(own)
    assert {words for _, words in found} == {"in the view"}
    report = (own / "report/index.html").read_text(encoding="utf-8")
    told = re.findall(r'<a class="read" href="([^"]+)"', report)
    assert told and all(x.startswith("../../view/index.html#/q/") for x in told)
    if CHROMIUM is None:
        return
    for address in {found[0][0], found[-1][0], told[0]}:
        where = urljoin((own / "report/explain.html").as_uri(), address.replace("&amp;", "&"))
        page, _, fragment = where.partition("#")
        tab.open(Path(unquote(page.removeprefix("file://"))), f"#{fragment}")
        settle(tab)
        assert tab.run("document.querySelector('h1').textContent").startswith("Question "), address
        assert tab.run("document.querySelectorAll('tr.focused').length") == 1, "the model after alignment stands out"


def test_no_link_where_the_question_is_not(run: Path, tmp_path: Path) -> None:
    own = tmp_path / "toy"
    shutil.copytree(run, own)
    assert question_links(own, own / "report").of("toy_xl", "nosuch") is None
    assert question_links(own, own / "report").of("nosuch_xl", "test-0001") is None
    assert question_links(own, tmp_path).of("toy_xl", "test-0001") is None, "another folder has no report"
    elsewhere = CliRunner().invoke(cli, ["explain", str(own), "-o", str(tmp_path / "out")])
    assert elsewhere.exit_code == 0
    assert not LINK.findall((tmp_path / "out/explain.html").read_text(encoding="utf-8"))
    other = make_run(tmp_path / "other", languages=LANGUAGES, n=40, n_test=60, evil=False)
    made = CliRunner().invoke(cli, ["view", str(other), "-o", str(own / "view")])
    assert made.exit_code == 0, made.output
    write_report(own)
    assert {words for _, words in links(own)} == {"in the report"}, "a view of another run is none of this one"
    (own / "view/index.html").write_text("<p>gone</p>")
    write_report(own)
    assert {words for _, words in links(own)} == {"in the report"}
