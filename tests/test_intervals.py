"""Intervals where the bootstrap does not cover, and questions that belong together: simulations and cases by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from statsmodels.stats.proportion import proportion_confint

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, DataError
from calm_ext.metrics.answered import Answered, AnswerSet
from calm_ext.metrics.compare import compare
from calm_ext.metrics.intervals import difference_interval, mean_interval, score_interval, standard_error
from calm_ext.metrics.measure import measure
from calm_ext.metrics.stats import draws, interval, resampled_means, sign_flips
from calm_ext.report.board.rank import judge
from calm_ext.results.answers import read_answers
from calm_ext.results.columns import Columns
from tests.test_compare import LANGUAGES, answer_set
from tests.test_measure import sample_row, write, write_task


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments])


# --- coverage ---------------------------------------------------------------------------------------------------------


def shares(rng: np.random.Generator, n: int, languages: int, accuracy: float, alike: float) -> np.ndarray:
    """Shares of right answers, beta-binomial: `alike` is the correlation of two languages of a question."""
    size = 1 / alike - 1
    return rng.binomial(languages, rng.beta(accuracy * size, (1 - accuracy) * size, n)) / languages


@pytest.mark.parametrize(
    ("n", "languages", "accuracy", "alike", "kind"),
    [
        (50, 5, 0.98, 0.4, "acc"), (50, 16, 0.02, 0.6, "acc"), (100, 2, 0.98, 0.2, "acc"), (100, 16, 0.98, 0.01, "acc"),
        (50, 5, 0.5, 0.4, "acc"), (50, 2, 0.98, 0.4, "all"), (100, 5, 0.5, 0.2, "all"), (50, 16, 0.02, 0.6, "all"),
        (50, 5, 0.98, 0.4, "difference"), (100, 16, 0.5, 0.4, "difference"),
    ],
)  # fmt: skip
def test_intervals_hold_the_truth(n: int, languages: int, accuracy: float, alike: float, kind: str) -> None:
    """In at least 93 % of data sets, within the noise of 400; the percentile interval does so in as little as 0 %."""
    rng = np.random.default_rng(0)

    def values(size: int) -> np.ndarray:
        before = shares(rng, size, languages, accuracy, alike)
        if kind == "difference":  # few questions change
            return np.where(rng.random(size) < 0.04, rng.integers(0, languages + 1, size) / languages - before, 0.0)
        return (before == 1).astype(float) if kind == "all" else before

    truth = accuracy if kind == "acc" else float(values(2_000_000).mean())
    bounds = (-1.0, 1.0) if kind == "difference" else (0.0, 1.0)
    held = 0
    for i in range(400):
        own = values(n)
        low, high, _ = mean_interval(own, resampled_means(own[:, None], seed=i, resamples=400)[:, 0], bounds=bounds)
        held += low <= truth <= high
    assert held / 400 >= 0.93 - 0.02, held


# --- the score interval -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [0, 1, 2, 5, 9])
@pytest.mark.parametrize("mirrored", [False, True])
def test_of_zeros_and_ones_it_is_wilsons(k: int, mirrored: bool) -> None:
    values = np.array([1.0] * k + [0.0] * (60 - k))
    found = score_interval(1 - values if mirrored else values)
    assert found is not None
    low, high = (1 - found.high, 1 - found.low) if mirrored else found.bounds
    wilson = proportion_confint(k, 60, method="wilson")
    assert high == pytest.approx(wilson[1], abs=1e-6)
    assert low <= wilson[0] + 1e-6
    assert low >= proportion_confint(k, 60, method="beta")[0] - 1e-9, "no lower than the exact one"


def test_a_difference_is_newcombes() -> None:
    """Without correlation: squares of the distances of both shares to their Wilson bounds are added."""
    values = np.array([1.0] * 6 + [-1.0] * 2 + [0.0] * 92)
    found = score_interval(values, bounds=(-1.0, 1.0))
    assert found is not None
    (l1, u1), (l2, u2) = (proportion_confint(k, 100, method="wilson") for k in (6, 2))
    low, high = 0.04 - math.hypot(0.06 - l1, u2 - 0.02), 0.04 + math.hypot(u1 - 0.06, 0.02 - l2)
    assert found.bounds == pytest.approx((low, high), abs=2e-3)  # the mid-P bound is a little lower than Wilson's
    assert found.low <= low + 1e-6 and found.high >= high - 1e-6


def test_nothing_that_differs_is_no_point() -> None:
    all_right, no_change = np.ones(50), np.zeros(50)
    assert interval(resampled_means(all_right[:, None], resamples=100)[:, 0]) == (1.0, 1.0), "what the bootstrap says"
    assert score_interval(all_right) == (pytest.approx(0.9287, abs=1e-4), 1.0, "score")
    low, high, _ = score_interval(no_change, bounds=(-1.0, 1.0)) or (0, 0, "")
    assert (low, high) == (pytest.approx(-0.0713, abs=1e-4), pytest.approx(0.0713, abs=1e-4))
    half = score_interval(np.full(50, 0.5))  # one language always right, the other never
    assert half is not None and half.low < 0.5 < half.high
    assert score_interval(np.array([np.nan, np.nan])) is None


def test_the_bootstrap_stays_where_it_covers() -> None:
    rng = np.random.default_rng(1)
    for values in (rng.random(30), shares(rng, 80, 5, 0.7, 0.3), rng.binomial(1, 0.3, 60) * 1.0):
        drawn = resampled_means(values[:, None], resamples=500)[:, 0]
        wanted = tuple(np.quantile(drawn, [0.025, 0.975]))
        binary = set(values.tolist()) <= {0.0, 1.0}  # the quantiles are exact, without drawing
        found = mean_interval(values, drawn)
        assert found.bounds == pytest.approx(wanted, abs=1.01 / 60 if binary else 0) and found.method == "bootstrap"
    before, after = rng.binomial(1, 0.4, (2, 200)) * 1.0
    drawn = resampled_means((after - before)[:, None], resamples=500)[:, 0]
    assert difference_interval(before, after, drawn).bounds == tuple(np.quantile(drawn, [0.025, 0.975]))


def test_sides_that_do_not_have_the_same_questions_are_no_point() -> None:
    before, after = np.ones(40), np.ones(40)
    before[:5] = np.nan
    low, high, method = difference_interval(before, after, np.zeros(100))
    assert low < -0.05 and high > 0.05 and method == "score"


def test_what_is_no_mean_goes_along() -> None:
    answers = answer_set(np.ones((50, 3), dtype=bool))
    questions = {i: q._replace(gold=k % 4, answers=dict.fromkeys(q.answers, k % 4)) for k, (i, q) in
                 enumerate(answers.questions.items())}  # fmt: skip
    found = measure(AnswerSet("x", "task:t", answers.languages, questions), resamples=200)
    for metric in ("acc", "consistency", "all_correct", "kappa", "acc_worst", "overlap_right", "acc_gap"):
        assert found.ci95_method[metric] == "score", metric
        low, high = found.ci95[metric]
        assert low < found.metrics[metric] - 0.02 and high >= found.metrics[metric], metric
    assert found.ci95["acc_worst"] == found.ci95["acc_en"] == found.ci95["overlap_right"]
    assert found.ci95["kappa"][0] < found.ci95["consistency"][0], "what is not by chance is the smaller part"
    moved = compare(answers, answers, resamples=200).changes
    for metric in ("acc", "acc_worst", "overlap_right", "acc_gap"):
        low, high = moved[metric].ci95
        assert low < -0.02 < 0.02 < high and moved[metric].ci95_method == "score", metric


def test_output_says_which_intervals(tmp_path: Path) -> None:
    def predictions(name: str, wrong: int) -> Path:
        rows = [{"id": f"q{i}", "answer": i % 4, "predictions": {"en": i % 4, "fr": (i % 4) ^ (i < wrong), "de": i % 3}}
                for i in range(60)]  # fmt: skip
        return write(tmp_path / name, rows)

    first, second = predictions("a.jsonl", 2), predictions("b.jsonl", 5)
    shown = run("metrics", first, "--resamples", 500)
    assert "note: the intervals of acc_en, acc_fr" in shown.stderr
    assert "are score intervals (Wilson, Newcombe), because too few questions differ from the others" in shown.stderr
    found = json.loads(run("metrics", first, "--resamples", 500, "--json").stdout)
    assert {"acc_en": "score", "acc_fr": "score"}.items() <= found["ci95_method"].items()
    assert not {"acc", "acc_de"} & set(found["ci95_method"])
    changed = json.loads(run("compare", first, second, "--resamples", 500, "--json").stdout)
    assert changed["acc"]["ci95_method"] == "score" and changed["acc"]["test"] == "sign flips"
    assert changed["acc"]["p"] == 0.25, "three questions, all in one direction"
    assert "the intervals of differences in acc" in run("compare", first, second, "--resamples", 500).stderr
    columns = [Columns(("acc",), [f"q{i}" for i in range(60)], np.array(v)[:, None], "", "")
               for v in ([1.0] * 60, [1.0, 0.5] * 30)]  # fmt: skip
    assert [x.method for x in judge(columns, "acc").ci95] == ["score", "bootstrap"]


# --- clusters ---------------------------------------------------------------------------------------------------------


def test_clusters_are_drawn_whole_by_hand() -> None:
    values, clusters = np.array([[1.0], [0.0], [1.0], [np.nan], [0.5]]), np.array([0, 0, 1, 1, 2])
    drawn = resampled_means(values, seed=4, resamples=50, clusters=clusters)[:, 0]
    (weights,) = draws(3, seed=4, resamples=50)
    sums, sizes = np.array([1.0, 1.0, 0.5]), np.array([2, 1, 1])
    assert drawn == pytest.approx([(w * sums).sum() / (w * sizes).sum() for w in weights])
    mean = 2.5 / 4
    by_hand = math.sqrt(3 / 2 * ((1 - 2 * mean) ** 2 + (1 - mean) ** 2 + (0.5 - mean) ** 2)) / 4
    assert standard_error(values[:, 0], clusters) == pytest.approx(by_hand)


def test_sign_flips_by_hand_and_at_random() -> None:
    gains = np.array([0.5, 0.25, -0.25, 1.0, 0.0])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    assert sign_flips(gains) == (np.abs(signs @ gains[:4]) >= 1.5 - 1e-9).mean()
    assert sign_flips(gains, np.array([0, 0, 1, 1, 1])) == 0.5, "two sums, both gains"
    assert sign_flips(np.zeros(9)) == 1.0
    many = np.array([1.0] * 16 + [-1.0] * 5)
    from scipy.stats import binomtest

    assert sign_flips(many) == pytest.approx(binomtest(5, 21).pvalue, abs=0.01)
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 4)
    alarms = [sign_flips(rng.normal(size=30)[groups], groups, resamples=500) < 0.05 for _ in range(200)]
    assert sum(alarms) <= 20
    assert sum(sign_flips(rng.normal(size=30)[groups], resamples=500) < 0.05 for _ in range(50)) > 10, "by question"


def repeated(right: np.ndarray, times: int) -> AnswerSet:
    """Each question `times` times, as one cluster."""
    found = answer_set(np.repeat(right, times, axis=0))
    clusters = {identity: str(i // times) for i, identity in enumerate(found.questions)}
    return AnswerSet("x", "task:t", found.languages, found.questions, clusters=clusters, cluster_key="id:x")


@pytest.mark.parametrize("ease", [0.6, 0.99])
def test_copies_of_a_question_say_no_more_than_one(ease: float) -> None:
    rng = np.random.default_rng(3)
    before, after = rng.random((2, 40, 3)) < ease
    alone, copies = measure(answer_set(before), resamples=500), measure(repeated(before, 5), resamples=500)
    for metric, bounds in alone.ci95.items():
        assert copies.ci95[metric] == pytest.approx(bounds, nan_ok=True, abs=2e-3), metric
        assert copies.stderr[metric] == pytest.approx(alone.stderr[metric], nan_ok=True, rel=0.02), metric
    assert copies.n_clusters == 40 and copies.signature.endswith("|clusters:40")
    one = compare(answer_set(before), answer_set(after), resamples=500).changes
    five = compare(repeated(before, 5), repeated(after, 5), resamples=500)
    assert five.n_clusters == 40
    for metric, change in five.changes.items():
        assert change.ci95 == pytest.approx(one[metric].ci95, nan_ok=True, abs=5e-3), metric
        if one[metric].test == "mcnemar":
            assert change.test == "sign flips" and change.p == pytest.approx(one[metric].p, abs=0.02), metric
            assert len(change.gained) == 5 * len(one[metric].gained)


def test_cluster_keys(tmp_path: Path) -> None:
    rows = [{"id": f"p{i // 3}/{i}", "answer": 0, "predictions": {"en": i % 2, "sw": i % 3}} for i in range(36)]
    path = write(tmp_path / "p.jsonl", rows)
    shown = run("metrics", path, "--cluster", "id:(.+)/", "--resamples", 200)
    assert "36 questions in en, sw, 12 clusters by id:(.+)/" in shown.stdout
    assert "note: there are only 12 clusters" in shown.stderr
    found = json.loads(run("metrics", path, "--cluster", "id:(.+)/", "--resamples", 200, "--json").stdout)
    assert (found["n_clusters"], found["cluster"]) == (12, "id:(.+)/")
    changed = run("compare", path, path, "--cluster", "id:^p[0-9]+", "--resamples", 200, "--json")
    assert json.loads(changed.stdout)["acc"]["n_clusters"] == 12
    tasks = []
    for i in range(6):
        row = sample_row(i)
        row["doc"]["link"] = f"https://x/{i // 2}"
        tasks.append(row)
    for key in ("link", "doc.link"):
        assert set(read_answers([write_task(tmp_path / key, tasks)], cluster=key).clusters.values()) == {
            f"https://x/{i}" for i in range(3)
        }
    for key, said in (
        ("id:(", "--cluster id:(: is no regular expression"), ("id:", "the pattern after id: is empty"),
        ("link", "has no documents, so no link"), ("id:(.+)#", "the id p0/0 does not match --cluster id:(.+)#"),
    ):  # fmt: skip
        with pytest.raises((CalmError, DataError)) as caught:
            read_answers([path], cluster=key)
        assert said in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"has no text or number in passage \(--cluster\); there are id, "):
        read_answers([tmp_path / "link"], cluster="passage")


def test_sides_of_other_clusters_are_refused() -> None:
    def sides(key: str) -> AnswerSet:
        questions = {f"q{i}": Answered(f"q{i}", 0, dict.fromkeys(LANGUAGES, 0), 4) for i in range(4)}
        return AnswerSet(
            "x", "task:t", LANGUAGES, questions, clusters={i: i[-1] if key == "a" else "1" for i in questions}
        )

    with pytest.raises(DataError, match="question q0 is of cluster 0"):
        compare(sides("a"), sides("b"), resamples=100)


def test_logs_of_other_tasks_have_clusters(tmp_path: Path) -> None:
    from tests.test_logs import MINE, line
    from tests.test_logs import write as write_logs

    for x in ("en", "fr"):
        rows: list[dict[str, Any]] = [line(i, i % 3) for i in range(12)]
        for row in rows:
            row["doc"]["passage"] = row["doc_id"] // 4
        write_logs(tmp_path, f"mine_{x}", rows)
    found = read_answers([tmp_path], logs=MINE, cluster="doc.passage")
    assert sorted(found.clusters.values()) == ["0"] * 4 + ["1"] * 4 + ["2"] * 4
    numbers = found.cluster_numbers()
    assert numbers is not None and numbers.max() == 2
