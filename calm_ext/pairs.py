"""From ballots to preference pairs (DESIGN, section 5): chosen says what the vote says, rejected says otherwise.

Pairs for language l of a question with a winner: *chosen* is a response of l that gives the winner (``native``); where
l has none, the language is skipped (``skip``) or the winning option is written in the task's format (``answer_only``).
*Rejected* are l's responses that give another answer; abstentions are neither, unless ``reject_unparsed``. Where
options were scored instead of sampled, l's responses are its option texts, and rejected is the option that l itself
prefers.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from calm_ext.errors import DataError
from calm_ext.prompts import Style, answer_text, delimiter
from calm_ext.records import Ballot, Generation, Pair, Prompt

Fallback = Literal["skip", "answer_only"]


class PairOptions(NamedTuple):
    """How to build pairs.

    Attributes:
        fallback: what to choose in a language none of whose responses gives the winner.
        reject_unparsed: whether an abstention may be rejected.
        max_per_question: most pairs of one question in one language.
        max_per_language: most pairs of one language, drawn at random by ``seed``.
        seed: for the draw.
    """

    fallback: Fallback = "answer_only"
    reject_unparsed: bool = False
    max_per_question: int = 2
    max_per_language: int | None = None
    seed: int = 0


def build_pairs(
    ballots: Iterable[Ballot],
    groups: Sequence[Sequence[Generation]],
    options: PairOptions,
    *,
    style: Style,
) -> list[Pair]:
    """The pairs of all ballots that have a winner.

    Raises:
        DataError: a ballot of a question or language that the generations do not have.
    """
    by_id = {group[0].id: {g.language: g for g in group} for group in groups}
    pairs: list[Pair] = []
    for ballot in ballots:
        try:
            languages = by_id[ballot.id]
        except KeyError:
            raise DataError(f"ballot of question {ballot.id!r}, of which there are no generations") from None
        if ballot.winner is None:
            continue
        for language, votes in ballot.votes.items():
            if language not in languages:
                raise DataError(f"ballot of question {ballot.id} has language {language}, the generations have not")
            pairs += _pairs_of(ballot, languages[language], votes, options, style)
    return _capped(_once(pairs), options)


def _pairs_of(
    ballot: Ballot, generation: Generation, votes: Sequence[int | None], options: PairOptions, style: Style
) -> Iterator[Pair]:
    winner = ballot.winner
    assert winner is not None
    language, texts = generation.language, generation.options
    origin = "native"
    if generation.option_logprobs is not None:
        own = votes[0]
        rejected: list[tuple[str, int | None]]
        chosen = [texts[winner]]
        rejected = [(texts[own], own)] if own is not None and own != winner else []
    else:
        if len(votes) != len(generation.responses):
            raise DataError(
                f"ballot of question {ballot.id} has {len(votes)} votes in {language}, the generations have "
                f"{len(generation.responses)} responses"
            )
        answers = list(zip(generation.responses, votes, strict=True))
        chosen = [text for text, vote in answers if vote == winner]
        rejected = [
            (text, vote) for text, vote in answers if vote != winner and (vote is not None or options.reject_unparsed)
        ]
        if not chosen and options.fallback == "answer_only":
            chosen, origin = [answer_text(language, texts, winner, style).lstrip()], "answer_only"
    chosen = list(dict.fromkeys(_joined(generation.prompt, c, language) for c in chosen))
    rejected = list(dict.fromkeys((_joined(generation.prompt, r, language), vote) for r, vote in rejected))
    for index, (text, answer) in enumerate(rejected[: options.max_per_question]):
        if not chosen:
            return
        yield Pair(
            id=ballot.id,
            language=language,
            prompt=generation.prompt,
            chosen=chosen[index % len(chosen)],
            rejected=text,
            chosen_answer=winner,
            rejected_answer=answer,
            margin=ballot.margin,
            origin=origin,
        )


def _joined(prompt: Prompt, text: str, language: str) -> str:
    """The completion as it follows the prompt: with the space between them where the language writes one."""
    if not isinstance(prompt, str) or prompt[-1:].isspace() or text[:1].isspace():
        return text
    return delimiter(language) + text


def _once(pairs: Iterable[Pair]) -> list[Pair]:
    """Without pairs that would train nothing: repeated ones, and those whose chosen is their rejected."""
    seen: dict[tuple[str, str, str, str], Pair] = {}
    for pair in pairs:
        if pair.chosen.strip() != pair.rejected.strip():
            seen.setdefault((pair.language, str(pair.prompt), pair.chosen, pair.rejected), pair)
    return list(seen.values())


def _capped(pairs: list[Pair], options: PairOptions) -> list[Pair]:
    if options.max_per_language is None:
        return pairs
    rng = random.Random(options.seed)
    kept: set[int] = set()
    for language in dict.fromkeys(p.language for p in pairs):
        places = [i for i, p in enumerate(pairs) if p.language == language]
        kept.update(places if len(places) <= options.max_per_language else rng.sample(places, options.max_per_language))
    return [p for i, p in enumerate(pairs) if i in kept]


def pair_summary(pairs: Sequence[Pair], gold: Mapping[str, int | None]) -> dict[str, object]:
    """Counts by language and origin, and the share of pairs whose chosen answer is gold (None without gold)."""
    known = [p for p in pairs if gold.get(p.id) is not None]
    return {
        "n_pairs": len(pairs),
        "by_language": dict(Counter(p.language for p in pairs)),
        "by_origin": dict(Counter(p.origin for p in pairs)),
        "precision": sum(p.chosen_answer == gold[p.id] for p in known) / len(known) if known else None,
    }
