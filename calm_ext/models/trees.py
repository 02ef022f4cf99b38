"""Prompts with their continuations as trees of tokens, a row each: tokens, positions, and what each token sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch

#: A prompt's token ids and those of each continuation.
Group = tuple[Sequence[int], Sequence[Sequence[int]]]
#: Log-probability in nats, and whether greedy decoding would give the continuation.
Answer = tuple[float, bool]

#: Group index, index of its first target here, the context, targets.
Row = tuple[int, int, Sequence[int], Sequence[Sequence[int]]]
#: Continuations that are longer together than this, and than their prompt, are split over several rows.
_WIDEST = 256


def rows_of(index: int, context: Sequence[int], targets: Sequence[Sequence[int]]) -> Iterator[Row]:
    """A group as one row, or as several where its targets would be wider than the context by far."""
    limit, first, taken = max(_WIDEST, len(context)), 0, 0
    for i, target in enumerate(targets):
        if i > first and taken + len(target) - 1 > limit:
            yield index, first, context, targets[first:i]
            first, taken = i, 0
        taken += len(target) - 1
    if targets:
        yield index, first, context, targets[first:]


def width(row: Row) -> int:
    """Tokens that the model reads."""
    return len(row[2]) + sum(len(t) - 1 for t in row[3])


class Laid(NamedTuple):
    """Rows as tensors.

    Attributes:
        tokens, positions: [rows, widest].
        branch: the same shape; 0 the context, then the targets by number, -1 padding.
        places: where tokens are scored, counted over the flattened rows, ascending.
        where: of each token of each target the index of its place.
        wanted: these tokens.
    """

    tokens: torch.Tensor
    positions: torch.Tensor
    branch: torch.Tensor
    places: torch.Tensor
    where: torch.Tensor
    wanted: list[int]


def lay(rows: Sequence[Row]) -> Laid:
    """Rows in one batch, padded on the right."""
    import torch

    widest = max(map(width, rows))
    tokens = torch.zeros(len(rows), widest, dtype=torch.long)
    positions = torch.zeros_like(tokens)
    branch = torch.full_like(tokens, -1)
    asked: list[int] = []
    wanted: list[int] = []
    for r, (_, _, context, targets) in enumerate(rows):
        at = len(context)
        tokens[r, :at] = torch.tensor(context)
        positions[r, :at] = torch.arange(at)
        branch[r, :at] = 0
        for number, target in enumerate(targets, 1):
            inner = len(target) - 1
            asked += [r * widest + len(context) - 1, *range(r * widest + at, r * widest + at + inner)]
            wanted += target
            tokens[r, at : at + inner] = torch.tensor(target[:-1], dtype=torch.long)
            positions[r, at : at + inner] = len(context) + torch.arange(inner)
            branch[r, at : at + inner] = number
            at += inner
    places, where = torch.tensor(asked).unique(return_inverse=True)
    return Laid(tokens, positions, branch, places, where, wanted)


def by_target(rows: Sequence[Row], logprobs: Sequence[float], greedy: Sequence[bool]) -> list[list[Answer]]:
    """Of each target the sum of its tokens' log-probabilities, and whether greedy decoding gives all of it."""
    found: list[list[Answer]] = []
    at = 0
    for _, _, _, targets in rows:
        found.append([])
        for target in targets:
            end = at + len(target)
            found[-1].append((sum(logprobs[at:end]), all(greedy[at:end])))
            at = end
    return found


def masks_of(model: Any, branch: torch.Tensor, positions: torch.Tensor) -> Any:
    """What each token sees, as the model's layers take it: [rows, 1, width, width], by kind of layer where they differ.

    A window counts positions, not columns, so that a branch sees as far back as it would alone.
    """
    import torch

    config = model.config.get_text_config()
    columns = torch.arange(branch.shape[1], device=branch.device)
    sees = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
    sees &= columns[:, None] >= columns
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    near = sees & (positions[:, :, None] - positions[:, None, :] < window) if window else sees

    def shaped(mask: torch.Tensor) -> torch.Tensor:
        mask = mask[:, None]
        if config._attn_implementation != "eager":
            return mask
        least = torch.finfo(model.dtype).min
        return torch.zeros(mask.shape, dtype=model.dtype, device=mask.device).masked_fill(~mask, least)

    kinds = set(getattr(config, "layer_types", None) or ())
    if len(kinds) > 1:
        return {"full_attention": shaped(sees), "sliding_attention": shaped(near)}
    return shaped(sees if kinds == {"full_attention"} else near)
