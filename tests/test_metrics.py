from __future__ import annotations

import json
import random

import numpy as np
import pytest

from calm_ext.metrics import argmax, pairwise, per_byte, question_metrics, rankc
from calm_ext.stats import estimate, paired_difference
from tests.conftest import SHARED


def test_worked_example() -> None:
    m = question_metrics({"en": 1, "fr": 1, "de": None, "it": 0}, gold=1)
    assert m == {
        "acc": 0.5, "acc_en": 1.0, "acc_fr": 1.0, "acc_de": 0.0, "acc_it": 0.0, "all_correct": 0.0,
        "consistency": 1 / 6, "all_agree": 0.0, "answered": 0.75,
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


def test_against_another_groups_numbers() -> None:
    """OLMo-2 on Global-MMLU-Lite, as jvonrad/Lost-in-Mistranslation computed it, to 1e-9."""
    path = SHARED / "option-scores/olmo2-7b-gmmlu-lite.json"
    if not path.exists():
        pytest.skip("../shared/data/option-scores is not here")
    data = json.loads(path.read_text(encoding="utf-8"))
    reference, languages, questions = data["reference"], data["languages"], data["questions"]
    n = len(questions)
    rank, agree, right = [], [], []
    accuracy = dict.fromkeys(languages, 0.0)
    by_pair = dict.fromkeys(reference["rankc_pairwise"], 0.0)
    for question in questions:
        scores = {x: question["scores"][x] for x in languages}
        metrics = question_metrics({x: argmax(s) for x, s in scores.items()}, question["gold"])
        rank.append(rankc(scores))
        agree.append(metrics["consistency"])
        # 31 questions have no gold in the file; that group counts them as answered wrongly in all languages.
        right.append(metrics.get("all_correct", 0.0))
        for x in languages:
            accuracy[x] += metrics.get(f"acc_{x}", 0.0) / n
        for pair in by_pair:
            i, j = pair.split("-")
            by_pair[pair] += rankc({i: scores[i], j: scores[j]}) / n
    assert sum(rank) / n == pytest.approx(0.5512187467, abs=1e-9)
    assert sum(agree) / n == pytest.approx(reference["agreement_average"], abs=1e-9)
    assert sum(right) / n == pytest.approx(reference["all_languages_correct"], abs=1e-9)
    # In four questions their Chinese row had another gold than the question, which shows in their `correct` flags.
    differ = [q for q in questions if (q["predicted"]["zh"] == q["gold"]) != q["correct"]["zh"]]
    assert len(differ) == 4
    accuracy["zh"] += sum(q["correct"]["zh"] - (q["predicted"]["zh"] == q["gold"]) for q in differ) / n
    assert accuracy == pytest.approx(reference["per_language_accuracy"], abs=1e-9)
    assert by_pair == pytest.approx(reference["rankc_pairwise"], abs=1e-9)


def test_bootstrap_interval_covers() -> None:
    """The 95 % interval of a mean holds the true mean in about 95 % of simulated samples."""
    rng = np.random.default_rng(0)
    hits = 0
    for i in range(300):
        e = estimate(rng.binomial(1, 0.4, 150).astype(float), seed=i, resamples=400)
        hits += e.low <= 0.4 <= e.high
    assert 0.91 <= hits / 300 <= 0.98


def test_paired_difference_sees_what_is_there_and_not_more() -> None:
    rng = np.random.default_rng(1)
    before = rng.binomial(1, 0.5, 400).astype(float)
    after = np.where(rng.random(400) < 0.2, 1.0, before)
    d = paired_difference(before, after)
    assert d.value == pytest.approx((after - before).mean())
    assert d.low > 0
    assert d.p < 0.01
    same = paired_difference(before, before)
    assert (same.value, same.p) == (0.0, 1.0)
    false_alarms = sum(
        paired_difference(rng.random(60), rng.random(60), seed=i, resamples=400).p < 0.05 for i in range(200)
    )
    assert false_alarms <= 20
    with pytest.raises(ValueError, match="not paired"):
        paired_difference([1.0], [1.0, 2.0])
    assert np.isnan(estimate([]).value)
