"""From ballots to groups: a question in all its languages, with what is compared in each.

What is compared in a language (``completions``) are

- ``options``: all options, each as the prompt asks for it: its text, its letter, or the answer written out;
- ``samples``: the sampled responses that could be read, each of its wording once, grouped by the answer that they give.
  Where none gives the winner, the fallback of pairs puts one in its place; where all give the winner, written answers
  of the winner and of the runner-up are compared, both in one form. Where options were scored there are no samples, and
  the options are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from calm_ext.answers.thoughts import Marks, strip_thoughts
from calm_ext.pairing.anchors import answer_key, runner_up, said_options
from calm_ext.pairing.instructions import instructed
from calm_ext.pairing.meet import Decided
from calm_ext.pairing.options import PairingOptions
from calm_ext.pairing.sides import joined
from calm_ext.prompts import Style, answer_text
from calm_ext.records import Ballot, Generation, Group, Member
from calm_ext.voting.targets import soft_targets

Completions = Literal["options", "samples"]


def build_groups(
    ballots: Iterable[tuple[str, Ballot]],
    generations: Iterable[tuple[str, Generation]],
    options: PairingOptions,
    *,
    style: Style,
    completions: Completions,
    max_options: int | None = None,
    restated: Mapping[tuple[str, str], str] | None = None,
    thoughts: Marks = (),
) -> Iterator[Group]:
    """The groups of all ballots, decided or not, in the order of the ballots.

    Args:
        ballots: each with its place (``file:line``).
        max_options: of scored options, how many are compared in a language: the elected one and the likeliest others.
        restated: (question id, language) -> the chosen text where the fallback is ``translate``.
        thoughts: marks of thoughts besides the known ones; thoughts are left out of completions.

    Raises:
        DataError: two ballots of one question.
    """
    decided = Decided(ballots)
    waiting = _Waiting(decided)
    for _, generation in instructed(generations, options.instructions):
        ballot = decided.get(generation.id)
        if ballot is None or generation.language not in ballot.votes:
            continue
        written = completions == "options" or generation.option_logprobs is not None or ballot.winner is None
        if style in ("cloze", "letters") and generation.option_logprobs is None:
            member = None  # no score came
        elif written:
            member = _of_options(generation, ballot.winner, style, max_options)
        else:
            member = _of_samples(ballot, generation, options, style, restated or {}, thoughts)
        waiting.add(generation, member)
        yield from waiting.groups()
    yield from waiting.groups(all_came=True)


class _Waiting:
    """Groups that wait for languages, or for a group that comes before them.

    Where generations and ballots are in one order, hardly any does.
    """

    def __init__(self, decided: Decided) -> None:
        self._ballots = iter(decided)
        self._next = next(self._ballots, None)
        self._members: dict[str, dict[str, Member]] = {}
        self._came: dict[str, set[str]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, generation: Generation, member: Member | None) -> None:
        """What came of a question in a language that voted."""
        self._came.setdefault(generation.id, set()).add(generation.language)
        if member:
            self._sizes[generation.id] = len(generation.options)
            self._members.setdefault(generation.id, {})[generation.language] = member

    def groups(self, *, all_came: bool = False) -> Iterator[Group]:
        """Those that are whole, in the order of the ballots."""
        while (b := self._next) and (all_came or b.votes.keys() <= self._came.get(b.id, set())):
            self._next = next(self._ballots, None)
            self._came.pop(b.id, None)
            members, size = self._members.pop(b.id, None), self._sizes.pop(b.id, 0)
            if members:
                targets = None if b.winner is None else soft_targets(b, size)
                yield Group(id=b.id, winner=b.winner, probabilities=targets, members=members)


def _of_options(generation: Generation, winner: int | None, style: Style, most: int | None) -> Member | None:
    """All options; of two with one text the winner, or the first. None where fewer than two are left."""
    texts = generation.options
    by_text = {answer_key(text): i for i, text in reversed(list(enumerate(texts)))}
    if winner is not None:
        by_text[answer_key(texts[winner])] = winner
    places = sorted(by_text.values())
    if len(places) < 2:
        return None
    scores = None
    if generation.option_logprobs is not None:
        logprobs = generation.option_logprobs
        places = sorted(sorted(places, key=lambda i: (i != winner, -logprobs[i]))[:most])
        said = [said_options(generation)[i] for i in places]
        scores = [logprobs[i] for i in places]
    else:
        said = [answer_text(generation.language, texts, i, style).lstrip() for i in places]
    whole = [joined(generation.prompt, text, generation.language) for text in said]
    return Member(prompt=generation.prompt, completions=whole, answers=places, logprobs=scores)


def _of_samples(
    ballot: Ballot,
    generation: Generation,
    options: PairingOptions,
    style: Style,
    restated: Mapping[tuple[str, str], str],
    thoughts: Marks,
) -> Member | None:
    """Sampled responses; None where there is nothing to compare, or the fallback skips the language."""
    winner, language, texts = ballot.winner, generation.language, generation.options
    assert winner is not None
    votes = ballot.votes[language]
    found = {
        strip_thoughts(text, thoughts): vote
        for text, vote in zip(generation.given, votes, strict=True)
        if vote is not None and strip_thoughts(text, thoughts).strip()
    }

    def written(option: int) -> str:
        return answer_text(language, texts, option, style).lstrip()

    if winner not in found.values():
        if options.fallback == "skip":
            return None
        text = restated.get((ballot.id, language)) if options.fallback == "translate" else written(winner)
        if not text:
            return None
        found[text] = winner
    if set(found.values()) == {winner}:
        other = runner_up(ballot, texts, seed=options.seed)
        if other is None:
            return None
        found = {written(winner): winner, written(other): other}
    said = [joined(generation.prompt, text, language) for text in found]
    if len(set(found.values())) < 2:
        return None
    return Member(prompt=generation.prompt, completions=said, answers=list(found.values()))
