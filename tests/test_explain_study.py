"""The folds and seeds of a study explained as one: counts and resamples computed another way, simulated tests, the verb."""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from calm_ext.babel import BabelConfig, questions
from calm_ext.babel.gloss import gloss
from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, RunError
from calm_ext.jsonl import write_jsonl
from calm_ext.metrics.design import Design, seed_draws
from calm_ext.metrics.intervals import mean_interval, score_interval
from calm_ext.metrics.stats import draws, interval, resampled_means
from calm_ext.report.explain.cards import cards_of
from calm_ext.report.explain.cells import Cells
from calm_ext.report.explain.depends import depends_p
from calm_ext.report.explain.explain import explain_part
from calm_ext.report.explain.factors import factors_of
from calm_ext.report.explain.one import One, render_models
from calm_ext.report.explain.page import render_explanation
from calm_ext.report.explain.parts import Part, Row
from calm_ext.report.explain.terminal import render
from calm_ext.report.explain.words import title
from calm_ext.results.evaluation import Shown, Text
from calm_ext.study.combinations import combinations, explained_pages, read_results
from calm_ext.study.effects import Term, effects
from calm_ext.study.outcomes import Outcome

from .test_explain import make_row
from .test_report import check_html, make_answers, make_questions, write_evaluation

LANGUAGES = ["en", "fr", "ru"]

# --- means and resamples of rows that are not independent -------------------------------------------------------------

#: question, cluster, seed of each row, and its value: b and c belong together, two models of seed 0 answered a.
ROWS = [
    ("a", "a", 0, 1.0), ("a", "a", 0, 0.0), ("b", "bc", 0, 0.5), ("c", "bc", 0, np.nan), ("d", "d", 0, 1.0),
    ("a", "a", 1, 0.0), ("b", "bc", 1, 1.0), ("c", "bc", 1, 0.25), ("d", "d", 1, -1.0),
    ("a", "a", 2, 0.5), ("b", "bc", 2, np.nan), ("c", "bc", 2, 0.0), ("d", "d", 2, 0.75),
]  # fmt: skip


def design_of(rows: Sequence[tuple[str, str, int, float]]) -> tuple[Design, np.ndarray]:
    questions, clusters, seeds, values = zip(*rows, strict=True)
    return Design(questions, clusters, seeds), np.array(values)


def weighted(rows: Sequence[tuple[str, str, int, float]], weight: Callable[[str, int], float]) -> float:
    """The mean in which each question of a seed weighs ``weight``, however many models answered it."""
    total = count = 0.0
    for question, cluster, seed, value in rows:
        n = sum((q, s) == (question, seed) for q, _, s, _ in rows)
        if not np.isnan(value):
            total += weight(cluster, seed) / n * value
            count += weight(cluster, seed) / n
    return total / count if count else np.nan


def test_means_and_resamples_are_those_of_a_loop() -> None:
    design, values = design_of(ROWS)
    assert (design.n_questions, design.n_units, design.n_seeds, design.plain) == (4, 3, 3, False)
    assert design.mean(values) == pytest.approx(weighted(ROWS, lambda c, s: 1))
    assert design.by_seed(values) == pytest.approx([weighted([r for r in ROWS if r[2] == s], lambda c, s: 1)
                                                    for s in range(3)])  # fmt: skip
    assert design.of_questions(values) == pytest.approx([(0.5 + 0 + 0.5) / 3, 0.75, 0.125, 0.25])
    drawn = design.resampled(values[:, None], resamples=40)[:, 0]
    of_units, of_seeds = np.concatenate(list(draws(3, seed=0, resamples=40))), seed_draws(3, 40)
    assert set(of_seeds.sum(axis=1)) == {2}, "two of three seeds are drawn"
    place = {"a": 0, "bc": 1, "d": 2}
    for found, units, seeds in zip(drawn, of_units, of_seeds, strict=True):
        expected = weighted(ROWS, lambda c, s, u=units, t=seeds: u[place[c]] * t[s])  # type: ignore[misc]
        assert found == pytest.approx(expected, nan_ok=True)


def test_questions_of_their_own_are_resampled_as_ever() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((40, 2))
    assert (Design(range(40)).resampled(values, resamples=100) == resampled_means(values, resamples=100)).all()
    clusters = np.repeat(np.arange(8), 5)
    together = Design(range(40), clusters.tolist())
    drawn = resampled_means(values, resamples=100, clusters=clusters)
    assert together.resampled(values, resamples=100) == pytest.approx(drawn)
    expected = mean_interval(values[:, 0], drawn[:, 0], clusters=clusters)
    assert together.interval(values[:, 0], together.resampled(values, resamples=100)[:, 0]) == pytest.approx(expected)


def test_intervals_are_those_of_the_studys_own_tables() -> None:
    rng = np.random.default_rng(1)
    gains = (rng.normal(0.1, 0.3, (3, 60)) + rng.normal(0, 0.2, 60)).clip(-1, 1)
    terms = [[Term(1, Outcome({(f"q{i}", ""): {"acc": float(v)} for i, v in enumerate(own)}))] for own in gains]
    expected = effects(terms, ["acc"])["acc"]
    design = Design([i for _ in range(3) for i in range(60)], None, np.repeat(np.arange(3), 60).tolist())
    drawn = design.resampled(gains.ravel()[:, None])[:, 0]
    assert design.mean(gains.ravel()) == pytest.approx(expected.value)
    assert design.interval(gains.ravel(), drawn, bounds=(-1, 1)) == (
        pytest.approx(expected.ci95[0]), pytest.approx(expected.ci95[1]), "bootstrap",
    )  # fmt: skip
    assert design.by_seed(gains.ravel()) == pytest.approx(expected.by_seed)


def test_one_in_forty_has_no_interval_of_a_point_and_seeds_widen_it() -> None:
    """Where the bootstrap does not cover: the score interval over questions, with the seeds' own error added."""
    seeds = np.repeat(np.arange(3), 40).tolist()
    design = Design(list(range(40)) * 3, None, seeds)
    one = np.zeros((3, 40))
    one[:, 7] = 1
    alike = design.interval(one.ravel(), design.resampled(one.ravel()[:, None])[:, 0])
    over_questions = mean_interval(one[0], resampled_means(one[0][:, None])[:, 0])
    assert alike == pytest.approx(over_questions) and alike.method == "score"
    one[0, 8:11] = 1
    differ = design.interval(one.ravel(), design.resampled(one.ravel()[:, None])[:, 0])
    over = score_interval(one.mean(axis=0))
    assert over is not None and differ.method == "score"
    error = 1.96 * np.std(one.mean(axis=1), ddof=1) / 3**0.5  # of the mean of .1, .025 and .025
    assert differ.high == pytest.approx(0.05 + np.hypot(over.high - 0.05, error), abs=1e-4)
    assert differ.high > over.high + 0.01 and differ.low == 0.0 < over.low


# --- a part of several seeds ------------------------------------------------------------------------------------------


def part_of(rows: Sequence[Row], seeds: Sequence[str]) -> Part:
    return Part("toy", "held out", LANGUAGES, list(rows), "", tuple(seeds))


def seeded(seed: int, fold: int, *rows: Row, group: str | None = None) -> list[Row]:
    return [r._replace(seed=seed, fold=fold, group=group) for r in rows]


#: The right answer is 0. The first question wins with one seed and loses with the other; the second wins twice.
TWO_SEEDS = [
    *seeded(0, 0, make_row("a-1", 0, (0, 1, 2), (0, 0, 2))),
    *seeded(0, 1, make_row("a-2", 0, (0, 0, 1), (0, 0, 0)), make_row("a-3", 0, (1, 1, 1), (1, 1, 1))),
    *seeded(1, 0, make_row("a-1", 0, (0, 1, 2), (1, 1, 2))),
    *seeded(1, 1, make_row("a-2", 0, (0, 0, 1), (0, 0, 0)), make_row("a-3", 0, (1, 1, 1), (1, 1, 0))),
]


def test_two_seeds_by_hand() -> None:
    found = explain_part(part_of(TWO_SEEDS, ["seed 0", "seed 1"]), resamples=300, permutations=99)
    values = found.values
    assert (values["n_questions"], values["n_answers"]) == (3, 18)
    assert values["repeated"] == {"seeds": ["seed 0", "seed 1"], "n_folds": 2, "n_rows": 6, "n_clusters": None}
    assert values["outcomes"]["all"] == {"kept": 5, "won": 4, "lost": 1, "other": 0, "same": 8}
    acc = values["acc"]
    assert (acc["before"], acc["after"]) == pytest.approx((6 / 18, 9 / 18))
    assert acc["by_seed"] == pytest.approx([2 / 9, 1 / 9]) and acc["difference"] == pytest.approx(3 / 18)
    majority = values["towards"]["targets"]["majority"]
    # Only a-2's ru, and nothing of a-1 and a-3, differed from a majority of the others: once for each seed.
    assert (majority["differed"], majority["changed"], majority["to"], majority["right"]) == (2, 2, 2, 2)
    assert sum(values["towards"]["gain"].values()) == pytest.approx(acc["difference"])
    assert values["alike"]["n"] == 6 and values["alike"]["moves"]["most_right"]["right"] == 2
    levels = {x["level"]: x for f in values["factors"] if f["key"] == "n_right" for x in f["levels"]}
    assert {k: (x["n_questions"], x["n_answers"], x["won"]) for k, x in levels.items()} == {
        "0": (1, 6, 1), "1": (1, 6, 1), "2": (1, 6, 2),
    }  # fmt: skip
    assert title(values) == "toy: 3 questions in 3 languages, 2 folds and 2 seeds, held out"
    assert "by seed +0.222, +0.111" in values["words"]["moved"]
    console = Console(width=200, file=io.StringIO(), record=True)
    for shown in render(values):
        console.print(shown)
    assert "A question counts once for each model that answered it: 6 times in all." in console.export_text()


def test_a_question_is_read_once_with_what_the_other_seeds_did() -> None:
    found = explain_part(part_of(TWO_SEEDS, ["seed 0", "seed 1"]), resamples=100, permutations=99)
    assert sorted(t["id"] for t in found.values["telling"]) == ["a-1", "a-2", "a-3"]
    cards = {c["id"]: c for kind in cards_of(found) for c in kind["cards"]}
    assert (cards["a-3"]["model"], cards["a-3"]["others"]) == ("seed 1, fold 1", "seed 0: 0 → 0")
    assert (cards["a-1"]["right"], cards["a-1"]["others"]) == ("right in 1 → 2 of 3", "seed 1: 1 → 0")
    assert {t["seed"] for t in found.values["telling"]} == {"seed 0", "seed 1"}
    page = render_explanation("s, dpo", [found], study="../index.html")
    check_html(page)
    assert 'href="../index.html"' in page and "study s, dpo" in page and "(seed 0: 0 → 0)" in page
    assert "as for the study’s own tables (the hierarchical bootstrap)" in page and "permutation" not in page


def test_a_seed_that_says_the_same_again_is_no_evidence() -> None:
    """Three seeds with the same answers: the intervals and p-values of the questions, not of three times as many."""
    rng = random.Random(3)
    rows = []
    for i in range(60):
        before = [int(rng.random() < 0.5) for _ in LANGUAGES]
        kind = "bc"[i % 2]
        rows.append(make_row(f"{kind}-{i}", 0, before, [a * (rng.random() > (0.3, 0.5)[i % 2]) for a in before]))
    one = explain_part(part_of(rows, ()), permutations=999).values
    three = explain_part(part_of([r for s in range(3) for r in seeded(s, 0, *rows)], "xyz"), permutations=999).values
    for metric in ("acc", "consistency"):
        assert three[metric]["ci95"] == pytest.approx(one[metric]["ci95"], abs=1e-9)
    old, new = ({f["key"]: f["tests"] for f in v["factors"]} for v in (one, three))
    assert old.keys() == new.keys()
    for key, tests in old.items():
        for event, test in tests.items():
            if not np.isnan(test["p"]):
                assert new[key][event]["p"] == pytest.approx(test["p"], abs=0.12), (key, event)
    levels = [[x["ci95"] for f in v["factors"] for x in f["levels"]] for v in (one, three)]
    assert np.array(levels[1]) == pytest.approx(np.array(levels[0]), abs=0.03, nan_ok=True)
    assert three["link"]["ci95"] == pytest.approx(one["link"]["ci95"], abs=1e-9)
    assert three["pairs"]["pairs"][0]["ci95"] == pytest.approx(one["pairs"]["pairs"][0]["ci95"], abs=1e-9)


def test_questions_that_belong_together_are_drawn_together() -> None:
    """Five facts of one subject that move alike say what one says."""
    rng = random.Random(4)
    gains = [rng.random() < 0.6 for _ in range(30)]
    rows = [
        make_row(f"q-{s}-{i}", 0, (1, 1, 1), (0, 0, 0) if gains[s] else (1, 1, 2))._replace(group=f"subject {s}")
        for s in range(30)
        for i in range(5)
    ]
    together = explain_part(part_of(rows, ()), permutations=99).values
    apart = explain_part(part_of([r._replace(group=None) for r in rows], ()), permutations=99).values
    assert (together["n_questions"], together["repeated"]["n_clusters"]) == (150, 30) and "repeated" not in apart
    width, narrow = (np.diff(v["acc"]["ci95"])[0] for v in (together, apart))
    assert width / narrow == pytest.approx(5**0.5, rel=0.1)
    standard = np.std(gains) / 30**0.5
    assert width == pytest.approx(2 * 1.96 * standard, rel=0.1)


def test_worlds_share_their_categories_in_english() -> None:
    """The seeds of Babel's worlds have questions of their own, whose ids name the world and no category."""
    rows = []
    for seed in (0, 1):
        for q in questions(BabelConfig(seed=seed), "test")[:48]:
            texts = {x: Text(v.question, len(v.question)) for x, v in q.versions.items()}
            options = {x: [Text(o, len(o)) for o in v.options] for x, v in q.versions.items()}
            answers: dict[str, int | None] = dict.fromkeys(texts, 0)
            rows.append(Row(q.id, q.answer, None, answers, answers, Shown(texts, options, {}, {}), None, seed=seed))
    part = Part("toy", "held out", list(rows[0].before), rows, "", ("seed 0", "seed 1"))
    found = next(f for f in factors_of(Cells(part)) if f.key == "category")
    assert "The drink of …" in found.levels and not {"s0", "s1"} & set(found.levels)
    at = found.at[:, 0] == found.levels.index("The drink of …")
    drinks = [(gloss(r.id) or pytest.fail(r.id)).question.startswith("The drink of") for r in rows]
    assert at.tolist() == drinks and len({r.seed for r, own in zip(rows, drinks, strict=True) if own}) == 2


# --- tests of factors -------------------------------------------------------------------------------------------------


def rejected(
    simulate: Callable[[np.random.Generator], tuple[Any, ...]], n: int, *, known: bool = True, **how: Any
) -> float:
    """How often p < .05, with or without the design."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(n):
        *arrays, design = simulate(rng)
        found.append(depends_p(*arrays, permutations=199, design=design if known else None, **how) <= 0.05)
    return float(np.mean(found))


def three_seeds(rng: np.random.Generator, effect: float, within: bool) -> tuple[Any, ...]:
    """Sixty questions whose answers move alike with all seeds; the levels are of the questions, or of the languages."""
    n, languages = 60, 4
    level = rng.integers(0, 3, (n, 1)).repeat(languages, 1)
    if within:
        level = np.array([[0, 0, 1, 2]]).repeat(n, 0)
    hard = rng.random((n, languages)) if within else rng.random((n, 1)).repeat(languages, 1)
    rows, seeds = np.tile(np.arange(n), 3), np.repeat(np.arange(3), n)
    bar = 0.45 + effect * (level - 1) + np.array([-0.1, 0.0, 0.1])[seeds].reshape(3, n, 1)
    events = (0.8 * hard + 0.2 * rng.random((3, n, languages)) < bar).reshape(3 * n, languages)
    trials = np.tile(rng.random((n, languages)) < 0.8, (3, 1))
    return level[rows], events, trials, Design(rows.tolist(), None, seeds.tolist())


@pytest.mark.parametrize("within", [False, True])
def test_seeds_are_no_questions_for_the_tests_of_factors(within: bool) -> None:
    how = {"ordered": False, "within": within}
    assert rejected(lambda rng: three_seeds(rng, 0.0, within), 120, **how) < 0.12
    assert rejected(lambda rng: three_seeds(rng, 0.25, within), 30, **how) > 0.8
    naive = rejected(lambda rng: three_seeds(rng, 0.0, within), 60, known=False, **how)
    assert naive > 0.25, "rows taken for questions would find what is not there"


def test_a_trend_over_ordered_levels_and_clusters() -> None:
    def simulate(rng: np.random.Generator, effect: float = 0.0) -> tuple[Any, ...]:
        subject = np.repeat(np.arange(25), 4)
        level = rng.integers(0, 4, 25)[subject][:, None].repeat(3, 1)
        hard = rng.random(25)[subject][:, None]
        events = 0.7 * hard + 0.3 * rng.random((100, 3)) < 0.5 + effect * (level - 1.5)
        return level, events, np.ones_like(events), Design(range(100), subject.tolist())

    assert rejected(simulate, 120, ordered=True, within=False) < 0.12
    assert rejected(lambda rng: simulate(rng, 0.3), 30, ordered=True, within=False) > 0.8
    assert rejected(simulate, 60, known=False, ordered=True, within=False) > 0.2


# --- a study's folder -------------------------------------------------------------------------------------------------


def make_cell(folder: Path, fold: int, seed: int, *, gain: float, groups: str = "abc") -> dict[str, Any]:
    """A finished cell that asked the questions of the other fold; returns its entry of study.json without the run."""
    questions = make_questions(40, LANGUAGES, "q")
    own, asked = questions[fold::2], questions[1 - fold :: 2]
    low = dict(zip(LANGUAGES, (0.7, 0.5, 0.4), strict=True))
    high = {x: v + gain for x, v in low.items()}
    sides = (("before", low, 7), ("after", high, 10 * seed + fold))
    for when, shares, chance in sides:
        tasks = {
            "calm_local_xl": (own, make_answers(own, shares, chance + fold)),
            "calm_asked_xl": (asked, make_answers(asked, shares, chance + 50)),
        }
        write_evaluation(folder / "eval" / when, tasks)
    write_jsonl(folder / "questions.jsonl", asked)
    path = f"elsewhere/folds/{groups}/heldout-{fold}.jsonl"
    (folder / "recipe.yaml").write_text(f"name: {folder.name}\nevaluation: {{metadata: {{path: {path}}}}}\n")
    (folder / "manifest.json").write_text(json.dumps({"name": folder.name, "stages": {}}))
    return {"run": f"cells/{folder.name}", "seed": {"training.seed": seed}, "fold": fold, "status": "finished"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods, two seeds, two folds; a third method has a cell that failed and one that is missing."""
    study = tmp_path_factory.mktemp("runs") / "made"
    cells = []
    for method, gain in (("dpo", 0.25), ("sft", 0.0)):
        for seed in (0, 1):
            for fold in (0, 1):
                cell = make_cell(study / f"cells/{method}_s{seed}_f{fold}", fold, seed, gain=gain)
                cells.append({**cell, "vary": {"method": method, "data.limit": 40}})
    lost = {"vary": {"method": "worse", "data.limit": 40}, "seed": {"training.seed": 0}}
    cells += [{**lost, "run": f"cells/worse_s0_f{f}", "fold": f, "status": s}
              for f, s in ((0, "failed"), (1, "missing"))]  # fmt: skip
    results = {"study": "made", "cells": cells, "claims": [], "effects": [], "asked": {}, "folds": [], "versions": {},
               "command": "calm-ext study made.yaml --set a=1"}  # fmt: skip
    (study / "study.json").write_text(json.dumps(results))
    (study / "study.yaml").write_text("name: made\n")
    (study / "folds/abc").mkdir(parents=True)
    (study / "folds/abc/groups.json").write_text(json.dumps({"groups": [["q-0000", "q-0002"], ["q-0001", "q-0003"]]}))
    return study


def verb(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["explain", *map(str, arguments)])


def answers_of(folder: Path, cell: str, when: str) -> dict[str, dict[str, float]]:
    """question -> metric -> value, as lm-eval's file has them."""
    lines = (folder / "cells" / cell / f"eval/{when}/samples_calm_local_xl.jsonl").read_text().splitlines()
    return {row["doc"]["id"]: row for row in map(json.loads, lines)}


def test_folds_and_seeds_of_a_study_are_pooled(folder: Path) -> None:
    done = verb(folder, "--where", "method=dpo", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    (one,) = found["explanations"]
    assert found["study"] == "made" and one["where"] == {"method": "dpo", "data.limit": 40}
    assert one["seeds"] == [{"training.seed": 0}, {"training.seed": 1}] and len(one["cells"]) == 4
    held, asked = one["parts"]
    assert (held["task"], held["kind"], asked["kind"]) == ("calm_local_xl", "held out", "asked")
    assert (held["n_questions"], held["n_answers"]) == (40, 40 * 3 * 2)
    assert held["repeated"] == {"seeds": ["seed 0", "seed 1"], "n_folds": 2, "n_rows": 80, "n_clusters": 38}
    gains: list[list[float]] = []
    for seed in (0, 1):
        own: dict[str, float] = {}
        for fold in (0, 1):
            before, after = (answers_of(folder, f"dpo_s{seed}_f{fold}", when) for when in ("before", "after"))
            own |= {i: after[i]["acc"] - before[i]["acc"] for i in after}
        assert len(own) == 40, "each question is measured by one fold"
        gains.append([own[f"q-{i:04d}"] for i in range(40)])
    table = np.array(gains)
    assert held["acc"]["by_seed"] == pytest.approx(table.mean(axis=1).tolist())
    assert held["acc"]["difference"] == pytest.approx(table.mean())
    # The resamples again, one question after the other: 38 groups are drawn, and one of two seeds.
    rng = np.random.default_rng(5)
    group = [{2: 0, 3: 1}.get(i, i) for i in range(40)]
    names = sorted(set(group))
    drawn = []
    for _ in range(4000):
        chosen = [i for g in rng.choice(names, len(names)) for i in range(40) if group[i] == g]
        drawn.append(table[rng.integers(2), chosen].mean())
    assert held["acc"]["ci95"] == pytest.approx(interval(np.array(drawn)), abs=0.012)


def test_each_combination_in_turn_and_what_is_not_finished(folder: Path) -> None:
    done = verb(folder)
    assert isinstance(done.exception, CalmError) and "\n" not in str(done.exception)
    assert str(done.exception) == (
        f"{folder}: worse, limit 40: worse_s0_f0 (failed), worse_s0_f1 are not finished; run "
        f"`calm-ext study made.yaml --set a=1`"
    )
    assert done.output.index("dpo, limit 40") < done.output.index("sft, limit 40")
    assert done.output.count("2 folds and 2 seeds, held out") >= 2 and "What became of the answers" not in done.output
    pages = dict(explained_pages(read_results(folder), folder))
    assert pages == {"dpo, limit 40": "explained/dpo_limit-40.html", "sft, limit 40": "explained/sft_limit-40.html"}
    for page in pages.values():
        text = (folder / page).read_text(encoding="utf-8")
        check_html(text)
        assert 'href="../index.html"' in text and "study made, " in text
    only = verb(folder, "--where", "method=worse")
    assert isinstance(only.exception, RunError) and "are not finished" in str(only.exception) and not only.output


def test_a_page_that_is_older_than_its_cells_is_not_linked(folder: Path) -> None:
    assert verb(folder, "--where", "method=sft").exit_code == 0
    results = read_results(folder)
    assert "sft, limit 40" in dict(explained_pages(results, folder))
    manifest = folder / "cells/sft_s0_f0/manifest.json"
    later = (folder / "explained/sft_limit-40.html").stat().st_mtime + 10
    os.utime(manifest, (later, later))
    assert "sft, limit 40" not in dict(explained_pages(results, folder))


def test_one_seed_alone(folder: Path, tmp_path: Path) -> None:
    done = verb(folder, "--where", "method=dpo", "--where", "training.seed=1", "--json", "-o", tmp_path)
    (one,) = json.loads(done.output)["explanations"]
    assert one["cells"] == ["cells/dpo_s1_f0", "cells/dpo_s1_f1"]
    assert (one["parts"][0]["n_questions"], one["parts"][0]["repeated"]["seeds"]) == (40, ["seed 1"])
    assert Path(one["page"]) == tmp_path / "dpo_limit-40_seed-1.html" and Path(one["page"]).is_file()
    assert "by_seed" not in one["parts"][0]["acc"]


def test_one_question_with_every_seed_and_fold(folder: Path) -> None:
    done = verb(folder, "--id", "q-0003", "--where", "method=dpo", "--json")
    cells = {c["cell"]: c for c in json.loads(done.output)["cells"]}
    assert len(cells) == 4
    for seed in (0, 1):
        for fold in (0, 1):
            cell = cells[f"cells/dpo_s{seed}_f{fold}"]
            assert (cell["seed"], cell["fold"]) == ({"training.seed": seed}, fold)
            (task,) = cell["tasks"]
            assert task["kind"] == ("held out" if fold == 1 else "asked")
            if fold == 1:
                row = answers_of(folder, f"dpo_s{seed}_f1", "after")["q-0003"]
                assert list(task["after"].values()) == ["ABCD".index(r[-1]) for r in row["filtered_resps"]]
    said = verb(folder, "--id", "q-0003", "--where", "method=dpo").output
    assert said.count("q en 3?") == 2, "once for each task"
    assert "seed 0, fold 1" in said and "seed 1, fold 1" in said
    unknown = verb(folder, "--id", "q-0033x", "--where", "method=dpo")
    assert "has no question q-0033x (did you mean 'q-0033'?)" in str(unknown.exception)


def test_answers_that_are_the_same_stand_once() -> None:
    row = make_row("a", 0, (0, 1, 2), (0, 0, 2))
    ones = [("seed 0", row), ("seed 1", row), ("seed 2", row._replace(after=row.before))]
    found = render_models([(name, One("a", [("t", "held out", r)], None, None, [])) for name, r in ones])
    console = Console(width=120, file=io.StringIO(), record=True)
    for part in found:
        console.print(part)
    text = console.export_text()
    assert "seed 0; seed 1\n" in text and "seed 2\n" in text and text.count("no answer changed") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--where", "methode=dpo"), "KEY=VALUE was expected, KEY one of: method, data.limit, training.seed"),
        (("--where", "method"), "--where method: method has the values dpo, sft, worse"),
        (("--where", "method=xyz"), "--where method=xyz: method has the values dpo, sft, worse"),
        (("--where", "method=worse", "--where", "training.seed=1"), "no cell has all of these"),
        (("--where", "method=dpo", "--task", "other"), "has no task 'other'; its tasks: calm_local_xl, calm_asked_xl"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    done = verb(folder, *arguments)
    assert isinstance(done.exception, CalmError) and said in str(done.exception) and "\n" not in str(done.exception)


def test_a_study_is_named_alone_and_has_results(folder: Path, tmp_path: Path) -> None:
    cell = folder / "cells/dpo_s0_f0"
    assert "is a study, and is explained by itself" in str(verb(cell, folder).exception)
    assert "is no study; --where chooses cells of one" in str(verb(cell, "--where", "method=dpo").exception)
    (tmp_path / "cells").mkdir()
    assert "has no study.json yet; `calm-ext study` with its file and --results writes it" in str(
        verb(tmp_path).exception
    )
    (tmp_path / "study.json").write_text(json.dumps({"study": "old", "cells": []}))
    assert "has no command" in str(verb(tmp_path).exception)


def test_values_are_named_as_they_are_written() -> None:
    cell = {"run": "cells/x", "seed": {}, "fold": None, "status": "finished"}
    cells = [{**cell, "vary": {"data.languages": x, "training.learning_rate": r}}
             for x in (["en", "fr"], ["en", "de"]) for r in (0.001, 0.01)]  # fmt: skip
    for chosen in ("data.languages=en+fr", "data.languages=[en, fr]"):
        found = combinations({"cells": cells}, [chosen, "training.learning_rate=1.0e-3"])
        assert [x.vary for x in found] == [cells[0]["vary"]] and found[0].seed_names() == ()
    assert len({x.page for x in combinations({"cells": cells})}) == 4
