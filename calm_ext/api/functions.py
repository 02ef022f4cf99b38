"""The functions of the Python interface; see :mod:`calm_ext.api`."""

from __future__ import annotations

from typing import Any

from calm_ext.answers.thoughts import Marks
from calm_ext.api.inputs import Rows, answers_of, generations_of
from calm_ext.api.results import Changes, PairSet, Scores, Votes
from calm_ext.errors import DataError
from calm_ext.metrics.compare import compare as compare_sets
from calm_ext.metrics.measure import measure
from calm_ext.metrics.stats import RESAMPLES
from calm_ext.options import validated
from calm_ext.pairing.build import PairReport
from calm_ext.pairing.build import build_pairs as pairs_of
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import Style
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable


def vote(samples: Rows, *, style: Style = "explain", thoughts: Marks = (), **options: Any) -> Votes:
    """Elect an answer for each question from samples in several languages, without gold labels.

    Args:
        samples: dicts, records, a DataFrame or a Dataset. One row a question and language (``id``, ``language``,
            ``options``, ``responses`` or ``option_logprobs``) or one row a response (``response``); ``answer``,
            ``question``, ``prompt`` and ``source_language`` are used where they are there.
        style: how the responses are read: ``explain`` (an answer cue), ``direct`` (an option's text at once) or
            ``open`` (free text that names an option; rows may have ``names``).
        thoughts: marks around thoughts besides the known ones, pairs of opening and closing.
        options: keys of a recipe's section ``vote``, as ``rule="majority"`` or ``min_margin=0.2``.

    Raises:
        DataError: a row that cannot be used.
        RecipeError: an option that is not allowed.

    >>> sample = {"id": "q", "options": ["air", "water"], "responses": ["Answer: B"]}
    >>> rows = [{**sample, "language": x} for x in ("en", "fr")]
    >>> vote(rows, rule="majority").ballots[0].winner
    1
    """
    _check_style(style)
    chosen: VotingOptions = validated(VotingOptions, options, where="vote")
    generations = generations_of(samples, style=style)
    numbered = ((f"samples: {g.id} in {g.language}", g) for g in generations)
    table = VoteTable.read(numbered, style=style, thoughts=thoughts)
    return Votes(elect(table, chosen), generations, style=style, thoughts=thoughts)


def build_pairs(votes: Votes, **options: Any) -> PairSet:
    """Preference pairs: chosen gives the elected answer, rejected a different one, both in the question's language.

    Args:
        votes: what :func:`vote` returned.
        options: keys of a recipe's section ``pairs``, as ``fallback="skip"``; ``translate`` needs a model and a run.

    Raises:
        DataError: a sample has neither ``prompt`` nor ``question``.
        RecipeError: an option that is not allowed.

    >>> rows = [{"id": "q", "language": x, "question": "?", "options": ["air", "water"], "responses": r}
    ...         for x, r in (("en", ["Answer: B"] * 3), ("fr", ["Réponse : A"] * 2))]
    >>> build_pairs(vote(rows, rule="majority")).to_dicts()[0]["language"]
    'fr'
    """
    if not isinstance(votes, Votes):
        raise DataError(f"build_pairs: what vote() returned was expected, not a {type(votes).__name__}")
    chosen: PairingOptions = validated(PairingOptions, options, where="build_pairs")
    if chosen.fallback == "translate":
        raise DataError("build_pairs: fallback translate needs a model; use `calm-ext align` or `calm-ext pairs`")
    problems = chosen.problems(votes.style)  # type: ignore[arg-type]
    if problems:
        raise DataError("\n".join(f"build_pairs: {problem}" for problem in problems))
    bare = next((g for g in votes.samples if not g.prompt), None)
    if bare is not None:
        raise DataError(f"samples: {bare.id} in {bare.language} has neither prompt nor question, and a pair needs one")
    report = PairReport()
    ballots = [(f"the ballot of {b.id}", b) for b in votes.ballots]
    generations = [(f"samples: {g.id} in {g.language}", g) for g in votes.samples]
    found = pairs_of(ballots, lambda: generations, chosen, style=votes.style, report=report, thoughts=votes.thoughts)  # type: ignore[arg-type]
    pairs = list(found)
    return PairSet(pairs, dict(report.summary()))


def score(
    answers: Rows,
    *,
    style: Style = "explain",
    seed: int = 0,
    resamples: int = RESAMPLES,
    unlabelled: str = "wrong",
    thoughts: Marks = (),
) -> Scores:
    """Every metric of a set of answers, with standard error, 95 % interval and chance value.

    Args:
        answers: one row a question (``id``, ``predictions``: language -> index or None, ``answer``, ``scores``), or a
            question and language (``id``, ``language``, ``prediction``, ``answer``), or samples as :func:`vote` takes
            them, whose first response is read.
        style: how responses are read.
        seed, resamples: of the bootstrap, which resamples questions.
        unlabelled: where some questions have no right answer, ``wrong`` counts them as not right, ``skip`` leaves them
            out of accuracy.
        thoughts: as :func:`vote` takes them.

    Raises:
        DataError: a row that cannot be used, or a question that lacks a language.

    >>> score([{"id": "q", "answer": 1, "predictions": {"en": 1, "fr": 0}}])["acc"]
    0.5
    """
    _check_style(style)
    _check_bootstrap(seed, resamples)
    given = answers_of(answers, style=style, source="answers", thoughts=thoughts)
    return Scores(measure(given, seed=seed, resamples=resamples, skip_unlabelled=_skips(unlabelled)))


def compare(
    before: Rows,
    after: Rows,
    *,
    style: Style = "explain",
    seed: int = 0,
    resamples: int = RESAMPLES,
    unlabelled: str = "wrong",
    thoughts: Marks = (),
) -> Changes:
    """Two sets of answers to the same questions, compared question by question.

    Each metric's difference has a 95 % interval (paired bootstrap by question) and a p-value: exact McNemar where a
    question is right or wrong, else the bootstrap's; the languages are corrected for one another by Holm's method.

    Args:
        before, after: as :func:`score` takes them.
        style, seed, resamples, unlabelled, thoughts: as there.

    Raises:
        DataError: a row that cannot be used; questions, languages or right answers differ.
    """
    _check_style(style)
    _check_bootstrap(seed, resamples)
    given = ((before, "before"), (after, "after"))
    first, second = (answers_of(x, style=style, source=name, thoughts=thoughts) for x, name in given)
    return Changes(compare_sets(first, second, seed=seed, resamples=resamples, skip_unlabelled=_skips(unlabelled)))


def _check_style(style: str) -> None:
    if style not in ("explain", "direct", "open"):
        raise DataError(f"style is {style!r}; explain, direct or open was expected")


def _check_bootstrap(seed: int, resamples: int) -> None:
    for name, value, least in (("seed", seed, 0), ("resamples", resamples, 100)):
        if not isinstance(value, int) or value < least:
            raise DataError(f"{name} is {value!r}; a whole number of at least {least} was expected")


def _skips(unlabelled: str) -> bool:
    if unlabelled not in ("wrong", "skip"):
        raise DataError(f"unlabelled is {unlabelled!r}; wrong or skip was expected")
    return unlabelled == "skip"
