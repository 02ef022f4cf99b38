"""Numbers as text, and a summary in sentences, for the terminal and for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from calm_ext.files.shown import fixed
from calm_ext.metrics.compare import ALPHA
from calm_ext.metrics.names import LOWER_IS_BETTER, family_of, metric_name, metric_order
from calm_ext.records import ANCHOR

NONE = "–"
LONGEST = 700

Summary = Mapping[str, Any]


def number(value: Any, *, signed: bool = False) -> str:
    """Three decimals, with a real minus; a dash where there is no number.

    >>> number(0.12345), number(-0.5, signed=True), number(None), number(0.0, signed=True)
    ('0.123', '−0.500', '–', '0.000')
    """
    if not is_number(value):
        return NONE
    return fixed(value, signed=signed).replace("-", "−")


def small(value: Any) -> str:
    """Three digits of a number of any size, a learning rate say.

    >>> small(0.000123456), small(1e-7)
    ('0.000123', '1e-07')
    """
    return f"{value:.3g}".replace("-0.", "−0.") if is_number(value) else NONE


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def interval(bounds: Sequence[Any] | None, *, signed: bool = False) -> str:
    """``[0.123, 0.456]``; empty where there is none."""
    if not bounds or not all(is_number(x) for x in bounds):
        return ""
    return f"[{number(bounds[0], signed=signed)}, {number(bounds[1], signed=signed)}]"


def p_value(value: Any) -> str:
    """A p-value.

    >>> p_value(0.0002), p_value(0.0312)
    ('<0.001', '0.031')
    """
    if not is_number(value):
        return NONE
    return "<0.001" if value < 0.001 else number(value)


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "question"), counted(18, "question")
    ('1 question', '18 questions')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(value: Any) -> str:
    """A share in per cent."""
    return f"{fixed(100 * value, 1)} %" if is_number(value) else NONE


def duration(seconds: Any) -> str:
    """Seconds as a person says them.

    >>> duration(4.21), duration(75), duration(7322)
    ('4.2 s', '1 min 15 s', '2 h 2 min')
    """
    if not is_number(seconds):
        return NONE
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def clip(text: str, longest: int = LONGEST) -> str:
    """A text cut to a readable length."""
    text = text.strip()
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def direction(difference: Mapping[str, Any] | None, *, p: str = "p") -> int:
    """1 for a significant rise, -1 for a significant fall, 0 for anything else.

    Significant is what has p < 0.05 and an interval without 0, in summaries of older versions, too.

    >>> direction({"value": -0.008, "low": -0.016, "high": 0.016, "p": 0.002})
    0
    """
    if not difference or not is_number(difference.get(p)) or difference[p] >= ALPHA:
        return 0
    low, high = difference.get("low"), difference.get("high")
    if is_number(low) and is_number(high) and low <= 0 <= high:
        return 0
    return (difference["value"] > 0) - (difference["value"] < 0)


def merit(metric: str, sign: int) -> int:
    """1 where a change of this sign is good, -1 where it is bad."""
    return -sign if metric in LOWER_IS_BETTER else sign


def tasks_of(summary: Summary) -> dict[str, Mapping[str, Any]]:
    """The tasks of a summary, without its other parts."""
    return {k: v for k, v in summary.items() if isinstance(v, Mapping) and "ci95" in v}


def shown_metrics(task: Mapping[str, Any]) -> list[str]:
    """The metrics of a task to list beside each other: all but those of single languages, best known first."""
    names = dict.fromkeys([*task["before"], *task["after"]])
    return metric_order(m for m in names if not family_of(m)[0])


def plain_difference(task: Mapping[str, Any], metric: str) -> float | None:
    """After - before of the means, for tasks that have no paired difference."""
    before, after = task["before"].get(metric), task["after"].get(metric)
    return after - before if is_number(before) and is_number(after) else None


# --- sentences --------------------------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """One task in words.

    Attributes:
        tone: ``good``, ``bad`` or ``none``.
        about: what was asked: ``500 questions in 5 languages, none of them asked in the alignment``.
        claims: a sentence for accuracy and one for consistency.
    """

    task: str
    tone: str
    about: str
    claims: list[str]


def finding(name: str, task: Mapping[str, Any]) -> Finding:
    """One task in words, with intervals and p-values; it claims no more than these support."""
    n, languages = task.get("n_questions"), task["languages"]
    about = (f"{n} questions" if n is not None else "questions") + (
        f" in {len(languages)} languages" if languages else ""
    )
    about += held_out_words(task)
    metrics = [m for m in ("acc", "consistency") if m in task["before"] or m in task["after"]]
    if not metrics:
        metrics = shown_metrics(task)[:2]
    claims = [_claim(metric, task) for metric in metrics]
    signs = [direction(task["difference"].get(m)) for m in metrics]
    tone = "bad" if -1 in signs else "good" if 1 in signs else "none"
    return Finding(name, tone, about, claims)


def held_out_words(task: Mapping[str, Any]) -> str:
    """Whether a task's questions were asked in the alignment, as a subordinate clause."""
    if not is_number(task.get("asked")):
        return ""
    n, asked, trained = task["n_questions"], task["asked"], task["trained"]
    if asked == 0:
        return ", none of them asked in the alignment (held out)"
    share = "all of them" if asked == n else f"{asked} of them"
    return f", {share} asked in the alignment (not held out; {trained} in the training pairs)"


def _claim(metric: str, task: Mapping[str, Any]) -> str:
    before, after, d = task["before"].get(metric), task["after"].get(metric), task["difference"].get(metric)
    name = metric_name(metric)
    name = name[0].upper() + name[1:]
    if not is_number(before) or not is_number(after):
        when, value = ("before", before) if is_number(before) else ("after", after)
        bounds = interval(task["ci95"].get(when, {}).get(metric))
        shown = f" {bounds}" if bounds else ""
        return f"{name} {when} alignment: {number(value)}{shown}."
    if not d:
        return f"{name} {number(before)} → {number(after)} (means only: nothing can be said of significance)."
    verb = {1: "rose from", -1: "fell from", 0: "did not change significantly:"}[direction(d)]
    joint = "→" if direction(d) == 0 else "to"
    bounds = interval([d["low"], d["high"]], signed=True)
    value, p = number(d["value"], signed=True), p_value(d["p"])
    return f"{name} {verb} {number(before)} {joint} {number(after)} (difference {value} {bounds}, p {_equals(p)})."


def _equals(p: str) -> str:
    return p.replace("<", "< ") if p.startswith("<") else f"= {p}"


def sampling_words(sampling: Mapping[str, Any]) -> str:
    """How many responses are missing or were cut, by language, in a sentence."""
    asked, parts = sampling["responses"], []
    for key, what in (("missing", "missing"), ("cut", "cut at max_new_tokens")):
        counts = sampling.get(key) or {}
        if counts:
            shares = ", ".join(f"{code} {percent(n / asked[code])}" for code, n in counts.items() if asked.get(code))
            parts.append(f"{sum(counts.values())} {what} ({shares})")
    return f"Of {sum(asked.values())} responses {' and '.join(parts)}."


def vote_words(vote: Mapping[str, Any]) -> str:
    """The vote in a sentence."""
    n, decided, ties = vote["n_questions"], vote["n_decided"], vote["n_ties"]
    text = f"{decided} of {n} questions decided, {ties} tied; mean margin {number(vote['mean_margin'])}"
    if is_number(vote["accuracy"]):
        text += f"; right on {percent(vote['accuracy'])} of all, {percent(vote['accuracy_kept'])} of the decided"
    else:
        text += "; no gold labels to check it against"
    if is_number(vote.get("estimated_accuracy")) and decided:
        of_decided = vote["estimated_accuracy"] * n / decided
        text += f"; {percent(of_decided)} of the decided by its own estimate, made without gold"
        if vote.get("estimated_accuracy_range"):
            low, high = vote["estimated_accuracy_range"]
            text += (
                f", and of all questions from {percent(low)} (languages err alike) to {percent(high)} (each on its own)"
            )
        if vote.get("calibration_doubt"):
            text += f"; not calibrated here: {vote['calibration_doubt']}"
    return text + "."


def origin_words(origin: str) -> str:
    """Where the chosen side of a pair comes from, in words.

    >>> origin_words("native"), origin_words("anchor")
    ('native', 'anchor: the language agrees already')
    """
    return "anchor: the language agrees already" if origin == ANCHOR else origin


def pairs_words(pairs: Mapping[str, Any]) -> str:
    """The pairs in a sentence."""
    if not pairs["n_pairs"]:
        return "No pair: no language contradicts the vote on a decided question, so there is nothing to train on."
    counts = ", ".join(f"{code} {n}" for code, n in pairs["by_language"].items())
    origins = ", ".join(f"{n} {origin_words(origin)}" for origin, n in pairs["by_origin"].items())
    right = (
        f"chosen answer right in {percent(pairs['precision'])}" if is_number(pairs["precision"]) else "no gold labels"
    )
    if pairs.get("anchors") and is_number(pairs.get("precision_without_anchors")):
        right += f" ({percent(pairs['precision_without_anchors'])} without anchors)"
    unused = f" Training took {_EXAMPLES[pairs['instead']]} instead of them." if pairs.get("instead") else ""
    return f"{pairs['n_pairs']} pairs ({counts}); chosen: {origins}; {right}.{unused}"


#: What a method eats -> what its examples are called.
_EXAMPLES = {"chosen": "responses", "groups": "questions", "questions": "prompts"}


def training_words(training: Mapping[str, Any], stages: Mapping[str, Any]) -> str:
    """The training in a sentence.

    Args:
        stages: stage -> the seconds that it took. The training's time is that of its stage, with the start of its
            process, as the table of costs and the live screen have it.

    >>> training_words({"n_pairs": 9, "eats": "questions", "loss": 0.5, "chosen_step": 4}, {"train": 2.0})
    '9 prompts; mean loss 0.500; checkpoint of step 4 kept; 2.0 s.'
    """
    dropped = training.get("n_pairs_dropped")
    more = f" ({dropped} more left out for their length)" if dropped else ""
    what = _EXAMPLES.get(training.get("eats", ""), "pairs")
    parts = [f"{training.get('n_pairs', NONE)} {what}{more}", f"mean loss {number(training.get('loss'))}"]
    step = training.get("chosen_step")
    if step is None:
        parts.append("last checkpoint kept")
    else:
        parts.append("the untrained model kept" if step == 0 else f"checkpoint of step {step} kept")
    parts.append(duration(stages.get("train")))
    return "; ".join(parts) + "."
