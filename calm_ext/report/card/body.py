"""The sentences of a model card: how the model was made, what it is not for, and how to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calm_ext.data import SOURCES, Source
from calm_ext.languages import LANGUAGES, language_name
from calm_ext.metrics.answered import parts_of
from calm_ext.metrics.names import metric_label
from calm_ext.report.card.base import Base, section
from calm_ext.report.card.citation import BIBTEX
from calm_ext.report.card.markdown import plain
from calm_ext.report.collect import WHEN, RunData
from calm_ext.report.outdated import outdated_words
from calm_ext.report.page.passages import retrieval_words
from calm_ext.report.styles import styles_rows, styles_title
from calm_ext.report.verdict import SUPERVISED, is_supervised, primary_task, verdict
from calm_ext.report.words import (
    NONE,
    direction,
    duration,
    finding,
    interval,
    is_number,
    number,
    p_value,
    pairs_words,
    percent,
    plain_difference,
    sampling_words,
    shown_metrics,
    tasks_of,
    training_words,
    vote_words,
)

_BAD = "By its own evaluation the alignment did harm: use the base model instead."


def source_of(data: RunData) -> tuple[str, Source] | None:
    """Name and entry of the data source; None where it is none of ours."""
    name = str(section(data, "data").get("source") or "")
    return (name, SOURCES[name]) if name in SOURCES else None


def languages_of(data: RunData, summary: Mapping[str, Any]) -> list[str]:
    """The languages asked in, or else those measured."""
    asked = [x for q in data.questions[:1] for x in q.versions]
    return asked or list(dict.fromkeys(x for task in tasks_of(summary).values() for x in task["languages"]))


def context(data: RunData, summary: Mapping[str, Any], *, base: Base, repo: str, relation: str) -> dict[str, Any]:
    """The values of ``card.md.jinja``."""
    tasks = tasks_of(summary)
    primary = primary_task(summary)
    codes = languages_of(data, summary)
    source = source_of(data)
    return {
        "name": plain(data.name, longest=96),
        "base": base,
        "base_url": f"https://huggingface.co/{base.hub_id}" if base.hub_id else None,
        "relation": relation,
        "languages": _listed([language_name(x) for x in codes]) or "languages that are not known here",
        "supervised": SUPERVISED if is_supervised(summary) else None,
        "verdict": verdict(summary)[1],
        "finding": finding(primary, tasks[primary]) if primary else None,
        "missing": list(data.missing),
        "outdated": [plain(x) for x in outdated_words(data.outdated)],
        "tasks": [_task(name, task) for name, task in tasks.items()],
        "styles": [
            {"title": styles_title(g), "rows": styles_rows(g), "warnings": g["warnings"]}
            for g in summary.get("styles", ())
        ],
        "made": _made(data, summary, codes),
        "limits": _limits(data, summary, codes),
        "usage": _usage(data, base, repo, relation),
        "signatures": "\n".join(v["signature"] for v in tasks.values() if v["signature"]),
        "versions": ", ".join(f"{k} {v}" for k, v in (summary.get("versions") or {}).items()),
        "took": duration(sum(x for x in (summary.get("stages") or {}).values() if is_number(x))),
        "source": source[1] if source and source[1].url else None,
        "bibtex": BIBTEX,
    }


def _task(name: str, task: Mapping[str, Any]) -> dict[str, Any]:
    found = finding(name, task)
    per_language = [f"acc_{x}" for x in task["languages"] if any(f"acc_{x}" in task[w] for w in WHEN)]
    rows = [_row(task, metric, "p") for metric in shown_metrics(task)]
    return {
        "name": name,
        "about": found.about,
        "claims": found.claims,
        "rows": rows + [_row(task, metric, "p_holm") for metric in per_language],
    }


def _row(task: Mapping[str, Any], metric: str, p: str) -> dict[str, str]:
    d = task["difference"].get(metric)
    found = {"metric": metric_label(metric)}
    for when in WHEN:
        bounds = interval(task["ci95"][when].get(metric))
        found[when] = " ".join(x for x in (number(task[when].get(metric)), bounds) if x)
    if d:
        found["difference"] = f"{number(d['value'], signed=True)} {interval([d['low'], d['high']], signed=True)}"
    else:
        found["difference"] = number(plain_difference(task, metric), signed=True)
    return found | {"p": p_value(d.get(p)) if d else NONE}


# --- how it was made --------------------------------------------------------------------------------------------------


def _made(data: RunData, summary: Mapping[str, Any], codes: list[str]) -> list[tuple[str, str]]:
    """(stage, sentence) of what there is."""
    found = []
    recipe, source = data.recipe, source_of(data)
    if data.questions:
        of = f" of {source[0]} ({source[1].title})" if source else ""
        held = f"; {len(data.heldout)} kept out of training, to watch it by" if data.heldout else ""
        found.append(("Questions", f"{len(data.questions)}{of} in {len(codes)} languages{held}."))
    if summary.get("retrieval"):
        found.append(("Passages", f"{_values(data, 'retrieval', _RETRIEVAL)}; {retrieval_words(summary['retrieval'])}"))
    if recipe.get("sampling"):
        mode = section(data, "sampling").get("mode")
        keys = _OPTIONS if mode == "options" else _SAMPLING
        given = section(data, "sampling").get("template_args")
        extra = f", template_args {plain(given, longest=120)}" if given else ""
        said = f" {sampling_words(summary['sampling'])}" if summary.get("sampling") else ""
        found.append(("Samples", f"{_values(data, 'sampling', keys)}{extra}.{said}"))
    if recipe.get("vote"):
        said = f" {vote_words(summary['vote'])}" if summary.get("vote") else ""
        found.append(("Vote", f"{_values(data, 'vote', _VOTE)}.{said[:1]}{said[1:2].upper()}{said[2:]}"))
    if summary.get("pairs"):
        found.append(("Pairs", f"{pairs_words(summary['pairs'])} {_values(data, 'pairs', _PAIRS)}."))
    if recipe.get("training"):
        said = f" {training_words(summary['training'], summary.get('stages') or {})}" if summary.get("training") else ""
        found.append(("Training", f"{_values(data, 'training', _TRAINING)}.{said}"))
    return found


_RETRIEVAL = ("index", "method", "query", "k", "budget", "judge")
_OPTIONS = ("mode", "style", "chat_template", "seed")
_SAMPLING = ("mode", "style", "n", "temperature", "top_p", "max_new_tokens", "chat_template", "seed")
_VOTE = ("rule", "ties", "min_margin", "min_probability", "min_languages", "keep_share", "keep")
_PAIRS = (
    "chosen", "fallback", "anchors", "anchor_ratio", "balance", "reject_unparsed", "max_per_question", "max_ratio",
)  # fmt: skip
_TRAINING = (
    "method", "loss", "label_smoothing", "noise", "beta", "nll_weight", "anchors", "anchor_weight", "learning_rate",
    "epochs", "batch_size", "gradient_accumulation", "max_length", "lora_r", "lora_alpha", "lora_dropout",
    "lora_targets", "quantize", "dtype", "select", "seed",
)  # fmt: skip


def _values(data: RunData, name: str, keys: tuple[str, ...]) -> str:
    given = section(data, name)
    return ", ".join(f"{k} {_shown(given[k])}" for k in keys if given.get(k) is not None)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(", ".join(map(str, value)) if isinstance(value, list) else value, longest=120)


# --- limits -----------------------------------------------------------------------------------------------------------


def _limits(data: RunData, summary: Mapping[str, Any], codes: list[str]) -> list[str]:
    """What this run does not show, and what its model is not for."""
    tasks, source = tasks_of(summary), source_of(data)
    found = []
    if verdict(summary)[0] == "bad":
        found.append(_BAD)
    medical = [name for name, entry in SOURCES.items() if entry.medical]
    if any(name.startswith(f"calm_{x}_") for name in tasks for x in medical) or (source and source[1].medical):
        found.append(
            "Not for medical use. The questions are of examinations; nobody has validated the model clinically, and a "
            "consistent answer can be consistently wrong."
        )
    if any(x in LANGUAGES and LANGUAGES[x].invented for x in codes):
        found.append(
            "Babel's languages are invented and its facts made up: this model is of no use but to try calm-ext."
        )
    found.append(_measured(tasks))
    found += _about_tasks(tasks)
    found.append(_ceiling(summary))
    found += _about_translations(data)
    if data.retrieval:
        found.append(
            "It was trained on prompts with passages; a passage that is wrong, or written to mislead, misleads it."
        )
    found.append("Whatever the base model has of biases, errors and terms of use, this model has too.")
    return found


def _ceiling(summary: Mapping[str, Any]) -> str:
    if is_supervised(summary):
        return "It was trained on gold labels: what it gains is an upper bound, not what the method gains without them."
    estimate = (summary.get("vote") or {}).get("estimated_accuracy")
    right = f", by its own estimate right on {percent(estimate)} of the questions," if is_number(estimate) else ""
    return (
        f"The vote{right} is the ceiling: what most languages get wrong in the same way is trained in as if it were "
        f"right, and the languages that the model knows best decide for the others."
    )


def _measured(tasks: Mapping[str, Mapping[str, Any]]) -> str:
    codes = list(dict.fromkeys(x for task in tasks.values() for x in task["languages"]))
    in_free_text = any(parts_of(task["signature"]).get("style") == "open" for task in tasks.values())
    what = "multiple-choice questions and short answers in free text" if in_free_text else "multiple-choice questions"
    open_too = "" if in_free_text else "open questions, "
    rest = f"{open_too}conversation, safety and every other language were not looked at."
    if not codes:
        return f"Nothing has been measured across languages; {rest}"
    return f"Measured on {what} in {_listed([language_name(x) for x in codes])} only; {rest}"


def _about_tasks(tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    found = []
    for name, task in tasks.items():
        d, n = task["difference"].get("acc"), task.get("n_questions")
        if is_number(task.get("asked")) and task["asked"]:
            found.append(
                f"{name}: {task['asked']} of its {n} questions were asked in the alignment, so its numbers show what "
                f"was learnt, not what carries over to other questions."
            )
        elif task["languages"] and task.get("asked") is None:
            found.append(f"{name}: whether its questions were asked in the alignment is not known.")
        if d and all(is_number(d.get(k)) for k in ("low", "high")):
            half = (d["high"] - d["low"]) / 2
            found.append(f"{name}: {n} questions; a difference of accuracy below about {number(half)} cannot be seen.")
        fallen = [x for x in task["languages"] if direction(task["difference"].get(f"acc_{x}"), p="p_holm") < 0]
        if fallen:
            found.append(f"{name}: accuracy fell significantly in {_listed([language_name(x) for x in fallen])}.")
        answered = task["after"].get("answered")
        if is_number(answered) and answered < 0.98:
            found.append(f"{name}: {percent(1 - answered)} of the answers could not be read, and count as wrong.")
    return found


def _about_translations(data: RunData) -> list[str]:
    sources = {q.source_language for q in data.questions if q.source_language}
    invented = any(x in LANGUAGES and LANGUAGES[x].invented for x in sources)
    translated = any(x != q.source_language for q in data.questions if q.source_language for x in q.versions)
    if invented or not translated:
        return []
    return [
        f"The questions were written in {_listed([language_name(x) for x in sorted(sources)])}; the other versions are "
        f"translations, in most such data made by machine, and what they get wrong counts as the model's error."
    ]


def _listed(items: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


# --- use --------------------------------------------------------------------------------------------------------------


def _usage(data: RunData, base: Base, repo: str, relation: str) -> str:
    """Python that loads the model and asks it a question as it was asked in the alignment."""
    sampling, babel = section(data, "sampling"), section(data, "babel")
    style = sampling.get("style") or ("cloze" if sampling.get("mode") == "options" else "explain")
    tokens = sampling.get("max_new_tokens") if is_number(sampling.get("max_new_tokens")) else 256
    name = json.dumps(repo)
    lines = ["from transformers import AutoModelForCausalLM, AutoTokenizer", ""]
    if relation == "merge":
        lines += [f"model = AutoModelForCausalLM.from_pretrained({name})"]
        lines += [f"tokenizer = AutoTokenizer.from_pretrained({name})"]
    elif base.hub_id:
        lines[0] = "from peft import AutoPeftModelForCausalLM\nfrom transformers import AutoTokenizer"
        lines += [f"model = AutoPeftModelForCausalLM.from_pretrained({name})  # or the folder adapter/ of the run"]
        lines += [f"tokenizer = AutoTokenizer.from_pretrained({json.dumps(base.hub_id)})"]
    else:
        lines[0] = "from peft import PeftModel\n" + lines[0]
        if base.path == "babel":
            given = ", ".join(f"{k}={babel[k]}" for k in ("seed", "passages") if is_number(babel.get(k)))
            lines[0] = "from calm_ext.babel import BabelConfig, build\n" + lines[0]
            lines += [f"base = build(BabelConfig({given}))"]
        else:
            lines += [f"base = {json.dumps(plain(Path(base.path).name))}  # the base model's folder"]
        lines += [f"model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), {name})"]
        lines += ["tokenizer = AutoTokenizer.from_pretrained(base)"]
    chat = bool(sampling.get("chat_template"))
    if base.path == "babel":
        lines[0] = "from calm_ext.data import load_questions\n" + lines[0]
        lines += ['asked = load_questions("babel", split="test")[0].versions["qaa"]']
        lines += [f'prompt = ask("qaa", asked.question, asked.options, {json.dumps(plain(style))})']
    else:
        lines += [f'prompt = ask("en", "Where do fish live?", ["water", "air"], {json.dumps(plain(style))})']
    lines[0] = "from calm_ext.prompts import ask  # pip install calm-ext\n" + lines[0]
    if chat:
        lines += ['turns = [{"role": "user", "content": prompt}]']
        more = sampling.get("template_args")
        extra = "".join(f", {k}={v!r}" for k, v in more.items()) if isinstance(more, dict) else ""
        lines += [f"prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True{extra})"]
    if style == "letters":
        tokens = 2  # the letter
    special = ", add_special_tokens=False" if chat else ""
    lines += [f'inputs = tokenizer(prompt, return_tensors="pt", return_token_type_ids=False{special})']
    lines += [f"output = model.generate(**inputs, max_new_tokens={int(tokens or 256)}, do_sample=False)"]
    lines += ['print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))']
    return "\n".join(lines)
