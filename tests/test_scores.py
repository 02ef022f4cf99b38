"""Scores of options: each way to normalise them by hand, and which one is chosen without gold."""

from __future__ import annotations

import random
from itertools import combinations
from statistics import mean

import pytest

from calm_ext.errors import DataError
from calm_ext.voting.scores import OptionScores, choose


def scores(logprobs: list[float], **more: list[float] | list[int]) -> OptionScores:
    n = len(logprobs)
    given = {"n_bytes": [1] * n, "n_tokens": None, "priors": None, **more}
    rest = [None if x is None else tuple(x) for x in given.values()]
    return OptionScores(tuple(logprobs), *rest, "g.jsonl:1")  # type: ignore[arg-type]


def test_each_way_by_hand() -> None:
    """Values are in nats for an option of mean length, so that they can be made probabilities."""
    own = scores([-6.0, -8.0], n_bytes=[2, 4], n_tokens=[1, 3], priors=[-5.0, -9.0])
    assert own.normalised("sum") == [-6.0, -8.0]
    assert own.normalised("byte") == [-6 / 2 * 3, -8 / 4 * 3]
    assert own.normalised("token") == [-6 / 1 * 2, -8 / 3 * 2]
    assert own.normalised("pmi") == [-1.0, 1.0]
    with pytest.raises(
        DataError, match=r"g\.jsonl:1: normalize pmi needs option_priors, which is not recorded; sample with"
    ):
        scores([-1.0, -2.0]).normalised("pmi")


def one_of(first: int, n: int = 4) -> list[float]:
    return [0.0 if i == first else -3.0 for i in range(n)]


def test_what_languages_agree_on_is_chosen() -> None:
    """Texts are common or rare in each language by chance; without that, the languages agree."""
    rng = random.Random(0)
    questions = []
    for k in range(40):
        priors = {x: [rng.uniform(-20, 0) for _ in range(4)] for x in ("en", "fr", "ru")}
        questions.append(
            {
                x: scores([p + own for p, own in zip(ps, one_of(k % 4), strict=True)], priors=ps)
                for x, ps in priors.items()
            }
        )
    found = choose(questions)
    assert found.how == "pmi" and found.agreement["pmi"] == pytest.approx(1.0) and found.agreement["sum"] < 0.5
    assert found.note and found.note.startswith("options are compared by pmi: languages agree most so, beyond chance")
    # The same by hand: pairs that put the same option first, beyond those that do by the priors alone.
    firsts = [[max(range(4), key=s.logprobs.__getitem__) for s in q.values()] for q in questions]
    alone = [[max(range(4), key=(s.priors or ()).__getitem__) for s in q.values()] for q in questions]
    agreed, chance = (mean(a == b for row in rows for a, b in combinations(row, 2)) for rows in (firsts, alone))
    assert found.agreement["sum"] == pytest.approx((agreed - chance) / (1 - chance))


def test_a_lead_within_its_error_is_none() -> None:
    """Per byte and as a sum the languages agree alike but for one question: the plain sum is taken."""
    alike = [{x: scores(one_of(k % 4), n_bytes=[3, 3, 3, 3]) for x in ("en", "fr")} for k in range(20)]
    odd = {"en": scores([-4.0, -5.0], n_bytes=[1, 4]), "fr": scores([-5.0, -4.0], n_bytes=[1, 4])}
    found = choose([*alike, odd])
    assert found.agreement["byte"] > found.agreement["sum"]
    assert found.how == "sum" and "no other way agrees clearly more beyond chance" in str(found.note)
    assert choose([{"en": scores([-1.0, -2.0])}]).how == "byte"
