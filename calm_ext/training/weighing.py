"""What each pair has of its own in a preference loss: its noise ε, its weight, and whether it is an anchor.

These are columns of the training data, made from the pairs file alone, so that each process and each resumed run has
the same. A run at the defaults has none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from calm_ext.errors import RunError
from calm_ext.jsonl import read_jsonl
from calm_ext.records import Pair
from calm_ext.training.encoding import LOADERS, TrainingData, encode_pairs, pair_loader
from calm_ext.training.job import TrainingJob

if TYPE_CHECKING:
    from calm_ext.training.methods.dpo import DPOOptions

#: The columns: the weight of the preference loss (0 of an anchor that has none), ε, and 1 for such an anchor.
COLUMNS = PREFERENCE, EPSILON, ANCHOR = "preference", "epsilon", "anchor"
#: The highest ε that a vote gives a pair. Robust DPO divides by 1 - 2ε: such a pair pulls ten times as hard.
HIGHEST_NOISE = 0.45


def columns_of(pair: Pair, options: DPOOptions) -> dict[str, float]:
    """A pair's columns; weights are not normalised yet.

    >>> from calm_ext.training.methods.dpo import DPOOptions
    >>> pair = Pair(id="1", language="en", prompt="?", chosen="a", rejected="b", chosen_answer=0, rejected_answer=1,
    ...             margin=1, origin="native", probability=0.8)
    >>> columns_of(pair, DPOOptions(noise="weight"))
    {'preference': 0.8, 'epsilon': 0.0, 'anchor': 0.0}
    """
    if pair.is_anchor and options.anchors != "pair":
        return {PREFERENCE: 0.0, EPSILON: 0.0, ANCHOR: 1.0}
    weight, noise = 1.0, options.label_smoothing
    if options.noise != "none":
        assert pair.probability is not None  # load_weighed has looked
        if options.noise == "weight":
            weight = pair.probability
        else:
            noise = min(1 - pair.probability, HIGHEST_NOISE)
    return {PREFERENCE: weight, EPSILON: noise, ANCHOR: 0.0}


def load_weighed(job: TrainingJob, tokenizer: Any) -> TrainingData:
    """The pairs of a job, encoded; with the columns where its options need them.

    Raises:
        RunError: a pair has no probability and the noise is to come from it, or all of them are 0.
    """
    options: Any = job.options
    if not options.weighed:
        return LOADERS["pairs"](job, tokenizer)
    if options.noise != "none":
        _look(read_jsonl(job.pairs, Pair), job)
    rows, dropped = pair_loader(partial(encode_pairs, columns=lambda pair: columns_of(pair, options)))(job, tokenizer)
    if options.noise == "weight":
        weights = [row[PREFERENCE] for row in rows if not row[ANCHOR]]
        mean = sum(weights) / max(1, len(weights))
        if weights and not mean:
            raise RunError(f"{job.pairs}: every pair has probability 0, by which training.noise weight weighs them")
        for row in rows:
            row[PREFERENCE] = row[PREFERENCE] if row[ANCHOR] else row[PREFERENCE] / mean
    return TrainingData(rows, dropped)


def _look(pairs: Iterable[Pair], job: TrainingJob) -> None:
    options: Any = job.options
    used = [pair for pair in pairs if options.anchors == "pair" or not pair.is_anchor]
    without = [pair for pair in used if pair.probability is None]
    if without:
        raise RunError(
            f"{job.pairs}: {len(without)} of {len(used)} pairs have no probability, which training.noise "
            f"{options.noise} needs (first: question {without[0].id}, {without[0].language}); build the pairs again "
            f"with a vote that estimates it, or set training.noise to none"
        )


def weighing_words(rows: Sequence[Mapping[str, Any]], options: DPOOptions) -> list[str]:
    """What the columns are, in lines for the log: the spread of ε or of the weights, and the number of anchors."""
    said = []
    paired = [row for row in rows if not row[ANCHOR]]
    if options.noise == "vote" and paired:
        noise = [row[EPSILON] for row in paired]
        bound = sum(x == HIGHEST_NOISE for x in noise)
        said.append(
            f"noise by the vote: ε from {min(noise):.2f} to {max(noise):.2f}, mean {sum(noise) / len(noise):.2f}; "
            f"{bound} of {len(noise)} pairs at the bound {HIGHEST_NOISE}"
        )
    if options.noise == "weight" and paired:
        weights = [row[PREFERENCE] for row in paired]
        said.append(f"pairs weighted by the vote: from {min(weights):.2f} to {max(weights):.2f}, mean 1")
    if options.anchors != "pair":
        n = len(rows) - len(paired)
        said.append(
            f"{n} of {len(rows)} pairs are anchors, held by {options.anchors}"
            if n
            else f"training.anchors {options.anchors}: none of the {len(rows)} pairs is an anchor "
            f"(pairs.anchors: all builds them)"
        )
    return said
