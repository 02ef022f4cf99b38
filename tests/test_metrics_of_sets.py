"""overlap_right, transfer, pivot_consistency, acc_worst, acc_gap, n_right, fidelity: against definitions written anew
here, another group's scores, simulated chance, and the verbs that print them."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from calm_ext.cli.main import cli
from calm_ext.metrics.answered import Answered, AnswerSet
from calm_ext.metrics.compare import compare
from calm_ext.metrics.lookup import metric_code
from calm_ext.metrics.measure import measure
from calm_ext.metrics.names import (
    DESCRIPTIONS,
    HEADLINE,
    PLAIN,
    chance,
    family_of,
    metric_name,
    metric_names,
    metric_order,
)
from calm_ext.metrics.question import pivot_of, question_metrics
from calm_ext.metrics.sets import acc_worst, overlap_right, right_counts
from calm_ext.metrics.stats import draws
from calm_ext.metrics.tables import means_of, resampled_metrics, table
from tests.conftest import SHARED

NEW = ("acc_worst", "overlap_right", "transfer", "acc_gap", "pivot_consistency")


def answer_set(rows: list[tuple[int | None, dict[str, int | None]]], *, sources: list[str] | None = None) -> AnswerSet:
    languages = list(rows[0][1])
    questions = {
        f"q{i}": Answered(f"q{i}", gold, answers, 4, source_language=sources[i] if sources else None)
        for i, (gold, answers) in enumerate(rows)
    }
    return AnswerSet("memory", "task:t", languages, questions)


def random_rows(
    n: int, languages: str = "en fr de sw", seed: int = 0
) -> list[tuple[int | None, dict[str, int | None]]]:
    rng = random.Random(seed)
    return [
        (g := rng.randrange(4), {x: rng.choice([g, g, 0, 1, 2, 3, None]) for x in languages.split()}) for _ in range(n)
    ]


# --- against definitions and other groups -----------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 3), st.lists(st.one_of(st.none(), st.integers(0, 3)), min_size=3, max_size=3)), min_size=1, max_size=12)
)  # fmt: skip
@settings(deadline=None)
def test_values_against_their_definitions(drawn: list[tuple[int, list[int | None]]]) -> None:
    languages = ["en", "fr", "de"]
    rows = [(gold, dict(zip(languages, answers, strict=True))) for gold, answers in drawn]
    found = means_of(table(list(answer_set(rows).questions.values()), languages))
    right = {x: {i for i, (gold, a) in enumerate(rows) if a[x] == gold} for x in languages}
    shares = [len(right[a] & right[b]) / len(right[a] | right[b]) for a, b in combinations(languages, 2) if right[a] | right[b]]  # fmt: skip
    assert found["overlap_right"] == pytest.approx(np.mean(shares) if shares else math.nan, nan_ok=True)
    assert found["acc_worst"] == pytest.approx(min(map(len, right.values())) / len(rows))
    others = [len(right[x]) / len(rows) for x in ("fr", "de")]
    assert found["acc_gap"] == pytest.approx(len(right["en"]) / len(rows) - sum(others) / 2)
    for x in ("fr", "de"):
        given_pivot = len(right[x] & right["en"]) / len(right["en"]) if right["en"] else math.nan
        assert found[f"transfer_{x}"] == pytest.approx(given_pivot, nan_ok=True)
    assert found["transfer"] == pytest.approx((found["transfer_fr"] + found["transfer_de"]) / 2, nan_ok=True)
    assert "transfer_en" not in found
    alike = [a[x] is not None and a[x] == a["en"] for _, a in rows for x in ("fr", "de")]
    assert found["pivot_consistency"] == pytest.approx(np.mean(alike))


def raw_olmo() -> dict[str, Any]:
    path = SHARED / "option-scores/olmo2-7b-gmmlu-lite.json"
    if not path.exists():
        pytest.skip("../shared/data/option-scores is not here")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def olmo_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The labelled questions of another group, and their predictions as a file."""
    olmo = raw_olmo()
    olmo["questions"] = [q for q in olmo["questions"] if q["gold"] is not None]
    path = tmp_path_factory.mktemp("olmo") / "p.jsonl"
    rows = [{"id": q["id"], "answer": q["gold"], "predictions": q["predicted"], "scores": q["scores"]} for q in olmo["questions"]]  # fmt: skip
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return olmo, path


def metrics_json(*arguments: str | Path) -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["metrics", *map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_onlycorrect_of_dco(olmo_file: tuple[dict[str, Any], Path]) -> None:
    """Liu et al. 2026 (arXiv 2603.04678) count, of two languages' ranked options, the questions of which either has a
    right one first, and of these the share with the same first. Here from the raw scores."""
    olmo, path = olmo_file
    scores = {x: np.array([q["scores"][x] for q in olmo["questions"]]) for x in olmo["languages"]}
    ranked = {x: np.argsort(-s, axis=1, kind="stable") for x, s in scores.items()}
    gold = np.array([q["gold"] for q in olmo["questions"]])

    def onlycorrect(a: str, b: str) -> float:
        same = total = 0
        for i in range(len(gold)):
            if ranked[a][i][0] in [gold[i]] or ranked[b][i][0] in [gold[i]]:
                total += 1
                same += ranked[a][i][0] == ranked[b][i][0]
        return float(same / total)

    wanted = np.mean([onlycorrect(a, b) for a, b in combinations(olmo["languages"], 2)])
    found = metrics_json(path, "--resamples", "100")
    assert found["metrics"]["overlap_right"] == pytest.approx(wanted, abs=1e-9)
    top = {x: r[:, 0] for x, r in ranked.items()}
    with_english = np.mean([(top["en"] == top[x]).mean() for x in olmo["languages"] if x != "en"])
    assert found["metrics"]["pivot_consistency"] == pytest.approx(with_english, abs=1e-9), "their column en-X, of top 1"


def test_counts_and_accuracies_of_jvonrad(olmo_file: tuple[dict[str, Any], Path]) -> None:
    """Their `correct_language_count_histogram`, mean and worst accuracies, from the raw scores with plain numpy."""
    olmo, path = olmo_file
    gold = np.array([q["gold"] for q in olmo["questions"]])
    correct = np.array(
        [[np.argmax(q["scores"][x]) == g for x in olmo["languages"]] for q, g in zip(olmo["questions"], gold, strict=True)]
    )  # fmt: skip
    found = metrics_json(path, "--resamples", "100")
    assert found["n_right"] == np.bincount(correct.sum(axis=1), minlength=12).tolist()
    assert sum(k * n for k, n in enumerate(found["n_right"])) / len(gold) == pytest.approx(found["metrics"]["acc"] * 11)
    assert found["n_right"][-1] / len(gold) == pytest.approx(found["metrics"]["all_correct"])
    accuracy = correct.mean(axis=0)
    assert found["metrics"]["acc_worst"] == pytest.approx(accuracy.min(), abs=1e-9)
    # Theirs is of all 400, of which 31 have no gold here and were right nowhere.
    reference = olmo["reference"]["per_language_accuracy"]
    assert min(reference, key=reference.get) == olmo["languages"][int(accuracy.argmin())] == "sw"
    assert found["metrics"]["acc_worst"] * len(gold) / 400 == pytest.approx(reference["sw"], abs=1e-9)
    assert found["metrics"]["acc_gap"] == pytest.approx(accuracy[0] - accuracy[1:].mean(), abs=1e-9)
    english = correct[:, 0]
    assert found["pivots"] == {"en": len(gold)}
    assert found["n"]["transfer"] == english.sum()
    for place, language in enumerate(olmo["languages"][1:], 1):
        wanted = correct[english, place].mean()
        assert found["metrics"][f"transfer_{language}"] == pytest.approx(wanted, abs=1e-9)
    assert found["metrics"]["transfer"] == pytest.approx(correct[english][:, 1:].mean(), abs=1e-9)


def test_intervals_are_those_of_the_functions_on_each_resample() -> None:
    answers = answer_set(random_rows(40))
    questions = list(answers.questions.values())
    drawn = resampled_metrics(table(questions, answers.languages), seed=3, resamples=50)
    (weights,) = draws(40, seed=3, resamples=50)
    for row, weight in enumerate(weights.astype(int)):
        chosen = [q.right for q, times in zip(questions, weight, strict=True) for _ in range(times)]
        assert drawn["overlap_right"][row] == pytest.approx(overlap_right(chosen))
        assert drawn["acc_worst"][row] == pytest.approx(acc_worst(chosen))
    found = measure(answers, seed=3, resamples=50)
    for metric in ("overlap_right", "acc_worst"):
        assert found.ci95[metric] == pytest.approx(tuple(np.quantile(drawn[metric], [0.025, 0.975])))
        assert found.stderr[metric] == pytest.approx(drawn[metric].std(ddof=1))
        assert found.n[metric] == 40
    assert found.metrics["overlap_right"] == pytest.approx(overlap_right(q.right for q in questions))
    assert found.n_right == right_counts((q.right for q in questions), 4)


def test_chance_values_by_simulation() -> None:
    rng = np.random.default_rng(0)
    languages, n, questions = list("abcdef"), 4, 60
    names = [f"a{x}" for x in languages]
    sums: dict[str, list[float]] = {m: [] for m in (*NEW, "transfer_ab")}
    for _ in range(300):
        picked, gold = rng.integers(0, n, (questions, 6)), rng.integers(0, n, questions)
        rows = [(int(g), dict(zip(names, map(int, p), strict=True))) for g, p in zip(gold, picked, strict=True)]
        answers = answer_set(rows, sources=["aa"] * questions)
        found = means_of(table(list(answers.questions.values()), names))
        for metric in sums:
            sums[metric].append(found[metric])
    for metric, values in sums.items():
        by_chance = chance(metric, n_options=n, n_languages=6, n_questions=questions)
        error = np.std(values) / len(values) ** 0.5
        assert by_chance is not None
        assert np.mean(values) == pytest.approx(by_chance, abs=4 * error + 2e-3), metric
    assert chance("acc_worst", n_options=4, n_languages=6) == 0.25
    assert chance("acc_worst", n_options=1, n_languages=6, n_questions=10) == 1.0
    assert chance("fidelity_en", n_options=4, n_languages=6) is None
    assert chance("answered", n_options=4, n_languages=6) is None


# --- degenerate cases -------------------------------------------------------------------------------------------------


def test_no_language_is_ever_right() -> None:
    found = measure(answer_set([(0, {"en": 1, "fr": None}), (1, {"en": 0, "fr": 2})]), resamples=100)
    assert math.isnan(found.metrics["overlap_right"])
    assert math.isnan(found.metrics["transfer"])
    assert math.isnan(found.stderr["overlap_right"])
    assert (found.metrics["acc_worst"], found.metrics["acc_gap"], found.n_right) == (0.0, 0.0, [2, 0, 0])
    assert "overlap_right is undefined: no language is ever right" in found.warnings
    assert "transfer is undefined: no question has it" in found.warnings


def test_a_pair_that_is_never_right_is_left_out_and_told() -> None:
    rows = [(0, {"en": 0, "fr": 0, "sw": 1, "hi": 1}), (1, {"en": 1, "fr": 0, "sw": None, "hi": 0})]
    found = measure(answer_set(rows), resamples=100)
    assert found.metrics["overlap_right"] == pytest.approx((1 / 2 + 0 + 0 + 0 + 0) / 5), (
        "en-fr ½, four of 0, sw-hi none"
    )
    assert any("leaves out 1 pair of languages, of which neither is ever right (sw, hi)" in w for w in found.warnings)


def test_one_language_no_gold_no_pivot() -> None:
    one = measure(answer_set([(0, {"en": 0}), (1, {"en": 0})]), resamples=100)
    assert not set(NEW) & set(one.metrics)
    assert (one.pivots, one.n_right) == ({}, [1, 1])
    unlabelled = measure(answer_set([(None, {"en": 0, "fr": 0})]), resamples=100)
    assert set(NEW) & set(unlabelled.metrics) == {"pivot_consistency"}
    assert unlabelled.n_right == []
    without = measure(answer_set(random_rows(10, "de fr")), resamples=100)
    assert set(NEW) & set(without.metrics) == {"acc_worst", "overlap_right"}, "neither a source nor English"
    assert without.pivots == {}
    assert overlap_right([]) != overlap_right([])
    assert math.isnan(overlap_right([{"en": 1}]))
    assert math.isnan(acc_worst([]))


def test_unlabelled_questions_are_not_right_or_left_out() -> None:
    rows = [*random_rows(20), (None, {"en": 1, "fr": 1, "de": 1, "sw": 1})]
    counted, skipped = (measure(answer_set(rows), resamples=100, skip_unlabelled=skip) for skip in (False, True))
    labelled = measure(answer_set(rows[:20]), resamples=100)
    assert counted.metrics["acc_worst"] == pytest.approx(labelled.metrics["acc_worst"] * 20 / 21)
    for metric in ("acc_worst", "overlap_right", "transfer", "acc_gap"):
        assert skipped.metrics[metric] == pytest.approx(labelled.metrics[metric]), metric
    assert counted.metrics["overlap_right"] == pytest.approx(labelled.metrics["overlap_right"])
    assert (sum(counted.n_right), sum(skipped.n_right)) == (21, 20)


def test_the_pivot_is_the_recorded_source_where_it_was_asked() -> None:
    assert pivot_of(["en", "zh"], "zh") == "zh"
    assert pivot_of(["en", "fr"], "zh") == "en"
    assert pivot_of(["de", "fr"], "zh") is None
    assert pivot_of(["en"], "en") is None
    rows = [(0, {"en": 0, "fr": 1, "de": 1}), (0, {"en": 1, "fr": 0, "de": 0})]
    found = measure(answer_set(rows, sources=["en", "fr"]), resamples=100)
    assert found.pivots == {"en": 1, "fr": 1}
    assert found.metrics["acc_gap"] == pytest.approx((1 - 0 + 1 - 0.5) / 2)
    assert (found.metrics["transfer_en"], found.n["transfer_en"]) == (0.0, 1)
    assert (found.metrics["transfer_de"], found.n["transfer_de"]) == (0.5, 2)
    mixed = answer_set([(0, {"de": 0, "fr": 0}), (1, {"de": 1, "fr": 0})], sources=["de", "zh"])
    half = measure(mixed, resamples=100)
    assert (half.n["acc_gap"], half.n["pivot_consistency"], half.pivots) == (1, 1, {"de": 1})


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_order_and_words() -> None:
    names = metric_names(["en", "fr"], scored=True, unnormalised=True, pivots=["en"], judged=["fr"])
    assert names[:5] == list(HEADLINE)
    assert names[5:9] == ["acc_en", "acc_fr", "transfer_fr", "fidelity_fr"]
    assert names == metric_order(names)
    assert len(names) == len(set(names))
    assert {n for n in names if not family_of(n)[0]} == {n for n in DESCRIPTIONS if "<" not in n} == set(PLAIN)
    for name in names:
        assert metric_code(metric_name(name), names) == name
        assert metric_code(metric_name(name).upper(), names) == name
    assert metric_code("Fleiss' κ", names) == "kappa"
    assert metric_code("acc_de", names) is None
    assert family_of("acc_norm") == family_of("acc_bytes") == family_of("acc_all_agree") == ("", "")
    computed = Answered("q", 0, {"en": 0, "fr": 0}, 2, faithful={"fr": True}).metrics()
    assert set(computed) | {"kappa", "acc_worst", "overlap_right"} == {n for n in names if "rankc" not in n and "unnorm" not in n}  # fmt: skip


# --- compare ----------------------------------------------------------------------------------------------------------


def test_compare_tests_them_pairwise() -> None:
    before, after = answer_set(random_rows(60, seed=1)), answer_set(random_rows(60, seed=1))
    same = compare(before, after, resamples=200)
    for metric in (*NEW, "transfer_fr"):
        assert (same.changes[metric].difference, same.changes[metric].p) == (0.0, 1.0), metric
    better = {
        i: q._replace(answers={**q.answers, "sw": q.gold}) for i, q in before.questions.items()
    }  # fmt: skip
    moved = compare(before, AnswerSet("b", "task:t", before.languages, better), resamples=500).changes
    # Where the interval of the bootstrap contains 0, p is the interval's.
    assert {moved["acc_worst"].test, moved["overlap_right"].test} <= {"bootstrap", "interval"}
    assert moved["transfer_sw"].difference > 0.2
    assert moved["transfer_sw"].test == "mcnemar"
    assert moved["transfer_sw"].p < moved["transfer_sw"].p_holm < 0.05, "corrected over the languages"
    assert moved["acc_gap"].difference < 0
    assert moved["acc_gap"].ci95[1] < 0


def test_compare_takes_the_pivot_that_one_side_records() -> None:
    rows = random_rows(20, "en zh fr")
    before, after = answer_set(rows), answer_set(rows, sources=["zh"] * 20)
    found = compare(before, after, resamples=100).changes
    assert found["acc_gap"].difference == 0
    assert "transfer_en" in found
    assert "transfer_zh" not in found


# --- verbs ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "p.jsonl"
    rows = [{"id": f"q{i}", "answer": g, "predictions": a} for i, (g, a) in enumerate(random_rows(50))]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_metrics_prints_a_headline_and_a_line_a_language(predictions: Path) -> None:
    short = CliRunner().invoke(cli, ["metrics", str(predictions), "--resamples", "200"], catch_exceptions=False).stdout
    lines = short.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("metric"))
    assert [line.split()[0] for line in lines[start + 1 : start + 6]] == list(HEADLINE)
    assert lines[start].split() == ["metric", "value", "±", "s.e.", "95", "%", "interval", "chance", "questions"]
    assert lines[start + 6] == ""
    assert lines[start + 7].split() == ["language", "accuracy", "±", "s.e.", "transfer", "answered"]
    assert [line.split()[0] for line in lines[start + 8 : start + 12]] == ["English", "French", "German", "Swahili"]
    assert "pivot" in lines[start + 8]
    assert "acc_fr" not in short
    assert "more metrics with --all: all_correct (all right)," in short
    every = CliRunner().invoke(cli, ["metrics", str(predictions), "--resamples", "200", "--all"]).stdout
    found = metrics_json(predictions, "--resamples", "200")
    for metric in found["metrics"]:
        assert any(line.split()[:1] == [metric] for line in every.splitlines()), metric
    assert f"languages: {' '.join(map(str, found['n_right']))}" in every
    assert "with --all" not in every
    assert found["answered_by_language"]["en"] == pytest.approx(found["metrics"]["answered"], abs=0.1)
    old = {"acc", "acc_en", "all_correct", "consistency", "consistency_right", "consistency_wrong", "consistency_valid",
           "all_agree", "acc_all_agree", "kappa", "answered"}  # fmt: skip
    assert old | set(NEW) | {"transfer_fr"} <= set(found["metrics"]) == set(found["ci95"]) == set(found["stderr"])
    for metric in (*NEW, "transfer_fr"):
        low, high = found["ci95"][metric]
        assert low < found["metrics"][metric] < high
        assert found["stderr"][metric] > 0


def test_metrics_of_one_language_and_without_gold(tmp_path: Path) -> None:
    one = tmp_path / "one.jsonl"
    one.write_text(
        '{"id": "a", "answer": 0, "predictions": {"fr": 0}}\n{"id": "b", "answer": 0, "predictions": {"fr": 1}}\n'
    )
    shown = CliRunner().invoke(cli, ["metrics", str(one)], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "language" not in shown.stdout
    none = tmp_path / "none.jsonl"
    none.write_text('{"id": "a", "predictions": {"en": 0, "fr": 0}}\n{"id": "b", "predictions": {"en": 0, "fr": 1}}\n')
    shown = CliRunner().invoke(cli, ["metrics", str(none), "--all"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "pivot_consistency" in shown.stdout
    assert "transfer" not in shown.stdout


def spoken_row(i: int, french: str) -> dict[str, Any]:
    doc = {"id": f"q{i}", "answer": 0, "source_language": "fr", "languages": ["en", "fr"], "questions": ["Q?", "Q ?"],
           "options": [["air", "water"], ["air", "eau"]]}  # fmt: skip
    said = ["Explanation: Fish live in the water of rivers and seas.\nAnswer: B", french]
    return {"doc": doc, "doc_hash": f"h{i}", "filtered_resps": said, "metrics": ["acc"], "acc": 0.0}


def test_fidelity_of_the_responses_in_samples(tmp_path: Path) -> None:
    own, foreign = (
        "Explication : les poissons vivent dans l'eau des rivières.\nRéponse : B",
        spoken_row(0, "")["filtered_resps"][0],
    )
    rows = [spoken_row(0, own), spoken_row(1, foreign), spoken_row(2, "Réponse : B"), spoken_row(3, own)]
    results = {"results": {"calm_x_xl": {}}, "configs": {"calm_x_xl": {"metadata": {
        "style": "explain", "signature": "task:calm_x_xl|langs:en.fr|style:explain", "thoughts": 5}}}}  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps(results))
    path = tmp_path / "samples_calm_x_xl.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    found = metrics_json(path, "--resamples", "100")
    assert found["metrics"]["fidelity_fr"] == pytest.approx(2 / 3), "what is too short is not judged"
    assert (found["n"]["fidelity_fr"], found["metrics"]["fidelity_en"], found["n"]["fidelity_en"]) == (3, 1.0, 4)
    assert "fidelity_fr" not in found["chance"]
    assert found["pivots"] == {"fr": 4}, "the source that the samples record"
    shown = CliRunner().invoke(cli, ["metrics", str(path)], catch_exceptions=False).stdout
    assert "fidelity" in shown
    assert "0.667" in shown
    scored = [{**r, "filtered_resps": [[-1.0, "False"]] * 4} for r in rows]
    path.write_text("".join(json.dumps(r) + "\n" for r in scored), encoding="utf-8")
    assert not [m for m in metrics_json(path, "--resamples", "100")["metrics"] if m.startswith("fidelity")]


def test_per_question_values_hold_the_others_against_the_pivot() -> None:
    m = question_metrics({"en": 1, "fr": 1, "de": None, "it": 0}, gold=1, pivot="fr")
    assert (m["transfer_en"], m["transfer_de"], m["transfer"]) == (1.0, 0.0, pytest.approx(1 / 3))
    assert "transfer_fr" not in m
    assert "transfer" not in question_metrics({"en": None, "fr": 1}, gold=1, pivot="en")
    nobody = question_metrics({"en": None, "fr": None}, gold=1, pivot="en")
    assert (nobody["pivot_consistency"], nobody["acc_gap"]) == (0.0, 0.0), "no answer agrees with nobody"
    assert "acc_gap" not in question_metrics({"en": 1, "fr": 1}, gold=None, pivot="en")
