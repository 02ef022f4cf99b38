"""The explanation as one self-contained page, ``report/explain.html``, and what the report's own page says of it.

Everything that a model or a data set says is escaped by the template (autoescape); the page has no script.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import calm_ext.report.page as report_page
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write
from calm_ext.languages import language_name
from calm_ext.metrics.answered import parts_of
from calm_ext.metrics.compare import ALPHA
from calm_ext.report.explain.alike import STATES
from calm_ext.report.explain.cards import cards_of
from calm_ext.report.explain.cells import OUTCOMES, UNLABELLED
from calm_ext.report.explain.effects import COUNTS, EVENTS, rate
from calm_ext.report.explain.explain import Explained
from calm_ext.report.explain.parts import KINDS as PART_KINDS
from calm_ext.report.explain.plots import explain_plots
from calm_ext.report.explain.towards import TARGETS
from calm_ext.report.explain.words import counted_words, depends_words, is_repeated, leading, p_words, title
from calm_ext.report.glossary.link import with_glossary
from calm_ext.report.links import QuestionLinks
from calm_ext.report.page.browser import text_of
from calm_ext.report.page.html import image
from calm_ext.report.plots.draw import Plots
from calm_ext.report.templates import environment
from calm_ext.report.words import interval, is_number, number, p_value, percent

PAGE = "explain.html"

Values = Mapping[str, Any]


def write_explanation(
    name: str,
    explained: Sequence[Explained],
    folder: Path,
    links: QuestionLinks | None = None,
    *,
    file: str = PAGE,
    study: str | None = None,
) -> Path:
    """Write ``explain.html`` into a folder; returns its path.

    Args:
        name: of the run, or of what is explained of a study, as the page calls it.
        links: where its questions can be read; None for nowhere.
        file: another name of the page.
        study: of a study, the link from the page to the study's own.

    Raises:
        CalmError: the folder cannot be made.
    """
    make_folder(folder)
    atomic_write(folder / file, render_explanation(name, explained, links, study=study))
    return folder / file


def render_explanation(
    name: str, explained: Sequence[Explained], links: QuestionLinks | None = None, *, study: str | None = None
) -> str:
    """The page; the first part has plots and its questions, the others are tables to open."""
    first = explained[0]
    plots = explain_plots(first.values)
    templates = environment(Path(__file__).parent, Path(report_page.__file__).parent)
    templates.globals["text_of"] = text_of
    page = templates.get_template("explain.html").render(
        name=name,
        what="run" if study is None else "study",
        report="index.html" if study is None else study,
        tone=_tone(first.values),
        sentence=_headline(first.values),
        parts=[_part(e, plots if e is first else None) for e in explained],
        plots={name: image(content) for name, content in plots.files.items()},
        failed=plots.failed,
        kinds=cards_of(first, links),
        n_cards=len(first.telling),
        unseen=parts_of(first.values["signature"]).get("style") == "open",
        signatures=list(dict.fromkeys(e.values["signature"] for e in explained if e.values["signature"])),
    )
    page = with_glossary(page)
    # A name with half a character (an unpaired surrogate) can stand in no file.
    return page.encode("utf-8", "replace").decode("utf-8")


def section(explained: Sequence[Explained]) -> dict[str, Any]:
    """What the report's page says of it: the paragraphs of the first part, and the factors that matter most."""
    values = explained[0].values
    return {
        "page": PAGE,
        "title": title(values),
        "words": [values["words"][k] for k in ("moved", "lost") if values["words"][k]],
        "why": values["words"]["why"],
        "n_questions": len(explained[0].telling),
    }


# --- what stands above ------------------------------------------------------------------------------------------------


def _tone(values: Values) -> str:
    c = values["acc"]
    if not c or not is_number(c["p"]) or c["p"] >= ALPHA:
        return "none"
    return "good" if c["difference"] > 0 else "bad"


def _headline(values: Values) -> str:
    counts = values["outcomes"]["all"]
    n = sum(counts.values())
    where = f" ({PART_KINDS[values['kind']]})" if values["kind"] != "unknown" else ""
    if not values["gold"]:
        return f"{counts['changed']} of {n} answers changed{where}."
    return f"{counts['won']} of {n} answers became right, {counts['lost']} answers became wrong{where}."


# --- tables -----------------------------------------------------------------------------------------------------------


def _part(explained: Explained, plots: Plots | None) -> dict[str, Any]:
    values = explained.values
    names = OUTCOMES if values["gold"] else UNLABELLED
    repeats = " A question counts once for each model that answered it." if is_repeated(values) else ""
    most = leading(values)
    clear = [x.factor["key"] for x in most[:3]]
    return {
        "title": title(values),
        "first": plots is not None,
        "gold": values["gold"],
        "words": values["words"],
        "counted": counted_words(values),
        "resampled": "repeated" in values,
        "again": repeats,
        "leading": [depends_words(x) for x in most],
        "outcomes": [_capital(x) for x in names.values()],
        "languages": [
            {
                "name": "all" if x == "all" else language_name(x),
                "counts": [{"n": own[k], "share": percent(own[k] / sum(own.values()))} for k in names],
            }
            for x, own in _last(values["outcomes"])
        ],
        "towards": _towards(values),
        "link": _link(values),
        "events": [_capital(EVENTS[e]) for e in (values["factors"][0]["tests"] if values["factors"] else ())],
        "factors": sorted(
            (_factor(f, f["key"] in clear) for f in values["factors"]),
            key=lambda f: clear.index(f["key"]) if f["key"] in clear else len(clear),
        ),
        "pairs": _pairs(values),
        "alike": _alike(values),
    }


def _last(outcomes: Mapping[str, Mapping[str, int]]) -> list[tuple[str, Mapping[str, int]]]:
    """The languages, and all of them behind."""
    return [*((x, own) for x, own in outcomes.items() if x != "all"), ("all", outcomes["all"])]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _towards(values: Values) -> dict[str, Any] | None:
    found = values["towards"]
    if not found or not found["targets"]:
        return None
    gain = found["gain"]
    names = {
        "majority": "to the majority’s answer",
        "elsewhere": "to another answer",
        "none": "to none that could be read",
    }
    return {
        "rows": [
            {
                "name": TARGETS[key][0], "changed": t["changed"], "to": t["to"], "share": _share(t["share"]),
                "ci": interval(t["ci95"]), "chance": _share(t["chance"]), "right": t.get("right"),
                "held": _share(1 - t["left"] / t["agreed"]) if t["agreed"] else number(None), "agreed": t["agreed"],
                "moved": _share(t["changed"] / t["differed"]), "differed": t["differed"],
            }
            for key, t in found["targets"].items()
        ],
        "gain": [{"name": names[k], "gain": number(v, signed=True)} for k, v in gain.items()] if gain else [],
        "total": number(sum(gain.values()), signed=True) if gain else "",
    }  # fmt: skip


def _share(value: float) -> str:
    """A share in per cent that stays on one line."""
    return percent(value).replace(" ", "\u00a0")


def _link(values: Values) -> dict[str, Any] | None:
    found = values["link"]
    if not found:
        return None
    names = {"rose": "rose", "same": "stayed the same", "fell": "fell"}
    return {
        "spearman": number(found["spearman"], signed=True),
        "ci": interval(found["ci95"], signed=True),
        "heads": [f"Accuracy {x}" for x in names.values()],
        "rows": [
            {"name": f"Consistency {names[k]}", "counts": list(own.values())} for k, own in found["table"].items()
        ],
    }


def _factor(factor: Values, clear: bool) -> dict[str, Any]:
    events = list(factor["tests"])
    tests = []
    for event in events:
        test = factor["tests"][event]
        span = f"{percent(test['lowest'][1])} to {percent(test['highest'][1])}" if "lowest" in test else number(None)
        sure = is_number(test["p_holm"]) and test["p_holm"] < ALPHA
        explained = f"{percent(test['explained'])} of variance" if is_number(test["explained"]) else ""
        tests.append({"span": span, "explained": explained, "p": p_value(test["p_holm"]), "sure": sure})
    return {
        "key": factor["key"],
        "name": _capital(factor["name"]),
        "about": factor["about"],
        "open": clear,
        "tests": tests,
        "levels": [
            {
                "name": str(x["level"]),
                "n": x["n_questions"],
                "before": number(x.get("before")),
                "after": number(x.get("after")),
                "difference": number(x.get("difference"), signed=True),
                "ci": interval(x.get("ci95"), signed=True),
                "sign": _sign(x.get("ci95")),
                "rates": [
                    {"share": percent(rate(x, e)), "of": f"{x[COUNTS[e][0]]} of {x[COUNTS[e][1]]}"}
                    for e in events
                    if COUNTS[e][0] in x
                ],
            }
            for x in factor["levels"]
        ],
    }


def _sign(bounds: Sequence[float] | None) -> int:
    """1 where an interval is above 0, -1 where it is below."""
    if not bounds or not all(map(is_number, bounds)):
        return 0
    return int(bounds[0] > 0) - int(bounds[1] < 0)


def _change(p: Values) -> dict[str, Any]:
    return {
        "before": number(p["before"]), "after": number(p["after"]),
        "difference": number(p["difference"], signed=True), "ci": interval(p["ci95"], signed=True),
        "sign": _sign(p["ci95"]), "right": number(p.get("right"), signed=True),
        "wrong": number(p.get("wrong"), signed=True),
    }  # fmt: skip


def _pairs(values: Values) -> dict[str, Any] | None:
    found = values["pairs"]
    if not found:
        return None
    scripts = found["scripts"]
    contrast = scripts.get("contrast")
    return {
        "rows": [
            {"name": f"{p['a']}\u00a0–\u00a0{p['b']}", "same": p["same_script"], **_change(p)} for p in found["pairs"]
        ],
        "scripts": [
            {"name": name, "n": scripts[key]["n_pairs"], **_change(scripts[key])}
            for key, name in (("same", "pairs of one script"), ("different", "pairs of two scripts"))
            if key in scripts
        ],
        "contrast": (
            f"The rise within a script minus that between two is {number(contrast['difference'], signed=True)} "
            f"{interval(contrast['ci95'], signed=True)}, {p_words(contrast['p'])}."
            if contrast
            else ""
        ),
    }


def _alike(values: Values) -> dict[str, Any] | None:
    found = values["alike"]
    if not found:
        return None
    share = values["consistency_wrong"]
    return {
        "heads": [_capital(x) for x in STATES.values()],
        "rows": [
            {"name": _capital(name), "counts": [found["moves"][a][b] for b in STATES], "all": found["before"][a]}
            for a, name in STATES.items()
        ],
        "after": [found["after"][s] for s in STATES],
        "n": found["n"],
        "same_answer": found["same_answer"],
        "both": sum(found["moves"][a][b] for a in ("wrong", "most_wrong") for b in ("wrong", "most_wrong")),
        "change": _change(share) if share else None,
    }
