"""How often the intervals of a study hold the true value, by simulation.

    python benchmarks/study_coverage.py

The effect is zero. Each question has a value of its own, half of it the same in every seed where the seeds share their
questions, and each seed shifts all of its questions. The column `ratio` is the variance of that shift over the variance
that the questions alone give to a seed's mean.
"""

from __future__ import annotations

import sys

import numpy as np

from calm_ext.study.effects import Term, effects
from calm_ext.study.outcomes import Outcome

QUESTIONS, STUDIES, RESAMPLES = 100, 400, 1000


def covered(rng: np.random.Generator, *, seeds: int, shared: bool, ratio: float) -> float:
    """Share of simulated studies whose interval holds zero."""
    hits = 0
    for study in range(STUDIES):
        shift = rng.normal(0, np.sqrt(ratio / QUESTIONS), seeds)
        common = rng.normal(0, np.sqrt(0.5), QUESTIONS)
        terms = []
        for s in range(seeds):
            own = rng.normal(0, np.sqrt(0.5 if shared else 1.0), QUESTIONS)
            values = shift[s] + own + (common if shared else 0.0)
            world = "" if shared else str(s)
            questions = {(str(i), world): {"acc": float(v)} for i, v in enumerate(values)}
            terms.append([Term(1.0, Outcome(questions))])
        low, high = effects(terms, ["acc"], resamples=RESAMPLES, seed=study)["acc"].ci95
        hits += low <= 0 <= high
    return hits / STUDIES


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print(
        f"{'seeds':>5} {'questions':>10} {'ratio':>5} {'covered':>8}   ({STUDIES} studies, {QUESTIONS} questions each)"
    )
    for seeds in (1, 2, 3, 5, 8):
        for shared in (True, False) if seeds > 1 else (True,):
            for ratio in (0.0, 1.0, 4.0) if seeds > 1 else (0.0,):
                share = covered(rng, seeds=seeds, shared=shared, ratio=ratio)
                print(f"{seeds:>5} {'shared' if shared else 'own':>10} {ratio:>5.0f} {share:>8.3f}")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
