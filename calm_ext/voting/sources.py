"""Which language a question was written in, where that is not recorded; and which one a vote should follow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from calm_ext.voting.counts import ABSENT, UNKNOWN, Counts
from calm_ext.voting.evidence import cross_agreement, sureness
from calm_ext.voting.rules import Case, Tally

if TYPE_CHECKING:
    import numpy as np


#: Differences that are the rounding of sums, whose order changes with that of the options.
_ROUNDING = 1e-9


class Sources(NamedTuple):
    """The source languages, or the leaders, of N questions.

    Attributes:
        columns: (N,) the column of each question's source, negative where there is none among the languages.
        languages: the languages that are a source.
        notes: what was assumed, one line each.
    """

    columns: np.ndarray
    languages: tuple[str, ...]
    notes: tuple[Tally, ...]


def find_sources(case: Case) -> Sources:
    """The source of each question: as recorded, else the pivot, else the language that stands out, else English.

    English is what most sets of questions were written in, and what most models know best. A recorded source that was
    not asked leaves translations only, which count the same.
    """
    import numpy as np

    votes = case.votes
    source = votes.source.copy()
    missing = source == UNKNOWN
    notes = []
    if missing.any() and len(votes.languages) > 1:
        source[missing], taken = case.learn(_guess)
        if not case.pivot:
            n = int(missing.sum())
            notes.append(Tally("no source language is recorded of ", n, f" questions: {taken} (--pivot names one)"))
    if (votes.source == ABSENT).any():
        n = int((votes.source == ABSENT).sum())
        notes.append(Tally("", n, " questions were written in a language that was not asked"))
    return Sources(source, tuple(votes.languages[i] for i in np.unique(source) if i >= 0), tuple(notes))


def _guess(case: Case) -> tuple[int, str]:
    """The column that is taken where no source is recorded, or :data:`ABSENT`, and why."""
    languages = case.votes.languages
    guess = languages.index(case.pivot) if case.pivot else infer_source(case.votes)
    if guess is not None:
        return guess, f"{languages[guess]} is taken, in which the model is surest"
    if "en" in languages:
        return languages.index("en"), "en is taken, as no language stands out"
    return ABSENT, "no language stands out"


def find_leaders(case: Case) -> Sources:
    """The source of each question, unless the model is clearly less sure in it than in the others.

    It is, where its mean sureness is lower by two standard errors over the questions. A pivot that the user names is
    taken as it is. Where only one response was drawn nobody can see how sure the model is, and the record is believed.
    """
    import numpy as np

    found, languages = find_sources(case), case.votes.languages
    columns, notes = found.columns.copy(), list(found.notes)
    for column, rows in _led(case, columns):
        if column in case.learn(_less_sure):
            columns[rows] = ABSENT
            why = "the model is less sure in it than in the others, so all languages count by how they agree"
            before = f"{languages[column]} does not lead, as the source of "
            notes.append(Tally(before, int(rows.sum()), f" questions: {why}"))
    return Sources(columns, tuple(languages[i] for i in np.unique(columns) if i >= 0), tuple(notes))


def _led(case: Case, columns: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each source, and (N,) which questions are of it, without those of a pivot that the user named."""
    import numpy as np

    for column in np.unique(columns[columns >= 0]):
        rows = (columns == column) & ((case.votes.source >= 0) | (case.pivot is None))
        if rows.any():
            yield int(column), rows


def _less_sure(case: Case) -> frozenset[int]:
    """The columns of sources in which the model is clearly less sure than in the others."""
    import numpy as np

    own = sureness(case.votes)
    found = set()
    for column, rows in _led(case, find_sources(case).columns):
        gap = _gap(own[rows, column], np.delete(own[rows], column, axis=1))
        if gap is not None and gap[0] < -2 * gap[1] - _ROUNDING:
            found.add(column)
    return frozenset(found)


def infer_source(votes: Counts) -> int | None:
    """The column of the language in which the model is surest, and which agrees most with the others; else None.

    A model is surest in the language that it knows best, mostly the one that questions were written in: on the paper's
    generations English agrees with itself in .90 of the cases, the next language in .82. The lead must be more than a
    standard error over the questions.
    """
    import numpy as np

    own = sureness(votes)
    known = ~np.isnan(own)
    if len(votes.languages) < 2 or not known.any(0).all():
        return None
    mean = np.nanmean(own, axis=0)
    first, second = np.argsort(-mean, kind="stable")[:2]
    gap = _gap(own[:, first], own[:, second][:, None])
    across = np.nan_to_num(cross_agreement(votes))
    if gap is None or gap[0] <= gap[1] + _ROUNDING or across[first] < across.max() - _ROUNDING:
        return None
    return int(first)


def _gap(own: np.ndarray, others: np.ndarray) -> tuple[float, float] | None:
    """How much surer one language is than the mean of others, and the standard error of that; None where unknown."""
    import numpy as np

    known = ~np.isnan(others)
    several = known.any(1) & ~np.isnan(own)
    if several.sum() < 2:
        return None
    mean = np.where(known, others, 0.0).sum(1)[several] / known.sum(1)[several]
    difference = own[several] - mean
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(len(difference)))
