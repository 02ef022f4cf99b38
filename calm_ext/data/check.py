"""What there is to know about a set of questions before it is used: counts, and findings to look at.

Nothing here refuses: findings are notes about questions that load. Texts are compared after NFKC, case folding and
collapsing white space; *near* duplicates are questions whose TF-IDF vectors (words and their beginnings; characters and
their pairs in scripts without spaces: :func:`calm_ext.data.parallel.features.bags`) have a cosine of at least ``NEAR``.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from calm_ext.data.parallel.doubts import find_doubts
from calm_ext.data.parallel.evidence import read_texts
from calm_ext.data.parallel.features import bags, tfidf
from calm_ext.data.parallel.rows import Joined, Repair
from calm_ext.languages import get_language
from calm_ext.languages.scripts import share_in_script
from calm_ext.prompts import LETTERS, letter_of
from calm_ext.records import ParallelQuestion

#: cosine from which two questions are near duplicates
NEAR = 0.9
#: letters a text must have to be judged by its script, and the share of them that must be of the language's
_MIN_LETTERS, _MIN_SHARE = 8, 0.3
#: letters a question must have for the same text in two languages to be called untranslated
_MIN_UNTRANSLATED = 12
_STEP = 2000
#: options that a question may have for its languages to be compared: the time grows faster than their square
_MOST_COMPARED = 40

Pairs = tuple[tuple[str, str], ...]


class LanguageCheck(NamedTuple):
    """One language's questions.

    Attributes:
        questions: how many there are.
        same_options: ids of questions two of whose options are the same text.
        gold_doubled: those of them in which the right option is one of the two.
        duplicates: pairs of ids with the same question text; near_duplicates: with nearly the same.
        wrong_script: ids of questions that are mostly not in the language's script.
    """

    questions: int
    same_options: tuple[str, ...]
    gold_doubled: tuple[str, ...]
    duplicates: Pairs
    near_duplicates: Pairs
    wrong_script: tuple[str, ...]


class Overlap(NamedTuple):
    """Questions that the other set has, too: pairs of ids (this set's, the other's), by language."""

    against: str
    exact: dict[str, Pairs]
    near: dict[str, Pairs]


class Check(NamedTuple):
    """Everything about a set of questions.

    Attributes:
        missing: language -> ids of questions without it.
        untranslated: (language, language) -> ids of questions with one text in both.
        gold: letter -> questions; ``none`` counts those without gold answer, a number is of an option without letter.
        many_options: ids of questions with more options than there are letters.
        doubts: (id, language, what) where the content says that the languages differ.
        overlap: with another set, where there is one; ``not_compared`` says why there is none.
    """

    name: str
    n_questions: int
    languages: dict[str, LanguageCheck]
    missing: dict[str, tuple[str, ...]]
    untranslated: dict[tuple[str, str], tuple[str, ...]]
    gold: dict[str, int]
    repairs: tuple[Repair, ...]
    doubts: tuple[tuple[str, str, str], ...]
    many_options: tuple[str, ...] = ()
    overlap: Overlap | None = None
    not_compared: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain objects and lists."""
        overlap = self.overlap
        return {
            "name": self.name,
            "n_questions": self.n_questions,
            "languages": {x: c._asdict() for x, c in self.languages.items()},
            "missing": self.missing,
            "untranslated": {"-".join(pair): ids for pair, ids in self.untranslated.items()},
            "gold": self.gold,
            "many_options": self.many_options,
            "repairs": [r._asdict() for r in self.repairs],
            "doubts": [{"id": i, "language": x, "what": what} for i, x, what in self.doubts],
            "overlap": overlap._asdict() if overlap else None,
            "not_compared": self.not_compared or None,
        }

    def notes(self) -> list[str]:
        """The findings, one line each, with the ids of the first few questions concerned."""
        found = [f"repaired: {r}" for r in self.repairs]
        for language, own in self.languages.items():
            for label, ids in (
                ("two options the same", own.same_options),
                ("duplicates", own.duplicates),
                ("near duplicates", own.near_duplicates),
                ("not in the language's script", own.wrong_script),
            ):
                if ids:
                    found.append(f"{language}: {label}: {_first(ids)}")
        found += [f"{x}: missing in {_first(ids)}" for x, ids in self.missing.items()]
        found += [f"{a} and {b} have the same text: {_first(ids)}" for (a, b), ids in self.untranslated.items()]
        found += [f"{language}: {what}" for _, language, what in self.doubts]
        if self.many_options:
            lacking = f"there are letters for {len(LETTERS)} options only, so style explain cannot ask"
            found.append(f"{lacking}: {_first(self.many_options)}")
        if self.overlap:
            for language, exact in self.overlap.exact.items():
                near = self.overlap.near[language]
                counts = f"{language}: {len(exact)} in {self.overlap.against}, {len(near)} nearly"
                found.append(counts + (f": {_first([*exact, *near])}" if exact or near else ""))
        return found


def _first(ids: Sequence[str | tuple[str, str]], shown: int = 5) -> str:
    texts = ["=".join(i) if isinstance(i, tuple) else i for i in ids]
    return ", ".join(texts[:shown]) + (f", … {len(texts) - shown} more" if len(texts) > shown else "")


def check_questions(name: str, joined: Joined, *, prove: bool) -> Check:
    """Look at a set of questions.

    Args:
        prove: whether to look for rows that are no translations of each other; what a source's loader joined is
            proven already.
    """
    questions = joined.questions
    versions: dict[str, list[ParallelQuestion]] = defaultdict(list)
    for question in questions:
        for language in question.versions:
            versions[language].append(question)
    gold = Counter(letter_of(q.answer) for q in questions)
    missing = {x: tuple(q.id for q in questions if x not in q.versions) for x in versions}
    return Check(
        name,
        len(questions),
        {x: _language(own, x) for x, own in versions.items()},
        {x: ids for x, ids in missing.items() if ids},
        _untranslated(questions),
        dict(sorted(gold.items(), key=lambda item: (len(item[0]), item[0]))),
        joined.repairs,
        _doubts(questions, set(versions)) if prove else (),
        tuple(q.id for q in questions if q.n_options > len(LETTERS)),
    )


def overlap(questions: Sequence[ParallelQuestion], others: Sequence[ParallelQuestion], *, against: str) -> Overlap:
    """The questions of one set that another has, too, by their text in each language that both have."""
    exact: dict[str, Pairs] = {}
    near: dict[str, Pairs] = {}
    mine = {x for q in questions for x in q.versions}
    theirs = {x for q in others for x in q.versions}
    for language in sorted(mine & theirs):
        one = [(q.id, q.versions[language].question) for q in questions if language in q.versions]
        two = [(q.id, q.versions[language].question) for q in others if language in q.versions]
        ids = defaultdict(list)
        for other, text in two:
            ids[plain_text(text)].append(other)
        exact[language] = tuple((i, other) for i, text in one for other in ids.get(plain_text(text), ()))
        table = tfidf([bags(text).own for _, text in (*one, *two)], max_share=0.2)
        found = _near(table[: len(one)], table[len(one) :])
        pairs = [(one[i][0], two[j][0]) for i, j in found]
        known = set(exact[language])
        near[language] = tuple(p for p in pairs if p not in known)
    return Overlap(against, exact, near)


def plain_text(text: str) -> str:
    """The text after NFKC and case folding, its white space collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _language(questions: Sequence[ParallelQuestion], language: str) -> LanguageCheck:
    same, doubled = [], []
    for q in questions:
        version = q.versions[language]
        options = [plain_text(o) for o in version.options]
        if len(set(options)) < len(options):
            same.append(q.id)
            if q.answer is not None and options.count(options[q.answer]) > 1:
                doubled.append(q.id)
    duplicates, near = alike(questions, language)
    return LanguageCheck(
        len(questions),
        tuple(same),
        tuple(doubled),
        duplicates,
        near,
        tuple(q.id for q in questions if wrong_script(q.versions[language].question, language)),
    )


def alike(questions: Sequence[ParallelQuestion], language: str) -> tuple[Pairs, Pairs]:
    """Pairs of ids with the same question text in a language, and with nearly the same."""
    texts = [plain_text(q.versions[language].question) for q in questions]
    first: dict[str, str] = {}
    duplicates = []
    for question, text in zip(questions, texts, strict=True):
        if text in first:
            duplicates.append((first[text], question.id))
        first.setdefault(text, question.id)
    table = tfidf([bags(q.versions[language].question).own for q in questions], max_share=0.2)
    near = [(i, j) for i, j in _near(table, table) if i < j and texts[i] != texts[j]]
    return tuple(duplicates), tuple((questions[i].id, questions[j].id) for i, j in near)


def _near(one: Any, other: Any) -> list[tuple[int, int]]:
    """Pairs of rows with a cosine of at least ``NEAR``; sparse products of a few thousand rows at a time."""
    found = []
    turned = other.T.tocsc()
    for start in range(0, one.shape[0], _STEP):
        block = (one[start : start + _STEP] @ turned).tocoo()
        hit = block.data >= NEAR
        found += [(start + int(i), int(j)) for i, j in zip(block.row[hit], block.col[hit], strict=True)]
    return sorted(found)


def wrong_script(text: str, language: str) -> bool:
    """Whether a text has letters enough to judge, and most are not of the language's script."""
    text = unicodedata.normalize("NFKC", text)
    share = share_in_script(text, get_language(language).script)
    return share is not None and share < _MIN_SHARE and sum(c.isalpha() for c in text) >= _MIN_LETTERS


def _untranslated(questions: Sequence[ParallelQuestion]) -> dict[tuple[str, str], tuple[str, ...]]:
    found = defaultdict(list)
    for question in questions:
        seen: dict[str, str] = {}
        for language, version in question.versions.items():
            text = plain_text(version.question)
            if sum(c.isalpha() for c in text) < _MIN_UNTRANSLATED:
                continue
            if text in seen:
                found[seen[text], language].append(question.id)
            seen.setdefault(text, language)
    return {pair: tuple(ids) for pair, ids in found.items()}


def _doubts(questions: Sequence[ParallelQuestion], languages: set[str]) -> tuple[tuple[str, str, str], ...]:
    """What the content says against questions that have all languages."""
    whole = [q for q in questions if languages <= set(q.versions) and q.n_options <= _MOST_COMPARED]
    if len(languages) < 2 or not whole:
        return ()
    source = Counter(q.source_language for q in whole).most_common(1)[0][0]
    order = list(whole[0].versions)
    pivot = source if source in languages else order[0]
    rows = {x: [(q.versions[x].question, q.versions[x].options) for q in whole] for x in order}
    texts = {x: read_texts(own) for x, own in rows.items()}
    doubts = find_doubts(texts, [q.answer for q in whole], pivot=str(pivot))
    found = []
    for doubt in doubts:
        ids = [whole[r].id for r in doubt.rows]
        found.append((ids[0], doubt.language, doubt.describe(" and ".join(ids))))
    return tuple(found)


def uneven(gold: dict[str, int]) -> bool:
    """Whether the gold letters are spread less evenly than chance does in 1 of 1,000 sets (χ² against uniform)."""
    counts = np.array([n for letter, n in gold.items() if letter != "none"], float)
    if len(counts) < 2 or counts.sum() == 0:
        return False
    from scipy.stats import chi2

    expected = counts.sum() / len(counts)
    return bool(((counts - expected) ** 2 / expected).sum() > chi2.isf(0.001, len(counts) - 1))
