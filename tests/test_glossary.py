"""The words of the pages: one list, links where a word stands, the list at the end, and how it is printed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from calm_ext.metrics.names import DESCRIPTIONS
from calm_ext.report.glossary.link import glossary_list, with_glossary
from calm_ext.report.glossary.words import metric_word, words

from .chromium import CHROMIUM, Page

browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt install chromium)")
FRAME = "<html><head><style>body {}</style></head><body><main>{}</main></body></html>"


def page_of(inner: str) -> str:
    return with_glossary(FRAME.replace("{}</main>", f"{inner}</main>"))


def linked(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<a class="word" href="#word-(\w+)"[^>]*>([^<]*)</a>', page.split('id="glossary"')[0])


def listed(page: str) -> list[str]:
    return re.findall(r'<div id="word-(\w+)">', page)


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?:\s|$)", text))


# --- the list -----------------------------------------------------------------------------------------------------


def test_every_metric_is_a_word() -> None:
    assert not [m for m in DESCRIPTIONS if metric_word(m.replace("<language>", "en")) is None]


@pytest.mark.parametrize("key", list(words()))
def test_a_definition_is_short_and_its_name_is_found(key: str) -> None:
    word = words()[key]
    assert 1 <= sentences(word.about) <= 2, word.about
    assert word.about[0].isupper()
    assert word.about.endswith(".")
    assert key in listed(page_of(f"<p>{word.name} 1</p>")), "its own name is no form of it"


# --- links --------------------------------------------------------------------------------------------------------


def test_the_first_use_in_a_section_is_a_link_and_the_longest_form_counts() -> None:
    page = page_of(
        "<h2>A</h2><p>The accuracy, then accuracy of the worst language and Accuracy again.</p><h2>B</h2><p>accuracy</p>"
    )
    assert linked(page) == [("acc", "accuracy"), ("acc_worst", "accuracy of the worst language"), ("acc", "accuracy")]
    assert listed(page) == ["acc", "acc_worst", "answer", "question"], "with the words of the definitions"
    assert f'data-about="{words()["acc"].about}"' in page
    assert 'aria-describedby="about-acc"' in page
    assert '<dd id="about-acc">' in page


def test_texts_of_others_are_left_alone() -> None:
    inner = (
        '<p lang="fr">accuracy</p><p class="kicker">kappa</p><a href="#x">vote</a><code>loss</code><b>margin</b>'
        "<article>anchor</article><script>let p = 'significant';</script><nav>held out</nav><bdi>beta 3</bdi>"
        '<img alt="bootstrap"><p>&lt;b&gt;nothing&lt;/b&gt;</p>'
    )
    assert page_of(inner) == FRAME.replace("{}</main>", f"{inner}</main>")


def test_a_word_in_a_heading_or_button_is_listed_and_is_no_link() -> None:
    page = page_of("<h2>Calibration</h2><button>Consistency</button><details><summary>vote</summary></details>")
    assert linked(page) == []
    assert set(listed(page)) >= {"calibration", "consistency", "vote"}


def test_a_p_is_a_word_only_where_it_is_one() -> None:
    page = page_of("<p>p &lt; 0.05, a p and q</p>")
    assert linked(page) == [("p_value", "p")]
    assert linked(page_of("<table><tr><th>p</th><th>p (Holm)</th></tr></table>"))[0] == ("p_value", "p")
    assert linked(page_of("<p>plan p and top-p sampling, beta</p>")) == []


def test_a_definition_brings_the_words_that_it_uses() -> None:
    found = listed(glossary_list(["acc_gap"]))
    assert found == ["acc", "answer", "acc_gap", "pivot", "question"], "by name"
    assert "<a" not in glossary_list(["acc_gap"], links=False)


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(pages: dict[str, Path]) -> Path:
    return pages["report"].parents[1]


@pytest.mark.parametrize("name", ["index.html", "explain.html"])
def test_one_wording_and_every_count_says_what_it_counts(run: Path, name: str) -> None:
    """Answers change, become right or become wrong; nothing is won, lost or moved."""
    page = (run / "report" / name).read_text(encoding="utf-8")
    text = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", page, flags=re.DOTALL)
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
    assert re.findall(r"\b(?:won|lost|moved|flipped)\b", text) == []
    counted = re.findall(r"\b(\d+(?: \w+)?) (?:became|fell apart|came to it)", text)
    assert counted and all(re.fullmatch(r"\d+ (?:answers?|questions?)", x) for x in counted), counted
    assert {"question", "answer"} <= set(listed(page))


@pytest.mark.parametrize("name", ["index.html", "explain.html"])
def test_pages_of_a_run_explain_their_words(run: Path, name: str) -> None:
    page = (run / "report" / name).read_text(encoding="utf-8")
    keys = {key for key, _ in linked(page)}
    assert keys >= {"acc", "consistency", "held_out", "p_value", "interval", "bootstrap", "holm", "significant"}
    assert keys <= set(listed(page)), "a link leads nowhere"
    assert len(listed(page)) == len(set(listed(page)))
    unused = set(words()) - set(listed(page))
    assert unused >= {"fold", "seed", "recall", "rankc"}, "a word that the page does not use is in its list"
    assert 'href="#glossary">Words</a>' in page
    assert page.count("<h2 id=") == len(set(re.findall(r'<h2 id="([^"]+)"', page)))


@pytest.fixture
def report(run: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, javascript = getattr(request, "param", (1280, True))
    with Page(width=width, javascript=javascript) as page:
        page.open(run / "report/index.html")
        yield page


FIND = "const w = [...document.querySelectorAll('main a.word')].find(x => x.textContent.startsWith('overlap'));"


@browser
@pytest.mark.parametrize("report", [(1280, True), (1280, False), (390, False)], indirect=True)
def test_a_word_shows_what_it_means_when_it_has_the_focus(report: Page) -> None:
    """Whether scripts run or not, and on a phone; it never makes the page wider."""
    after = "getComputedStyle(w, '::after')"
    assert report.run(f"(() => {{ {FIND} return {after}.content; }})()") == "none"
    report.run(f"(() => {{ {FIND} w.scrollIntoView({{block: 'center'}}); w.focus({{focusVisible: true}}); }})()")
    shown = report.run(f"(() => {{ {FIND} return {after}.content; }})()")
    assert words()["overlap_right"].about in shown
    assert report.run("document.documentElement.scrollWidth") == report.run("innerWidth")
    report.run("document.activeElement.blur()")
    assert report.run(f"(() => {{ {FIND} return {after}.content; }})()") == "none"


@browser
def test_a_tap_or_enter_leads_to_the_entry(report: Page) -> None:
    report.run(f"(() => {{ {FIND} w.focus(); }})()")
    report.key("Enter", 13, "\r")
    at = report.run("new Promise(r => setTimeout(() => r(document.querySelector(':target').id), 200))")
    assert at == "word-overlap_right"
    assert report.run("document.querySelector(':target').getBoundingClientRect().top") < 900
    described = (
        f"(() => {{ {FIND} return document.getElementById(w.getAttribute('aria-describedby')).textContent; }})()"
    )
    assert report.run(described) == words()["overlap_right"].about


def outline(pdf: Path) -> list[tuple[str, int, float]]:
    """The headings of a printed page: text, page, and points above the lower edge."""
    content = pdf.read_bytes().decode("latin-1")
    place = r"/Title \((.*?)\)\n/Dest \[(\d+) 0 R /XYZ [\d.]+ ([\d.]+)"
    return [(title, int(sheet), float(y)) for title, sheet, y in re.findall(place, content)]


@browser
@pytest.mark.parametrize("name", ["index.html", "explain.html"])
def test_printing_leaves_no_heading_at_the_foot_of_a_page(run: Path, tmp_path: Path, name: str) -> None:
    """The lower margin has 28 points, a heading and two lines of its section 60 more."""
    with Page() as page:
        page.open(run / "report" / name)
        page.pdf(tmp_path / "page.pdf")
    found = outline(tmp_path / "page.pdf")
    assert {"Words of this page"} <= {title for title, _, _ in found}
    assert len(found) > 10
    assert not [(title, y) for title, _, y in found if y < 88]


@browser
@pytest.mark.parametrize("name", ["index.html", "explain.html"])
def test_in_print_a_table_stays_with_its_head_and_a_summary_with_what_it_opens(run: Path, name: str) -> None:
    """What the outline of a PDF does not show."""
    with Page() as page:
        page.open(run / "report" / name)
        page.send("Emulation.setEmulatedMedia", media="print")
        style = "getComputedStyle(document.querySelector('{}')).{}"
        for what in (".scroll", "thead", "tr", "caption", "summary", "figure"):
            assert page.run(style.format(what, "breakInside")) == "avoid", what
        for what in ("h2", "h3", "summary", "caption", "p.about"):
            assert page.run(style.format(what, "breakAfter")) == "avoid", what
        assert page.run("getComputedStyle(document.querySelector('a.word')).textDecorationLine") == "none"


def test_the_leaderboard_explains_its_columns(pages: dict[str, Path]) -> None:
    page = pages["leaderboard"].read_text(encoding="utf-8")
    assert set(listed(page)) >= {"acc", "consistency", "kappa", "all_correct", "answered", "rank", "interval", "holm"}
    assert "anchor" not in listed(page)
    assert {"rank", "holm", "interval"} <= {key for key, _ in linked(page)}
