from __future__ import annotations

import math
import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calm_ext.metrics.names import chance, rankc_floor
from calm_ext.metrics.question import argmax, pairwise, per_byte, question_metrics, rankc
from calm_ext.metrics.sets import fleiss_kappa, position_bias
from calm_ext.metrics.stats import bootstrap_p, interval, resampled_means


def test_worked_example() -> None:
    m = question_metrics({"en": 1, "fr": 1, "de": None, "it": 0}, gold=1)
    assert m == {
        "acc": 0.5, "acc_en": 1.0, "acc_fr": 1.0, "acc_de": 0.0, "acc_it": 0.0, "all_correct": 0.0,
        "consistency": 1 / 6, "consistency_right": 1 / 6, "consistency_wrong": 0.0, "consistency_valid": 1 / 3,
        "all_agree": 0.0, "answered": 0.75,
    }  # fmt: skip


def test_abstentions_agree_with_nobody() -> None:
    m = question_metrics({"en": None, "fr": None}, gold=0)
    assert (m["consistency"], m["all_agree"], m["answered"]) == (0.0, 0.0, 0.0)
    assert pairwise({"en": None, "fr": None, "de": 1}) == {("en", "fr"): 0.0, ("en", "de"): 0.0, ("fr", "de"): 0.0}


def test_one_language_and_no_gold() -> None:
    assert "consistency" not in question_metrics({"en": 1}, gold=1)
    assert "acc" not in question_metrics({"en": 1, "fr": 1}, gold=None)


def test_argmax_and_bytes() -> None:
    assert argmax([1.0, 3.0, 3.0]) == 1
    assert per_byte([-6.0, -6.0], ["ab", "水"]) == [-3.0, -2.0]


@pytest.mark.parametrize(("n", "chance"), [(4, 0.377), (5, 0.310)])
def test_rankc_of_random_rankings_is_its_chance_value(n: int, chance: float) -> None:
    rng = random.Random(0)
    values = [
        rankc({"a": [rng.random() for _ in range(n)], "b": [rng.random() for _ in range(n)]}) for _ in range(20000)
    ]
    assert sum(values) / len(values) == pytest.approx(chance, abs=0.004)


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=2, max_size=8),
    st.integers(0, 4),
)
def test_per_question_values_against_their_definitions(values: list[int | None], gold: int) -> None:
    answers = {f"l{i}": a for i, a in enumerate(values)}
    m = question_metrics(answers, gold)
    alike = list(pairwise(answers).values())
    assert m["consistency"] == pytest.approx(sum(alike) / len(alike))
    assert m["consistency_right"] + m["consistency_wrong"] == pytest.approx(m["consistency"])
    right = [a == gold and b == gold for a, b in combinations(values, 2)]
    assert m["consistency_right"] == pytest.approx(sum(right) / len(right))
    given_only = [a == b for a, b in combinations([v for v in values if v is not None], 2)]
    assert ("consistency_valid" in m) == bool(given_only)
    if given_only:
        assert m["consistency_valid"] == pytest.approx(sum(given_only) / len(given_only))
    assert m["all_correct"] == float(all(v == gold for v in values))
    assert ("acc_all_agree" in m) == bool(m["all_agree"])


def test_kappa_is_fleiss() -> None:
    from statsmodels.stats.inter_rater import aggregate_raters
    from statsmodels.stats.inter_rater import fleiss_kappa as reference

    rng = np.random.default_rng(0)
    table = rng.choice(4, (200, 6), p=[0.4, 0.3, 0.2, 0.1])
    table[:100, 1:] = table[:100, :1]
    answers = [{f"l{j}": int(a) for j, a in enumerate(row)} for row in table]
    assert fleiss_kappa(answers) == pytest.approx(reference(aggregate_raters(table)[0]), abs=1e-12)
    constant = [{"en": 0, "fr": 0, "de": 0}] * 50
    assert math.isnan(fleiss_kappa(constant)), "always one option: perfectly consistent, and worthless"
    assert question_metrics(constant[0], 1)["consistency"] == 1.0
    assert math.isnan(fleiss_kappa([]))
    assert math.isnan(fleiss_kappa([{"en": 1}]))
    assert fleiss_kappa([{"en": 0, "fr": None}, {"en": 1, "fr": None}]) < 0, "abstentions agree with nobody"


@pytest.mark.parametrize("n", [4, 5])
def test_chance_is_what_random_answers_get(n: int) -> None:
    rng = np.random.default_rng(n)
    languages = ["en", "fr", "de"]
    sums: dict[str, list[float]] = {}
    for _ in range(20000):
        answers = {x: int(a) for x, a in zip(languages, rng.integers(0, n, 3), strict=True)}
        values = question_metrics(answers, int(rng.integers(0, n)))
        for name, value in values.items():
            sums.setdefault(name, []).append(value)
    for name, values_ in sums.items():
        expected = chance(name, n_options=n, n_languages=3)
        if name == "answered":
            assert expected is None
        else:
            assert sum(values_) / len(values_) == pytest.approx(
                expected, abs=0.02 if name == "acc_all_agree" else 0.012
            )


@pytest.mark.parametrize(("n", "floor"), [(2, None), (4, 0.090), (5, 0.064)])
def test_rankc_floor_is_two_opposite_rankings(n: int, floor: float | None) -> None:
    scores = [float(i) for i in range(n)]
    assert rankc({"a": scores, "b": scores[::-1]}) == pytest.approx(rankc_floor(n))
    if floor is not None:
        assert rankc_floor(n) == pytest.approx(floor, abs=5e-4)


def test_position_bias_needs_answers_and_a_habit() -> None:
    habit = [{"en": 2 if i % 10 < 7 else i % 4, "fr": i % 4, "de": 1 if i < 5 else None} for i in range(100)]
    assert [(b.language, b.option) for b in position_bias(habit)] == [("en", 2)]
    assert position_bias(habit, threshold=0.9) == []


def test_bootstrap_interval_covers() -> None:
    """The 95 % interval of a mean holds the true mean in about 95 % of simulated samples."""
    rng = np.random.default_rng(0)
    hits = 0
    for i in range(300):
        values = rng.binomial(1, 0.4, 150).astype(float)
        low, high = interval(resampled_means(values[:, None], seed=i, resamples=400)[:, 0])
        hits += low <= 0.4 <= high
    assert 0.91 <= hits / 300 <= 0.98


def test_paired_differences_see_what_is_there_and_not_more() -> None:
    def means(before: np.ndarray, after: np.ndarray, seed: int = 0, resamples: int = 10_000) -> np.ndarray:
        return resampled_means((after - before)[:, None], seed=seed, resamples=resamples)[:, 0]

    rng = np.random.default_rng(1)
    before = rng.binomial(1, 0.5, 400).astype(float)
    after = np.where(rng.random(400) < 0.2, 1.0, before)
    drawn = means(before, after)
    assert drawn.mean() == pytest.approx((after - before).mean(), abs=1e-3)
    assert interval(drawn)[0] > 0
    assert bootstrap_p(drawn) < 0.01
    same = means(before, before)
    assert (same.max(), same.min(), bootstrap_p(same)) == (0.0, 0.0, 1.0)
    false_alarms = sum(bootstrap_p(means(rng.random(60), rng.random(60), i, 400)) < 0.05 for i in range(200))
    assert false_alarms <= 20
    assert np.isnan(interval(np.array([]))).all()
    assert np.isnan(bootstrap_p(np.array([])))
