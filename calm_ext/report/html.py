"""The report as one self-contained HTML page.

Everything that a model, a data set or a recipe says is escaped by the template (autoescape); plots are data URIs.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calm_ext.languages import LANGUAGES
from calm_ext.records import Pair
from calm_ext.report.collect import STAGES, WHEN, RunData
from calm_ext.report.passages import retrieval_context
from calm_ext.report.plots import (
    accuracy_name,
    consistency_name,
    margin_groups,
    margin_unit,
    matrices,
    training_rows,
)
from calm_ext.report.words import (
    NONE,
    direction,
    duration,
    finding,
    headline,
    interval,
    is_number,
    language_name,
    merit,
    metric_name,
    number,
    p_value,
    pairs_words,
    percent,
    plain_difference,
    primary_task,
    shown_metrics,
    tasks_of,
    training_words,
    vote_words,
)

LONGEST = 700
N_EXAMPLES = 4
COVERAGES = (1.0, 0.75, 0.5, 0.25)


def environment() -> Any:
    """The template environment of this package: everything escaped, nothing undefined."""
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    env = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.globals.update(text_of=text_of, dash=NONE)
    env.filters.update(number=number, percent=percent, duration=duration, p=p_value)
    return env


def render_page(data: RunData, summary: Mapping[str, Any], plots: Mapping[str, bytes]) -> str:
    """The page; ``plots`` are those of :func:`calm_ext.report.plots.draw_all`."""
    tone, sentence = headline(summary)
    tasks = tasks_of(summary)
    context = {
        "name": data.name,
        "tone": tone,
        "sentence": sentence,
        "findings": [finding(name, task) for name, task in tasks.items()],
        "missing": list(data.missing),
        "models": {w: e.model for w, e in data.evaluations.items()},
        "primary": primary_task(summary),
        "tasks": [_task(data, name, task) for name, task in tasks.items()],
        "plots": {k: "data:image/png;base64," + base64.b64encode(v).decode() for k, v in plots.items()},
        "retrieval": retrieval_context(summary),
        "vote": _vote(data, summary),
        "pairs": _pairs(data, summary),
        "training": _training(data),
        "cost": _cost(data),
        "recipe": data.recipe_text,
        "versions": summary["versions"],
        "signatures": {t: v["signature"] for t, v in tasks.items() if v["signature"]},
    }
    page: str = environment().get_template("template.html").render(context)
    return page


def text_of(code: str) -> dict[str, str]:
    """The attributes of an element that holds text in a language: ``lang``, and ``dir`` where it runs right to left."""
    language = LANGUAGES.get(code)
    return {"lang": code, "dir": "rtl" if language and language.right_to_left else "ltr"}


def clip(text: str, longest: int = LONGEST) -> str:
    """A text cut to a readable length."""
    text = text.strip()
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


# --- tasks ------------------------------------------------------------------------------------------------------------


def _row(task: Mapping[str, Any], metric: str, *, p: str = "p") -> dict[str, Any]:
    d = task["difference"].get(metric)
    return {
        "name": metric_name(metric),
        **{w: number(task[w].get(metric)) for w in WHEN},
        **{f"{w}_ci": interval(task["ci95"][w].get(metric)) for w in WHEN},
        "difference": number(d["value"] if d else plain_difference(task, metric), signed=True),
        "difference_ci": interval([d["low"], d["high"]], signed=True) if d else "",
        "p": p_value(d[p]) if d else NONE,
        "sign": direction(d, p=p),
        "merit": merit(metric, direction(d, p=p)),
    }


def _task(data: RunData, name: str, task: Mapping[str, Any]) -> dict[str, Any]:
    languages = [
        {**_row(task, f"acc_{x}", p="p_holm"), "code": x, "name": language_name(x), "endonym": _endonym(x)}
        for x in task["languages"]
        if f"acc_{x}" in task["before"] or f"acc_{x}" in task["after"]
    ]
    found = matrices(data, name)
    pairs = sorted(next(iter(found.values()), {}), key=lambda ab: min(m.get(ab, 1.0) for m in found.values()))
    last = data.result(name, "after") or data.result(name, "before")
    n_options = last.detail.n_options if last and last.detail else 0
    rows = [_row(task, m) for m in shown_metrics(task)]
    return {
        "name": name,
        "about": finding(name, task).about,
        "rows": rows,
        "reasons": _reasons(task, rows),
        "languages": languages,
        "chance": 1 / n_options if n_options else None,
        "accuracy_plot": accuracy_name(name),
        "consistency_plot": consistency_name(name),
        "pairs": [
            {
                "a": a,
                "b": b,
                **{w: number(found.get(w, {}).get((a, b))) for w in WHEN},
                "difference": number(_minus(found, (a, b)), signed=True),
            }
            for a, b in pairs
        ],
    }


def _minus(found: Mapping[str, Mapping[tuple[str, str], float]], pair: tuple[str, str]) -> float | None:
    if len(found) < 2 or not all(pair in m for m in found.values()):
        return None
    return found["after"][pair] - found["before"][pair]


def _endonym(code: str) -> str:
    return LANGUAGES[code].endonym if code in LANGUAGES and not LANGUAGES[code].invented else ""


def _reasons(task: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why there are dashes in a task's table."""
    reasons = []
    for when in WHEN:
        if not task[when]:
            reasons.append(f"the task was not evaluated {when} alignment")
        elif any(r[when] == NONE for r in rows):
            reasons.append(f"the results {when} alignment have no value of that metric")
    if all(task[w] for w in WHEN) and not task["difference"]:
        reasons.append("without samples of both evaluations there are means only, and nothing to test")
    elif any(r["p"] == NONE for r in rows) and task["difference"]:
        reasons.append("a metric that is not a mean over questions, or that one side lacks, has no paired test")
    return reasons


# --- vote and pairs ---------------------------------------------------------------------------------------------------


def _vote(data: RunData, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    if not summary.get("vote"):
        return None
    gold = data.gold
    languages = []
    for code in dict.fromkeys(x for b in data.ballots for x in b.votes):
        own = [(b, v) for b in data.ballots for v in b.votes.get(code, [])]
        elected = [v == b.winner for b, v in own if b.winner is not None]
        known = [v == gold[b.id] for b, v in own if gold.get(b.id) is not None]
        weights = {b.weights[code] for b in data.ballots if code in b.weights}
        languages.append(
            {
                "name": language_name(code),
                "answers": len(own),
                "answered": percent(_mean([v is not None for _, v in own])),
                "agreement": percent(_mean(elected)),
                "accuracy": percent(_mean(known)),
                "weight": f"{weights.pop():g}" if len(weights) == 1 else "varies",
            }
        )
    decided = sorted((b for b in data.ballots if b.winner is not None), key=lambda b: -b.margin)
    coverage = []
    for share in COVERAGES:
        kept = decided[: round(share * len(decided))]
        if kept:
            known = [b.winner == gold[b.id] for b in kept if gold.get(b.id) is not None]
            row = {"share": f"{share:.0%}".replace("%", " %"), "n": len(kept), "margin": number(kept[-1].margin)}
            coverage.append({**row, "accuracy": percent(_mean(known))})
    return {
        "words": vote_words(summary["vote"]),
        "languages": languages,
        "coverage": coverage,
        "unit": margin_unit(data),
        "groups": {k: len(v) for k, v in margin_groups(data).items()},
        "has_gold": any(a is not None for a in gold.values()),
    }


def _mean(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _pairs(data: RunData, summary: Mapping[str, Any]) -> dict[str, Any] | None:
    if not summary.get("pairs"):
        return None
    gold = data.gold
    origins = list(summary["pairs"]["by_origin"])
    rows = []
    for code in summary["pairs"]["by_language"]:
        own = [p for p in data.pairs or [] if p.language == code]
        known = [p.chosen_answer == gold[p.id] for p in own if gold.get(p.id) is not None]
        counts = Counter(p.origin for p in own)
        rows.append(
            {
                "name": language_name(code),
                "n": len(own),
                "questions": len({p.id for p in own}),
                "origins": [counts[o] for o in origins],
                "precision": percent(_mean(known)),
            }
        )
    return {
        "words": pairs_words(summary["pairs"]),
        "origins": origins,
        "rows": rows,
        "heldout": len(data.heldout),
        "heldout_pairs": len(data.heldout_pairs),
        "examples": [_example(data, p) for p in _chosen_examples(data.pairs or [])],
    }


def _chosen_examples(pairs: Sequence[Pair]) -> list[Pair]:
    """The clearest pair of each of a few languages: largest margin, then the first."""
    best: dict[str, Pair] = {}
    for pair in pairs:
        if pair.language not in best or pair.margin > best[pair.language].margin:
            best[pair.language] = pair
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
        "origin": pair.origin,
        "verdict": {None: "no gold label", True: "chosen is right", False: "chosen is wrong"}[right],
    }


# --- training and cost ------------------------------------------------------------------------------------------------


def _training(data: RunData) -> dict[str, Any] | None:
    if not data.log and not data.training:
        return None
    options = data.recipe.get("training") or {}
    checks = training_rows(data.log, "check") or list(data.training.get("checks") or [])
    rows = training_rows(data.log, "train")
    step = max(1, -(-len(rows) // 20))
    loss = f"{str(options.get('method', 'dpo')).upper()}"
    if is_number(options.get("nll_weight")) and options["nll_weight"] > 0:
        loss += f" + {options['nll_weight']:g} × NLL of the chosen response"
    return {
        "words": training_words(data.training) if data.training else "Training did not end; the log goes this far.",
        "warnings": list(dict.fromkeys(str(r["message"]) for r in data.log if r.get("message"))),
        "chosen": data.training.get("chosen_step"),
        "checks": checks,
        "rows": rows[::-1][::step][::-1],
        "thinned": step > 1,
        "loss": loss,
        "options": {k: options[k] for k in ("learning_rate", "beta", "epochs", "batch_size", "lora_r") if k in options},
    }


def _cost(data: RunData) -> list[dict[str, str]]:
    names = [*STAGES, *(s for s in data.stages if s not in STAGES)]
    rows = []
    for stage in (s for s in names if s in data.stages):
        entry = data.stages[stage]
        memory = entry.get("peak_memory_mib")
        # The training is a process of its own, whose memory its summary tells.
        if stage == "train" and is_number(data.training.get("peak_memory_mib")):
            memory = data.training["peak_memory_mib"]
        shown = f"{memory:,.0f} MiB" if is_number(memory) else NONE
        finished = str(entry.get("finished") or NONE).replace("T", " ")[:19]
        rows.append({"stage": stage, "time": duration(entry.get("seconds")), "memory": shown, "finished": finished})
    return rows
