"""The report: numbers by hand computation, half-way runs, and hostile text."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from calm_ext.errors import DataError, RunError
from calm_ext.jsonl import write_jsonl
from calm_ext.metrics.names import PARTIAL
from calm_ext.metrics.question import argmax, per_byte, question_metrics, rankc
from calm_ext.records import Ballot, Pair, ParallelQuestion, Version
from calm_ext.report import write_report
from calm_ext.report.collect import read_run, summarize
from calm_ext.report.page.browser import browser_context
from calm_ext.report.page.flow import flow_words
from calm_ext.report.plots import draw as plots
from calm_ext.report.plots.style import drawable
from calm_ext.report.terminal import print_summary
from calm_ext.report.whole import kept_words
from calm_ext.results.aggregates import plain_values

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
SIGNATURE = "task:{task}|langs:{langs}|options:4|style:{style}|calm-ext:0|lm_eval:0"
Answers = list[dict[str, int]]

# --- a synthetic run ----------------------------------------------------------------------------------------------


def make_questions(n: int, languages: list[str], prefix: str, gold: bool = True) -> list[ParallelQuestion]:
    return [
        ParallelQuestion(
            id=f"{prefix}-{i:04d}",
            answer=i % 4 if gold else None,
            versions={
                x: Version(
                    question=f"{prefix} {x} {i}?", options=[f"{x} {word} {i}" for word in ("ant", "bee", "cat", "dog")]
                )
                for x in languages
            },
        )
        for i in range(n)
    ]


def make_answers(questions: list[ParallelQuestion], shares: dict[str, float], seed: int) -> Answers:
    """One answer a language, right with the language's share."""
    rng = random.Random(seed)
    found = []
    for q in questions:
        assert q.answer is not None
        wrong = (q.answer + 1 + rng.randrange(3)) % 4
        found.append({x: q.answer if rng.random() < share else wrong for x, share in shares.items()})
    return found


def write_evaluation(
    folder: Path,
    tasks: dict[str, tuple[list[ParallelQuestion], Answers]],
    *,
    scored: bool = False,
    model: str = "toy",
    limit: float | None = None,
    n_shot: int = 0,
    foreign: dict[str, float] | None = None,
    stderr: bool = False,
    stamp: str = "",
) -> None:
    """What lm-eval writes: results*.json, and a samples file for each task."""
    results: dict[str, Any] = {"results": {}, "configs": {}, "n-samples": {}, "n-shot": {}}
    results |= {"config": {"model": "hf", "limit": limit, "gen_kwargs": {}}, "model_name": model, "date": 1.0}
    folder.mkdir(parents=True, exist_ok=True)
    for task, (questions, answers) in tasks.items():
        languages = list(questions[0].versions)
        lines: list[dict[str, Any]] = []
        for q, by_language in zip(questions, answers, strict=True):
            options = [v.options for v in q.versions.values()]
            if scored:
                raw = [[-2.0 * len(o) if i != by_language[x] else -1.0 for i, o in enumerate(v.options)]
                       for x, v in q.versions.items()]  # fmt: skip
                scores = {x: per_byte(r, o) for x, r, o in zip(languages, raw, options, strict=True)}
                assert {x: argmax(s) for x, s in scores.items()} == by_language
                metrics = {**question_metrics(by_language, q.answer), "rankc": rankc(scores)}
                responses: list[Any] = [[str(v), "False"] for r in raw for v in r]
            else:
                metrics = question_metrics(by_language, q.answer)
                responses = [f"Because.\nAnswer: {'ABCD'[by_language[x]]}" for x in languages]
            doc = {
                "id": q.id, "answer": q.answer, "source_language": None, "languages": languages, "options": options,
                "questions": [v.question for v in q.versions.values()],
            }  # fmt: skip
            lines.append({"doc": doc, "filtered_resps": responses, "metrics": list(metrics), **metrics})
        (folder / f"samples_{task}{stamp}.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
        names = lines[0]["metrics"]
        names = [m for m in names if m not in PARTIAL]
        means = {m: sum(x[m] for x in lines) / len(lines) for m in names}
        results["results"][task] = {"alias": task, "sample_len": len(lines)}
        results["results"][task] |= {f"{m},none": v for m, v in means.items()}
        results["results"][task] |= {f"{m}_stderr,none": 0.01 if stderr else "N/A" for m in means}
        style = "cloze" if scored else "explain"
        signature = SIGNATURE.format(task=task, langs=".".join(languages), style=style)
        results["configs"][task] = {
            "task": task,
            "output_type": "loglikelihood" if scored else "generate_until",
            "metadata": {"version": 1.0, "style": style, "languages": languages, "signature": signature},
        }
        results["n-samples"][task] = {"original": len(lines), "effective": len(lines)}
        results["n-shot"][task] = n_shot
    if foreign is not None:
        results["results"]["arc_easy"] = {"alias": "arc_easy", **foreign}
        results["configs"]["arc_easy"] = {"task": "arc_easy", "metadata": {"version": 1.0}}
        results["n-samples"]["arc_easy"] = {"original": 900, "effective": 100}
    (folder / f"results{stamp}.json").write_text(json.dumps(results))


def make_run(
    path: Path, *, languages: list[str], n: int, n_test: int, gold: bool = True, scored: bool = False, evil: bool = True
) -> Path:
    """A whole run of recipe "toy" with its two tasks: one held out, one that the alignment asked."""
    asked, test = make_questions(n, languages, "train"), make_questions(n_test, languages, "test")
    k = len(languages)
    low = {x: 0.9 - 0.4 * i / k for i, x in enumerate(languages)}
    high = {x: s + 0.2 for x, s in low.items()}
    before, after = make_answers(test, low, 1), make_answers(test, high, 2)
    seen_before, seen_after = make_answers(asked, low, 3), make_answers(asked, high, 4)
    tasks_before, tasks_after = {"toy_xl": (test, before)}, {"toy_xl": (test, after)}
    tasks_before["toy_xl_asked"], tasks_after["toy_xl_asked"] = (asked, seen_before), (asked, seen_after)
    write_evaluation(path / "eval/before", tasks_before, scored=scored,
                     foreign={"acc,none": 0.5, "acc_stderr,none": 0.05, "acc_norm,none": 0.4})  # fmt: skip
    write_evaluation(path / "eval/after", tasks_after, scored=scored, model="toy+toy",
                     foreign={"acc,none": 0.52, "acc_stderr,none": 0.05})  # fmt: skip
    ballots, pairs, rng = [], [], random.Random(5)
    held = {q.id for q in asked[::10]}
    for q, answers in zip(asked, seen_before, strict=True):
        votes: dict[str, list[int | None]] = {x: [a, a, None] for x, a in answers.items()}
        counts = sorted(((sum(a == o for a in answers.values()), -o) for o in range(4)), reverse=True)
        tie = counts[0][0] == counts[1][0]
        winner = None if tie else -counts[0][1]
        margin = (counts[0][0] - counts[1][0]) / k * (0.5 + 0.5 * rng.random())
        ballots.append(
            Ballot(
                id=q.id,
                winner=winner,
                margin=margin,
                tie=tie,
                votes=votes,
                weights=dict.fromkeys(answers, 1.0),
                probability=None if tie else 0.25 + 0.75 * margin,
            )
        )
        for x, a in answers.items():
            if winner is not None and a != winner and q.id not in held:
                rejected = f"{EVIL if evil else 'I think so.'}\nAnswer: {'ABCD'[a]}"
                pairs.append(
                    Pair(id=q.id, language=x, prompt=q.versions[x].question, chosen=f"Answer: {'ABCD'[winner]}",
                         rejected=rejected, chosen_answer=winner, rejected_answer=a, margin=margin,
                         origin="native" if rng.random() < 0.8 else "answer_only")
                )  # fmt: skip
    shown = asked if gold else [q.model_copy(update={"answer": None}) for q in asked]
    write_jsonl(path / "questions.jsonl", shown)
    write_jsonl(path / "ballots.jsonl", ballots)
    write_jsonl(path / "pairs.jsonl", pairs)
    write_jsonl(path / "heldout/questions.jsonl", [q for q in shown if q.id in held])
    log: list[dict[str, Any]] = [
        {"kind": "train", "step": s, "loss": 0.69 * 0.97**s + rng.random() * 0.03, "rewards/margins": 0.03 * s,
         "rewards/accuracies": 1 - 0.5 * 0.95**s, "learning_rate": 1e-4, "num_tokens": 500.0 * s}
        for s in range(2, 61, 2)
    ]  # fmt: skip
    checks = [
        {"step": s, "agreement": 0.78 + 0.002 * s - 0.00003 * s * s, "consistency": 0.7 + 0.002 * s, "answered": 1.0,
         "chosen_nll": 1.1 - 0.004 * s, "n": 200, "kept": 1 - 0.003 * s, "kept_error": 0.01,
         "kept_by_language": {languages[0]: [100, 100], languages[1]: [100 - s, 100]},
         "lost": sorted(held)[: s // 15]} for s in range(0, 61, 15)
    ]  # fmt: skip
    log += [
        {
            "kind": "answers",
            "step": c["step"],
            "answers": {i: {languages[0]: int(i in c["lost"])} for i in sorted(held)},
        }
        for c in checks
    ]
    log += [{"kind": "check", **c} for c in checks]
    log.append({"kind": "warning", "step": 60, "message": "step 60: WARNING: the chosen responses become unlikely"})
    log.append({"kind": "train", "step": 60, "train_runtime": 12.5, "train_loss": 0.41})
    (path / "training").mkdir()
    (path / "training/log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in log))
    summary = {"n_pairs": len(pairs), "n_pairs_dropped": 3, "dtype": "float32", "seconds": 12.5, "loss": 0.41,
               "chosen_step": 30, "checks": checks, "peak_memory_mib": 812.0, "peak_gpu_memory_mib": None}  # fmt: skip
    (path / "training/summary.json").write_text(json.dumps(summary))
    stages = {
        s: {"seconds": 3.5 * 2**i, "peak_memory_mib": 500.0 + 40 * i, "finished": f"2026-11-23T20:0{i}:00+00:00",
            "versions": {"calm-ext": "0.1", "torch": "2"}}
        for i, s in enumerate(("questions", "before", "sample", "vote", "pairs", "train", "after"))
    }  # fmt: skip
    (path / "manifest.json").write_text(json.dumps({"name": "toy", "stages": stages}))
    recipe = "name: toy\nevaluation:\n  tasks: [toy_xl, toy_xl_asked, arc_easy]\n"
    recipe += "training:\n  method: dpo\n  nll_weight: 0.5\n"
    (path / "recipe.yaml").write_text(recipe + "  learning_rate: 0.0001\n  # <b>not bold</b>\n")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = make_run(tmp_path_factory.mktemp("runs") / "toy", languages=["en", "ar", "ur"], n=60, n_test=80)
    write_report(path)
    return path


def load(path: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((path / "summary.json").read_text(), parse_constant=pytest.fail)
    return result


def page(path: Path) -> str:
    """The report, without the links of its explained words."""
    return unlinked((path / "report/index.html").read_text(encoding="utf-8"))


class Balanced(HTMLParser):
    """Fails on tags that do not close in order."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def unlinked(text: str) -> str:
    """A page without the links of its explained words."""
    return re.sub(r'<a class="word"[^>]*>([^<]*)</a>', r"\1", text)


def check_html(text: str) -> set[str]:
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return parser.tags


# --- the numbers --------------------------------------------------------------------------------------------------


def rows_of(path: Path, when: str, task: str = "toy_xl") -> list[dict[str, Any]]:
    return [json.loads(x) for x in (path / f"eval/{when}/samples_{task}.jsonl").read_text().splitlines()]


def test_summary_numbers(whole: Path) -> None:
    summary = load(whole)
    assert list(summary)[:3] == ["toy_xl", "toy_xl_asked", "arc_easy"]
    task = summary["toy_xl"]
    assert task["n_questions"] == 80
    assert task["languages"] == ["en", "ar", "ur"]
    assert task["signature"].startswith("task:toy_xl|langs:en.ar.ur|")
    before, after = rows_of(whole, "before"), rows_of(whole, "after")
    for metric in ("acc", "acc_en", "acc_ur", "consistency", "all_agree", "all_correct", "answered"):
        b, a = (sum(r[metric] for r in rows) / 80 for rows in (before, after))
        assert task["before"][metric] == pytest.approx(b)
        assert task["after"][metric] == pytest.approx(a)
        d = task["difference"][metric]
        assert d["value"] == pytest.approx(a - b)
        assert d["low"] <= d["value"] <= d["high"]
        low, high = task["ci95"]["before"][metric]
        assert low <= b <= high
    assert task["difference"]["acc"]["value"] > 0
    assert task["difference"]["acc"]["p"] < 0.05
    # Holm over three languages: never below the raw p, the smallest times three.
    raw = {x: task["difference"][f"acc_{x}"]["p"] for x in ("en", "ar", "ur")}
    holm = {x: task["difference"][f"acc_{x}"]["p_holm"] for x in raw}
    assert all(holm[x] >= raw[x] for x in raw)
    assert min(holm.values()) == pytest.approx(min(1.0, 3 * min(raw.values())))
    assert (task["asked"], task["trained"]) == (0, 0)
    assert summary["toy_xl_asked"]["asked"] == 60
    assert 0 < summary["toy_xl_asked"]["trained"] <= 54


def test_foreign_task_has_means_only(whole: Path) -> None:
    task = load(whole)["arc_easy"]
    assert task["before"] == {"acc": 0.5, "acc_norm": 0.4}
    assert task["after"] == {"acc": 0.52}
    assert task["difference"] == {}
    assert task["ci95"] == {"before": {}, "after": {}}
    assert task["n_questions"] == 100


def test_vote_pairs_training_and_stages(whole: Path) -> None:
    summary = load(whole)
    ballots = [json.loads(x) for x in (whole / "ballots.jsonl").read_text().splitlines()]
    right = sum(b.get("winner") == int(b["id"][-4:]) % 4 for b in ballots)
    assert summary["vote"]["n_questions"] == 60
    assert summary["vote"]["accuracy"] == pytest.approx(right / 60)
    pairs = [json.loads(x) for x in (whole / "pairs.jsonl").read_text().splitlines()]
    assert summary["pairs"]["n_pairs"] == len(pairs) == sum(summary["pairs"]["by_language"].values())
    precision = sum(p["chosen_answer"] == int(p["id"][-4:]) % 4 for p in pairs) / len(pairs)
    assert summary["pairs"]["precision"] == pytest.approx(precision)
    assert summary["training"]["chosen_step"] == 30
    assert summary["stages"]["train"] == 3.5 * 32
    assert summary["versions"] == {"calm-ext": "0.1", "torch": "2"}
    assert summary["run"]["missing"] == []


def test_pairs_that_training_did_not_take_say_so(tmp_path: Path) -> None:
    """Listwise trains on questions in all languages, and the pairs beside them are no record of it."""
    run = make_run(tmp_path / "run", languages=["en", "fr", "ar"], n=60, n_test=8)
    write_report(run)
    assert "instead" not in load(run)["pairs"] and "instead of them" not in page(run)
    path = run / "training/summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eats": "groups"}))
    write_report(run)
    assert "Training took questions instead of them." in page(run)


def test_only_common_questions_are_compared(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr"], n=20, n_test=30)
    samples = run / "eval/after/samples_toy_xl.jsonl"
    lines = samples.read_text().splitlines()
    samples.write_text("\n".join([*lines[25:], *lines[5:25]]) + "\n")
    task = summarize(read_run(run), resamples=200)["toy_xl"]
    both = {r["doc"]["id"] for r in map(json.loads, lines[5:])}
    kept = [r for r in rows_of(run, "before") if r["doc"]["id"] in both]
    assert task["n_questions"] == 25
    assert task["before"]["acc"] == pytest.approx(sum(r["acc"] for r in kept) / 25)


@pytest.mark.parametrize("scored", [False, True])
def test_the_p_values_are_those_of_compare(tmp_path: Path, scored: bool) -> None:
    from calm_ext.metrics.compare import compare
    from calm_ext.results.answers import read_answers

    run = make_run(tmp_path / "toy", languages=["en", "fr", "de"], n=20, n_test=30, scored=scored)
    reported = summarize(read_run(run), resamples=1000)["toy_xl"]["difference"]
    sides = [read_answers([run / f"eval/{when}/samples_toy_xl.jsonl"]) for when in ("before", "after")]
    changes = compare(*sides, resamples=1000).changes
    for metric, difference in reported.items():
        assert difference["p"] == changes[metric].p, metric
        assert difference["value"] == pytest.approx(changes[metric].difference), metric
        if "p_holm" in difference:
            assert difference["p_holm"] == changes[metric].p_holm, metric
    assert {m for m, d in reported.items() if "p_holm" in d} == {"acc_en", "acc_fr", "acc_de"}
    assert changes["acc_en"].test == "mcnemar"
    assert changes["acc"].test == "bootstrap"


def test_scored_tasks_have_a_pair_matrix(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr", "de"], n=20, n_test=30, scored=True)
    data = read_run(run)
    assert data.missing == ()
    result = data.result("toy_xl", "after")
    assert result is not None
    assert result.detail is not None
    from calm_ext.report.plots.draw import matrices

    matrix = matrices(data, "toy_xl")["after"]
    mean = sum(r["consistency"] for r in rows_of(run, "after")) / 30
    assert sum(matrix.values()) / 3 == pytest.approx(mean)
    assert summarize(data, resamples=100)["toy_xl"]["before"]["rankc"] > 0


# --- the page -----------------------------------------------------------------------------------------------------


def test_page_is_whole_escaped_and_self_contained(whole: Path) -> None:
    text = page(whole)
    tags = check_html(text)
    assert {"b", "noscript"} <= tags
    assert text.count("<script") == 2  # the data, and the one that shows them
    script = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert not re.search("innerHTML|outerHTML|insertAdjacent|document.write", script)
    assert "&lt;script&gt;alert" in text
    assert "onerror=alert(1)&gt;" in text
    assert "&lt;b&gt;not bold" in text
    assert not re.search(r'(?:src|href)="(?!data:image/png|#|explain\.html")', text)
    assert 'dir="rtl"' in text
    assert 'lang="ar"' in text
    assert "It worked: accuracy and consistency both rose on held-out questions." in text
    assert "WARNING: the chosen responses become unlikely" in text
    names = {p.name for p in (whole / "report").iterdir()}
    pngs = {f"{kind}_{task}.png" for kind in ("accuracy", "consistency") for task in ("toy_xl", "toy_xl_asked")}
    pngs |= {f"flow_{task}.png" for task in ("toy_xl", "toy_xl_asked")}
    pngs |= {"margins.png", "calibration.png", "pairs.png", "training.png"}
    assert names == {"index.html", "explain.html", *pngs, *(p.replace(".png", ".svg") for p in pngs)}
    assert text.count("<figure>") == len(pngs)
    assert "could not be drawn" not in text
    assert '<h2 id="moved">What changed, and why</h2>' in text
    assert {"article", "figure"} <= check_html((whole / "report/explain.html").read_text(encoding="utf-8"))
    ids = ["tasks", "consistency", "flow", "moved", "vote", "pairs", "training", "cost", "questions", "provenance",
           "glossary"]  # fmt: skip
    assert re.findall(r'<h2 id="(\w+)"', text) == ids
    assert re.findall(r'<a href="#(\w+)">', text) == ids
    assert text.count("<table>") == text.count("<caption>")
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in (whole / "report").glob("*.png"))
    for name in re.findall(r'<img [^>]*alt="([^"]*)"', text):
        assert len(name) > 20
    for svg in (whole / "report").glob("*.svg"):
        assert b"<svg" in svg.read_bytes()


def data_of(text: str) -> dict[str, Any]:
    """The data of the page's browser of questions."""
    content = re.findall(r'<script type="application/json" id="questions-data">(.*?)</script>', text, re.DOTALL)[0]
    assert not set(content) & set("<>&\u2028\u2029")
    result: dict[str, Any] = json.loads(content)
    return result


def test_browser_has_every_question_as_it_was_answered(whole: Path) -> None:
    data = data_of(page(whole))
    assert [t["name"] for t in data["tasks"]] == ["toy_xl", "toy_xl_asked"]
    assert data["languages"]["ar"] == ["Arabic (ar)", "rtl"]
    task, strings = data["tasks"][0], data["strings"]
    assert (task["languages"], task["when"]) == (["en", "ar", "ur"], ["before", "after"])
    assert len(strings) == len(set(strings))
    for row, before, after in zip(task["rows"], rows_of(whole, "before"), rows_of(whole, "after"), strict=True):
        identity, gold, _, questions, options, passages, old, said_before, new, said_after = row
        assert (identity, gold, passages) == (before["doc"]["id"], before["doc"]["answer"], 0)
        assert [strings[q] for q in questions] == before["doc"]["questions"]
        assert [[strings[o] for o in own] for own in options] == before["doc"]["options"]
        assert [strings[r] for r in said_before] == before["filtered_resps"]
        assert [strings[r] for r in said_after] == after["filtered_resps"]
        assert old == ["ABCD".index(r[-1]) for r in before["filtered_resps"]]
        assert new == ["ABCD".index(r[-1]) for r in after["filtered_resps"]]


def test_flow_adds_up_to_the_difference(whole: Path) -> None:
    task = load(whole)["toy_xl"]
    flow = task["flow"]

    def states(when: str) -> list[str]:
        found = []
        for row in rows_of(whole, when):
            answers = {r[-1] for r in row["filtered_resps"]}
            right = answers == {"ABCD"[row["doc"]["answer"]]}
            found.append("right" if right else "wrong" if len(answers) == 1 else "mixed")
        return found

    pairs = list(zip(states("before"), states("after"), strict=True))
    assert {(m["before"], m["after"]): m["n"] for m in flow["moves"]} == {p: pairs.count(p) for p in pairs}
    assert flow["moved"] == sum(a != b for a, b in pairs) > 0
    assert flow["n"] == sum(flow["before"].values()) == sum(flow["after"].values()) == 80
    assert sum(m["gain"] for m in flow["moves"]) == pytest.approx(task["difference"]["acc"]["value"])
    text = flow_words(flow)
    assert text.startswith(f"{flow['moved']} of 80 questions")
    right = sum(p in (("mixed", "right"), ("wrong", "right")) for p in pairs)
    assert f"{right} questions became consistent and right" in text
    assert text in page(whole)


def test_what_was_right_and_stays_right_is_counted(whole: Path) -> None:
    task = load(whole)["toy_xl"]
    before, after = ({r["doc"]["id"]: r for r in rows_of(whole, when)} for when in ("before", "after"))
    assert task["kept"], "it is there at all"
    for language, (n, still) in task["kept"].items():
        right = [i for i, row in before.items() if row[f"acc_{language}"] == 1]
        assert (n, still) == (len(right), sum(after[i][f"acc_{language}"] == 1 for i in right))
        assert 0 < still <= n == round(task["before"][f"acc_{language}"] * 80)
    assert any(still < n for n, still in task["kept"].values())
    assert kept_words(task["kept"]) in " ".join(page(whole).split())


def test_reliability_and_throughput(whole: Path) -> None:
    summary = load(whole)
    rows = summary["vote"]["reliability"]
    n = sum(r["n"] for r in rows)
    assert n == summary["vote"]["n_decided"]
    ece = sum(r["n"] * abs(r["probability"] - r["right"]) for r in rows) / n
    assert summary["vote"]["ece"] == pytest.approx(ece)
    for row in rows:
        assert row["from"] <= row["probability"] <= row["to"]
        assert row["low"] <= row["right"] <= row["high"]
    assert summary["throughput"]["train"] == {
        "amount": 30000.0,
        "unit": "tokens",
        "per_second": pytest.approx(30000 / 112),
    }
    assert set(summary["throughput"]) == {"train"}  # arc_easy has no answers to count, and nothing was sampled
    assert "268<small>tokens/s</small>" in page(whole), "of the stage, as the time beside it"
    assert page(whole).count("1 min 52 s") == 2, "the training's time is the same everywhere"
    assert "12.5 s" not in page(whole)


def test_vote_without_gold_is_estimated(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr", "de"], n=20, n_test=10, gold=False)
    write_report(run)
    assert load(run)["vote"]["reliability"] == []
    assert "by its own probabilities the vote is right on" in page(run)
    assert not (run / "report/calibration.png").exists()


def test_a_plot_that_fails_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr"], n=12, n_test=12)

    def broken(*_: object) -> None:
        raise RuntimeError("no\nfont")

    monkeypatch.setattr(plots, "flow_plot", broken)
    write_report(run)
    assert "The plot flow_toy_xl.png could not be drawn (no font); the table has its numbers." in page(run)
    assert not list((run / "report").glob("flow*"))
    assert (run / "report/margins.svg").exists()


@pytest.mark.parametrize("scored", [True, False])
def test_languages_that_nobody_knows(tmp_path: Path, scored: bool) -> None:
    assert drawable("Aé 日本") == "Aé ??"
    questions = make_questions(12, ["en", "fr", "de"], "q")
    for seed, when in enumerate(("before", "after")):
        answers = make_answers(questions, {"en": 0.7, "fr": 0.6, "de": 0.5}, seed)
        write_evaluation(tmp_path / "eval" / when, {"aufgabe_é$": (questions, answers)}, scored=scored)
        for path in (tmp_path / "eval" / when).iterdir():
            changed = path.read_text().replace('"acc_fr"', '"acc_tlh"').replace('"fr"', '"tlh"')
            path.write_text(changed.replace('"acc_de"', '"acc_qzz-x1"').replace('"de"', '"qzz-x1"'))
    write_report(tmp_path)
    text = page(tmp_path)
    check_html(text)
    assert "could not be drawn" not in text
    assert "tlh" in text and "qzz-x1" in text
    # A response in a language that has no words for answers cannot be read; a scored option can.
    assert ("the answers cannot be read from" in text) != scored


def test_long_responses_are_cut_and_said(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr"], n=12, n_test=12)
    samples = run / "eval/after/samples_toy_xl.jsonl"
    rows = [json.loads(x) for x in samples.read_text().splitlines()]
    rows[0]["filtered_resps"][0] = "so " * 350_000 + rows[0]["filtered_resps"][0]
    samples.write_text("".join(json.dumps(r) + "\n" for r in rows))
    write_report(run)
    text = page(run)
    assert len(text) < 2_000_000
    data = data_of(text)
    (number,) = data["tasks"][0]["rows"][0][9][:1]
    assert len(data["strings"][number]) + data["cut"][str(number)] == len(rows[0]["filtered_resps"][0])
    assert len(data["strings"][number]) == 2_000


def test_browser_keeps_to_its_budget(whole: Path) -> None:
    data = read_run(whole)
    summary = summarize(data, resamples=100)
    small = browser_context(data, summary, budget=9_000)
    assert small is not None
    assert len(small["data"].encode()) <= 9_000
    assert 0 < small["shown"] < small["total"] == 140
    kept = json.loads(small["data"])["tasks"][0]["rows"]
    assert all(row[6] != row[8] for row in kept)  # those that changed are kept first


def test_without_samples_there_are_means_and_no_browser(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr"], n=12, n_test=12)
    for samples in run.glob("eval/*/samples_*"):
        samples.unlink()
    write_report(run)
    text = page(run)
    check_html(text)
    assert "no samples file, so no intervals" in text
    assert 'id="questions"' not in text
    assert "they are not there" in text


def test_terminal(whole: Path) -> None:
    console = Console(width=110, record=True, file=io.StringIO())
    print_summary(load(whole), console)
    text = console.export_text()
    assert "It worked" in text
    assert "toy_xl: 80 questions, none of them asked" in text
    assert "accuracy, Arabic (acc_ar)" in text and "accuracy (acc)" in text
    assert "▲" in text
    assert "means only" in text
    assert "right on" in text
    assert "checkpoint of step 30 kept" in text
    assert "accuracy of the worst language" in text and "answers read (answered)" in text
    assert "overlap of right" not in text, "that is in the page"
    row = re.search(r"<tr><th scope=\"row\">(.*?overlap of right.*?)</th>", page(whole))
    assert row and re.sub(r"<[^>]*>", "", row[1]).endswith("overlap of right answers (overlap_right)")


def test_no_significant_change_is_said(tmp_path: Path) -> None:
    questions = make_questions(20, ["en", "fr"], "q")
    answers = make_answers(questions, {"en": 0.7, "fr": 0.6}, 1)
    for when in ("before", "after"):
        write_evaluation(tmp_path / "eval" / when, {"toy_xl": (questions, answers)})
    write_report(tmp_path)
    task = load(tmp_path)["toy_xl"]
    moved = task["difference"]["acc"]
    assert (moved["value"], moved["p"]) == (0.0, 1.0)
    assert -0.2 < moved["low"] < -0.1 and moved["high"] == -moved["low"], "20 questions without a change show little"
    assert task["ci95_method"]["difference"]["acc"] == "score"
    assert "No significant change, neither in accuracy nor in consistency." in page(tmp_path)


@pytest.mark.parametrize(
    "keep", ["eval/before", "eval/after", "training/log.jsonl", "ballots.jsonl", "recipe.yaml", "manifest.json"]
)
def test_half_way_runs(whole: Path, tmp_path: Path, keep: str) -> None:
    run = tmp_path / "half"
    (run / keep).parent.mkdir(parents=True)
    subprocess.run(["cp", "-r", str(whole / keep), str(run / keep)], check=True)
    (run / "report").mkdir()
    (run / "report/explain.html").touch()
    write_report(run)
    text = page(run)
    check_html(text)
    assert "What changed, and why" not in text and not (run / "report/explain.html").exists(), (
        "what is out of date is gone"
    )
    assert "This run is not complete." in text
    summary = load(run)
    assert any("alignment (eval/" in m for m in summary["run"]["missing"])
    print_summary(summary, Console(file=io.StringIO()))
    assert ('id="questions"' in text) == keep.startswith("eval/")
    if keep == "eval/before":
        assert data_of(text)["tasks"][0]["when"] == ["before"]
        assert summary["toy_xl"]["after"] == {}
        assert summary["toy_xl"]["difference"] == {}
        assert "nothing can be compared yet" in text


def test_without_gold_and_with_a_cut_log(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr"], n=20, n_test=20, gold=False)
    log = run / "training/log.jsonl"
    log.write_text(log.read_text()[:-20])
    (run / "training/summary.json").unlink()
    write_report(run)
    summary = load(run)
    assert summary["vote"]["accuracy"] is None
    assert summary["pairs"]["precision"] is None
    assert summary["pairs"]["n_pairs"] == 0
    text = page(run)
    assert "No pair: no language contradicts the vote" in text
    assert "the end of training (training/summary.json)" in summary["run"]["missing"]
    assert "no gold labels" in text


def test_rewriting_gives_the_same_and_removes_old_plots(tmp_path: Path) -> None:
    run = make_run(tmp_path / "toy", languages=["en", "fr"], n=12, n_test=12)
    (run / "report").mkdir()
    (run / "report/accuracy_gone.png").write_bytes(b"old")
    write_report(run)
    first = page(run)
    write_report(run)
    assert page(run) == first
    assert not (run / "report/accuracy_gone.png").exists()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("eval/before/results.json", '{"results": {', "is not JSON"),
        ("eval/before/results.json", "[1, 2]", "a JSON object was expected"),
        ("eval/after/samples_toy_xl.jsonl", '{"doc": {}}\n', "samples_toy_xl.jsonl:1: is not a sample"),
        ("pairs.jsonl", '{"id": 1}\n', "pairs.jsonl:1: "),
        ("training/log.jsonl", "nonsense\n{}\n", "log.jsonl:1: "),
        ("training/summary.json", "", "summary.json:1: is not JSON"),
        ("recipe.yaml", "a: [", "recipe.yaml:1: not YAML"),
    ],
)
def test_broken_files_are_one_line_errors(tmp_path: Path, name: str, content: str, what: str) -> None:
    questions = make_questions(6, ["en", "fr"], "q")
    for when in ("before", "after"):
        write_evaluation(
            tmp_path / "eval" / when, {"toy_xl": (questions, make_answers(questions, {"en": 1, "fr": 0}, 1))}
        )
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=re.escape(what)) as caught:
        write_report(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run directory"):
        write_report(tmp_path / "none")
    with pytest.raises(RunError, match="holds nothing of a run"):
        write_report(tmp_path)


def test_plain_values() -> None:
    values = {"em,strict": 0.1, "em,flexible": 0.2, "em_stderr,strict": 0.0, "acc,none": "N/A", "f1,none": 1}
    assert plain_values(values) == {"em,strict": 0.1, "em,flexible": 0.2, "f1": 1.0}


def test_nothing_heavy_is_imported_with_the_package() -> None:
    heavy = ("matplotlib", "jinja2", "rich", "numpy", "torch")
    code = f"import sys, calm_ext.report; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_training_unlearned_is_named(whole: Path) -> None:
    """At step 30, the kept checkpoint: ar has lost 30 of 100, and two questions are no longer consistent."""
    watch = load(whole)["watch"]
    assert (watch["step"], watch["n"], watch["n_lost"]) == (30, 200, 2)
    assert watch["kept"] == pytest.approx(0.91)
    text = page(whole)
    assert "No longer consistent" in text
    assert "(en 100 of 100, ar 70 of 100)" in text
    assert "en A → B" in text
    for lost in watch["lost"]:
        assert f"<td>{lost['id']}</td>" in text
