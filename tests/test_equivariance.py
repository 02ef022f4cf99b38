"""A vote treats options alike: permuting them permutes the winner and changes no margin and no probability."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calm_ext.records import Ballot, Generation
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.rules import RULES
from calm_ext.voting.table import VoteTable

LANGUAGES = ("en", "fr", "zh")
LETTERS = "ABCDE"


@st.composite
def asked(draw: st.DrawFn) -> tuple[list[Generation], dict[str, list[int]]]:
    """Generations of a few questions, sampled or scored, and a permutation of each question's options."""
    scored = draw(st.booleans())
    source = draw(st.sampled_from([None, "en", "de"]))
    generations, orders = [], {}
    for i in range(draw(st.integers(2, 8))):
        k = draw(st.integers(2, 5))
        gold = draw(st.integers(0, k - 1))
        orders[f"q{i}"] = draw(st.permutations(range(k)))
        for language in LANGUAGES:
            texts = [f"{language}{'x' * draw(st.integers(1, 9))}{j}" for j in range(k)]
            own: dict[str, Any] = {}
            if scored:
                own["option_logprobs"] = [draw(st.floats(-30, 0)) for _ in texts]
            else:
                answers = draw(st.lists(st.integers(0, k), min_size=1, max_size=5))  # k: nothing that can be read
                own["responses"] = ["Hm." if a == k else f"Answer: {LETTERS[a]}. {texts[a]}" for a in answers]
            generations.append(
                Generation(
                    id=f"q{i}",
                    language=language,
                    source_language=source,
                    question="?",
                    options=texts,
                    answer=gold,
                    prompt="?",
                    **own,
                )
            )
    return generations, orders


def permuted(g: Generation, order: list[int]) -> Generation:
    """The same, with option ``order[i]`` at place i."""
    place = {old: new for new, old in enumerate(order)}
    changed: dict[str, Any] = {"options": [g.options[i] for i in order], "answer": place[g.answer or 0]}
    if g.option_logprobs:
        changed["option_logprobs"] = [g.option_logprobs[i] for i in order]
    texts = {
        f"Answer: {LETTERS[i]}. {text}": f"Answer: {LETTERS[place[i]]}. {text}" for i, text in enumerate(g.options)
    }
    changed["responses"] = [texts.get(r or "", r) for r in g.responses]
    return g.model_copy(update=changed)


def ballots(generations: list[Generation], options: VotingOptions) -> list[Ballot]:
    return elect(VoteTable.read(((str(i), g) for i, g in enumerate(generations)), style="explain"), options).ballots


@pytest.mark.parametrize("rule", list(RULES))
@settings(max_examples=40, deadline=None)
@given(found=asked())
def test_permuting_options_permutes_the_winner_and_nothing_else(
    rule: str, found: tuple[list[Generation], dict[str, list[int]]]
) -> None:
    generations, orders = found
    scored = generations[0].option_logprobs is not None
    if RULES[rule].needs_scores and not scored:
        return
    options = VotingOptions(rule=rule)
    before = ballots(generations, options)
    after = ballots([permuted(g, orders[g.id]) for g in generations], options)
    for a, b in zip(before, after, strict=True):
        assert b.margin == pytest.approx(a.margin, abs=1e-6)
        if min(a.margin, b.margin) < 1e-6:
            continue  # a tie up to rounding
        assert (None if b.winner is None else orders[a.id][b.winner]) == a.winner
        assert b.probability == pytest.approx(a.probability, abs=1e-6)
        assert b.weights == pytest.approx(a.weights, abs=1e-4)


def world(*, last: bool, sharp: float, languages: int = 7, n: int = 150, seed: int = 0) -> list[Generation]:
    """Scored questions of ten options: the first language knows 80 % of the answers, the others 45 %.

    Where a language does not know it has the wrong answer that all such languages share in half of the questions.

    Args:
        last: the right option is always the last one.
        sharp: how much more probable the first language finds its answers than others do, in nats.
    """
    rng = random.Random(seed)
    found = []
    for i in range(n):
        gold = 9 if last else rng.randrange(10)
        shared = (gold + rng.randrange(1, 10)) % 10
        for j in range(languages):
            right = rng.random() < (0.8 if j == 0 else 0.45)
            answer = gold if right else shared if rng.random() < 0.5 else (gold + rng.randrange(1, 10)) % 10
            scores = [rng.gauss(0, 0.7) for _ in range(10)]
            scores[answer] += 3 + (sharp if j == 0 else 0) + rng.gauss(0, 0.5)
            code = ("en", "fr", "es", "zh", "ja", "ru", "ar")[j]
            found.append(
                Generation(
                    id=f"q{i}",
                    language=code,
                    question="?",
                    options=[f"o{o}" for o in range(10)],
                    answer=gold,
                    prompt="?",
                    option_logprobs=[s - 9 for s in scores],
                )
            )
    return found


@pytest.mark.parametrize("last", [True, False])
def test_the_right_option_may_always_be_last(last: bool) -> None:
    """Answers that pile up at one place are no guesses: the default is as right as the best single language."""
    generations = world(last=last, sharp=2.0)
    found = VoteTable.read(((str(i), g) for i, g in enumerate(generations)), style="cloze")
    election = elect(found, VotingOptions())
    right = sum(b.winner == found.gold[b.id] for b in election.ballots)
    alone = sum(v["en"] == (found.gold[q.id],) for q, v in zip(found.questions, found.votes, strict=True))
    assert election.sources == ("en",)
    assert right >= alone
    assert election.estimate is not None
    assert election.estimate.low <= right / len(found) <= election.estimate.high
    # A language that the model is less sure in than in the others does not lead, whatever the record says.
    level = [g.model_copy(update={"source_language": "en"}) for g in world(last=last, sharp=-2.0)]
    flat = elect(VoteTable.read(((str(i), g) for i, g in enumerate(level)), style="cloze"), VotingOptions())
    assert flat.sources == ()
    assert any("en does not lead" in note for note in flat.notes)


def test_without_a_record_english_leads_unless_another_language_stands_out() -> None:
    """As on BMLAMA: English is right most often, but the model is no surer in it."""
    found = VoteTable.read(((str(i), g) for i, g in enumerate(world(last=True, sharp=0.0))), style="cloze")
    election = elect(found, VotingOptions())
    right = sum(b.winner == found.gold[b.id] for b in election.ballots)
    assert election.sources == ("en",)
    assert right >= sum(v["en"] == (found.gold[q.id],) for q, v in zip(found.questions, found.votes, strict=True))
    others = [g for g in world(last=True, sharp=0.0) if g.language != "en"]
    without = elect(VoteTable.read(((str(i), g) for i, g in enumerate(others)), style="cloze"), VotingOptions())
    assert without.sources == ()
