"""The preference pairs as the page shows them: counts, lengths, origin, and a few of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from calm_ext.languages import language_name
from calm_ext.records import Pair
from calm_ext.report.rundata import RunData
from calm_ext.report.words import clip, number, origin_words, pairs_words, percent

N_EXAMPLES = 4


def pairs_context(data: RunData, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the page's section shows; None where there are no pairs yet."""
    pairs = summary.get("pairs")
    if not pairs:
        return None
    gold = data.gold
    origins = list(pairs["by_origin"])
    rows = []
    for code in pairs["by_language"]:
        own = [p for p in data.pairs or [] if p.language == code]
        known = [p.chosen_answer == gold[p.id] for p in own if gold.get(p.id) is not None]
        counts = Counter(p.origin for p in own)
        lengths = pairs["lengths"][code]
        rows.append(
            {
                "name": language_name(code),
                "n": len(own),
                "questions": len({p.id for p in own}),
                "origins": [counts[o] for o in origins],
                "precision": percent(sum(known) / len(known) if known else None),
                "chosen": f"{lengths['chosen']:,.0f}",
                "rejected": f"{lengths['rejected']:,.0f}",
                "longer": percent(lengths["chosen_longer"]),
            }
        )
    return {
        "words": pairs_words(pairs),
        "origins": [origin_words(o) for o in origins],
        "foreign": ", ".join(
            f"{n} to questions in {language_name(x)}" for x, n in (pairs.get("in_another_language") or {}).items()
        ),
        "rows": rows,
        "heldout": len(data.heldout),
        "heldout_pairs": len(data.heldout_pairs),
        "examples": [_example(data, p) for p in _chosen_examples(data.pairs or [])],
    }


def _chosen_examples(pairs: Sequence[Pair]) -> list[Pair]:
    """The clearest pair of each of a few languages: no anchor if there is another, largest margin, then the first."""
    best: dict[str, Pair] = {}
    for pair in sorted(pairs, key=lambda p: (p.is_anchor, -p.margin)):
        best.setdefault(pair.language, pair)
    best = {x: best[x] for x in dict.fromkeys(p.language for p in pairs)}
    step = max(1, len(best) // N_EXAMPLES)
    return list(best.values())[::step][:N_EXAMPLES]


def _example(data: RunData, pair: Pair) -> dict[str, Any]:
    question = next((q for q in data.questions if q.id == pair.id), None)
    version = question.versions.get(pair.language) if question else None
    prompt = pair.prompt if isinstance(pair.prompt, str) else "\n".join(m.get("content", "") for m in pair.prompt)
    answer = data.gold.get(pair.id)
    right = None if answer is None else pair.chosen_answer == answer
    return {
        "id": pair.id,
        "code": pair.language,
        "language": language_name(pair.language),
        "prompt": clip(version.question if version else prompt),
        "chosen": clip(pair.chosen),
        "rejected": clip(pair.rejected),
        "margin": number(pair.margin),
        "origin": origin_words(pair.origin),
        "verdict": {None: "no gold label", True: "chosen is right", False: "chosen is wrong"}[right],
    }
