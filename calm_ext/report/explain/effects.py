"""The change at each level of a factor, with intervals over questions, and the test of each factor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from calm_ext.metrics.compare import Paired, paired_tests
from calm_ext.metrics.intervals import Bounds
from calm_ext.metrics.stats import holm
from calm_ext.report.compared import resampled
from calm_ext.report.explain.categories import SMALLEST
from calm_ext.report.explain.cells import Cells
from calm_ext.report.explain.depends import depends_p
from calm_ext.report.explain.factors import Factor, script_of

if TYPE_CHECKING:
    import numpy as np

    from calm_ext.report.whole import Resampled

#: what may happen to an answer -> in words, and to which answers it may
EVENTS = {
    "won": "wrong answers that became right",
    "lost": "right answers that became wrong",
    "changed": "answers that changed",
}

#: The least and largest that a share can change by.
_CHANGE: Bounds = (-1.0, 1.0)


def factor_effects(
    cells: Cells, factors: Sequence[Factor], *, resamples: int, permutations: int
) -> list[dict[str, Any]]:
    """Every factor with its levels and its tests.

    Returns:
        For each factor ``key``, ``name``, ``phrase``, ``about``, ``ordered``, ``levels`` and ``tests``.

        A level has ``level``, ``n_questions``, ``n_answers``, ``changed``, and where right answers are known ``before``
        and ``after`` (accuracy, mean over its questions), ``difference``, ``ci95`` (bootstrap over questions, NaN of
        fewer than five), ``won`` of ``wrong`` answers and ``lost`` of ``right`` ones.

        ``tests`` has ``won`` and ``lost``, else ``changed``: ``p`` of
        :func:`~calm_ext.report.explain.depends.depends_p`; ``p_holm`` corrected over all factors and both events;
        ``explained``, the share of the variance between answers that lies between the levels; ``lowest`` and
        ``highest``, the rates of the levels that differ most among those with ten answers or more.
    """
    columns = {(f.key, k): _gains(cells, f.at == k) for f in factors for k in range(len(f.levels))}
    there = {key: c for key, c in columns.items() if not _empty(c)}
    drawn = resampled(there, dict.fromkeys(there, _CHANGE), resamples, cells.design)
    result: list[dict[str, Any]] = []
    for factor in factors:
        levels = [_level(cells, factor, k, drawn.get((factor.key, k))) for k in range(len(factor.levels))]
        tests: dict[str, dict[str, Any]] = {}
        for event, (events, trials) in _events(cells).items():
            p = depends_p(
                factor.at, events, trials, ordered=factor.ordered, within=factor.within, permutations=permutations,
                design=cells.design,
            )  # fmt: skip
            explained = _explained(levels, event)
            tests[event] = {"p": p, "p_holm": p, "explained": explained, **_extremes(levels, event)}
        result.append(
            {
                "key": factor.key,
                "name": factor.name,
                "phrase": factor.phrase,
                "about": factor.about,
                "ordered": factor.ordered,
                "levels": [x for x in levels if x["n_answers"]],
                "tests": tests,
            }
        )
    tested = [t for f in result for t in f["tests"].values() if not math.isnan(t["p"])]
    for test, corrected in zip(tested, holm([t["p"] for t in tested]), strict=True):
        test["p_holm"] = corrected
    return result


def _events(cells: Cells) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """event -> (whether it happened to a cell, whether it could)."""
    import numpy as np

    old, new = cells.right
    known = np.broadcast_to(cells.known[:, None], old.shape)
    if not cells.part.has_gold:
        return {"changed": (cells.changed, np.ones_like(old))}
    return {"won": (~old & new & known, ~old & known), "lost": (old & ~new & known, old & known)}


def _gains(cells: Cells, inside: np.ndarray) -> np.ndarray:
    """Of each row the mean gain over some of its cells, NaN where it has none; shape (rows,)."""
    return _mean(cells.gain, inside)


def _mean(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    import numpy as np

    there = inside & ~np.isnan(values)
    n = there.sum(axis=1)
    total = np.where(there, values, 0.0).sum(axis=1)
    result: np.ndarray = np.where(n > 0, total / np.maximum(n, 1), np.nan)
    return result


def _empty(column: np.ndarray) -> bool:
    import numpy as np

    return bool(np.isnan(column).all())


def _level(cells: Cells, factor: Factor, k: int, drawn: Resampled | None) -> dict[str, Any]:
    design = cells.design
    inside = factor.at == k
    if cells.part.has_gold:
        inside &= cells.known[:, None]
    found: dict[str, Any] = {
        "level": factor.levels[k],
        "n_questions": len(set(design.questions[inside.any(axis=1)].tolist())),
        "n_answers": int(inside.sum()),
        "changed": int((cells.changed & inside).sum()),
    }
    if drawn is not None:
        old, new = cells.right
        value, (low, high, _), _ = drawn
        found |= {
            "before": design.mean(_mean(old.astype(float), inside)),
            "after": design.mean(_mean(new.astype(float), inside)),
            "difference": value,
            "ci95": [low, high] if found["n_questions"] >= SMALLEST else [math.nan, math.nan],
            "won": int((~old & new & inside).sum()),
            "wrong": int((~old & inside).sum()),
            "lost": int((old & ~new & inside).sum()),
            "right": int((old & inside).sum()),
        }
    return found


#: event -> its count of a level, and the count of answers it may happen to
COUNTS = {"won": ("won", "wrong"), "lost": ("lost", "right"), "changed": ("changed", "n_answers")}
_ENOUGH = 10


def rate(level: Mapping[str, Any], event: str) -> float:
    """The share of answers of a level to which it happened; NaN where it could happen to none."""
    happened, could = COUNTS[event]
    return level[happened] / level[could] if level.get(could) else math.nan


def _explained(levels: Sequence[Mapping[str, Any]], event: str) -> float:
    """η²: Σ_k n_k (r_k - r)² / n·r·(1 - r) of the levels' rates r_k; NaN where it happened always or never."""
    happened, could = COUNTS[event]
    n = sum(x.get(could, 0) for x in levels)
    r = sum(x.get(happened, 0) for x in levels) / n if n else 0.0
    if r in (0.0, 1.0):
        return math.nan
    between = sum(x[could] * (rate(x, event) - r) ** 2 for x in levels if x.get(could))
    return float(between / (n * r * (1 - r)))


def _extremes(levels: Sequence[Mapping[str, Any]], event: str) -> dict[str, Any]:
    """The levels at which it happened least and most often."""
    enough = [x for x in levels if x.get(COUNTS[event][1], 0) >= _ENOUGH]
    if len(enough) < 2:
        return {}
    low, high = (pick(enough, key=lambda x: rate(x, event)) for pick in (min, max))
    return {"lowest": [low["level"], rate(low, event)], "highest": [high["level"], rate(high, event)]}


# --- pairs of languages -----------------------------------------------------------------------------------------------


def pair_effects(cells: Cells, *, resamples: int) -> dict[str, Any]:
    """The agreement of each pair of languages, and of pairs within a script and between two.

    Returns:
        ``pairs``: for each pair ``a``, ``b``, ``same_script``, ``before``, ``after`` (the share of questions with the
        same answer), ``difference``, ``ci95``, and where gold is known ``right`` and ``wrong``, the differences of
        agreement on right and on wrong answers. ``scripts``: the same of the two kinds of pairs, and ``contrast``: the
        rise within a script minus that between scripts, with ``ci95`` and ``p`` of the paired bootstrap; empty where
        all pairs are of one kind.
    """
    import numpy as np

    languages = cells.part.languages
    pairs = list(combinations(range(len(languages)), 2))
    same = {p: script_of(languages[p[0]]) == script_of(languages[p[1]]) for p in pairs}
    sides = {
        when: {(i, j): ((a[:, i] == a[:, j]) & (a[:, i] >= 0)).astype(float) for i, j in pairs}
        for when, a in (("before", cells.before), ("after", cells.after))
    }
    columns: dict[Any, np.ndarray] = {p: sides["after"][p] - sides["before"][p] for p in pairs}
    kinds = {kind: [p for p in pairs if same[p] == kind] for kind in (True, False)}
    both = all(kinds.values())
    if both:
        for kind, own in kinds.items():
            columns[kind, "script"] = np.mean([columns[p] for p in own], axis=0)
        columns["contrast"] = columns[True, "script"] - columns[False, "script"]
    limits = dict.fromkeys(columns, _CHANGE) | {"contrast": (2 * _CHANGE[0], 2 * _CHANGE[1])}
    design = cells.design
    drawn = resampled(columns, limits, resamples, design)
    found = []
    for i, j in pairs:
        value, (low, high, _), _ = drawn[i, j]
        row = {"a": languages[i], "b": languages[j], "same_script": same[i, j]}
        row |= {when: design.mean(sides[when][i, j]) for when in sides}
        row |= {"difference": value, "ci95": [low, high]}
        if cells.part.has_gold:
            old, new = cells.right
            now, then = ((side[:, i] & side[:, j]).astype(float) for side in (new, old))
            right = design.mean(now) - design.mean(then)
            row |= {"right": right, "wrong": value - right}
        found.append(row)
    scripts: dict[str, Any] = {}
    if both:
        for kind, name in ((True, "same"), (False, "different")):
            value, (low, high, _), _ = drawn[kind, "script"]
            means = {w: sum(design.mean(sides[w][p]) for p in kinds[kind]) / len(kinds[kind]) for w in sides}
            scripts[name] = {"n_pairs": len(kinds[kind]), **means, "difference": value, "ci95": [low, high]}
        value, found_interval, draws = drawn["contrast"]
        test = paired_tests({"contrast": Paired(None, None, draws, found_interval)}, [])["contrast"]
        scripts["contrast"] = {"difference": value, "ci95": list(found_interval.bounds), "p": test.p}
    return {"pairs": sorted(found, key=lambda x: -x["difference"]), "scripts": scripts}
