"""The claims of a study, tested."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from calm_ext.metrics.compare import ALPHA
from calm_ext.metrics.names import LOWER_IS_BETTER
from calm_ext.study.effects import Effect, Term, effect
from calm_ext.study.options import Claim, StudyOptions, label, number_of
from calm_ext.study.outcomes import Outcome

Verdict = Literal["holds", "fails", "undecided"]


class Measured(NamedTuple):
    """One combination of varied values with one seed, its folds pooled.

    Attributes:
        vary: key -> value or label.
        seed: number of the seed.
        tasks: task -> ``before`` and ``after``, on the same questions.
    """

    vary: dict[str, Any]
    seed: int
    tasks: dict[str, tuple[Outcome, Outcome]]


class Tested(NamedTuple):
    """A claim and what the data say.

    Attributes:
        task: on which it was tested; empty where nothing measured it.
        effect: None where nothing could be tested.
        test: in words.
        notes: what was left out, in words.
    """

    claim: Claim
    task: str
    effect: Effect | None
    verdict: Verdict
    test: str
    notes: list[str]


def try_claim(claim: Claim, options: StudyOptions, measured: Sequence[Measured], task: str | None) -> Tested:
    """Test one claim.

    It *holds* where the quantity has the sign that is claimed with p < .05 (two-sided), *fails* where it has the other
    sign with p < .05, and is *undecided* otherwise.

    Args:
        measured: all that is there; what a claim lacks is named in its notes.
        task: the claim's own, or else the first held-out one; None where there is none.
    """
    if task is None:
        return Tested(
            claim, "", None, "undecided", "not tested: no task of ours was measured on held-out questions", []
        )
    chosen = [m for m in measured if task in m.tasks and agrees(m.vary, claim.where)]
    if not any(after.has(claim.metric) for _, after in (m.tasks[task] for m in chosen)):
        return Tested(
            claim, task, None, "undecided", f"not tested: {task} was not measured, or has no {claim.metric}", []
        )
    if claim.better is not None and claim.than is not None:
        seeds, how = _contrast(claim, chosen, task)
    elif claim.over is not None:
        seeds, how = _slope(claim, claim.over, chosen, task)
    else:
        seeds, how = _mean(claim, chosen, task)
    notes = _notes(seeds, options)
    terms = [t for t in seeds.values() if t]
    if not terms:
        return Tested(claim, task, None, "undecided", "not tested: no seed has the cells that it compares", notes)
    found = effect(terms, claim.metric)
    return Tested(claim, task, found, verdict(found, _sign(claim)), f"{how}; {found.words()}", notes)


def agrees(vary: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a combination has these values, as they are named."""
    return all(label(vary[key]) == label(value) for key, value in wanted.items())


def verdict(found: Effect, sign: int) -> Verdict:
    """What an effect says of a claim that it has a sign."""
    if not found.p < ALPHA:
        return "undecided"
    return "holds" if found.value * sign > 0 else "fails"


def terms_of(measured: Measured, task: str, *, of: str = "effect", weight: float = 1.0) -> list[Term]:
    """The terms of a metric's effect, after less before, or of its value after."""
    before, after = measured.tasks[task]
    return [Term(weight, after), *([Term(-weight, before)] if of == "effect" else [])]


def _sign(claim: Claim) -> int:
    if claim.better is not None:
        return -1 if claim.metric in LOWER_IS_BETTER else 1
    return 1 if claim.rises or claim.order == "increasing" else -1


#: seed -> the terms of its sum; none where it lacks a cell that is compared.
_Seeds = dict[int, list[Term]]


def _mean(claim: Claim, chosen: Sequence[Measured], task: str) -> tuple[_Seeds, str]:
    by_seed = _by_seed(chosen)
    cells = max(map(len, by_seed.values()))
    seeds = {
        s: [t for m in own for t in terms_of(m, task, weight=1 / len(own))] if len(own) == cells else []
        for s, own in by_seed.items()
    }
    return seeds, "after less before" + (f", mean of {cells} cells a seed" if cells > 1 else "")


def _contrast(claim: Claim, chosen: Sequence[Measured], task: str) -> tuple[_Seeds, str]:
    """One value less another in cells that are alike otherwise."""
    better, than = claim.better or {}, claim.than or {}
    seeds: _Seeds = {}
    most = 0
    for seed, own in _by_seed(chosen).items():
        ones = {_others(m, better): m for m in own if agrees(m.vary, better)}
        twos = {_others(m, better): m for m in own if agrees(m.vary, than)}
        both = [k for k in ones if k in twos]
        most = max(most, len(both))
        seeds[seed] = [
            t
            for k in both
            for m, sign in ((ones[k], 1.0), (twos[k], -1.0))
            for t in terms_of(m, task, of=claim.of, weight=sign / len(both))
        ]
    what = "effect" if claim.of == "effect" else "value after"
    names = (", ".join(label(v) for v in side.values()) for side in (better, than))
    more = f", mean of {most} pairs of cells a seed" if most > 1 else ""
    return seeds, f"{what} of {' less that of '.join(names)}{more}, paired by question"


def _slope(claim: Claim, over: str, chosen: Sequence[Measured], task: str) -> tuple[_Seeds, str]:
    """The slope of a least-squares line, with a level of its own for each seed and each combination of other keys.

    Σ (x − x̄)(y − ȳ) / Σ (x − x̄)², the means being those of the group. It is a weighted sum of the y, the weights
    (x − x̄) / Σ (x − x̄)².
    """
    seeds: _Seeds = {}
    widest = max(len({number_of(m.vary[over]) for m in own}) for own in _by_seed(chosen).values())
    for seed, own in _by_seed(chosen).items():
        groups: dict[Any, list[Measured]] = defaultdict(list)
        for m in own:
            groups[_others(m, {over: None})].append(m)
        deviations = []
        for members in groups.values():
            x = [number_of(m.vary[over]) or 0.0 for m in members]
            mean = sum(x) / len(x)
            deviations += [(m, value - mean) for m, value in zip(members, x, strict=True)]
        squares = sum(d * d for _, d in deviations)
        whole = len({number_of(m.vary[over]) for m in own}) == widest
        terms = (
            [t for m, d in deviations for t in terms_of(m, task, of=claim.of, weight=d / squares)] if squares else []
        )
        seeds[seed] = terms if whole else []
    what = "effect" if claim.of == "effect" else "value after"
    return (
        seeds,
        f"slope of the {what} over {over} by least squares, each seed with a level of its own and drawn as a whole",
    )


def _by_seed(chosen: Sequence[Measured]) -> dict[int, list[Measured]]:
    found: dict[int, list[Measured]] = defaultdict(list)
    for m in chosen:
        found[m.seed].append(m)
    return dict(found)


def _others(measured: Measured, without: Mapping[str, Any]) -> tuple[str, ...]:
    """The values of the other keys."""
    return tuple(label(v) for k, v in measured.vary.items() if k not in without)


def _notes(seeds: _Seeds, options: StudyOptions) -> list[str]:
    every = options.seed_values()
    lacking = [i for i in range(len(every)) if not seeds.get(i)]
    if not lacking:
        return []
    names = ", ".join("; ".join(f"{k} {label(v)}" for k, v in every[i].items()) or "the only one" for i in lacking)
    return [f"seeds that lack a cell are left out: {names}"]
