"""The questions to read, as the page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from calm_ext.babel.gloss import gloss
from calm_ext.languages import language_name
from calm_ext.report.explain.categories import OTHERS
from calm_ext.report.explain.explain import Explained
from calm_ext.report.explain.factors import shown_language
from calm_ext.report.explain.parts import Part, Row, place_of
from calm_ext.report.explain.telling import ABOUT, KINDS, Telling
from calm_ext.report.explain.towards import majority_of_others
from calm_ext.report.links import QuestionLinks
from calm_ext.report.words import clip
from calm_ext.results.evaluation import Text

#: longest texts
_QUESTION, _OPTION, _SAID = 700, 160, 300


def cards_of(explained: Explained, links: QuestionLinks | None = None) -> list[dict[str, Any]]:
    """The kinds of questions, each with its cards.

    Args:
        links: where the questions can be read; None for nowhere.
    """
    task = explained.values["task"]
    links = links or QuestionLinks([])
    main = shown_language(explained.part)
    found: dict[str, list[dict[str, Any]]] = {}
    for t in explained.telling:
        card = _card(t, main, _named(explained, t), links.of(task, t.row.id))
        found.setdefault(t.kind, []).append(card | _models(explained.part, t))
    return [{"key": k, "name": KINDS[k], "about": ABOUT[k], "cards": found[k]} for k in KINDS if k in found]


def _named(explained: Explained, t: Telling) -> str:
    """The category of a question; empty where it has none of its own."""
    category = explained.category.get(t.row.id, OTHERS)
    return "" if category == OTHERS else category


def _models(part: Part, t: Telling) -> dict[str, str]:
    """Whose answers a card shows, and in how many languages the other models that answered the question were right."""
    own = place_of(part, t.row)
    others = [
        f"{_words({k: v for k, v in place_of(part, r).items() if own[k] != v}) or 'another model'}: {_right(r)}"
        for r in t.others
        if r.gold is not None
    ]
    return {"model": _words(own), "others": "; ".join(others)}


def _words(place: Mapping[str, Any]) -> str:
    """A model, as ``seed 0, fold 2``; empty of a run."""
    return ", ".join(str(x) if key == "seed" else f"{key} {x}" for key, x in place.items())


def _right(row: Row) -> str:
    """In how many languages a question was right before, and is after."""
    before, after = (sum(a is not None and a == row.gold for a in side.values()) for side in (row.before, row.after))
    return f"{before} → {after}"


def _card(t: Telling, main: str, category: str, link: tuple[str, str] | None) -> dict[str, Any]:
    row = t.row
    language = row.pivot or main
    return {
        "id": row.id,
        "anchor": f"question-{quote(row.id.encode('utf-8', 'replace').decode('utf-8'), safe='')}",
        "category": category,
        "link": link,
        "code": language,
        "question": clip(row.shown.questions[language].text, _QUESTION),
        "english": gloss(row.id, {language: row.shown.questions[language].text}),
        "right_option": row.gold,
        "gold": _option(row.shown.options[language], row.gold) if row.gold is not None else "",
        "right": f"right in {_right(row)} of {len(row.before)}" if row.gold is not None else "",
        "answers": [
            {
                "code": x,
                "name": _short(x),
                "changed": row.before[x] != row.after[x],
                "before": _answer(row.shown.options[x], row.before[x], row.gold),
                "after": _answer(row.shown.options[x], row.after[x], row.gold),
                "why": followed(row, x) if row.before[x] != row.after[x] else "",
            }
            for x in row.before
        ],
        "versions": [
            {
                "code": x,
                "name": language_name(x),
                "question": clip(row.shown.questions[x].text, _QUESTION),
                "options": [
                    {"text": _option(row.shown.options[x], i), "gold": i == row.gold,
                     "before": i == row.before[x], "after": i == row.after[x]}
                    for i in range(len(row.shown.options[x]))
                ],
                "wrote": [
                    {"when": when, "text": clip(said[x].text, _SAID)}
                    for when, said in (("before", row.wrote), ("after", row.shown.responses))
                    if x in said
                ],
            }
            for x in row.before
        ],
    }  # fmt: skip


def _short(language: str) -> str:
    return language_name(language).rpartition(" (")[0] or language


def followed(row: Row, language: str) -> str:
    """Who had given before what an answer became: other languages, most of them or some, and the vote.

    >>> from calm_ext.results.evaluation import Shown
    >>> before, after = {"en": 1, "fr": 0, "de": 1}, {"en": 1, "fr": 1, "de": 2}
    >>> row = Row("q", 0, "en", before, after, Shown({}, {}, {}, {}), None)
    >>> followed(row, "fr"), followed(row, "de")
    ('followed the majority: English, German', 'no other language had given it')
    """
    answer = row.after[language]
    if answer is None:
        return ""
    before = [x for x, a in row.before.items() if x != language and a == answer]
    elected = row.elected is not None and row.elected.winner == answer
    if not before:
        return "followed the vote; no other language had given it" if elected else "no other language had given it"
    most = len(before) > 1 and majority_of_others(row, language) == answer
    followed = f"followed {'the majority: ' if most else ''}{', '.join(map(_short, before))}"
    return f"{followed}; the vote, too" if elected else followed


def _option(options: Sequence[Text], index: int) -> str:
    return clip(options[index].text, _OPTION)


def _answer(options: Sequence[Text], index: int | None, gold: int | None) -> dict[str, Any]:
    """An answer's option and text, and whether it is right: ``yes``, ``no``, or nothing where that is not known."""
    if index is None:
        return {"option": None, "text": "no answer", "mark": "none"}
    mark = "" if gold is None else "yes" if index == gold else "no"
    return {"option": index, "text": _option(options, index), "mark": mark}
