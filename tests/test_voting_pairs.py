from __future__ import annotations

import pytest

from calm_ext.errors import CalmError, DataError
from calm_ext.pairs import PairOptions, build_pairs, pair_summary
from calm_ext.records import Ballot, Generation
from calm_ext.voting import VoteOptions, elect, group_by_question, vote, vote_summary, votes_of_others

WORDS = ["w0", "w1", "w2"]


def said(language: str, *answers: int | None, gold: int | None = 0, name: str = "q") -> Generation:
    responses = ["nothing" if a is None else WORDS[a] for a in answers]
    return Generation(
        id=name, language=language, question="?", options=WORDS, answer=gold, prompt="Q: ?\nA:", responses=responses
    )


def scored(language: str, *logprobs: float, name: str = "q") -> Generation:
    return Generation(
        id=name, language=language, question="?", options=WORDS, answer=0, prompt="?", option_logprobs=list(logprobs)
    )


def test_majority_counts_every_sample_and_abstentions_for_nobody() -> None:
    ballot = elect(
        [said("en", 0, 0, 1), said("fr", 1, None, None), said("de", 0, 2, None)], VoteOptions(), style="direct"
    )
    assert ballot.winner == 0
    # shares: w0 2/3 + 0 + 1/3 = 1, w1 1/3 + 1/3 = 2/3; margin (1 - 2/3) / 3 languages
    assert ballot.margin == pytest.approx(1 / 9)
    assert ballot.votes["fr"] == [1, None, None]


def test_ties() -> None:
    group = [said("en", 0), said("fr", 1)]
    assert elect(group, VoteOptions(), style="direct").winner is None
    assert elect(group, VoteOptions(), style="direct").tie
    assert elect(group, VoteOptions(ties="pivot", pivot="fr"), style="direct").winner == 1
    assert elect(group[::-1], VoteOptions(ties="first"), style="direct").winner == 1
    assert elect(group, VoteOptions(weights={"en": 2}), style="direct").winner == 0
    with pytest.raises(CalmError, match="pivot language"):
        elect(group, VoteOptions(ties="pivot", pivot="ja"), style="direct")


def test_no_answer_elects_nobody() -> None:
    ballot = elect([said("en", None), said("fr", None)], VoteOptions(ties="first"), style="direct")
    assert ballot.winner is None


def test_zscore_ignores_sharpness_and_length() -> None:
    # Per byte (2 bytes each): en is sharp for w1, fr and de are flat but rank w0 first.
    group = [scored("en", -20.0, -2.0, -20.0), scored("fr", -2.0, -2.2, -2.4), scored("de", -2.0, -2.2, -2.4)]
    assert elect(group, VoteOptions(rule="zscore"), style="cloze").winner == 0
    assert elect(group, VoteOptions(rule="majority"), style="cloze").winner == 1
    with pytest.raises(CalmError, match="needs option_logprobs"):
        elect([said("en", 0)], VoteOptions(rule="zscore"), style="direct")


def test_filters() -> None:
    sure = [said("en", 0, 0, name="a"), said("fr", 0, 0, name="a")]
    less = [said("en", 0, 0, name="b"), said("fr", 0, 1, name="b")]
    least = [said("en", 0, 0, name="c"), said("fr", 0, 1, name="c"), said("de", 1, 1, 0, name="c")]
    groups = [sure, less, least]
    assert [b.winner for b in vote(groups, VoteOptions(), style="direct")] == [0, 0, 0]
    assert [b.winner for b in vote(groups, VoteOptions(keep_share=0.34), style="direct")] == [0, None, None]
    assert [b.winner for b in vote(groups, VoteOptions(min_margin=0.5), style="direct")] == [0, 0, None]
    assert [b.winner for b in vote(groups, VoteOptions(min_languages=2), style="direct")] == [0, 0, 0]
    told = vote_summary(vote(groups, VoteOptions(keep_share=0.34), style="direct"), {"a": 0, "b": 0, "c": 1})
    assert told["accuracy"] == pytest.approx(1 / 3)
    assert told["accuracy_kept"] == 1.0


def test_grouping_refuses_what_is_not_parallel() -> None:
    with pytest.raises(DataError, match="twice in en"):
        group_by_question([said("en", 0), said("en", 1)])
    with pytest.raises(DataError, match="another answer"):
        group_by_question([said("en", 0, gold=0), said("fr", 1, gold=1)])


def test_a_language_has_no_part_in_the_vote_it_is_judged_by() -> None:
    group = [said("en", 1, 1), said("fr", 0, 0), said("de", 0, 1)]
    assert votes_of_others(group, VoteOptions(min_margin=0.9), style="direct") == {"en": 0, "fr": 1}


def ballot(winner: int | None, **votes: list[int | None]) -> Ballot:
    return Ballot(id="q", winner=winner, margin=0.5, votes=votes, weights=dict.fromkeys(votes, 1.0))


def test_pairs_are_native_first() -> None:
    group = [said("en", 0, 1, 1, 2), said("fr", 1, 1), said("de", 0, 0), said("it", None, None)]
    b = ballot(0, en=[0, 1, 1, 2], fr=[1, 1], de=[0, 0], it=[None, None])
    pairs = build_pairs([b], [group], PairOptions(), style="direct")
    told = [(p.language, p.chosen, p.rejected, p.origin, p.rejected_answer) for p in pairs]
    assert told == [
        ("en", " w0", " w1", "native", 1),
        ("en", " w0", " w2", "native", 2),
        ("fr", " w0", " w1", "answer_only", 1),
    ]
    skipped = build_pairs([b], [group], PairOptions(fallback="skip", max_per_question=1), style="direct")
    assert [p.language for p in skipped] == ["en"]
    rejecting = build_pairs([b], [group], PairOptions(reject_unparsed=True), style="direct")
    assert ("it", " nothing", None) in [(p.language, p.rejected, p.rejected_answer) for p in rejecting]
    summary = pair_summary(pairs, {"q": 0})
    assert summary == {
        "n_pairs": 3,
        "by_language": {"en": 2, "fr": 1},
        "by_origin": {"native": 2, "answer_only": 1},
        "precision": 1.0,
    }


def test_pairs_of_scored_options_reject_the_languages_own_choice() -> None:
    group = [scored("en", -1.0, -2.0, -3.0), scored("zh", -1.5, -1.0, -3.0)]
    b = elect(group, VoteOptions(rule="zscore", weights={"en": 2}), style="cloze")
    (pair,) = build_pairs([b], [group], PairOptions(), style="cloze")
    assert (pair.language, pair.chosen, pair.rejected) == ("zh", "w0", "w1")


def test_pairs_undecided_unknown_and_capped() -> None:
    group = [said("en", 0, 1, 2), said("fr", 0, 1, 2)]
    assert build_pairs([ballot(None, en=[0, 1, 2], fr=[0, 1, 2])], [group], PairOptions(), style="direct") == []
    capped = build_pairs(
        [ballot(0, en=[0, 1, 2], fr=[0, 1, 2])], [group], PairOptions(max_per_language=1), style="direct"
    )
    assert sorted(p.language for p in capped) == ["en", "fr"]
    with pytest.raises(DataError, match="no generations"):
        build_pairs([ballot(0, en=[0]).model_copy(update={"id": "z"})], [group], PairOptions(), style="direct")
    with pytest.raises(DataError, match="2 votes in en"):
        build_pairs([ballot(0, en=[0, 1])], [group], PairOptions(), style="direct")


def test_equal_option_texts_never_make_a_pair_against_themselves() -> None:
    g = Generation(
        id="q", language="en", question="?", options=["x", "x", "y"], prompt="?", option_logprobs=[-2.0, -1.0, -3.0]
    )
    assert build_pairs([ballot(0, en=[1])], [[g]], PairOptions(), style="cloze") == []
