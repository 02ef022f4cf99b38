"""Anchors, and which pairs are kept: by ratio, and balanced by answer; every expected value is counted by hand."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from calm_ext import build_pairs as api_pairs
from calm_ext import vote as api_vote
from calm_ext.answers.read import read_answer
from calm_ext.errors import DataError
from calm_ext.jsonl import to_line
from calm_ext.pairing.balance import Row, balanced, select, thinned
from calm_ext.pairing.build import PairReport
from calm_ext.pairing.options import PairingOptions
from calm_ext.records import Ballot, Generation, Pair
from calm_ext.report.words import pairs_words
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable

from .test_pairs import ballot, built, explained
from .test_voting import said, scored, table

ALL = PairingOptions()
MAJORITY = VotingOptions(rule="majority")


def rows(pairs: list[Pair]) -> list[tuple[str, str, str, str]]:
    return [(p.language, p.chosen, p.rejected, p.origin) for p in pairs]


# --- scored options ---------------------------------------------------------------------------------------------------


def test_what_agrees_is_held_unless_asked_otherwise() -> None:
    """On KLAR, pairs of disagreement alone lost what they won (docs/methods.md)."""
    assert PairingOptions().anchors == "all"


def test_a_language_that_agrees_rejects_its_own_runner_up() -> None:
    group = [scored("en", -1.0, -3.0, -2.0), scored("fr", -1.0, -2.0, -3.0), scored("zh", -4.0, -1.0, -2.0)]
    ballots = elect(table(*group, style="cloze"), VotingOptions(rule="zscore", weights={"en": 3, "fr": 3})).ballots
    assert ballots[0].rankings == {"en": [0, 2, 1], "fr": [0, 1, 2], "zh": [1, 2, 0]}
    assert rows(built(ballots, group, style="cloze")) == [("zh", "w0", "w1", "native")]
    report = PairReport()
    pairs = built(ballots, group, ALL, style="cloze", report=report)
    assert rows(pairs) == [
        ("en", " w0", " w2", "anchor"),
        ("fr", " w0", " w1", "anchor"),
        ("zh", "w0", "w1", "native"),
    ]
    assert [p.rejected_answer for p in pairs] == [2, 1, 1]
    assert all(p.probability == ballots[0].probability is not None for p in pairs)
    summary = report.summary()
    assert (summary["anchors"], summary["by_origin"]) == (2, {"anchor": 2, "native": 1})


@pytest.mark.parametrize(("how", "second"), [("sum", "b" * 6), ("byte", "c" * 12)])
def test_the_runner_up_is_that_of_the_votes_own_comparison(how: Any, second: str) -> None:
    """By sum -5 is after -1; by byte -5/6 is below -7/12."""
    options, scores = ["a" * 6, "b" * 6, "c" * 12], [-1.0, -5.0, -7.0]
    group = [
        Generation(id="q", language=x, question="?", options=options, prompt="?", option_logprobs=scores)
        for x in ("en", "fr")
    ]
    cast = elect(VoteTable.read((("g", g) for g in group), style="cloze", normalize=how), MAJORITY).ballots
    pairs = built(cast, group, ALL, style="cloze")
    assert [(p.chosen, p.rejected) for p in pairs] == [(" " + "a" * 6, f" {second}")] * 2


def test_letters_are_compared_after_the_correction_and_said_as_shown() -> None:
    """Each letter's probability is divided by its mean over the questions, here once more by hand."""
    rng = random.Random(0)
    group = []
    for i in range(30):
        own = [rng.uniform(-2, 0) + 1, rng.uniform(-2, 0), rng.uniform(-2, 0)]  # by place: A is liked
        shown = [2, 0, 1]  # place A shows option 2, B 0, C 1
        logprobs = [own[shown.index(o)] for o in range(3)]
        group.append(
            Generation(
                id=f"q{i}", language="en", question="?", options=["x", "y", "z"], prompt=f"{i}?", shown=shown,
                option_logprobs=logprobs,
            )
        )  # fmt: skip
    cast = elect(VoteTable.read((("g", g) for g in group), style="letters"), MAJORITY).ballots
    assert all(b.rankings["en"][0] == b.votes["en"][0] for b in cast)
    pairs = built(cast, group, ALL, style="letters")
    assert len(pairs) == 30 and {p.origin for p in pairs} == {"anchor"}
    seen = _softmaxes(group)
    means = [sum(x[i] for x in seen) / 30 for i in range(3)]
    freed = 0
    for own, pair in zip(seen, pairs, strict=True):
        order = sorted(range(3), key=lambda i: -own[i] / means[i])
        assert (pair.chosen, pair.rejected) == (" " + "ABC"[order[0]], " " + "ABC"[order[1]])
        freed += order[1] != sorted(range(3), key=lambda i: -own[i])[1]
    assert freed > 5, "without the correction another letter would be second"


def _softmaxes(group: list[Generation]) -> list[list[float]]:
    import numpy as np

    found = []
    for g in group:
        assert g.shown and g.option_logprobs
        x = np.exp([g.option_logprobs[i] for i in g.shown])
        found.append((x / x.sum()).tolist())
    return found


def test_options_of_one_text_are_one_answer() -> None:
    def generation(*options: str) -> Generation:
        scores = [-1.0, -2.0, -3.0]
        return Generation(
            id="q", language="en", question="?", options=list(options), prompt="?", option_logprobs=scores
        )

    def cast(winner: int) -> Ballot:
        return ballot(winner, en=[0]).model_copy(update={"rankings": {"en": [0, 1, 2]}})

    (pair,) = built([cast(0)], [generation("Rome", " ROME", "Oslo")], ALL, style="cloze")
    assert pair.rejected == " Oslo"
    (pair,) = built([cast(1)], [generation("Rome", "Rome", "Oslo")], ALL, style="cloze")
    assert (pair.origin, pair.chosen, pair.rejected) == ("anchor", " Rome", " Oslo")
    report = PairReport()
    assert built([cast(0)], [generation("Rome", "rome", "ROME")], ALL, style="cloze", report=report) == []
    assert report.left_out == {"anchors without another answer": 1}


def test_ballots_without_a_ranking_are_refused_where_anchors_need_it() -> None:
    group = [scored("en", -1.0, -2.0, -3.0)]
    bare = ballot(0, en=[0])
    assert built([bare], group, style="cloze") == []
    with pytest.raises(DataError, match=r"b.jsonl:1: question q has no ranking of its options in en, which anchors"):
        built([bare], group, ALL, style="cloze")
    for wrong in ([0, 1], [0, 1, 1], [0, 1, 7]):
        with pytest.raises(DataError, match=r"b.jsonl:1: the ranking of question q in en is no order of its 3 options"):
            built([bare.model_copy(update={"rankings": {"en": wrong}})], group, ALL, style="cloze")
    assert "rankings" not in to_line(ballot(0, en=[0, 1])), "ballots of samples have none"


# --- sampled responses ------------------------------------------------------------------------------------------------


def test_sampled_anchors_reject_what_is_named_second_most() -> None:
    """w2 is named three times, w1 once; French gives nothing but the winner, Italian nothing that can be read."""
    group = [said("en", 0, 2, 2), said("fr", 0, 0, None), said("de", 0, 1, 2), said("it", None, None, None)]
    b = ballot(0, en=[0, 2, 2], fr=[0, 0, None], de=[0, 1, 2], it=[None] * 3)
    assert [p.language for p in built([b], group)] == ["en", "de", "de"]
    pairs = built([b], group, ALL)
    assert [x for x in rows(pairs) if x[3] == "anchor"] == [("fr", " w0", " w2", "anchor")]
    assert [x for x in rows(pairs) if x[3] != "anchor"] == rows(built([b], group)), "other pairs stay what they are"


def test_both_sides_of_an_anchor_have_one_form() -> None:
    def anchor(*responses: str) -> tuple[str, str]:
        g = said("fr", 0).model_copy(update={"responses": list(responses)})
        others = said("en", 0, 1)
        b = ballot(0, en=[0, 1], fr=[0] * len(responses))
        (pair,) = [p for p in built([b], [others, g], ALL) if p.origin == "anchor"]
        return pair.chosen, pair.rejected

    assert anchor("\nw0\n") == ("\nw0\n", "\nw1\n"), "a response like a written answer, and the same around it"
    assert anchor("w0 it is") == (" w0", " w1"), "else both are written"
    assert anchor("w0 it is", "w0") == (" w0", " w1")
    assert anchor("<think>Hm.</think>w0") == (" w0", " w1")
    chat = [{"role": "user", "content": "?"}]
    g = said("fr", 0).model_copy(update={"prompt": chat})
    (pair,) = built(
        [ballot(0, fr=[0], de=[1, 1])], [g, said("de", 1, 1)], PairingOptions(anchors="all", fallback="skip")
    )
    assert (pair.prompt, pair.chosen, pair.rejected) == (chat, "w0", "w1")


def test_explained_anchors_are_written_and_read_back() -> None:
    group = [
        explained("en", "Explanation: Fish need water.\nAnswer: B. water", "Explanation: Fish swim.\nAnswer: B. water"),
        explained("fr", "Réponse : C. le feu", "Réponse : B. l'eau"),
    ]
    b = ballot(1, en=[1, 1], fr=[2, 1])
    (pair,) = [p for p in built([b], group, ALL, style="explain") if p.origin == "anchor"]
    assert (pair.language, pair.chosen, pair.rejected) == ("en", " Answer: B. water", " Answer: C. fire")
    assert read_answer(pair.chosen, group[0].options, "en") == 1
    assert read_answer(pair.rejected, group[0].options, "en") == 2


def test_ties_are_drawn_by_question_and_text() -> None:
    """No option but the winner is named; what is drawn differs among questions and seeds, and not with the order."""

    def drawn(seed: int, order: list[int]) -> list[str]:
        options = [["air", "water", "fire"][i] for i in order]
        found = []
        for i in range(40):
            g = Generation(
                id=f"q{i}", language="en", question="?", options=options, prompt=f"{i}?", responses=["water"] * 2
            )
            winner = options.index("water")
            b = ballot(winner, name=f"q{i}", en=[winner] * 2)
            (pair,) = built([b], [g], PairingOptions(anchors="all", seed=seed))
            found.append(pair.rejected.strip())
        return found

    first = drawn(0, [0, 1, 2])
    assert 10 < Counter(first)["air"] < 30 and set(first) == {"air", "fire"}
    assert drawn(0, [2, 0, 1]) == drawn(0, [1, 0, 2]) == first != drawn(1, [0, 1, 2])


@pytest.mark.parametrize("mode", ["direct", "explain", "cloze"])
def test_the_order_of_the_options_changes_no_pair(mode: str) -> None:
    """Options of each question are shuffled, and with them scores and answers: the texts of the pairs are the same."""
    rng = random.Random(7)
    words = {"en": ["air", "water", "fire", "iron"], "fr": ["l'air", "l'eau", "le feu", "le fer"]}
    plain, shuffled = [], []
    for i in range(25):
        order = rng.sample(range(4), 4)
        for language, texts in words.items():
            own = [texts[j] for j in order]
            base = {"id": f"q{i}", "language": language, "question": "?", "prompt": f"{i}?"}
            if mode == "cloze":
                scores = [rng.uniform(-9, -1) for _ in texts]
                plain.append(Generation(**base, options=texts, option_logprobs=scores))
                shuffled.append(Generation(**base, options=own, option_logprobs=[scores[j] for j in order]))
                continue
            answers = rng.choices(range(4), [6, 2, 1, 1], k=2)
            plain.append(Generation(**base, options=texts, responses=[texts[a] for a in answers]))
            shuffled.append(Generation(**base, options=own, responses=[texts[a] for a in answers]))

    options = PairingOptions(anchors="all", anchor_ratio=2, balance="answer", max_per_question=3)

    def found(group: list[Generation]) -> set[tuple[Any, ...]]:
        cast = elect(table(*group, style="cloze" if mode == "cloze" else "direct"), MAJORITY).ballots
        pairs = built(cast, group, options, style=mode)
        letterless = [(p.chosen.split(". ")[-1], p.rejected.split(". ")[-1]) for p in pairs]
        return {(p.id, p.language, p.origin, *sides) for p, sides in zip(pairs, letterless, strict=True)}

    assert found(plain) == found(shuffled)
    assert {x[2] for x in found(plain)} >= {"anchor"}


# --- limits -----------------------------------------------------------------------------------------------------------


def test_anchors_are_thinned_evenly_over_languages() -> None:
    """14 anchors in English, 2 in French, 10 in German; 6 other pairs: ratio 1 leaves 2 in each."""
    rows = [Row("en", True, "a", "b")] * 14 + [Row("fr", True, "a", "b")] * 2 + [Row("de", True, "a", "b")] * 10
    rows += [Row("ja", False, "a", "b")] * 6

    def counts(ratio: float, seed: int = 0) -> dict[str, int]:
        kept = thinned(rows, ratio=ratio, seed=seed)
        return dict(Counter(r.language for r, good in zip(rows, kept, strict=True) if good))

    assert counts(1) == {"en": 2, "fr": 2, "de": 2, "ja": 6}
    assert counts(2) == {"en": 5, "fr": 2, "de": 5, "ja": 6}, "what French cannot give the others do"
    assert counts(0) == {"ja": 6}
    assert counts(100) == {"en": 14, "fr": 2, "de": 10, "ja": 6}
    assert sum(counts(0.7).values()) == 6 + 4
    assert thinned(rows, ratio=1, seed=0) == thinned(rows, ratio=1, seed=0) != thinned(rows, ratio=1, seed=1)


def test_the_ratio_of_anchors_is_counted() -> None:
    """Ten questions; German names something else in two of them, so there are two other pairs, and 18 anchors."""
    group, ballots = [], []
    for i in range(10):
        german = 1 if i < 2 else 0
        group += [said("en", 0, name=f"q{i}"), said("de", german, name=f"q{i}")]
        ballots.append(ballot(0, name=f"q{i}", en=[0], de=[german]))
    group = [g.model_copy(update={"prompt": f"{g.id}?"}) for g in group]
    report = PairReport()
    assert len(built(ballots, group, ALL, report=report)) == 20
    assert (report.summary()["anchors"], report.left_out) == (18, Counter())
    report = PairReport()
    pairs = built(ballots, group, PairingOptions(anchors="all", anchor_ratio=1.5), report=report)
    assert Counter((p.language, p.origin) for p in pairs)["de", "answer_only"] == 2
    assert (report.summary()["anchors"], report.left_out["anchors beyond the ratio"]) == (3, 15)


def test_precision_is_said_with_and_without_anchors() -> None:
    """Question a: right winner, both languages agree; b: wrong winner, French disagrees."""
    group = [said("en", 0, name="a"), said("fr", 0, name="a"), said("en", 1, name="b"), said("fr", 0, name="b")]
    group = [g.model_copy(update={"prompt": f"{g.id}?"}) for g in group]
    report = PairReport()
    built([ballot(0, name="a", en=[0], fr=[0]), ballot(1, name="b", en=[1], fr=[0])], group, ALL, report=report)
    summary = report.summary()
    assert (summary["anchors"], summary["precision"], summary["precision_without_anchors"]) == (3, 0.5, 0.0)
    words = pairs_words(summary)
    assert "3 anchor: the language agrees already" in words
    assert "chosen answer right in 50.0 % (0.0 % without anchors)" in words.replace("\u202f", " ")


def test_answers_are_balanced() -> None:
    """Paris: chosen once, rejected four times; Rome: chosen four times. Bern is never chosen and left alone."""
    pairs = [("Rome", "Paris")] * 4 + [("Paris", "Rome")] + [("Oslo", "Bern")] * 3
    rows = [Row("en", False, up, down) for up, down in pairs]
    kept = balanced(rows, seed=0)
    assert (sum(kept[:4]), kept[4:]) == (1, [True] * 4)
    # Another language has its own counts: there Paris is never chosen.
    other = [Row("fr", False, "Rome", "Paris")] * 4
    assert balanced([*rows, *other], seed=0)[len(rows) :] == [True] * 4
    assert balanced([Row("en", False, "Rome", None)] * 3, seed=0) == [True] * 3, "unread responses name no answer"
    assert balanced([], seed=0) == []


def test_of_surplus_rejections_those_go_whose_chosen_answer_has_most_to_spare() -> None:
    """Paris: chosen 1, rejected 3. Rome has 3 to spare (4 - 1), Oslo -1 (1 - 2): both that go chose Rome."""
    pairs = [("Oslo", "Paris"), ("Rome", "Paris"), ("Rome", "Paris"), ("Paris", "Oslo"), ("Rome", "Oslo"),
             ("Rome", "Bonn"), ("Bonn", "Rome")]  # fmt: skip
    rows = [Row("en", False, up, down) for up, down in pairs]
    for seed in range(5):
        kept = balanced(rows, seed=seed)
        left = [p for p, good in zip(pairs, kept, strict=True) if good]
        assert ("Oslo", "Paris") in left and ("Rome", "Paris") not in left


def test_no_answer_is_pushed_down_more_than_up_whatever_the_pairs() -> None:
    rng = random.Random(0)
    for trial in range(50):
        texts = [f"t{i}" for i in range(rng.randint(2, 8))]
        rows = []
        for _ in range(rng.randint(1, 60)):
            up, down = rng.sample(texts, 2)
            rows.append(Row(rng.choice(["en", "fr"]), False, up, down))
        kept = [r for r, good in zip(rows, balanced(rows, seed=trial), strict=True) if good]
        ever = {(r.language, r.chosen) for r in rows}
        ups = Counter((r.language, r.chosen) for r in kept)
        downs = Counter((r.language, r.rejected) for r in kept)
        assert all(downs[x] <= max(1, ups[x]) for x in ever)
        untouched = [r for r in rows if (r.language, r.rejected) not in ever]
        assert Counter(untouched) == Counter(r for r in kept if (r.language, r.rejected) not in ever)


def test_balance_leaves_texts_that_do_not_repeat_alone_and_is_counted() -> None:
    unique = [Row("en", False, f"up{i}", f"down{i}") for i in range(50)]
    kept, left_out = select(unique, PairingOptions(balance="answer"))
    assert all(kept) and not +left_out
    texts = ["Paris", "paris ", "Rome"]
    group, ballots = [], []
    for i in range(4):
        g = Generation(
            id=f"q{i}", language="en", question="?", options=texts[i % 2 :], prompt=f"{i}?", responses=["Rome", "Paris"]
        )
        group.append(g)
        winner = g.options.index("Rome") if i else 0
        votes = [g.options.index("Rome"), 0]
        ballots.append(ballot(winner, name=f"q{i}", en=votes))
    # Rome is chosen for Paris in three questions, Paris for Rome in one: two of the three go.
    report = PairReport()
    pairs = built(ballots, group, PairingOptions(balance="answer"), report=report)
    assert Counter(p.chosen.strip() for p in pairs) == {"Rome": 1, "Paris": 1}
    assert report.left_out["that reject an answer more often than it is chosen"] == 2


def test_limits_come_one_after_another() -> None:
    """Balance drops two of the three rejections of Paris; the cap then leaves two pairs, of which one may be an anchor."""
    rows = [Row("en", False, "Rome", "Paris")] * 3 + [Row("en", False, "Paris", "Rome")]
    rows += [Row("en", True, "Bonn", "Oslo")] * 6
    kept, left_out = select(rows, PairingOptions(balance="answer", anchor_ratio=0.5, max_per_language=4))
    assert left_out["that reject an answer more often than it is chosen"] == 2
    assert left_out["by the caps"] == 4
    own = [r for r, good in zip(rows, kept, strict=True) if good]
    others = sum(not r.is_anchor for r in own)
    assert sum(r.is_anchor for r in own) <= 0.5 * others


def test_the_python_interface_makes_anchors() -> None:
    samples = [
        {"id": "q", "language": x, "question": "?", "options": ["air", "water"], "option_logprobs": s}
        for x, s in (("en", [-2.0, -1.0]), ("fr", [-2.0, -1.5]))
    ]
    found = api_pairs(api_vote(samples, rule="majority"), anchors="all")
    assert [p["origin"] for p in found.to_dicts()] == ["anchor"] * 2
    assert found.summary["anchors"] == 2
