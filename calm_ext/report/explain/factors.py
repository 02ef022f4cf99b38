"""What a gain may depend on: each factor gives every answer a level, from what was known before the alignment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.answers.spelling import loosely
from calm_ext.babel.gloss import gloss
from calm_ext.languages import get_language, is_language, language_name
from calm_ext.report.explain.categories import OTHERS, categories
from calm_ext.report.explain.cells import Cells
from calm_ext.report.explain.parts import Part, Row

if TYPE_CHECKING:
    import numpy as np

#: Most numbers that are levels of their own; more are put into groups of about the same size.
_LEVELS = 8
#: Fewest letters of a word that makes two names one.
_LETTERS = 4


class Factor(NamedTuple):
    """Something that a gain may depend on.

    Attributes:
        key, name: short, and in words.
        phrase: what something may depend on, within a sentence.
        about: what was used, in a sentence.
        levels: in their order.
        at: the level of each cell, -1 where it has none; shape (questions, languages).
        ordered: whether the levels are from low to high.
        within: whether the level is one of the language, so that a question has several.
    """

    key: str
    name: str
    phrase: str
    about: str
    levels: list[str]
    at: np.ndarray
    ordered: bool = False
    within: bool = False


def factors_of(cells: Cells) -> list[Factor]:
    """The factors of a part that have at least two levels."""
    made = [make(cells) for make in _MAKERS]
    return [f for f in made if f is not None and len(set(f.at[f.at >= 0].tolist())) > 1]


def script_of(language: str) -> str:
    """The ISO 15924 code of a language's script; the language's own code where nothing is known."""
    return get_language(language).script if is_language(language) else language


def _script_name(script: str) -> str:
    """``Latin (Latn)``; the code alone where it has no name."""
    import langcodes

    name = langcodes.Language.make(script=script).script_name() if len(script) == 4 else script
    return script if name == script else f"{name} ({script})"


# --- factors of the question ------------------------------------------------------------------------------------------


def shown_language(part: Part) -> str:
    """The language in which most questions are shown to a reader: the pivot, else English, else the first."""
    pivots = [r.pivot for r in part.rows if r.pivot]
    return max(pivots, key=pivots.count) if pivots else part.languages[0]


def _category(cells: Cells) -> Factor | None:
    part = cells.part
    language = shown_language(part)
    texts = {r.id: r.shown.questions[language].text for r in part.rows}
    worlds = _are_worlds(part)
    if worlds:  # whose ids name the world, and whose languages have words of their own
        english = {i: gloss(i, {language: text}) for i, text in texts.items()}
        texts = {i: e.question if e else texts[i] for i, e in english.items()}
    found = categories(texts, by_id=not worlds)
    if found is None:
        return None
    levels = sorted(set(found.of.values()), key=lambda c: (c == OTHERS, c))
    about = f"Taken from {found.source}; categories of fewer than five questions are put together."
    if "wording" in found.source:
        where = "" if worlds else f" in {language_name(language)}"
        about = f"Taken from {found.source}{where}; rare ones are put together."
    return _of_questions(
        cells, "category", "category", "the category", about, levels, [levels.index(found.of[r.id]) for r in part.rows]
    )


def _are_worlds(part: Part) -> bool:
    """Whether no two seeds of a study have a question in common."""
    seeds: dict[str, set[int]] = {}
    for row in part.rows:
        seeds.setdefault(row.id, set()).add(row.seed)
    return len(set().union(*seeds.values())) > 1 and all(len(own) == 1 for own in seeds.values())


def _pivot_right(cells: Cells) -> Factor | None:
    rows = cells.part.rows
    pivots = {r.pivot for r in rows if r.pivot}
    if not pivots or not cells.part.has_gold:
        return None
    named = ", ".join(sorted(map(language_name, pivots)))
    found = [-1 if r.pivot is None or r.gold is None else int(r.before[r.pivot] == r.gold) for r in rows]
    about = f"Whether {named} was right before. Only the other languages are counted."
    made = _of_questions(
        cells, "pivot", f"{named} knew it", f"whether {named} knew it", about, ["no", "yes"], found, ordered=True
    )
    for i, row in enumerate(rows):
        if row.pivot is not None:
            made.at[i, cells.part.languages.index(row.pivot)] = -1
    return made


def _n_right(cells: Cells) -> Factor | None:
    if not cells.part.has_gold:
        return None
    counts = [float(n) if known else None for n, known in zip(cells.right[0].sum(axis=1), cells.known, strict=True)]
    about = "In how many languages the question was right before."
    return _of_numbers(
        cells, "n_right", "languages right before", "the number of languages right before", about, counts, "{:.0f}"
    )


def _agreement(cells: Cells) -> Factor | None:
    sizes = []
    for row in cells.part.rows:
        given = [a for a in row.before.values() if a is not None]
        sizes.append(float(max((given.count(a) for a in given), default=0)))
    about = "How many languages gave the most common answer before, right or wrong."
    return _of_numbers(
        cells, "agreement", "languages that agreed before", "how many languages agreed before", about, sizes, "{:.0f}"
    )


def _probability(cells: Cells) -> Factor | None:
    values = [r.elected.probability if r.elected else None for r in cells.part.rows]
    about = "The vote's estimate that its winner is right."
    return _of_numbers(
        cells, "probability", "the vote’s probability", "the vote’s probability", about, values, "{:.2f}"
    )


def _margin(cells: Cells) -> Factor | None:
    values = [r.elected.margin if r.elected and r.elected.winner is not None else None for r in cells.part.rows]
    about = "The lead of the vote's winner over the runner-up."
    return _of_numbers(cells, "margin", "the vote’s margin", "the vote’s margin", about, values, "{:.2f}")


def _trained(cells: Cells) -> Factor | None:
    found = [-1 if r.elected is None else int(r.elected.trained) for r in cells.part.rows]
    about = "Whether the question is in the training pairs: some are kept out, and on some the vote decided nothing."
    return _of_questions(
        cells, "trained", "trained on", "whether it was trained on", about, ["no", "yes"], found, ordered=True
    )


def _shared(cells: Cells) -> Factor | None:
    rows, languages = cells.part.rows, cells.part.languages
    if len(languages) < 2 or not cells.part.has_gold:
        return None
    levels = ["no pair", "under half", "half or more", "all pairs"]
    found = []
    for row in rows:
        share = shared_name(row, languages)
        found.append(-1 if share is None else 0 if share == 0 else 3 if share == 1 else 1 if share < 0.5 else 2)
    about = (
        "In how many pairs of languages the right option's text is the same name: equal without accents, case and "
        "punctuation, or with a word of four letters or more in common."
    )
    phrase = "how many pairs of languages share the answer’s name"
    return _of_questions(cells, "shared", "name shared between languages", phrase, about, levels, found, ordered=True)


def shared_name(row: Row, languages: Sequence[str]) -> float | None:
    """The share of pairs of languages in which the right option has the same name; None where gold is not known."""
    if row.gold is None:
        return None
    texts = {x: loosely(row.shown.options[x][row.gold].text, x).text for x in languages}
    words = {x: {w for w in text.split() if len(w) >= _LETTERS} for x, text in texts.items()}
    pairs = list(combinations(languages, 2))
    return sum(texts[a] == texts[b] or bool(words[a] & words[b]) for a, b in pairs) / len(pairs)


def _length(cells: Cells) -> Factor | None:
    from scipy.stats import rankdata

    rows = cells.part.rows
    known = [i for i, r in enumerate(rows) if r.gold is not None]
    if len(known) < 3:
        return None
    total: list[float] = [0.0] * len(known)
    for language in cells.part.languages:
        lengths = [rows[i].shown.options[language][rows[i].gold or 0].length for i in known]
        total = [a + float(b) for a, b in zip(total, rankdata(lengths), strict=True)]
    ranks = rankdata(total) / len(known)
    found = [-1] * len(rows)
    for i, rank in zip(known, ranks, strict=True):
        found[i] = min(2, int(3 * (rank - 1e-9)))
    about = "The length of the right option's text in characters, ranked within each language: three groups."
    levels = ["short", "middle", "long"]
    return _of_questions(
        cells, "length", "length of the answer", "the length of the answer", about, levels, found, ordered=True
    )


# --- factors of the language ------------------------------------------------------------------------------------------


def _language(cells: Cells) -> Factor | None:
    languages = cells.part.languages
    about = "The language of the question."
    return _of_languages(cells, "language", "language", "the language", about, [language_name(x) for x in languages])


def _script(cells: Cells) -> Factor | None:
    about = "The script of the language. Languages differ in more than their script."
    found = [_script_name(script_of(x)) for x in cells.part.languages]
    return _of_languages(cells, "script", "script", "the script", about, found)


_MAKERS: tuple[Callable[[Cells], Factor | None], ...] = (
    _category, _language, _script, _pivot_right, _n_right, _agreement, _probability, _margin, _trained, _shared,
    _length,
)  # fmt: skip


# --- making them ------------------------------------------------------------------------------------------------------


def _of_questions(
    cells: Cells,
    key: str,
    name: str,
    phrase: str,
    about: str,
    levels: list[str],
    found: Sequence[int],
    *,
    ordered: bool = False,
) -> Factor:
    import numpy as np

    at = np.repeat(np.array(found)[:, None], len(cells.part.languages), axis=1)
    return Factor(key, name, phrase, about, levels, at, ordered)


def _of_languages(cells: Cells, key: str, name: str, phrase: str, about: str, found: Sequence[str]) -> Factor:
    import numpy as np

    levels = list(dict.fromkeys(found))
    at = np.repeat(np.array([[levels.index(x) for x in found]]), len(cells.part.rows), axis=0)
    return Factor(key, name, phrase, about, levels, at, within=True)


def _of_numbers(
    cells: Cells, key: str, name: str, phrase: str, about: str, values: Sequence[float | None], form: str
) -> Factor | None:
    """Numbers as levels: as they are where there are few, else four groups of about the same size."""
    import numpy as np

    there = np.array([v for v in values if v is not None])
    distinct = sorted(set(there.tolist()))
    if len(distinct) < 2:
        return None
    if len(distinct) <= _LEVELS:
        levels = [form.format(v) for v in distinct]
        found = [-1 if v is None else distinct.index(v) for v in values]
    else:
        edges = np.unique(np.quantile(there, [0.25, 0.5, 0.75]))
        groups = np.searchsorted(edges, there, side="left")
        used = sorted(set(groups.tolist()))
        bounds = [(form.format(own.min()), form.format(own.max())) for own in (there[groups == g] for g in used)]
        levels = [low if low == high else f"{low} to {high}" for low, high in bounds]
        found = [-1 if v is None else used.index(int(np.searchsorted(edges, v, side="left"))) for v in values]
    return _of_questions(cells, key, name, phrase, about, levels, found, ordered=True)
