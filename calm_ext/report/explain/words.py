"""What was found, in sentences: which answers changed, what explains it, which became wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.languages import language_name
from calm_ext.metrics.compare import ALPHA
from calm_ext.report.explain.alike import WRONG
from calm_ext.report.explain.parts import KINDS
from calm_ext.report.words import counted, interval, is_number, number, p_value, percent

Values = Mapping[str, Any]

#: event -> how a sentence about it begins
_DEPENDS = {
    "won": "Which wrong answers became right",
    "lost": "Which right answers became wrong",
    "changed": "Which answers changed",
}
#: how many factors a paragraph names
_NAMED = 3


class Leading(NamedTuple):
    """A factor on which an event depends significantly."""

    factor: Values
    event: str
    test: Values


def leading(values: Values) -> list[Leading]:
    """The factors that tell which answers became right or wrong (Holm's p < 0.05), the clearest first; each once.

    Of equal p-values the factor that explains most comes first.
    """
    found = [
        Leading(f, event, test)
        for f in values["factors"]
        for event, test in f["tests"].items()
        if is_number(test["p_holm"]) and test["p_holm"] < ALPHA and "lowest" in test
    ]
    found.sort(key=lambda x: (x.test["p_holm"], -x.test["explained"]))
    return list({x.factor["key"]: x for x in reversed(found)}.values())[::-1]


def title(values: Values) -> str:
    """The part in a few words: ``calm_klar_xl_mc: 300 questions in 4 languages, held out``."""
    return f"{values['task']}: {asked_words(values)}"


def asked_words(values: Values) -> str:
    """What was asked: ``300 questions in 4 languages, 5 folds and 3 seeds, held out``."""
    parts = [f"{counted(values['n_questions'], 'question')} in {counted(len(values['languages']), 'language')}"]
    models = models_words(values)
    return ", ".join([*parts, *([models] if models else []), KINDS[values["kind"]]])


def models_words(values: Values) -> str:
    """Of how many folds and seeds the answers are, as far as there are several.

    >>> models_words({"repeated": {"seeds": ["seed 0", "seed 1"], "n_folds": 5}}), models_words({})
    ('5 folds and 2 seeds', '')
    """
    found = values.get("repeated") or {"seeds": [], "n_folds": 0}
    numbers = ((found["n_folds"], "fold"), (len(found["seeds"]), "seed"))
    return _listed([counted(n, name) for n, name in numbers if n > 1])


def counted_words(values: Values) -> str:
    """How questions are counted that several models answered, and which are drawn together; empty of others."""
    found = values.get("repeated")
    if not found:
        return ""
    text = ""
    if is_repeated(values):
        text = f"A question counts once for each model that answered it: {found['n_rows']} times in all."
    if found["n_clusters"]:
        text += f" Questions that belong together are drawn as one, in {found['n_clusters']} groups."
    return text.strip()


def is_repeated(values: Values) -> bool:
    """Whether several models answered a question."""
    return bool(values.get("repeated", {}).get("n_rows", 0) > values["n_questions"])


def paragraph(values: Values) -> dict[str, str]:
    """``moved``, ``why`` and ``lost``: a few sentences each; ``why`` and ``lost`` are empty where nothing is known."""
    return {"moved": _moved(values), "why": " ".join(_why(values)), "lost": _lost(values)}


def _moved(values: Values) -> str:
    counts, n = values["outcomes"]["all"], sum(values["outcomes"]["all"].values())
    where = asked_words(values)
    if not values["gold"]:
        changed = counts["changed"]
        text = f"Of {n} answers ({where}), {counted(changed, 'answer')} ({percent(changed / n)}) changed."
        return f"{text} No right answers are known.{_went(values, ('consistency',))}"
    changed = counts["won"] + counts["lost"] + counts["other"]
    text = f"Of {n} answers ({where}), {counted(changed, 'answer')} ({percent(changed / n)}) changed"
    if changed:
        ways = {
            "won": "became right",
            "lost": "became wrong",
            "other": "went from one wrong answer to another, or to or from none",
        }
        parts = [f"{counted(counts[k], 'answer')} {words}" for k, words in ways.items() if counts[k]]
        text += f": {_listed(parts)}"
    return f"{text}.{_went(values, ('acc', 'consistency'))}"


def _went(values: Values, metrics: tuple[str, ...]) -> str:
    names = {"acc": "Accuracy", "consistency": "Consistency"}
    text = ""
    for metric in metrics:
        c = values[metric]
        if c:
            text += (
                f" {names[metric]} went from {number(c['before'])} to {number(c['after'])} "
                f"({number(c['difference'], signed=True)} {interval(c['ci95'], signed=True)}{_by_seed(c)})."
            )
    return text


def _by_seed(change: Values) -> str:
    """``; by seed +0.071, +0.085``; empty of one seed."""
    found = [number(x, signed=True) for x in change.get("by_seed", ())]
    return f"; by seed {', '.join(found)}" if found else ""


def _why(values: Values) -> list[str]:
    found = []
    towards = values["towards"]
    majority = towards["targets"].get("majority") if towards else None
    if majority and majority["changed"]:
        others = "the majority of the other languages" if len(values["languages"]) > 2 else "the other language"
        text = (
            f"Of the {majority['changed']} changed answers that had differed from {others}, {majority['to']} "
            f"({percent(majority['share'])}) took over its answer; {percent(majority['chance'])} would by chance."
        )
        if values["gold"] and majority["to"]:
            text += f" {percent(majority['right'] / majority['to'])} of these changes were to the right answer."
            gain = towards["gain"]
            text += (
                f" Together they add {number(gain['majority'], signed=True)} to the accuracy; all changes add "
                f"{number(sum(gain.values()), signed=True)}."
            )
        found.append(text)
    misled = towards["targets"].get("misleading") if towards else None
    if misled and misled["changed"]:
        others = "that majority" if len(values["languages"]) > 2 else "the other language"
        found.append(
            f"Where {others} was wrong, {percent(misled['share'])} took over its answer all the same "
            f"({misled['to']} of {counted(misled['changed'], 'answer')})."
        )
    link = values["link"]
    if link and is_number(link["spearman"]):
        low, high = link["ci95"]
        said = (
            "Questions that became more consistent gained accuracy"
            if low > 0
            else "Questions that became more consistent lost accuracy"
            if high < 0
            else "Whether a question became more consistent does not tell whether it gained accuracy"
        )
        found.append(
            f"{said} (Spearman {number(link['spearman'], signed=True)} {interval(link['ci95'], signed=True)})."
        )
    named = leading(values)[:_NAMED]
    found += [depends_words(x) for x in named]
    if not named and values["factors"]:
        found.append("No factor that was tested tells which answers changed for better or worse.")
    return found


def depends_words(found: Leading) -> str:
    """One factor in a sentence."""
    (low, least), (high, most) = found.test["lowest"], found.test["highest"]
    return (
        f"{_DEPENDS[found.event]} depends on {found.factor['phrase']} ({high}: {percent(most)}; {low}: "
        f"{percent(least)}; {p_words(found.test['p_holm'])})."
    )


def p_words(p: float) -> str:
    """A p-value within a sentence, on one line: ``p = 0.031``."""
    text = p_value(p)
    return f"p {text.replace('<', '< ') if text.startswith('<') else f'= {text}'}".replace(" ", "\u00a0")


def _listed(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(x for x in (", ".join(parts[:-1]), parts[-1] if parts else "") if x)


def _lost(values: Values) -> str:
    if not values["gold"]:
        return ""
    counts = values["outcomes"]["all"]
    right = counts["kept"] + counts["lost"]
    if not counts["lost"]:
        text = f"None of {right} right answers became wrong."
    else:
        by_language = {x: values["outcomes"][x]["lost"] for x in values["languages"]}
        most = max(by_language, key=lambda x: by_language[x])
        text = f"{counts['lost']} of {right} right answers ({percent(counts['lost'] / right)}) became wrong"
        text += (
            f", most in {language_name(most)}: {counted(by_language[most], 'answer')}." if len(by_language) > 1 else "."
        )
    alike = values["alike"]
    if alike:
        before, after = (sum(alike[w][s] for s in WRONG) for w in ("before", "after"))
        share = values["consistency_wrong"]
        if before or after:
            new = f"{counted(alike['new'], 'question')} came to it" if alike["new"] else ""
            solved = (
                f"{counted(alike['solved'], 'question')} of those from before are right now in most languages"
                if alike["solved"]
                else ""
            )
            more = _listed([x for x in (new, solved) if x])
            once = "Counted once for each model, on" if is_repeated(values) else "On"
            text += (
                f" {once} {counted(before, 'question')} most or all languages gave the same wrong answer before, on "
            )
            text += f"{counted(after, 'question')} after"
            text += f": {more}." if more else "."
        if share:
            text += f" Consistency on wrong answers went from {number(share['before'])} to {number(share['after'])}."
    return text
