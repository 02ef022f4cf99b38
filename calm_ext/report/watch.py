"""What the watch over training found to be unlearned, by name, for the page and the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calm_ext.report.plots.method import training_rows
from calm_ext.report.rundata import RunData
from calm_ext.report.words import clip, is_number, number, percent

#: So many lost questions are shown with their text.
N_SHOWN = 5


def watch_summary(data: RunData) -> dict[str, Any] | None:
    """What is left of the untrained model's agreeing answers at the kept checkpoint, or at the last check.

    Returns:
        ``step``; ``kept``, the share left; ``n``, how many agreed before; ``kept_by_language``: language -> [left,
        agreed]; ``n_lost``, the questions on which all languages agreed before and do not now, and ``lost``, the first
        of these: ``id``, ``language`` and ``question`` in that language (None where the run has no such question) and
        ``turned``: language -> [option before, option now] where it turned. None where the log does not say what is
        kept.
    """
    checks = training_rows(data.log, "check") or list(data.training.get("checks") or [])
    chosen = data.training.get("chosen_step")
    at = [c for c in checks if c.get("step") == chosen] or checks[-1:]
    if not at or not is_number(at[0].get("kept")):
        return None
    found = at[0]
    answers = {r["step"]: r.get("answers") or {} for r in training_rows(data.log, "answers")}
    before, now = answers.get(0, {}), answers.get(found["step"], {})
    texts = {q.id: q for q in data.questions}
    lost = []
    for identity in found.get("lost", [])[:N_SHOWN]:
        question = texts.get(identity)
        language = question.shown_language if question else None
        old, new = before.get(identity, {}), now.get(identity, {})
        lost.append(
            {
                "id": identity,
                "language": language,
                "question": question.versions[language].question if question and language else None,
                "turned": {x: [old[x], new.get(x)] for x in old if old[x] != new.get(x)},
            }
        )
    by_language = found.get("kept_by_language") or {}
    return {
        "step": found["step"],
        "kept": found["kept"],
        "n": sum(total for _, total in by_language.values()),
        "kept_by_language": by_language,
        "n_lost": len(found.get("lost", [])),
        "lost": lost,
    }


def check_words(check: Mapping[str, Any], untrained: Mapping[str, Any]) -> str:
    """What a check of the held-out questions found, beside the untrained model.

    >>> check_words({"step": 8, "consistency": 0.7, "kept": 0.95}, {"step": 0, "consistency": 0.58, "kept": 1.0})
    'step 8, held-out questions without labels: consistency 0.700 (untrained 0.580), 95.0 % of agreeing answers kept'
    """
    found = []
    for key, name in (("consistency", "consistency"), ("agreement", "agreement with the vote")):
        if is_number(check.get(key)):
            before = number(untrained.get(key)) if check["step"] != untrained["step"] else None
            found.append(f"{name} {number(check[key])}" + (f" (untrained {before})" if before else ""))
    if is_number(check.get("kept")) and check["step"] != untrained["step"]:
        found.append(f"{percent(check['kept'])} of agreeing answers kept")
    return f"step {check['step']}, held-out questions without labels: {', '.join(found)}"


def kept_words(watch: Mapping[str, Any]) -> str:
    """How many agreeing answers are kept, in a sentence."""
    counts = ", ".join(f"{x} {same} of {total}" for x, (same, total) in watch["kept_by_language"].items())
    return (
        f"At step {watch['step']}, {percent(watch['kept'])} of the {watch['n']} held-out answers that agreed with the "
        f"other languages before training are left ({counts})."
    )


def watch_words(watch: Mapping[str, Any]) -> str:
    """The same, with the questions on which languages no longer agree."""
    if not watch["n_lost"]:
        return kept_words(watch)
    named = "; ".join(
        f"{q['id']}: {clip(' '.join(q['question'].split()), 80)}" if q["question"] else q["id"] for q in watch["lost"]
    )
    more = f"; and {watch['n_lost'] - len(watch['lost'])} more" if watch["n_lost"] > len(watch["lost"]) else ""
    return f"{kept_words(watch)} No longer answered alike in all languages: {named}{more}."
