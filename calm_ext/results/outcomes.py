"""What a model answered to one document of another people's task: the right option, the one given, and its scores.

The accuracy of what is read here is lm-eval's own. Where options were scored, the answer is the one of the highest
summed log-probability (lm-eval's ``acc``); where the model wrote, the answer is what the task's filter took from the
response, and counts as right exactly where lm-eval's ``exact_match`` is 1. Every line that has such a metric is checked
against it, so that a target that was misunderstood cannot pass.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from calm_ext.answers.read import read_answer
from calm_ext.data.families import Family, TargetForm
from calm_ext.errors import CalmError
from calm_ext.results.lines import Line, option_texts
from calm_ext.results.shapes import texts_of

#: lm-eval's accuracies of scored options -> what each score is divided by.
ACCURACIES = {"acc": None, "acc_norm": "characters", "acc_bytes": "bytes"}
#: ``--answer-from``, besides names of metrics.
SCORED, READ, RESPONSE = "scored", "read", "response"
_WRITTEN = ("exact_match", "acc")


class Outcome(NamedTuple):
    """A document with the model's answer.

    Attributes:
        gold, answer: index of the option, None where it is not known or could not be read; where answers are compared
            as texts, the text.
        scores: of each option, by which the answer was chosen, where options were scored.
        second: the scores of the second accuracy that the task logs, see :func:`second_accuracy`.
        off: whether ``second`` does not give the accuracy that lm-eval logged.
        content: lm-eval's hash of the document.
        texts: of the options, where they were asked for.
        where: ``file:line``.
    """

    gold: int | str | None
    answer: int | str | None
    n_options: int | None
    scores: tuple[float, ...] | None
    second: tuple[float, ...] | None
    off: bool
    content: str
    texts: tuple[str, ...] | None
    where: str


def second_accuracy(line: Line, answer_from: str) -> str:
    """The accuracy that stands beside the first: the summed one, or the first of the normalised that are logged."""
    if line.scores is None:
        return ""
    if answer_from in ("acc_norm", "acc_bytes"):
        return "acc"
    return next((name for name in ("acc_norm", "acc_bytes") if name in line.metrics), "")


def read_outcome(
    line: Line, family: Family, language: str, *, answer_from: str, second: str = "", texts: bool = False
) -> Outcome:
    """The outcome of a line.

    Args:
        language: our code; needed where the project's reader reads the response.
        answer_from: ``scored``, ``read``, ``response``, or a metric.
        second: the second accuracy, empty where it is not needed.
        texts: keep the options' texts.

    Raises:
        DataError: the line does not have what is needed, or contradicts what lm-eval made of it.
    """
    single = line.scores is not None and len(line.scores) == 1
    if single and answer_from == SCORED:
        raise line.error(
            "one text was scored and there are no options to choose from; --answer-from acc counts whether it was "
            "right (another metric of 0 and 1 likewise)"
        )
    if line.scores is not None and not single and answer_from in (SCORED, *ACCURACIES):
        return _scored(line, family, "acc" if answer_from == SCORED else answer_from, second, texts)
    if line.scores is not None and answer_from in (READ, RESPONSE):
        raise line.error(f"its options were scored, so there is no response for --answer-from {answer_from}")
    options = _columns(line, family)
    kept = tuple(options) if texts and options else None
    gold: int | str | None
    answer: int | str | None
    n: int | None = len(options) or None
    if answer_from == SCORED:
        gold, form = _gold(line, family, n, options), _form_of(line, family)
        answer = _extracted(line, gold, options, form)
    elif answer_from == READ:
        if not options:
            raise line.error("the texts of its options are not known, so its response cannot be read")
        gold = _gold(line, family, n, options)
        try:
            answer = read_answer(_response(line.unfiltered[0]), options, language)
        except CalmError as error:
            raise line.error(str(error)) from None
    elif answer_from == RESPONSE:
        gold, answer = (_normal(x) or None for x in (str(line.field("target")), _response(line.responses[0])))
        n = None
    else:
        value = line.metric(answer_from)
        if value not in (0.0, 1.0):
            known = ", ".join(line.metrics) or "none"
            raise line.error(f"its {answer_from} is {value}, neither 0 nor 1 (its metrics: {known})")
        gold, answer, n = 1, int(value), None  # right or wrong, of no number of options
    return Outcome(gold, answer, n, None, None, False, _digest(line), kept, line.where)


def _scored(line: Line, family: Family, first: str, second: str, texts: bool) -> Outcome:
    sums = line.scores
    assert sums is not None
    options: list[str] = []
    if texts or first != "acc" or second not in ("", "acc") or family.form == "text":
        options = option_texts(line.continuations)
    gold = _gold(line, family, len(sums), options)
    by_first, answer, off = _normalised(line, sums, first, gold, options)
    if off:
        logged = line.metric(first)
        if logged not in (0.0, 1.0):
            raise line.error(f"its {first} is {logged:g}, so that no option was right or wrong")
        right = "right" if answer == gold else "wrong"
        raise line.error(
            f"its {first} is {logged:g}, but by its target the answer is {right}: how is the right option written? "
            f"(--target, --form)"
        )
    by_second, _, second_off = _normalised(line, sums, second, gold, options) if second else (None, 0, False)
    shown = (_columns(line, family) or options) if texts else None
    return Outcome(
        gold, answer, len(sums), tuple(by_first), tuple(by_second) if by_second else None, second_off, _digest(line),
        tuple(shown) if shown else None, line.where,
    )  # fmt: skip


def _normalised(
    line: Line, sums: Sequence[float], name: str, gold: int | None, options: Sequence[str]
) -> tuple[Sequence[float], int, bool]:
    """The scores of one of lm-eval's accuracies, their best, and whether they contradict the value that it logged.

    Where the options without their first blank do not give the logged value and those with it do, the task has no
    delimiter, and the blank is part of the option.
    """
    logged = line.metric(name)
    found = sums if ACCURACIES[name] is None else _divided(sums, options, name)
    best = found.index(max(found))
    off = logged is not None and float(best == gold) != logged
    if off and ACCURACIES[name] is not None:
        whole = _divided(sums, line.continuations, name)
        other = whole.index(max(whole))
        if float(other == gold) == logged:
            return whole, other, False
    return found, best, off


def _divided(sums: Sequence[float], options: Sequence[str], name: str) -> list[float]:
    lengths = [len(o) if ACCURACIES[name] == "characters" else len(o.encode()) for o in options]
    return [value / length if length else float("-inf") for value, length in zip(sums, lengths, strict=True)]


# --- the right option


def _gold(line: Line, family: Family, n: int | None, options: Sequence[str]) -> int | None:
    """The index of the right option; None where the target is none of the options, which lm-eval counts as wrong."""
    if isinstance(family.target, int):
        return family.target
    value = line.field(family.target)
    text = str(value).strip()
    if isinstance(value, (list, tuple)) or (text.startswith("[") and text.endswith("]")):
        raise line.error(f"has several right answers ({text[:40]}), which cannot be compared across languages")
    form = _form_of(line, family)
    if not options and line.scores is None and form != "letter" and family.form in ("auto", "text"):
        raise line.error(
            f"its options are not known, and its target {text[:40]!r} is no letter: compare texts (--answer-from "
            f"response), or say that it numbers options (--form zero_based or one_based)"
        )
    if form == "text":
        texts = options or option_texts(line.continuations)
        plain = [o.strip() for o in texts]
        if len(plain) > 1 and len(set(plain)) == 1:
            raise line.error(
                "its options stand before one text that was scored after each of them; name the field that says which "
                "is right (--target), and how (--form)"
            )
        if plain.count(text) != 1:
            raise line.error(f"its target {text[:40]!r} is not one of its {len(plain)} options (--target, --form)")
        return plain.index(text)
    found = _index(text, form)
    if found is None:
        kind = "letter" if form == "letter" else "number"
        raise line.error(f"its target {text[:40]!r} is no {kind} (--target, --form)")
    return found if 0 <= found < (n or found + 1) else None


def _form_of(line: Line, family: Family) -> TargetForm:
    """How the target of a line is written."""
    if family.form != "auto":
        return family.form
    return "zero_based" if isinstance(family.target, int) else _form(str(line.field(family.target)).strip())


@lru_cache(maxsize=1024)
def _form(text: str) -> TargetForm:
    """How a target is written that is not described."""
    return "zero_based" if _number(text) is not None else "letter" if re.fullmatch("[A-Za-z]", text) else "text"


@lru_cache(maxsize=1024)
def _index(text: str, form: TargetForm) -> int | None:
    """The index that a number or letter means; None where it is none."""
    if form == "letter":
        return ord(text.upper()) - ord("A") if re.fullmatch("[A-Za-z]", text) else None
    found = _number(text)
    return found - 1 if found is not None and form == "one_based" else found


def _number(text: str) -> int | None:
    return int(float(text)) if re.fullmatch(r"-?\d{1,6}(\.0)?", text) else None


def _columns(line: Line, family: Family) -> list[str]:
    """The options in the doc; empty where the family names no columns."""
    if family.options is None:
        return []
    if isinstance(family.options, str):
        found = line.field(f"doc.{family.options}")
        if not isinstance(found, list):
            raise line.error(f"its doc.{family.options} is no list of options")
        return [str(o) for o in found]
    values = [line.doc.get(name) for name in family.options]
    return [str(o) for o in values if o not in (None, "")]


# --- what the model wrote


def _extracted(line: Line, gold: int | None, options: Sequence[str], form: TargetForm) -> int | None:
    """The option that the task's filter took from the response, right exactly where lm-eval says so.

    A number is the place of an option only where the target is one, and then counted like it.
    """
    name = next((m for m in _WRITTEN if m in line.metrics), None)
    scored = line.metric(name) if name else None
    if scored not in (0.0, 1.0):
        known = ", ".join(line.metrics) or "none"
        raise line.error(f"has no exact_match, 0 or 1; choose a metric with --answer-from (its metrics: {known})")
    if scored == 1.0:
        if gold is None:
            raise line.error(f"its {name} is 1, but its target is none of its options (--target, --form)")
        return gold
    text = _response(line.responses[0]).strip().strip("()[].:*").strip()
    found = _index(text, "letter")
    if found is None and form in ("zero_based", "one_based"):
        found = _index(text, form)
    if found is None:
        plain = [o.strip() for o in options]
        found = plain.index(text) if plain.count(text) == 1 else None
    return found if found is not None and found != gold and 0 <= found < (len(options) or 26) else None


def _response(value: Any) -> str:
    """The first text of a response; empty where there is none."""
    return next(iter(texts_of(value)), None) or ""


def _normal(text: str) -> str:
    """A text as it is compared: without case, punctuation and spaces at its ends or doubled."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(" " if unicodedata.category(c)[0] in "PZC" else c for c in plain).split())


def _digest(line: Line) -> str:
    """lm-eval's hash of the document; where it wrote none, one of the document."""
    return line.doc_hash[:16] or hashlib.sha256(repr(line.doc).encode("utf-8", "surrogatepass")).hexdigest()[:16]
