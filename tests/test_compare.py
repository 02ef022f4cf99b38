"""`calm-ext compare`: its tests against scipy and statsmodels, and against simulated data whose truth is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats as scipy_stats

from calm_ext.cli.main import cli
from calm_ext.errors import DataError
from calm_ext.metrics.answered import Answered, AnswerSet
from calm_ext.metrics.compare import Paired, compare, paired_tests
from calm_ext.metrics.intervals import difference_interval
from calm_ext.metrics.stats import draws, holm, mcnemar, resampled_means
from calm_ext.report.words import direction
from calm_ext.results.answers import read_answers
from tests.test_measure import sample_row, write, write_task

LANGUAGES = ["en", "de", "sw", "zh"]


def answer_set(right: np.ndarray, *, source: str = "x") -> AnswerSet:
    """Answers that are right where told; shape (questions, languages)."""
    questions = {
        f"q{i}": Answered(f"q{i}", 0, {x: 0 if r else 1 for x, r in zip(LANGUAGES, row, strict=False)}, 4)
        for i, row in enumerate(right)
    }
    return AnswerSet(source, "task:t", LANGUAGES[: right.shape[1]], questions)


def test_mcnemar_is_statsmodels_exact_one() -> None:
    from statsmodels.stats.contingency_tables import mcnemar as reference

    rng = np.random.default_rng(0)
    for n in (5, 20, 60, 300):
        before, after = rng.random(n) < 0.5, rng.random(n) < 0.6
        table = [
            [int((before & after).sum()), int((before & ~after).sum())],
            [int((~before & after).sum()), int((~before & ~after).sum())],
        ]
        assert mcnemar(before, after) == pytest.approx(reference(table, exact=True).pvalue, abs=1e-12)
    assert mcnemar([True, False], [True, False]) == 1.0


def test_holm_is_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(1)
    for n in (1, 3, 16):
        p = rng.random(n) ** 3
        assert holm(list(p)) == pytest.approx(list(multipletests(p, method="holm")[1]), abs=1e-12)


def test_bootstrap_interval_is_scipys() -> None:
    """The same percentile interval, up to the noise of two generators."""
    rng = np.random.default_rng(2)
    values = rng.choice([-1.0, 0.0, 1.0], 300, p=[0.1, 0.7, 0.2])
    ours = np.quantile(resampled_means(values[:, None], resamples=20_000)[:, 0], [0.025, 0.975])
    theirs = scipy_stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=3
    ).confidence_interval
    assert ours == pytest.approx([theirs.low, theirs.high], abs=0.004)


def test_resamples_draw_questions_whole_and_the_same_for_both_sides() -> None:
    blocks = list(draws(50, seed=1, resamples=100))
    assert np.concatenate(blocks).shape == (100, 50)
    assert (np.concatenate(blocks).sum(axis=1) == 50).all()
    assert (np.concatenate(list(draws(50, seed=1, resamples=100))) == np.concatenate(blocks)).all()
    values = np.random.default_rng(0).random((50, 3))
    values[::2, 2] = np.nan
    means = resampled_means(values, seed=1, resamples=100)
    picked = np.repeat(np.arange(50), blocks[0][7].astype(int))
    assert means[7] == pytest.approx(np.nanmean(values[picked], axis=0))


def simulated(rng: np.random.Generator, n: int, gain: float, languages: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong before and after, correlated over languages through the question; after differs by `gain`."""
    ease = rng.normal(0, 1, (n, 1))
    before = ease + rng.normal(0, 1, (n, languages)) > 0
    flip = rng.random((n, languages))
    # wrong -> right with probability .1 + 2 gain, right -> wrong with .1: a difference of `gain` at half right
    after = np.where(before, flip > 0.1, flip < 0.1 + 2 * gain)
    return before, after


def test_coverage_and_false_positives_over_400_simulations() -> None:
    """95 % intervals hold the true difference in 93 to 97 % of simulations; corrected tests cry wolf in at most 5 %.

    benchmarks/coverage.py does many more, at the edges too.
    """
    rng = np.random.default_rng(4)
    covered, alarms, power = 0, 0, 0
    for i in range(400):
        for gain in (0.05, 0.0):
            before, after = simulated(rng, 200, gain)
            found = compare(answer_set(before), answer_set(after), seed=i, resamples=600).changes
            if gain:
                low, high = found["acc"].ci95
                covered += low <= gain <= high
                power += any(found[f"acc_{x}"].p_holm < 0.05 for x in LANGUAGES)
            else:
                alarms += any(found[f"acc_{x}"].p_holm < 0.05 for x in LANGUAGES)
    assert 372 <= covered <= 388, covered
    assert alarms <= 20, alarms
    assert power > 120, "a test that never says yes would pass the line above"


def test_the_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(5)
    before, after = simulated(rng, 400, 0.0)
    size = compare(answer_set(before), answer_set(after), resamples=1000).changes["acc"].detectable
    hits = 0
    for i in range(120):
        before, after = simulated(rng, 400, size)
        hits += compare(answer_set(before), answer_set(after), seed=i, resamples=600).changes["acc"].p < 0.05
    assert 0.7 < hits / 120 < 0.92, hits


def test_values_flips_and_families() -> None:
    before = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], dtype=bool)
    after = np.array([[1, 1], [1, 0], [0, 1], [0, 1]], dtype=bool)
    found = compare(answer_set(before), answer_set(after), resamples=500)
    en, de = found.changes["acc_en"], found.changes["acc_de"]
    assert (en.before, en.after, en.difference, en.gained, en.lost) == (0.5, 0.5, 0.0, ["q1"], ["q2"])
    assert (de.gained, de.lost, de.test, de.p, de.p_holm) == (["q0"], [], "mcnemar", 1.0, 1.0)
    assert found.changes["consistency"].test == "mcnemar", "with two languages it is 0 or 1"
    assert found.changes["acc"].test == "sign flips", "four questions are too few for the bootstrap"
    assert found.changes["acc"].difference == pytest.approx(0.125)
    assert found.changes["acc_all_agree"].n == 0, "no question has all languages agreeing on both sides"


def predictions(path: Path, n: int, *, shift: int = 0, prefix: str = "q", **changes: Any) -> Path:
    rows = [
        {"id": f"{prefix}{i}", "answer": i % 3, "predictions": {"en": (i + (i < shift)) % 3, "fr": i % 3}, **changes}
        for i in range(n)
    ]
    return write(path, rows)


def test_no_small_p_beside_an_interval_with_zero() -> None:
    """Ten tiny changes in one direction: sign flips find p = .002, the score interval contains 0."""
    before = np.zeros(160)
    before[:10] = 0.12
    after = np.zeros(160)
    found = difference_interval(before, after, resampled_means((after - before)[:, None], resamples=500)[:, 0])
    assert found.low < 0 < found.high and found.method == "score"
    clear = paired_tests({"x": Paired(before, after, None, found._replace(high=-0.001))}, [])["x"]
    assert clear.p == pytest.approx(2**-9), "the test alone"
    tested = paired_tests({"x": Paired(before, after, None, found)}, [])["x"]
    assert tested.test == "interval" and tested.p == tested.p_holm >= 0.05
    d = {"value": -before.mean(), "low": found.low, "high": found.high, "p": tested.p}
    assert direction(d) == direction({**d, "p": 0.002}) == 0, "no arrow, in summaries of older versions either"
    for seed in range(30):  # whatever the data, the two agree
        rng = np.random.default_rng(seed)
        sides = rng.integers(0, 5, (2, 40)) / 4 * (rng.random((2, 40)) < rng.random())
        drawn = resampled_means((sides[1] - sides[0])[:, None], resamples=1000)[:, 0]
        ci = difference_interval(sides[0], sides[1], drawn)
        found_p = paired_tests({"x": Paired(sides[0], sides[1], drawn, ci)}, [])["x"].p
        assert found_p >= 0.05 or ci.low > 0 or ci.high < 0


def test_command_line(tmp_path: Path) -> None:
    before, after = predictions(tmp_path / "b.jsonl", 60, shift=20), predictions(tmp_path / "a.jsonl", 60, shift=3)
    arguments = ["compare", str(before), str(after), "--resamples", "500"]
    shown = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert shown.exit_code == 0
    for said in (
        "acc_en",
        "+0.283",
        "mcnemar",
        "acc (accuracy)",
        "consistency_right (agreeing and right)",
        "Power: 60 questions",
        "en: 17 answers became right (q3, q4, q5, q6, q7 … and 12 more); 0 answers became wrong",
    ):
        assert said in shown.stdout, (said, shown.stdout)
    found = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).stdout)
    for change in found.values():
        assert {"before", "after", "difference", "ci95", "p", "p_holm"} <= set(change)
    assert len(found["acc_en"]["gained"]) == 17
    assert found["acc_en"]["p_holm"] == pytest.approx(2 * found["acc_en"]["p"])
    stuck = [{"id": f"q{i}", "answer": None if i else 0, "predictions": {"en": 1, "fr": i % 3}} for i in range(30)]
    told = CliRunner().invoke(cli, ["compare", *[str(write(tmp_path / "s.jsonl", stuck))] * 2, "--resamples", "200"])
    assert "note: 29 of 30 questions have no gold answer and count as not right" in told.stderr
    assert "note: after: en gives option B in 100% of its 30 answers" in told.stderr
    same = CliRunner().invoke(cli, ["compare", str(before), str(before), "--resamples", "200"])
    assert "no answer changed" in same.stdout


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    def said(before: Path, after: Path) -> str:
        with pytest.raises(DataError) as caught:
            compare(read_answers([before]), read_answers([after]), resamples=100)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    a = predictions(tmp_path / "a.jsonl", 9)
    assert "only in" in said(a, predictions(tmp_path / "b.jsonl", 7))
    assert "q7, q8" in said(a, tmp_path / "b.jsonl")
    assert "and 4 more; only in" in said(a, predictions(tmp_path / "c.jsonl", 9, prefix="r"))
    assert "different languages: only in" in said(a, predictions(tmp_path / "d.jsonl", 9, predictions={"en": 1}))
    assert "question q1 has the answer 1 at" in said(a, predictions(tmp_path / "e.jsonl", 9, answer=0))
    base = write_task(tmp_path / "1", [sample_row(0), sample_row(1)])
    reworded = [sample_row(0), sample_row(1, questions=["Other?", "Autre ?"])]
    assert "question q1 was asked in other words" in said(base, write_task(tmp_path / "2", reworded))
    signed = "task:calm_x_xl|langs:en.fr|style:{}|calm-ext:{}|lm_eval:0.4.13"
    rows = [sample_row(0), sample_row(1)]
    newer = write_task(tmp_path / "3", rows, signature=signed.format("explain", "0.2.0"))
    assert "different versions: calm-ext (0.1.0 against 0.2.0)" in said(base, newer)
    assert compare(read_answers([base]), read_answers([newer]), resamples=100, mixed_versions=True).n_questions == 2
    direct = write_task(tmp_path / "4", rows, signature=signed.format("direct", "0.1.0"))
    assert "they differ in style (explain against direct)" in said(base, direct)
    other = write_task(tmp_path / "5", rows, task="calm_y_xl")
    assert "they differ in task (calm_x_xl against calm_y_xl)" in said(base, other)


def test_a_metric_of_two_questions_that_both_change_is_no_certainty() -> None:
    """P(zh right | en right) goes from 0 of 2 to 2 of 3: no resample of that varies, and the p is the score interval's."""
    before = np.zeros((40, 4), dtype=bool)
    after = before.copy()
    before[:2, 0] = True
    after[:3, 0] = True
    after[:3, 3] = True
    changed = compare(answer_set(before), answer_set(after), resamples=500).changes["transfer_zh"]
    assert (changed.before, changed.after, changed.test) == (0.0, 1.0, "interval")
    low, high = changed.ci95
    assert 0 < low < 0.6 and high == 1.0
    assert 0.001 < changed.p < 0.05 and changed.p_holm == pytest.approx(min(1.0, 3 * changed.p), abs=0.1)
