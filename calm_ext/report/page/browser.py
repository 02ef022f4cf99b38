"""The questions themselves, for reading: the data of the page's browser, and the most telling changes.

What models and data sets say is hostile input. The browser's data are JSON in which no character is left that could end
a ``<script>`` element or begin markup (:func:`embedded`), and the page's script puts texts into text nodes only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.babel.gloss import gloss
from calm_ext.files.shown import json_visible
from calm_ext.languages import get_language, is_language, language_name
from calm_ext.report.collect import WHEN, RunData, common_ids
from calm_ext.report.links import QuestionLinks, report_target, view_target
from calm_ext.report.page.flow import MOVES, state_of
from calm_ext.report.verdict import primary_task
from calm_ext.report.words import clip, tasks_of
from calm_ext.results.evaluation import Text

#: most bytes of the data; texts are cut shorter, while they can still be read, then questions left out, until they fit
BUDGET = 8 * 2**20
LENGTHS = (2_000, 1_000, 600, 400)
N_TELLING = 4
_ESCAPED = "<>&\u2028\u2029"


def embedded(value: Any) -> str:
    r"""JSON that can stand in an HTML script element: ``<``, ``>``, ``&`` and two line ends are written ``\uXXXX``.

    >>> print(embedded({"said": "</script>"}))
    {"said":"\u003c/script\u003e"}
    """
    text = json_visible(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    for character in _ESCAPED:  # str.translate takes ten times as long
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def text_of(code: str) -> dict[str, str]:
    """The attributes of an element that holds text in a language: ``lang``, and ``dir`` where it runs right to left."""
    to_left = is_language(code) and get_language(code).right_to_left
    return {"lang": code, "dir": "rtl" if to_left else "ltr"}


def browser_context(data: RunData, summary: Mapping[str, Any], *, budget: int = BUDGET) -> dict[str, Any] | None:
    """What the page's section shows; None where no evaluation has answers to read."""
    first = primary_task(summary)
    names = [t for t in sorted(tasks_of(summary), key=lambda t: t != first) if _ids(data, t)]
    if not names:
        return None
    total = sum(len(_ids(data, t)) for t in names)
    most = max(len(_ids(data, t)) for t in names)
    for length in LENGTHS:
        packed = _pack(data, names, length, most)
        content = embedded(packed)
        if len(content.encode()) <= budget:
            break
    while len(content.encode()) > budget and most > 1:
        most = max(1, int(most * min(0.9, budget / len(content.encode()))))
        packed = _pack(data, names, length, most)
        content = embedded(packed)
    view = view_target(data.path, data.path / "report")
    links = QuestionLinks([*([view] if view else []), report_target(packed)])
    return {
        "data": content,
        "total": total,
        "shown": sum(min(most, len(_ids(data, t))) for t in names),
        "length": length,
        "telling": _telling(data, names[0], links),
        "telling_task": names[0],
    }


def _ids(data: RunData, task: str) -> list[str]:
    """The questions of a task that can be read: those of both evaluations, or of the only one there is."""
    details = [r.detail for w in WHEN if (r := data.result(task, w)) and r.detail]
    if len(details) == len(WHEN):
        return common_ids(data, task)
    return list(details[0].shown) if details else []


def _pack(data: RunData, names: Sequence[str], length: int, most: int) -> dict[str, Any]:
    """The data of the browser: texts once each, by number; see script.js for what reads it."""
    strings: dict[str, int] = {}
    cut: dict[int, int] = {}

    def put(text: Text, longest: int = length) -> int:
        shown = text.text[:longest]
        key = strings.setdefault(shown, len(strings))
        if text.length > len(shown):
            cut[key] = text.length - len(shown)
        return key

    languages: dict[str, list[str]] = {}
    tasks = []
    for name in names:
        found = {w: r for w in WHEN if (r := data.result(name, w)) and r.detail}
        one = next(iter(found.values()))
        codes = one.languages
        languages |= {x: [language_name(x), text_of(x)["dir"]] for x in codes}
        rows = []
        for identity in _most_changed(data, name, most):
            details = [r.detail for r in found.values() if r.detail]
            shown = details[-1].shown[identity]
            row: list[Any] = [
                identity,
                details[-1].gold[identity],
                _move(details, identity),
                [put(shown.questions[x]) for x in codes],
                [[put(o) for o in shown.options[x]] for x in codes],
                [[put(p, min(length, 600)) for p in shown.passages.get(x, [])] for x in codes] if shown.passages else 0,
            ]
            for detail in details:
                said = detail.shown[identity].responses
                row.append([detail.answers[identity].get(x) for x in codes])
                row.append([put(said[x]) for x in codes] if said else 0)
            rows.append(row)
        tasks.append({"name": name, "languages": codes, "when": list(found), "rows": rows})
    moves = {m.key: m.words for m in MOVES.values()}
    return {"strings": list(strings), "cut": cut, "languages": languages, "moves": moves, "tasks": tasks}


def _move(details: Sequence[Any], identity: str) -> str:
    if len(details) < len(WHEN):
        return ""
    gold = details[-1].gold[identity]
    old, new = (state_of(d.answers[identity], gold) for d in details)
    return MOVES[old, new].key


def _most_changed(data: RunData, task: str, most: int) -> list[str]:
    """The questions in their order; where they are too many, those whose answers changed most."""
    ids = _ids(data, task)
    if len(ids) <= most:
        return ids
    details = [r.detail for w in WHEN if (r := data.result(task, w)) and r.detail]

    def changed(identity: str) -> int:
        old, new = (d.answers[identity] for d in (details[0], details[-1]))
        return sum(old[x] != new.get(x) for x in old)

    kept = set(sorted(ids, key=lambda i: -changed(i))[:most])
    return [i for i in ids if i in kept]


def _telling(data: RunData, task: str, links: QuestionLinks) -> list[dict[str, Any]]:
    """A few questions of each kind of move, most changed answers first; empty without both evaluations."""
    details = [r.detail for w in WHEN if (r := data.result(task, w)) and r.detail]
    if len(details) < len(WHEN):
        return []
    before, after = details
    found: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for identity in _ids(data, task):
        gold = after.gold[identity]
        old, new = before.answers[identity], after.answers[identity]
        move = MOVES[state_of(old, gold), state_of(new, gold)]
        codes = [x for x in old if old[x] != new.get(x)]
        if not codes:
            continue
        shown = after.shown[identity]
        language = next(iter(shown.questions))
        row = {
            "id": identity,
            "code": language,
            "question": clip(shown.questions[language].text, 160),
            "english": gloss(identity, {language: shown.questions[language].text}),
            "link": (links.of(task, identity) or ("",))[0],
            "words": move.words,
            "before": _right(old, gold),
            "after": _right(new, gold),
            "n": len(old),
            "changes": ", ".join(f"{x} {_letter(old[x])} → {_letter(new.get(x))}" for x in codes),
            "gold": _letter(gold) if gold is not None else "",
        }
        found.setdefault(move.key, []).append((len(codes), row))
    order = [m.key for m in MOVES.values()]
    return [
        row
        for key in sorted(found, key=order.index)
        for _, row in sorted(found[key], key=lambda x: -x[0])[: N_TELLING if not key.startswith("stayed") else 1]
    ]


def _right(answers: Mapping[str, int | None], gold: int | None) -> int | None:
    return None if gold is None else sum(a == gold for a in answers.values())


def _letter(index: int | None) -> str:
    """How an answer is shown: A, B, …; a dash where none could be read."""
    if index is None:
        return "–"
    return chr(ord("A") + index) if index < 26 else str(index + 1)
