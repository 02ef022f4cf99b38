"""Sums and softmax over segments of a vector: groups of entries that need not lie together or be equally many."""

from __future__ import annotations

import torch


def logsumexp(values: torch.Tensor, segments: torch.Tensor, n: int) -> torch.Tensor:
    """log of the sum of exp of each segment's values, differentiable.

    Args:
        values: (R,) numbers.
        segments: (R,) the segment of each, 0 to n - 1; every segment has an entry.

    Returns:
        (n,) one number a segment.
    """
    highest = values.new_full((n,), -torch.inf).scatter_reduce(0, segments, values.detach(), "amax")
    total = values.new_zeros(n).index_add(0, segments, (values - highest[segments]).exp())
    return highest + total.log()


def log_softmax(values: torch.Tensor, segments: torch.Tensor, n: int) -> torch.Tensor:
    """(R,) values minus :func:`logsumexp` of their own segment."""
    return values - logsumexp(values, segments, n)[segments]


def total(values: torch.Tensor, segments: torch.Tensor, n: int) -> torch.Tensor:
    """(n,) the sum of each segment's values."""
    return values.new_zeros(n).index_add(0, segments, values)


def first_largest(values: torch.Tensor, segments: torch.Tensor, n: int) -> torch.Tensor:
    """(n,) the place of each segment's largest value, the first of equals."""
    highest = values.new_full((n,), -torch.inf).scatter_reduce(0, segments, values, "amax")
    places = torch.arange(len(values), device=values.device)
    best = torch.where(values == highest[segments], places, len(values))
    return torch.full((n,), len(values), device=values.device).scatter_reduce(0, segments, best, "amin")
