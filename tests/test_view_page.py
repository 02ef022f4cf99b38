"""The view in headless Chromium: from table to answer, filters against Python, permalinks, tests, hostile text, phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.metrics.compare import compare
from calm_ext.metrics.measure import measure
from calm_ext.report.board.table import make_board
from calm_ext.report.view.write import write_view
from calm_ext.report.words import p_value
from calm_ext.results.answers import read_answers
from tests.chromium import CHROMIUM, Page
from tests.view_results import EVIL_ID, EVIL_MODEL, HOSTILE, LANGUAGES, OTHER, TASK, N, answers_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")

FORM = "document.querySelector('form[aria-label=\"Filter the questions\"]')"


@pytest.fixture(scope="module")
def results(view_results: Path) -> Path:
    return view_results


@pytest.fixture(scope="module")
def view(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("view page #1%2F") / "view"
    done = CliRunner().invoke(cli, ["view", str(results), "-o", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with Page() as page:
        yield page


@pytest.fixture
def page(browser: Page, view: Path) -> Page:
    browser.open(view / "index.html")
    settle(browser)
    return browser


def settle(page: Page) -> None:
    """Wait until the page shows what its address says, and nothing is being loaded or resampled."""
    ready = (
        "document.querySelector('main h1') && !document.querySelector('main').hasAttribute('aria-busy') && "
        "[...document.querySelectorAll('main [role=status]')].every(x => /^(?!Loading|Resampling)./.test(x.textContent))"
    )
    page.run(f"new Promise(r => {{ const wait = () => {ready} ? r() : setTimeout(wait, 20); setTimeout(wait, 30); }})")


def go(page: Page, *path: str, **query: str) -> None:
    more = "&".join(f"{k}={quote(v, safe='')}" for k, v in query.items())
    page.run(
        f"location.hash = {json.dumps('#/' + '/'.join(quote(x, safe='') for x in path) + ('?' + more if more else ''))}"
    )
    settle(page)


def choose(page: Page, label: str, value: str, form: str = FORM) -> None:
    """Choose in a form, by the label of the field."""
    page.run(
        f"{{ const s = [...{form}.querySelectorAll('label')].find(x => x.firstChild.textContent === {json.dumps(label)})"
        f".querySelector('select, input'); s.value = {json.dumps(value)};"
        "s.dispatchEvent(new Event(s.tagName === 'INPUT' ? 'input' : 'change')); }"
    )
    page.run("new Promise(r => setTimeout(r, 200))")
    settle(page)


def found(page: Page) -> int:
    return int(page.run(f"{FORM}.querySelector('[role=status]').textContent").split()[0].replace(",", ""))


def table(page: Page) -> list[list[str]]:
    rows: list[list[str]] = page.run(
        "[...document.querySelector('section[data-table=\"0\"] tbody').rows].map(r => [...r.cells].slice(0, 2).map(c => c.textContent))"
    )
    return rows


def questions(folder: Path) -> list[tuple[list[int | None], int]]:
    answers, gold = answers_of(folder)
    return [([own[x] for x in LANGUAGES], gold[q]) for q, own in answers.items()]


def test_from_the_table_to_every_answer(page: Page, results: Path) -> None:
    """A click on a cell, on the map, on a question: every answer of every model in every language."""
    assert f"alpha ({TASK})" in page.run("document.querySelector('h1').textContent")
    click = "[...document.querySelectorAll('th.model a')].find(a => a.textContent === 'org/beta').closest('tr').cells[2].querySelector('a').click()"
    page.run(click)
    settle(page)
    assert page.run("document.querySelector('h1').textContent") == "org/beta"
    assert page.run("document.title") == f"org/beta · {TASK}"
    assert page.run("document.activeElement.tagName") == "H1", "a screen reader starts at the heading"
    cells = page.run(
        "[...document.querySelectorAll('table.heat tbody tr')].map(r => [...r.cells].slice(1).map(c => c.textContent))"
    )
    wanted = measure(read_answers([results / "beta"])).by_pair
    for (i, x), (j, y) in combinations(enumerate(LANGUAGES), 2):
        assert cells[i][j] == cells[j][i] == f"{wanted[f'{x}-{y}']['consistency']:.3f}"
    assert "by chance 0.250" in page.run("document.getElementById('map').textContent")
    page.run("document.querySelector('table.heat tbody').rows[0].cells[3].querySelector('a').click()")
    settle(page)
    assert "show=differ" in page.run("location.hash")
    kept = [a for a, _ in questions(results / "beta") if a[0] is None or a[2] is None or a[0] != a[2]]
    assert found(page) == len(kept) > 0
    page.run("document.querySelector('ol.questions a').click()")
    settle(page)
    page.run("new Promise(r => setTimeout(r, 100))")
    identity = page.run("document.querySelector('h1').textContent").removeprefix("Question ")
    shown = page.run(
        "[...document.querySelectorAll('table.every tbody tr:not(.said)')].map(r => [r.cells[0].textContent, [...r.querySelectorAll('.cell')].map(c => c.firstChild.textContent)])"
    )
    assert len(shown) == 5, "all models with samples"
    for name, label in (("alpha", "alpha"), ("beta", "org/beta"), ("runs/demo/eval/after", "demo after")):
        own = answers_of(results / name)[0][identity]
        assert dict(shown)[label] == ["–" if own[x] is None else "ABCD"[own[x] or 0] for x in LANGUAGES]
    said = page.run("document.querySelector('tr.said').textContent")
    assert " wrote " in said, "what the model that was looked at wrote is open"
    assert page.problems() == []


FILTERS: dict[str, tuple[dict[str, str], Callable[[Any, int], bool]]] = {
    "gap": ({"a": "en", "b": "ja"}, lambda a, g: a[0] == g != a[5]),
    "gap of any": ({"a": "fr"}, lambda a, g: a[2] == g and any(x != g for x in a)),
    "same": ({}, lambda a, g: len(set(a)) == 1 and a[0] not in (None, g)),
    "right": ({}, lambda a, g: all(x == g for x in a)),
    "none": ({}, lambda a, g: all(x != g for x in a)),
    "unread": ({"b": "ar"}, lambda a, g: a[9] is None),
    "unread of any": ({}, lambda a, g: None in a),
    "agree": ({"a": "en", "b": "zh"}, lambda a, g: a[0] is not None and a[0] == a[1]),
    "all": ({}, lambda a, g: True),
}


def test_filters_count_what_python_counts(page: Page, results: Path) -> None:
    seen = set()
    for label, name in (("alpha", "alpha"), ("demo before", "runs/demo/eval/before")):
        own = questions(results / name)
        for key, (query, test) in FILTERS.items():
            go(page, "e", label, TASK, show=key.split()[0], **query)
            assert found(page) == sum(test(a, g) for a, g in own), (label, key)
            if found(page):
                seen.add(key)
    assert set(FILTERS) - seen <= {"same", "right", "none"}, "ten languages seldom agree"
    go(page, "e", "alpha", OTHER, show="same")
    own2 = [
        (list(a.values()), answers_of(results / "other/alpha")[1][q])
        for q, a in answers_of(results / "other/alpha")[0].items()
    ]
    assert found(page) == sum(a[0] == a[1] and a[0] not in (None, g) for a, g in own2)


def test_filters_are_in_the_address(page: Page, view: Path, results: Path) -> None:
    go(page, "e", "alpha", TASK)
    assert found(page) == N
    choose(page, "Show questions", "gap")
    choose(page, "Language B", "zh")
    wanted = sum(a[0] == g != a[1] for a, g in questions(results / "alpha"))
    assert found(page) == wanted > 0
    choose(page, "Text (regular expression)", r"question \d?[02468]\b")
    even = sum(a[0] == g != a[1] for i, (a, g) in enumerate(questions(results / "alpha")) if i % 2 == 0)
    assert found(page) == even > 0
    address = page.run("location.hash")
    page.open(view / "index.html", address)
    settle(page)
    assert found(page) == even
    assert page.run(f"[...{FORM}.querySelectorAll('select, input')].map(x => x.value)")[:4] == [
        "gap",
        "en",
        "zh",
        r"question \d?[02468]\b",
    ]
    choose(page, "Text (regular expression)", "(")
    assert "Not a regular expression" in page.run(f"{FORM}.querySelector('[role=status]').textContent")
    choose(page, "Text (regular expression)", "")
    choose(page, "Show questions", "all")
    assert found(page) == N
    choose(page, "Text (regular expression)", r"hit = 4|^long long")
    assert found(page) == len([i for i in range(N) if i % len(HOSTILE) == 3 or i == 5])
    choose(page, "Text (regular expression)", r"wrote 3\d")
    assert found(page) == 0
    page.run(f"{FORM}.querySelector('input[type=checkbox]').click()")
    settle(page)
    assert found(page) == 10, "in what the model wrote"


def test_the_difference_of_two(page: Page, results: Path) -> None:
    go(page, "d", "demo before", "demo after", TASK)
    cells = "[r.dataset.metric, [...r.cells].map(c => c.textContent.replaceAll('−', '-'))]"
    shown = dict(page.run(f"[...document.querySelectorAll('[data-metric]')].map(r => {cells})"))
    sides = [read_answers([results / "runs/demo/eval" / when]) for when in ("before", "after")]
    changes = compare(*sides).changes
    for metric in ("acc", "consistency", "consistency_wrong", "answered", "all_correct", "acc_ar", "acc_en"):
        change, (_, first, second, difference, p, *flips) = changes[metric], shown[metric]
        value, bounds = difference.split("[")
        assert float(first) == pytest.approx(change.before, abs=6e-4)
        assert float(second) == pytest.approx(change.after, abs=6e-4)
        assert float(value) == pytest.approx(change.difference, abs=6e-4)
        low, high = (float(x) for x in bounds.rstrip("]").split(", "))
        assert (low, high) == pytest.approx(change.ci95, abs=6e-4), "the intervals of `compare` and the report"
        if flips:
            assert p == p_value(change.p_holm), "exact, and Holm's correction"
            assert flips == [str(len(change.gained)), str(len(change.lost))]
        else:
            assert p == p_value(change.p)
    before, after = (questions(results / "runs/demo/eval" / when) for when in ("before", "after"))
    pairs = [(x, y, g) for (x, g), (y, _) in zip(before, after, strict=True)]
    right = [tuple(sum(v == g for v in side) for side in (x, y)) for x, y, g in pairs]
    assert found(page) == sum(x != y for x, y, _ in pairs)
    choose(page, "Show questions", "won")
    assert found(page) == sum(b > a for a, b in right)
    choose(page, "Show questions", "lost")
    assert found(page) == sum(b < a for a, b in right) > 0
    choose(page, "Language", "fr")
    assert found(page) == sum(x[2] == g != y[2] for x, y, g in pairs) > 0
    choose(page, "Show questions", "moved")
    assert found(page) == sum(x[2] != y[2] for x, y, _ in pairs)
    text = page.run("document.querySelector('[data-metric=consistency]').textContent")
    go(page, "d", "demo after", "demo before", TASK)
    go(page, "d", "demo before", "demo after", TASK)
    assert page.run("document.querySelector('[data-metric=consistency]').textContent") == text, "the seed is fixed"


@pytest.mark.parametrize(("cluster", "n"), [(None, 0), ("id:(.)$", 11), ("id:(..)$", 60)])
def test_of_too_many_pairs_the_page_resamples_itself(
    results: Path, tmp_path: Path, browser: Page, monkeypatch: pytest.MonkeyPatch, cluster: str | None, n: int
) -> None:
    """Questions, or clusters where there are twenty and more of them; each question a cluster is no cluster at all."""
    monkeypatch.setattr("calm_ext.report.view.tables.MOST_MOVES", 0)
    board = make_board([results / "alpha", results / "beta"], cluster=cluster)
    assert (board.tables[0].n_clusters or 0) == n
    write_view(board, tmp_path / "view")
    browser.open(tmp_path / "view/index.html")
    settle(browser)
    go(browser, "d", "alpha", "org/beta", TASK)
    caption = browser.run("document.querySelector('main table caption').textContent")
    cells = browser.run("[...document.querySelector('[data-metric=acc]').cells].map(c => c.textContent)")
    change = compare(*(read_answers([results / x]) for x in ("alpha", "beta"))).changes["acc"]
    assert float(cells[3].split("[")[0].replace("−", "-")) == pytest.approx(change.difference, abs=6e-4)
    if n == 11:
        assert "too few clusters to resample" in caption
        assert "[" not in cells[3] and cells[4] == "–"
        return
    assert f"over {'clusters' if n else 'questions'}, roughly" in caption
    low, high = (float(x) for x in cells[3].replace("−", "-").split("[")[1].rstrip("]").split(", "))
    assert (low, high) == pytest.approx(change.ci95, abs=0.02)


def test_the_table_sorts_filters_and_hides(page: Page, view: Path) -> None:
    go(page, "", task=TASK)
    start = table(page)
    assert start[0][1] == "alpha"
    ranks = [int(rank.strip("=").split("–")[-1]) for rank, _ in start if rank != "–"]
    assert ranks == sorted(ranks)
    assert ranks[-1] == 1 + sum(r < ranks[-1] for r in ranks), "ranks after a tie skip"
    assert {n: r for r, n in start}["org/bare"] == "–"
    page.run("document.querySelector('button[data-column=acc]').click()")
    assert [name for _, name in table(page)] == [name for _, name in start][::-1]
    assert page.run("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "ascending"
    assert page.run("document.activeElement.dataset.column") == "acc"
    page.run("document.querySelector('button[data-column=model]').click()")
    assert sorted(n for _, n in table(page)) != [n for _, n in start]
    form = "document.querySelector('form[aria-label=\"Filter the results\"]')"
    choose(page, "Model (regular expression)", "^demo|beta$", form)
    assert sorted(n for _, n in table(page)) == ["demo after", "demo before", "org/beta"]
    title = page.run("document.querySelector('button[data-column=acc]').title")
    assert (
        title
        == "accuracy (acc). The share of answers that are right, all languages counted alike. No answer is not right."
    )
    page.run("document.querySelector('#glossary details').open = true")
    words = page.run("[...document.querySelectorAll('#glossary dt')].map(x => x.textContent)")
    assert {"accuracy", "consistency", "Fleiss’ κ", "p-value", "rank"} <= set(words) and "anchor" not in words
    page.run("document.querySelector('.columns').open = true")
    page.run("document.querySelector('.columns input[value=acc_worst]').click()")
    page.run("document.querySelector('.columns input[value=kappa]').click()")
    address, heads = page.run("[location.hash, [...document.querySelectorAll('thead th')].map(h => h.textContent)]")
    assert "Accuracy of the worst language (acc_worst)" in heads
    assert "Fleiss’ κ (kappa)" not in heads
    page.open(view / "index.html", address)
    settle(page)
    assert page.run("[...document.querySelectorAll('thead th')].map(h => h.textContent)") == heads
    assert len(table(page)) == 3


def test_hostile_text_stays_text(page: Page) -> None:
    go(page, "e", EVIL_MODEL, TASK)
    assert page.run("document.querySelector('h1').textContent") == EVIL_MODEL
    for identity in ("q00000", "q00001", "q00002", "q00003", "q00005", EVIL_ID):
        go(page, "q", TASK, identity, e=EVIL_MODEL)
        page.run("new Promise(r => setTimeout(r, 80))")
        assert page.run("document.querySelector('h1').textContent") == f"Question {identity}"
    text = page.run("document.querySelector('main').textContent")
    assert text.count(HOSTILE[1]) > 3 * len(LANGUAGES)
    go(page, "q", TASK, "q00005")
    assert "more characters" in page.run("document.querySelector('main').textContent")
    assert page.run("[...document.querySelectorAll('.version p')].at(-1).dir") == "rtl"
    go(page, "nothing", "here")
    assert "no such page" in page.run("document.querySelector('main').textContent")
    go(page, "e", "nobody", TASK)
    assert "no entry nobody" in page.run("document.querySelector('main').textContent")
    assert page.run("window.hit === undefined")
    assert page.run("document.querySelectorAll('main script, main img, main iframe, [onerror], [onload]').length") == 0
    assert page.problems() == [], "the Content-Security-Policy had nothing to stop"
    assert page.requested() == []


def test_a_foreign_script_does_not_run(view: Path, browser: Page, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(view, tmp_path / "view")
    index = tmp_path / "view/index.html"
    index.write_text(index.read_text().replace("</body>", "<script>window.hit = 1</script></body>"), encoding="utf-8")
    browser.open(index)
    settle(browser)
    assert browser.run("window.hit === undefined")
    assert browser.run("document.querySelectorAll('table.board').length") == 2
    (tmp_path / "view/data/0/heads-0.js").unlink()
    go(browser, "e", "alpha", TASK)
    assert "heads-0.js cannot be loaded: is the folder of this page whole?" in browser.run(
        "document.querySelector('main').textContent"
    )


def test_keyboard(page: Page) -> None:
    go(page, "e", "alpha", TASK)
    page.run("document.querySelector('table.heat a').focus()")
    page.key("ArrowDown", 40)
    page.key("ArrowRight", 39)
    assert page.run("document.activeElement.getAttribute('aria-label')").startswith("French (fr) and German (de): 0.")
    assert page.run("document.querySelectorAll('table.heat a[tabindex=\"0\"]').length") == 1
    page.key("Enter", 13, "\r")
    settle(page)
    assert "a=fr&b=de" in page.run("location.hash")
    go(page, "q", TASK, "q00001", e="alpha")
    page.key("ArrowRight", 39)
    settle(page)
    assert page.run("location.hash") == f"#/q/{TASK}/q00002?e=alpha"
    page.run("document.querySelector('main input').focus()")
    page.key("ArrowRight", 39)
    assert page.run("location.hash") == f"#/q/{TASK}/q00002?e=alpha", "in a field the arrows move the cursor"


def scrolled_to(page: Page, selector: str) -> bool:
    """Whether the top of an element is the top of the window, or the page ends before."""
    got: bool = page.run(
        f"(() => {{ const top = document.querySelector({json.dumps(selector)}).getBoundingClientRect().top, d = document.documentElement;"
        "return scrollY > 0 && (Math.abs(top) < 10 || (top > 0 && scrollY + innerHeight >= d.scrollHeight - 2)); })()"
    )
    return got


def test_a_filter_goes_with_its_questions(page: Page, results: Path) -> None:
    """Next and previous stay within the filter, its languages are first, and Back returns to the list where it was."""
    go(page, "e", "alpha", TASK, show="gap", a="en", b="ar")
    assert scrolled_to(page, 'form[aria-label="Filter the questions"]'), "the address is about the filter"
    ids = [
        q
        for q, own in answers_of(results / "alpha")[0].items()
        if own["en"] == answers_of(results / "alpha")[1][q] != own["ar"]
    ]
    assert found(page) == len(ids) > 2
    page.run("scrollBy(0, 60); new Promise(r => setTimeout(r, 300))")
    y = page.run("scrollY")
    page.run("document.querySelectorAll('ol.questions a')[1].click()")
    settle(page)
    heading = "document.querySelector('h1').textContent"
    assert page.run(heading) == f"Question {ids[1]}"
    assert page.run("[...document.querySelectorAll('.version h3')].slice(0, 3).map(x => x.textContent)") == [
        "English (en)",
        "Arabic (ar)",
        "Chinese (zh)",
    ]
    assert f"question 2 of {len(ids)} (right in English (en), wrong in Arabic (ar); {N} in all)" in page.run(
        "document.querySelector('main .about').textContent"
    )
    for by, identity in ((1, ids[2]), (-1, ids[1]), (-1, ids[0])):
        page.run(f"document.querySelector('a[data-turn=\"{by}\"]').click()")
        settle(page)
        assert page.run(heading) == f"Question {identity}"
    assert page.run("document.querySelector('a[data-turn=\"-1\"]') === null"), "the first of the filter"
    for _ in range(4):
        page.run("history.back()")
        page.run("new Promise(r => setTimeout(r, 100))")
        settle(page)
    assert page.run("scrollY") == y > 0
    assert found(page) == len(ids)
    page.run("document.querySelector('ol.questions a').click()")
    settle(page)
    page.run("document.querySelectorAll('.crumbs a')[1].click()")
    settle(page)
    assert found(page) == len(ids), "so does the breadcrumb"
    go(page, "d", "demo before", "demo after", TASK, show="won", find="hit = 4")
    won = found(page)
    page.run("document.querySelector('ol.questions a').click()")
    settle(page)
    assert f"question 1 of {won} (more answers are right, with “hit = 4”" in page.run(
        "document.querySelector('main .about').textContent"
    )
    page.run("document.querySelectorAll('.crumbs a')[1].click()")
    settle(page)
    assert page.run("document.querySelector('h1').textContent") == "demo before → demo after"
    assert found(page) == won
    assert page.problems() == []


def test_each_value_leads_to_what_it_is_made_of(page: Page, results: Path) -> None:
    def follow(column: str) -> None:
        go(page, "", task=TASK, cols=column)
        page.run(
            "[...document.querySelectorAll('th.model a')].find(a => a.textContent === 'alpha').closest('tr').cells[2].querySelector('a').click()"
        )
        settle(page)

    follow("acc_ar")
    assert found(page) == sum(a[9] != g for a, g in questions(results / "alpha")) > 0
    assert scrolled_to(page, 'form[aria-label="Filter the questions"]')
    follow("consistency_wrong")
    assert page.run("document.querySelector('form[aria-label=\"What the map shows\"] select').value") == "wrong"
    follow("all_correct")
    assert found(page) == sum(all(x == g for x in a) for a, g in questions(results / "alpha"))
    go(page, "e", "alpha", TASK)
    page.run("document.querySelector('table.heat tbody').rows[0].cells[10].querySelector('a').click()")
    settle(page)
    ways: dict[str, Callable[[Any, int], bool]] = {
        "right in English (en), wrong in Arabic (ar)": lambda a, g: a[0] == g != a[9],
        "right in Arabic (ar), wrong in English (en)": lambda a, g: a[9] == g != a[0],
        "the same answer": lambda a, g: a[0] is not None and a[0] == a[9],
    }
    for words, test in ways.items():
        page.run(
            f"[...{FORM}.querySelectorAll('.ways button')].find(x => x.textContent === {json.dumps(words)}).click()"
        )
        settle(page)
        assert found(page) == sum(test(a, g) for a, g in questions(results / "alpha")), words
        assert page.run(f"{FORM}.querySelector('[aria-pressed=true]').textContent") == words


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        (("e", "alpha", TASK), {"b": "zzz"}, "b=zzz, which is not there; choose one of: en, zh"),
        (("e", "alpha", TASK), {"show": "all", "a": "zzz"}, "a=zzz"),
        (("e", "alpha", TASK), {"show": "zzz"}, "show=zzz"),
        (("e", "alpha", TASK), {"heat": "zzz"}, "heat=zzz"),
        (("d", "demo before", "demo after", TASK), {"show": "zzz"}, "show=zzz"),
        (("q", TASK, "q00001"), {"e": "alpha", "b": "zzz"}, "b=zzz"),
        (("q", TASK, "q00001"), {"e": "alpha", "find": "("}, "Not a regular expression"),
        (("q", TASK, "q00001"), {"e": "nobody"}, "no entry nobody"),
        (("",), {"task": "zzz"}, "task=zzz"),
        (("",), {"cols": "acc,zzz"}, "cols=zzz"),
        (("",), {"sort": "-zzz"}, "sort=-zzz"),
    ],
)
def test_an_address_with_an_unknown_value_is_an_error(
    page: Page, path: tuple[str, ...], query: dict[str, str], words: str
) -> None:
    go(page, *path, **query)
    assert words in page.run("document.querySelector('.box.bad').textContent")


def test_the_skip_link_leads_nowhere_else(page: Page) -> None:
    page.run("document.querySelector('.skip').click()")
    page.run("new Promise(r => setTimeout(r, 100))")
    assert page.run("document.querySelectorAll('table.board').length") == 2


def test_options_that_the_model_did_not_see_are_called_so(results: Path, tmp_path: Path, browser: Page) -> None:
    from calm_ext.report.view import tables

    for style, words in (("open", "in its own words"), ("cloze", "scored as its continuation"), ("direct", "")):
        manifest = tables._Writer._manifest

        def styled(self: Any, *given: Any, style: str = style, manifest: Any = manifest) -> dict[str, Any]:
            found = manifest(self, *given)
            return {**found, "facts": [["style", style]]}

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tables._Writer, "_manifest", styled)
            done = CliRunner().invoke(cli, ["view", str(results / "other"), "-o", str(tmp_path / style)])
        assert done.exit_code == 0, done.output
        browser.open(tmp_path / style / "index.html", f"#/q/{OTHER}/q00001")
        settle(browser)
        text = browser.run("document.querySelector('main').textContent")
        assert ("As it was asked" in text) == (not words)
        assert words in text


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_nothing_is_wider_than_the_window(view: Path, width: int, dark: bool) -> None:
    with Page(width=width, dark=dark) as page:
        colours = []
        for fragment in ("", f"#/e/alpha/{TASK}", f"#/q/{TASK}/q00005?e=alpha", f"#/d/alpha/org%2Fbeta/{TASK}"):
            page.open(view / "index.html", fragment)
            settle(page)
            page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            assert (
                page.run("new Promise(r => setTimeout(() => r(document.documentElement.scrollWidth), 150))") == width
            ), fragment
            if "/e/" in fragment:
                colours = page.run(
                    "['body', 'table.heat a', '.bar i'].map(x => getComputedStyle(document.querySelector(x)).backgroundColor)"
                )
        light = ["rgb(255, 255, 255)", "rgb(74, 143, 184)"]
        assert ([colours[0], colours[2]] == light) != dark, "plots follow"
        assert colours[1].startswith("color(srgb"), "a mixture"


def test_without_javascript_the_leaders_are_named(view: Path) -> None:
    with Page(javascript=False) as page:
        page.open(view / "index.html")
        text = page.run("document.body.innerText")
        assert "need JavaScript, which is off here" in text
        assert "has the best accuracy" in text or "is best by accuracy" in text
