"""How often the 95 % intervals hold the true value, by simulation.

    python benchmarks/coverage.py                   # 300 data sets a cell, at most about 4 minutes of one core
    python benchmarks/coverage.py --sets 2000 --seconds 1500

A question has an ability that its languages share: a language is right where √ρ · ability + √(1 - ρ) · noise, both
standard normal, is below the quantile of the accuracy, ρ = .5. A wrong answer is one of 49, so that agreement is near 0
where accuracy is. In the difference 4 % of the questions are asked anew, and there wrong answers become right with
probability .5 and right ones wrong with probability .2. The first number of a cell is the percentile bootstrap alone,
the second the interval that calm-ext gives. In the second table five questions share 60 % of the variance of ability.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from calm_ext.metrics.intervals import SHARE, Bounds, mean_interval
from calm_ext.metrics.stats import interval, resampled_means, sign_flips

QUESTIONS, ACCURACIES, LANGUAGES = (50, 100, 1000), (0.02, 0.5, 0.98), (2, 5, 16)
SHARED, WRONG, ASKED_ANEW, GAINED, LOST = 0.5, 49, 0.04, 0.5, 0.2
OF_PASSAGE, PASSAGE = 0.6, 5
RESAMPLES, POOL = 1000, 200_000
COLUMNS: dict[str, Bounds] = {
    "accuracy": SHARE, "consistency": SHARE, "all right": SHARE, "difference": (-1.0, 1.0),
}  # fmt: skip


def right(rng: np.random.Generator, ability: np.ndarray, languages: int, accuracy: float) -> np.ndarray:
    """Which answers are right, shape (questions, languages)."""
    noise = rng.normal(size=(len(ability), languages))
    return np.sqrt(SHARED) * ability[:, None] + np.sqrt(1 - SHARED) * noise < NormalDist().inv_cdf(accuracy)


def values(rng: np.random.Generator, n: int, languages: int, accuracy: float) -> np.ndarray:
    """The columns of :data:`COLUMNS`, shape (questions, 4)."""
    found = right(rng, rng.normal(size=n), languages, accuracy)
    answers = np.where(found, 0, rng.integers(1, WRONG + 1, found.shape))
    places = np.arange(n)[:, None] * (WRONG + 1) + answers
    counts = np.bincount(places.ravel(), minlength=n * (WRONG + 1)).reshape(n, WRONG + 1)
    alike = (counts * (counts - 1)).sum(1) / (languages * (languages - 1))
    anew, draw = rng.random(n) < ASKED_ANEW, rng.random(found.shape)
    after = np.where(anew[:, None], np.where(found, draw >= LOST, draw < GAINED), found)
    return np.column_stack([found.mean(1), alike, found.all(1), after.mean(1) - found.mean(1)])


@lru_cache
def truth(languages: int, accuracy: float) -> np.ndarray:
    """The true means: of accuracy and difference exactly, of the others over many questions."""
    rng = np.random.default_rng(1)
    pool = np.mean([values(rng, 20_000, languages, accuracy).mean(0) for _ in range(POOL // 20_000)], axis=0)
    pool[0], pool[3] = accuracy, ASKED_ANEW * (GAINED * (1 - accuracy) - LOST * accuracy)
    return pool


def covered(n: int, languages: int, accuracy: float, sets: int, seconds: float = 60.0) -> np.ndarray:
    """Share of data sets whose interval holds the truth: shape (2, columns), bootstrap alone and the interval given."""
    rng, true = np.random.default_rng([n, languages, round(100 * accuracy)]), truth(languages, accuracy)
    hits, done, end = np.zeros((2, len(COLUMNS))), 0, time.process_time() + seconds
    while done < sets and time.process_time() < end:
        own = values(rng, n, languages, accuracy)
        drawn = resampled_means(own, seed=done, resamples=RESAMPLES)
        for i, bounds in enumerate(COLUMNS.values()):
            given = mean_interval(own[:, i], drawn[:, i], bounds=bounds).bounds
            for row, (low, high) in enumerate((interval(drawn[:, i]), given)):
                hits[row, i] += low - 1e-9 <= true[i] <= high + 1e-9
        done += 1
    return hits / done


def clustered(n: int, languages: int, accuracy: float, sets: int, seconds: float = 60.0) -> np.ndarray:
    """The same for questions that come in fives, shape (2, 2): of questions and of clusters, the coverage of accuracy
    and how often sign flips find a difference (p < .05) where there is none.
    """
    rng, end = np.random.default_rng([n, languages, round(100 * accuracy), PASSAGE]), time.process_time() + seconds
    clusters, found, done = np.repeat(np.arange(n // PASSAGE), PASSAGE), np.zeros((2, 2)), 0
    while done < sets and time.process_time() < end:
        passage = rng.normal(size=n // PASSAGE)[clusters]
        ability = np.sqrt(OF_PASSAGE) * passage + np.sqrt(1 - OF_PASSAGE) * rng.normal(size=n)
        own = right(rng, ability, languages, accuracy).mean(1)
        moved = rng.choice([-1, 0, 1], n // PASSAGE, p=[0.2, 0.6, 0.2])[clusters] * rng.integers(0, 2, n) / languages
        for row, groups in enumerate((None, clusters)):
            drawn = resampled_means(own[:, None], seed=done, resamples=RESAMPLES, clusters=groups)[:, 0]
            low, high = mean_interval(own, drawn, clusters=groups).bounds
            found[row] += low <= accuracy <= high, sign_flips(moved, groups, resamples=RESAMPLES) < 0.05
        done += 1
    return found / done


def main(say: Callable[[str], None] = print) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=300, help="data sets a cell")
    parser.add_argument("--seconds", type=float, default=240.0, help="of processor time; then cells have fewer sets")
    options = parser.parse_args()
    cells = [(n, a, x) for n in QUESTIONS for a in ACCURACIES for x in LANGUAGES]
    groups = [(n, a) for n in (50, 100, 250, 1000) for a in (0.5, 0.98)]
    weights = [n + 100 for n, *_ in cells] + [n + 100 for n, _ in groups]  # seconds go by what a cell costs
    share = options.seconds / sum(weights)
    say(f"| questions | accuracy | languages | {' | '.join(COLUMNS)} |\n|--:|--:|--:|{'--:|' * len(COLUMNS)}")
    for n, accuracy, languages in cells:
        alone, given = covered(n, languages, accuracy, options.sets, share * (n + 100))
        row = " | ".join(f"{a:.2f} → {g:.3f}" for a, g in zip(alone, given, strict=True))
        say(f"| {n} | {accuracy} | {languages} | {row} |")
        sys.stdout.flush()
    say("\n| questions | clusters | accuracy | accuracy held, by question → by cluster | false alarms, the same |")
    say("|--:|--:|--:|--:|--:|")
    for n, accuracy in groups:
        (held, alarms), (held_too, alarms_too) = clustered(n, 5, accuracy, options.sets, share * (n + 100))
        held_text, alarm_text = f"{held:.2f} → {held_too:.3f}", f"{alarms:.2f} → {alarms_too:.3f}"
        say(f"| {n} | {n // PASSAGE} | {accuracy} | {held_text} | {alarm_text} |")


if __name__ == "__main__":
    main()
