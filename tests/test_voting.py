from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from calm_ext.errors import CalmError, DataError
from calm_ext.jsonl import read_numbered
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.records import Ballot, Generation
from calm_ext.voting.elect import elect, votes_of_others
from calm_ext.voting.evidence import cross_agreement, dawid_skene, effective_votes, self_agreement, weighted
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.quality import coverage_curve, expected_calibration_error, vote_summary
from calm_ext.voting.rules import RULES, Case, Verdict, rule
from calm_ext.voting.sources import infer_source
from calm_ext.voting.table import VoteTable

#: The rules that see votes only.
ON_VOTES = [name for name, rule in RULES.items() if not (rule.needs_scores or rule.needs_gold)]

WORDS = ["w0", "w1", "w2"]
MAJORITY = VotingOptions(rule="majority")


def said(
    language: str, *answers: int | None, gold: int | None = 0, name: str = "q", source: str | None = None
) -> Generation:
    responses = ["nothing" if a is None else WORDS[a] for a in answers]
    return Generation(
        id=name, language=language, source_language=source, question="?", options=WORDS, answer=gold, prompt="Q: ?\nA:",
        responses=responses,
    )  # fmt: skip


def scored(language: str, *logprobs: float, name: str = "q") -> Generation:
    return Generation(
        id=name, language=language, question="?", options=WORDS, answer=0, prompt="?", option_logprobs=list(logprobs)
    )


def table(*generations: Generation, style: str = "direct") -> VoteTable:
    return VoteTable.read(((f"g.jsonl:{i}", g) for i, g in enumerate(generations, 1)), style=style)  # type: ignore[arg-type]


def one(group: list[Generation], options: VotingOptions, style: str = "direct") -> Ballot:
    (ballot,) = elect(table(*group, style=style), options).ballots
    return ballot


# --- rules on questions worked by hand --------------------------------------------------------------------------------


def test_majority_counts_every_sample_and_abstentions_for_nobody() -> None:
    ballot = one([said("en", 0, 0, 1), said("fr", 1, None, None), said("de", 0, 2, None)], MAJORITY)
    assert ballot.winner == 0
    # shares: w0 2/3 + 0 + 1/3 = 1, w1 1/3 + 1/3 = 2/3; margin (1 - 2/3) / 3 languages
    assert ballot.margin == pytest.approx(1 / 9)
    assert ballot.votes["fr"] == [1, None, None]


def test_ties() -> None:
    group = [said("en", 0), said("fr", 1)]
    assert one(group, MAJORITY).winner is None
    assert one(group, MAJORITY).tie
    assert one(group, MAJORITY.replace(ties="pivot", pivot="fr")).winner == 1
    assert one(group[::-1], MAJORITY.replace(ties="first")).winner == 1
    assert one(group, MAJORITY.replace(weights={"en": 2})).winner == 0
    for wrong in ({"ties": "pivot"}, {"pivot": "ja"}, {"weights": {"ja": 2.0}}):
        with pytest.raises(CalmError, match="pivot"):
            one(group, MAJORITY.replace(**wrong))


def test_no_answer_elects_nobody() -> None:
    for name in ON_VOTES:
        ballot = one([said("en", None), said("fr", None)], VotingOptions(rule=name, ties="first"))
        assert ballot.winner is None
        assert ballot.probability is None


def test_a_vote_for_one_of_two_equal_options_is_half_a_vote_for_each() -> None:
    def asked(language: str, options: list[str], letter: str) -> Generation:
        return Generation(
            id="q", language=language, question="?", options=options, answer=0, prompt="?",
            responses=[f"Answer: {letter}"] * 2,
        )  # fmt: skip

    group = [asked("en", ["stove", "oven", "lamp"], "A"), asked("fr", ["four", "four", "lampe"], "B")]
    mixed = table(*group, style="explain")
    assert mixed.counts().counts[0].tolist() == [[2, 0, 0], [0, 2, 0]]
    assert mixed.counts(share_equal=True).counts[0].tolist() == [[2, 0, 0], [1, 1, 0]]
    assert one(group, VotingOptions(rule="dawid_skene"), style="explain").winner == 0
    assert one(group, MAJORITY, style="explain").tie  # the paper's vote takes letters as they are


def test_the_source_counts_as_much_as_its_translations() -> None:
    group = [said("en", 0, 0, source="en"), *(said(x, 1, 1, source="en") for x in ("fr", "de", "it"))]
    assert one(group, MAJORITY).winner == 1
    assert one(group, VotingOptions(rule="source")).tie
    group[0] = said("en", 0, 0, source="en")
    group[1] = said("fr", 0, 1, source="en")
    assert one(group, VotingOptions(rule="source")).winner == 0
    # 1/2 + 1/2 · (1/2) / 3 against 1/2 · (5/2) / 3
    assert one(group, VotingOptions(rule="source")).margin == pytest.approx(0.5 + 0.25 / 3 - 1.25 / 3)
    # What a user says counts on top of that.
    assert one(group, VotingOptions(rule="source", weights={"en": 0.5})).winner == 1
    assert one(group, VotingOptions(weights={"en": 0.05})).winner == 1
    # A source that is known and was not asked leaves translations only.
    rest = [g.model_copy(update={"source_language": "ja"}) for g in group]
    assert one(rest, VotingOptions(rule="source")).winner == 1


def test_zscore_ignores_sharpness_and_length() -> None:
    # Per byte (2 bytes each): en is sharp for w1, fr and de are flat but rank w0 first.
    group = [scored("en", -20.0, -2.0, -20.0), scored("fr", -2.0, -2.2, -2.4), scored("de", -2.0, -2.2, -2.4)]
    assert one(group, VotingOptions(rule="zscore"), "cloze").winner == 0
    assert one(group, MAJORITY, "cloze").winner == 1
    with pytest.raises(CalmError, match="needs option_logprobs"):
        one([said("en", 0)], VotingOptions(rule="zscore"))


def test_scored_options_vote_by_probability_per_byte() -> None:
    long = Generation(
        id="q", language="en", question="?", options=["ab", "abcdef"], prompt="?", option_logprobs=[-2.0, -3.0]
    )
    found = table(long, style="cloze").counts().counts[0, 0]
    # -1 and -0.5 a byte, of four bytes on average
    assert found == pytest.approx(np.exp([-4, -2]) / np.exp([-4, -2]).sum())
    assert table(long, style="cloze").votes[0]["en"] == (1,)
    # Two draws agree with probability Σ p².
    assert self_agreement(table(long, style="cloze").counts()) == pytest.approx((found**2).sum())


def test_filters() -> None:
    sure = [said("en", 0, 0, 0, name="a"), said("fr", 0, 0, 0, name="a"), said("de", 0, 0, 0, name="a")]
    less = [said("en", 0, 0, 0, name="b"), said("fr", 0, 0, 1, name="b"), said("de", 0, 0, 0, name="b")]
    least = [said("en", 0, 0, 0, name="c"), said("fr", 0, 1, 1, name="c"), said("de", 1, 1, 0, name="c")]
    found = table(*sure, *less, *least)

    def winners(**options: object) -> list[int | None]:
        return [b.winner for b in elect(found, MAJORITY.replace(**options)).ballots]

    assert winners() == [0, 0, 0]
    assert winners(keep_share=0.34) == [0, None, None]
    assert winners(min_margin=0.5) == [0, 0, None]
    assert winners(min_languages=2) == [0, 0, None]
    assert winners(min_probability=0.95) == [0, None, None]
    summary = vote_summary(elect(found, MAJORITY.replace(keep_share=0.34)).ballots, {"a": 0, "b": 0, "c": 1})
    assert summary["accuracy"] == pytest.approx(1 / 3)
    assert summary["accuracy_kept"] == 1.0
    assert summary["precision_at_coverage"]["1.0"] == pytest.approx(1 / 3), (
        "the dropped are kept last, and are not right"
    )


def test_keeping_by_probability_looks_at_questions_on_which_languages_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Margins are 1, 1, 3/8, 3/8, 1/8, 1/8, and probabilities are given; b and e have the lowest.

    All agree on a and b, whatever their probability; half of the other four are the two with the highest, d and f.
    """
    monkeypatch.setattr(RULES, "_entries", dict(RULES))
    chances = np.array([0.9, 0.1, 0.3, 0.8, 0.2, 0.8])

    @rule("known", "majority, with probabilities that are given")
    def known(case: Case) -> Verdict:
        return Verdict(weighted(case.votes, case.weights), probability=chances)

    def asked(name: str, en: tuple[int | None, ...], fr: tuple[int | None, ...]) -> list[Generation]:
        return [said("en", *en, name=name), said("fr", *fr, name=name)]

    found = table(
        *asked("a", (0, 0, 0, 0), (0, 0, 0, 0)), *asked("b", (0, 0, 0, 0), (0, 0, 0, 0)),
        *asked("c", (0, 0, 0, 0), (1, 1, 0, 2)), *asked("d", (0, 0, 0, 0), (1, 1, 2, 0)),
        *asked("e", (0, 0, 0, 0), (1, 1, 1, 2)), *asked("f", (0, 0, 0, 0), (1, 1, 1, 2)),
    )  # fmt: skip
    options = VotingOptions(rule="known", keep="probability", keep_share=0.5)

    def kept(options: VotingOptions, found: VoteTable = found) -> str:
        return "".join(b.id for b in elect(found, options).ballots if b.winner is not None)

    assert kept(options) == "abdf"
    assert kept(options.replace(keep_share=0.25)) == "abd", "of equal probabilities the larger margin"
    assert kept(options.replace(keep_share=0.01)) == "abd", "one at least"
    assert kept(options.replace(keep_share=0.75)) == "abcdf"
    assert kept(options.replace(keep_share=1.0)) == "abcdef"
    assert kept(options.replace(keep="margin")) == "abc", "half of all six, by margin"
    assert kept(options.replace(min_probability=0.5)) == "ad", "filters come first, then half of d and f"

    chances = np.array([0.5, 0.5])
    agreeing = table(*asked("g", (0, 0, 1), (0, 1, 0)), *asked("h", (0, 0, 1), (None, None, None)))
    assert kept(options.replace(keep_share=0.01), agreeing) == "gh", "a language that says nothing does not differ"
    assert options.signature().endswith("|keep:0.5|by:probability")


def test_keeping_by_probability_does_not_depend_on_the_order_of_options() -> None:
    rng = random.Random(3)
    plain, turned = [], []
    for i in range(40):
        order = rng.sample(range(3), 3)
        for language in ("en", "fr", "de"):
            answers = rng.choices(range(3), [5, 2, 1], k=4)
            plain.append(said(language, *answers, name=f"q{i}"))
            turned.append(said(language, *(order.index(a) for a in answers), gold=order.index(0), name=f"q{i}"))
    options = MAJORITY.replace(keep="probability", keep_share=0.3)
    first, second = (elect(table(*group), options).ballots for group in (plain, turned))
    kept = {b.id for b in first if b.winner is not None}
    assert kept == {b.id for b in second if b.winner is not None}
    unanimous = {b.id for b in first if all(max(set(v), key=v.count) == 0 for v in b.votes.values())}
    assert 0 < len(kept) < 40 and any(b.winner is not None for b in first if b.id in unanimous)


def test_gold_wins_whatever_the_votes_say() -> None:
    named, unnamed = [said("en", 1), said("fr", 0)], [said(x, None, gold=2, name="p") for x in ("en", "fr")]
    options = VotingOptions(rule="gold", weights={"en": 0.0}, min_languages=2, min_margin=1, min_probability=1)
    found = table(*named, *unnamed, said("en", 1, gold=None, name="o"))
    election = elect(found, options)
    assert [(b.winner, b.margin, b.probability, b.tie) for b in election.ballots] == [
        (0, 1.0, 1.0, False),
        (2, 1.0, 1.0, False),
        (None, 0.0, None, False),
    ]
    assert (election.weights, election.sources) == ({"en": 1.0, "fr": 1.0}, ())
    assert election.notes == ("1 of 3 questions lack a language (fr in 1); the others vote on them",)

    assert vote_summary(election.ballots, found.gold)["accuracy"] == 1.0
    assert votes_of_others(found, options) == {"q": {"en": 0, "fr": 0}, "p": {"en": 2, "fr": 2}, "o": {}}
    assert one([scored("en", -1.0, 0.0, -1.0)], VotingOptions(rule="gold"), "cloze").winner == 0
    with pytest.raises(CalmError, match="vote rule gold needs gold answers, and no question has one"):
        one([said("en", 0, gold=None)], VotingOptions(rule="gold"))
    assert [name for name, rule in RULES.items() if rule.needs_gold] == ["gold"]


def test_a_rule_is_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a third-party module does: from then on options take the name, and the vote follows it."""
    assert VotingOptions(rule="majority")  # the built-in rules are entered
    monkeypatch.setattr(RULES, "_entries", dict(RULES))

    @rule("unanimous", "a language counts twice where all its samples agree")
    def unanimous(case: Case) -> Verdict:
        evidence = weighted(case.votes, case.weights)
        agree = case.votes.counts.max(2, keepdims=True) == case.votes.n[:, :, None]
        return Verdict(evidence._replace(values=evidence.values * (1 + agree)), notes=("a note",))

    election = elect(table(said("en", 0, 0), said("fr", 1, 2)), VotingOptions(rule="unanimous"))
    assert (election.ballots[0].winner, election.ballots[0].margin, election.notes) == (0, 0.75, ("a note",))
    with pytest.raises(CalmError, match="two vote rules with the name 'majority'"):
        rule("majority", "another")(unanimous)
    with pytest.raises(ValueError, match=r"one of correlated, .* was expected \(did you mean 'majority'\?\)"):
        VotingOptions(rule="majorty")


def test_options_say_what_is_wrong_with_them() -> None:
    for weights, message in (({"en": -1.0}, "a weight is negative"), ({"en": float("nan")}, "a weight is a number")):
        with pytest.raises(ValueError, match=message):
            VotingOptions(weights=weights)
    options = VotingOptions(rule="source", ties="pivot", pivot="en", weights={"fr": 2, "en": 0.5}, keep_share=0.5)
    assert options.signature() == (
        "vote:source|ties:pivot|pivot:en|weights:en=0.5.fr=2|margin:0|probability:0|languages:1|keep:0.5"
    )


def test_support_does_not_depend_on_the_letter() -> None:
    for winner, other in ((0, 1), (1, 0)):
        group = [said("en", winner, winner), said("fr", 0, 1)]
        assert one(group, MAJORITY.replace(min_languages=2)).winner == winner, other


def test_a_margin_at_the_bound_is_kept() -> None:
    ten = [said("en", *[0] * 7, *[1] * 3), said("fr", *[0] * 7, *[1] * 3)]
    assert one(ten, MAJORITY.replace(min_margin=0.4)).winner == 0
    assert one(ten, MAJORITY.replace(keep_share=0.01)).winner == 0, "one question at least"


def test_questions_with_fewer_options_do_not_bend_the_others() -> None:
    """Five-option questions are voted on alike whether or not two-option ones are in the file."""
    rng = random.Random(0)
    large, small = [], []
    for i in range(300):
        for k, found in ((5, large), (2, small)):
            gold = rng.randrange(k)
            texts = [f"w{j}" for j in range(k)]
            for language in ("en", "fr", "de", "it", "ja"):
                answer = gold if rng.random() < 0.4 else rng.randrange(k)
                found.append(
                    Generation(
                        id=f"{k}-{i}",
                        language=language,
                        question="?",
                        options=texts,
                        answer=gold,
                        prompt="?",
                        responses=[texts[answer]],
                    )
                )
    options = VotingOptions(rule="dawid_skene", ties="first")
    alone = elect(table(*large), options).ballots
    mixed = [b for b in elect(table(*large, *small), options).ballots if b.id.startswith("5")]
    right = [sum(b.winner == g.answer for b, g in zip(ballots, large[::5], strict=True)) for ballots in (alone, mixed)]
    assert abs(right[0] - right[1]) < 8
    assert max(Counter(b.winner for b in mixed).values()) < 85


def test_a_language_has_no_part_in_the_vote_it_is_judged_by() -> None:
    group = [said("en", 1, 1), said("fr", 0, 0), said("de", 0, 1)]
    assert votes_of_others(table(*group), MAJORITY.replace(min_margin=0.9)) == {"q": {"en": 0, "fr": 1}}
    # of the fitted rules too: turning a language's own votes around never changes how it is judged by others
    world = invented(60, samples=2)
    before = votes_of_others(table(*world), VotingOptions())
    turned = [g.model_copy(update={"responses": g.responses[::-1]}) if g.language == "fr" else g for g in world]
    assert votes_of_others(table(*turned), VotingOptions()) == before


def test_what_is_not_parallel_is_refused_with_its_line() -> None:
    for second, message in (
        (said("en", 1), "g.jsonl:2: question q comes twice in en"),
        (
            said("fr", 1, gold=1),
            r"g.jsonl:2: question q has other options or another answer in fr than in en \(g.jsonl:1\)",
        ),
        (
            scored("fr", -1, -2, -3),
            "g.jsonl:2: question q has option scores in fr, but there are responses at g.jsonl:1",
        ),
        (said("fr", 1, source="fr"), "g.jsonl:2: question q was written in fr, but in None at g.jsonl:1"),
    ):
        with pytest.raises(DataError, match=message):
            table(said("en", 0), second)
    with pytest.raises(DataError, match="no generations"):
        table()
    twice = said("en", 0).model_copy(update={"options": ["x", "x", "y"]})
    assert table(twice).equal_options == {"en": (1, "g.jsonl:1")}


# --- what the estimators learn ----------------------------------------------------------------------------------------


def invented(
    n: int,
    *,
    accuracy: dict[str, float] | None = None,
    samples: int = 3,
    repeat: float = 0.0,
    bias: float = 0.0,
    seed: int = 0,
) -> list[Generation]:
    """Votes of known quality: a sample is right with its language's probability, else a guess that prefers w0 by bias.

    With probability ``repeat`` a sample repeats the first one of its language.
    """
    rng = random.Random(seed)
    found = []
    for i in range(n):
        gold = rng.randrange(3)
        for language, right in (accuracy or {"en": 0.9, "fr": 0.7, "de": 0.6}).items():
            answers: list[int | None] = []
            for k in range(samples):
                if k and rng.random() < repeat:
                    answers.append(answers[0])
                elif rng.random() < right:
                    answers.append(gold)
                else:
                    answers.append(0 if rng.random() < bias else rng.randrange(3))
            found.append(said(language, *answers, gold=gold, name=f"q{i}"))
    return found


def accuracy_of(found: VoteTable, rule: str) -> float:
    ballots = elect(found, VotingOptions(rule=rule, ties="first")).ballots
    return float(vote_summary(ballots, found.gold)["accuracy"])


def test_dawid_skene_finds_the_truth_it_was_made_from() -> None:
    votes = table(*invented(3000, samples=1, bias=0.5)).counts()
    found = dawid_skene(votes, np.ones(3))
    posterior = found.values.sum(1).argmax(1)
    gold = np.array([g.answer for g in invented(3000, samples=1, bias=0.5)[::3]])
    best = max((votes.counts[:, x].argmax(1) == gold).mean() for x in range(3))
    assert (posterior == gold).mean() >= best
    assert list(np.argsort(-found.weights)) == [0, 1, 2], "in the order of what they know"


def test_equal_votes_lose_to_learned_ones() -> None:
    found = table(*invented(800, accuracy={"en": 0.95, "fr": 0.4, "de": 0.3, "it": 0.3}, bias=0.6))
    plain = accuracy_of(found, "majority")
    assert accuracy_of(found, "leave_one_out") > plain
    for name in ("self_consistency", "source", "dawid_skene", "correlated"):
        assert accuracy_of(found, name) > plain + 0.05, name


def test_repeated_samples_count_once() -> None:
    """Where samples only repeat each other, the effective number of votes of a language is about one."""
    alone = effective_votes(table(*invented(2000, samples=4, repeat=0.0)).counts())
    repeated = effective_votes(table(*invented(2000, samples=4, repeat=1.0)).counts())
    assert (4 * repeated < 1.6).all() and (alone > repeated).all()
    assert (effective_votes(table(*invented(50, samples=1)).counts()) == 1).all()


def test_agreements_are_what_they_are_called() -> None:
    votes = table(
        said("en", 0, 0), said("fr", 0, 1), said("en", 1, None, name="p"), said("fr", 1, 1, name="p")
    ).counts()
    assert self_agreement(votes) == pytest.approx([1.0, 0.5]), "en has two samples in one question only"
    assert cross_agreement(votes) == pytest.approx([0.75, 0.75])
    assert infer_source(votes) is None, "one question with two samples each shows nothing"
    once = table(said("en", 0), said("fr", 0)).counts()
    assert np.isnan(self_agreement(once)).all()
    assert infer_source(once) is None


def test_a_missing_source_is_inferred_and_said() -> None:
    election = elect(table(*invented(100)), VotingOptions())
    assert election.sources == ("en",)
    assert election.notes == (
        "no source language is recorded of 100 questions: en is taken, in which the model is surest (--pivot names one)",
    )
    notes = elect(table(scored("en", -1, -2, -3), scored("fr", -1, -2, -3), style="cloze"), VotingOptions()).notes
    assert any("of 1 questions: en is taken, as no language stands out (--pivot names one)" in note for note in notes)
    named = elect(table(*invented(100)), VotingOptions(pivot="de"))
    assert (named.sources, named.notes) == (("de",), ())


def test_order_of_questions_and_languages_changes_nothing() -> None:
    generations = invented(150, bias=0.4)
    shuffled = random.Random(1).sample(generations, len(generations))
    for name in (*ON_VOTES, "gold"):
        straight = {b.id: b for b in elect(table(*generations), VotingOptions(rule=name)).ballots}
        for ballot in elect(table(*shuffled), VotingOptions(rule=name)).ballots:
            assert ballot.winner == straight[ballot.id].winner
            assert ballot.margin == pytest.approx(straight[ballot.id].margin, abs=1e-6)
            assert ballot.probability == pytest.approx(straight[ballot.id].probability, abs=1e-5)


def test_questions_may_have_different_numbers_of_options() -> None:
    four = Generation(
        id="w",
        language="en",
        question="?",
        options=["a", "b", "c", "d"],
        answer=3,
        prompt="?",
        responses=["d", "d", "a"],
    )
    ballots = elect(table(*invented(30), four), VotingOptions()).ballots
    assert ballots[-1].winner == 3
    assert all(b.winner in (0, 1, 2) for b in ballots[:-1])


def test_quality_of_a_vote_by_hand() -> None:
    assert expected_calibration_error([(0.95, True), (0.95, False), (0.25, False)]) == pytest.approx((0.9 + 0.25) / 3)
    curve = coverage_curve([(0.9, 1.0), (0.5, 0.0), (0.7, 1.0), (0.1, 1.0)], 5)
    assert (curve["0.6"], curve["1.0"]) == (pytest.approx(2 / 3), pytest.approx(3 / 5))


def test_probabilities_are_calibrated_where_witnesses_are() -> None:
    """The assumption made true: every language's answer is a draw from what is also the truth's distribution."""
    rng = random.Random(3)
    generations = []
    for i in range(1500):
        weights = [rng.random() ** 3 for _ in WORDS]
        gold, *answers = rng.choices(range(3), weights, k=7)
        generations += [
            said(x, a, gold=gold, name=f"q{i}")
            for x, a in zip(("en", "fr", "de", "it", "ja", "zh"), answers, strict=True)
        ]
    found = table(*generations)
    summary = vote_summary(elect(found, MAJORITY.replace(ties="first")).ballots, found.gold)
    assert summary["ece"] < 0.09, "six draws overstate their own winner a little"
    assert summary["estimated_accuracy"] == pytest.approx(summary["accuracy"], abs=0.1)


def test_the_published_samples(paper_data: Path, tmp_path: Path) -> None:
    """The numbers of docs/RESULTS.md: without gold in the fit, the default beats the paper's vote and English alone."""
    from calm_ext.jsonl import write_jsonl
    from calm_ext.results.generations import import_paper

    names = {"en": "en", "zh": "cn", "fr": "fr", "de": "de", "it": "it", "ja": "ja"}
    files = {x: paper_data / f"data/xcsqa/samples/x_csqa_{n}_train_sampled.json" for x, n in names.items()}
    path = tmp_path / "g.jsonl"
    write_jsonl(path, import_paper(files, source_language="en"))
    found = VoteTable.read(read_numbered(path, Generation), style="explain")
    election = elect(found, VotingOptions())
    cast = ((b.id, b) for b in election.ballots)
    plain_pairs = PairingOptions(anchors="none")
    pairs = list(build_pairs(cast, lambda: read_numbered(path, Generation), plain_pairs, style="explain"))
    assert 3000 < len(pairs) < 5000
    summary = vote_summary(elect(found, VotingOptions()).ballots, found.gold)
    assert summary["n_questions"] == 899
    assert summary["accuracy"] >= 0.745
    assert summary["precision_at_coverage"]["0.6"] >= 0.86
    assert summary["ece"] <= 0.04
    assert summary["estimated_accuracy"] == pytest.approx(summary["accuracy"], abs=0.02)
    plain = vote_summary(elect(found, MAJORITY).ballots, found.gold)
    assert plain["accuracy"] < 0.68
    # Without gold everything but what needs it is the same.
    blind = vote_summary(elect(found, VotingOptions()).ballots, {})
    assert blind["accuracy"] is None
    assert blind["precision_at_coverage"] == summary["estimated_precision_at_coverage"]


def test_a_vote_that_no_winner_can_meet_is_refused() -> None:
    with pytest.raises(CalmError, match="min_languages is 9, and there are 2 languages"):
        elect(table(said("en", 1), said("fr", 0)), VotingOptions(min_languages=9))
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        VotingOptions(min_margin=5)
