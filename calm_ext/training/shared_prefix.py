"""Preference batches whose equal beginnings go through the model once, and whose padding does not go through it.

TRL's batch is ``[prompt + chosen]`` and ``[prompt + rejected]`` of each pair, padded to the longest row: of pairs of
the paper's form (prompt 114 tokens, responses 55) the prompt is two thirds of each row. What a causal model computes
for a token depends on the tokens before it only, so rows that begin alike can share it. The rows are packed into one::

    rows        p q r A B        packed      p q r A B X Y Z        positions   0 1 2 3 4 3 4 5
                p q r X Y Z                                                  both rows read the first three

Everything that works on single tokens (embedding, projections, MLP, norms, LoRA) runs on the packed row; attention
runs on the rows as they were, read out of the packed queries, keys and values, causal, so that padding on the right is
seen by nobody. The result is that of TRL's batch, and so are its gradients: a shared token's are added up.

The model's own code is not touched. Its attention is transformers' ``sdpa`` with one more keyword, ``shared_prefix``,
which decoder layers pass on to their attention as they do with flash attention's keywords; sliding windows come as
``sliding_window``, by flash attention's contract too. A model's name does not show whether it does this (a state space
does not, nor does attention that takes other inputs): :func:`differs` runs a pair through both paths and compares.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from calm_ext.training.messages import tell

#: Beginnings shorter than this are not worth the bookkeeping: the token that begins every text, say.
SHORTEST = 8
#: What two ways of computing a token's log-probability may differ by, in nats: in float32, and in half precision, where
#: the order of a sum alone makes it about 0.01.
CLOSE, CLOSE_HALF = 1e-4, 0.05


class Packed(NamedTuple):
    """Rows of token ids, packed.

    Attributes:
        tokens: the packed row.
        positions: of each packed token in the rows that have it.
        places: of each row, where its tokens lie in the packed row.
    """

    tokens: list[int]
    positions: list[int]
    places: list[list[int]]


def pack(rows: Sequence[Sequence[int]], *, shortest: int = SHORTEST) -> Packed:
    """Lay rows into one, equal beginnings of at least ``shortest`` tokens once.

    In sorted order no earlier row shares more with a row than the one before it.

    >>> pack([[7, 8, 1, 2], [5, 5], [7, 8, 3]], shortest=2)
    Packed(tokens=[5, 5, 7, 8, 1, 2, 3], positions=[0, 1, 0, 1, 2, 3, 2], places=[[2, 3, 4, 5], [0, 1], [2, 3, 6]])
    """
    tokens: list[int] = []
    positions: list[int] = []
    places: list[list[int]] = [[] for _ in rows]
    last: Sequence[int] = []
    path: list[int] = []
    for index in sorted(range(len(rows)), key=lambda i: list(rows[i])):
        row = list(rows[index])
        shared = _shared(last, row)
        if shared < shortest:
            shared = 0
        path = path[:shared] + list(range(len(tokens), len(tokens) + len(row) - shared))
        tokens += row[shared:]
        positions += range(shared, len(row))
        places[index], last = path, row
    return Packed(tokens, positions, places)


def _shared(one: Sequence[int], two: Sequence[int]) -> int:
    """How many tokens two rows have in common from their beginning."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(two)))


class Layout:
    """Where the rows' tokens lie in the packed row, and back.

    Attributes:
        places: (rows, longest row), places in the packed row; padding points at the first.
        owners: (packed tokens,), for each the first of ``places``, flat, that points at it.
    """

    def __init__(self, packed: Packed, width: int, device: torch.device) -> None:
        places = torch.zeros(len(packed.places), width, dtype=torch.long)
        owners = torch.zeros(len(packed.tokens), dtype=torch.long)
        for index in reversed(range(len(packed.places))):
            path = torch.tensor(packed.places[index], dtype=torch.long)
            places[index, : len(path)] = path
            owners[path] = torch.arange(index * width, index * width + len(path))
        self.places, self.owners = places.to(device), owners.to(device)
        self._windows: dict[int, torch.Tensor] = {}

    def spread(self, states: torch.Tensor) -> torch.Tensor:
        """(1, heads, packed tokens, size) as (rows, heads, longest row, size)."""
        rows, width = self.places.shape
        read = states[0].transpose(0, 1).index_select(0, self.places.flatten())
        return read.unflatten(0, (rows, width)).transpose(1, 2)

    def window(self, size: int | None) -> torch.Tensor | None:
        """The causal mask of a sliding window, (1, 1, longest row, longest row); None where no row is longer."""
        width = self.places.shape[1]
        if not size or size >= width:
            return None
        if size not in self._windows:
            whole = torch.ones(width, width, dtype=torch.bool, device=self.places.device)
            self._windows[size] = (whole.tril() & whole.triu(1 - size))[None, None]
        return self._windows[size]


def attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    shared_prefix: Layout | None = None,
    sliding_window: int | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """transformers' ``sdpa``, and the same over the rows of a packed one: (1, packed tokens, heads, size)."""
    if shared_prefix is None:
        found: tuple[torch.Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
        return found
    kwargs.pop("is_causal", None)
    mask = shared_prefix.window(sliding_window)
    query, key, value = (shared_prefix.spread(x) for x in (query, key, value))
    out, _ = sdpa_attention_forward(module, query, key, value, mask, is_causal=mask is None, **kwargs)
    return out.flatten(0, 1).index_select(0, shared_prefix.owners)[None], None


class _Attention:
    """Puts :func:`attention` in the place of transformers' ``sdpa``, which all models share, as long as one needs it.

    That is longer than :meth:`SharedPrefix.on`: gradient checkpointing runs layers again in the backward pass.
    """

    def __init__(self) -> None:
        self._users = 0
        self._original: Any = None

    def acquire(self) -> None:
        if not self._users:
            self._original = ALL_ATTENTION_FUNCTIONS["sdpa"]
            ALL_ATTENTION_FUNCTIONS["sdpa"] = attention
        self._users += 1

    def release(self) -> None:
        self._users -= 1
        if not self._users:
            ALL_ATTENTION_FUNCTIONS["sdpa"] = self._original


_attention = _Attention()


class SharedPrefix:
    """Lets a causal LM's backbone run packed within :meth:`on`; outside, the model is as it was.

    Args:
        model: a causal LM of transformers without its PEFT wrapper.
    """

    def __init__(self, model: Any) -> None:
        implementation = model.config.get_text_config()._attn_implementation
        if implementation != "sdpa":
            raise ValueError(f"its attention runs by {implementation!r}, not 'sdpa'")
        self._active = False
        self._backbone = model.base_model
        self._forward = self._backbone.forward
        self._backbone.forward = self._packed_forward
        _attention.acquire()
        self._release = weakref.finalize(self, _attention.release)  # runs once: by remove, or when this is collected
        self._release.atexit = False

    def remove(self) -> None:
        """Give the model its own forward back, and transformers its attention."""
        self._backbone.forward = self._forward
        self._release()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Run batches packed."""
        before, self._active = self._active, True
        try:
            yield
        finally:
            self._active = before

    def _packed_forward(self, *args: Any, **kwargs: Any) -> Any:
        ids, seen = kwargs.get("input_ids"), kwargs.get("attention_mask")
        if not self._active or args or ids is None or seen is None or seen.dim() != 2 or not seen[:, 0].all():
            return self._forward(*args, **kwargs)
        lengths = seen.sum(1).tolist()
        packed = pack([row[:n] for row, n in zip(ids.tolist(), lengths, strict=True)])
        layout = Layout(packed, ids.shape[1], ids.device)
        kwargs |= {
            "input_ids": torch.tensor([packed.tokens], device=ids.device),
            "position_ids": torch.tensor([packed.positions], device=ids.device),
            # A mask of four dimensions is passed on as it is. Nothing can be done with this one: a model that does not
            # hand the layout to its attention fails, where it would attend to all tokens of all rows.
            "attention_mask": torch.empty(1, 1, 0, 0, dtype=torch.bool, device=ids.device),
            "shared_prefix": layout,
        }
        packed_states = self._forward(**kwargs).last_hidden_state[0]
        states = packed_states.index_select(0, layout.places.flatten()).unflatten(0, layout.places.shape)
        return BaseModelOutputWithPast(last_hidden_state=states)


def try_to_share(trainer: Any, model: Any, batch: Callable[[], dict[str, torch.Tensor]], *, otherwise: str) -> Any:
    """Let a trainer's model run packed, where a trial shows that it is the same; else say why not, once.

    Args:
        model: the trainer's, without its PEFT wrapper.
        batch: makes the two rows of the trial, as for :func:`differs`.
        otherwise: what happens if it is not the same, before the reason.

    Returns:
        The :class:`SharedPrefix`, or None.
    """
    sharing = None
    if trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled:
        reason: str | None = "its parameters are sharded"
    elif getattr(trainer, "aux_loss_enabled", False):
        reason = "its router loss counts tokens"
    else:
        try:
            rows = {k: v.to(trainer.accelerator.device) for k, v in batch().items()}
            sharing = SharedPrefix(model)
            reason = differs(trainer, sharing, rows)
        except (ValueError, AttributeError) as error:
            reason = str(error)
    if reason is None:
        return sharing
    if sharing:
        sharing.remove()
    if trainer.is_world_process_zero():
        tell("note", message=f"{otherwise}: {reason}")
    return None


def differs(trainer: Any, sharing: SharedPrefix, batch: dict[str, torch.Tensor]) -> str | None:
    """Why a model cannot run packed, found by running a pair; None where it can.

    Both ways must give a token the same log-probability, in the mean to :data:`CLOSE`. Half precision hides what is
    smaller than its rounding, so the second row of the packed two must also stay as it is when the first one's response
    is another: a model that mixes neighbouring tokens outside its attention shows there at any precision.

    Args:
        batch: two rows as TRL's collator makes them of a pair, on the model's device.
    """
    keys = ("input_ids", "attention_mask")
    labels = batch["input_ids"].masked_fill(batch["completion_mask"] == 0, -100)
    mixed = trainer.accelerator.mixed_precision not in (None, "no") or getattr(trainer.model, "is_quantized", False)
    close = CLOSE if trainer.model.dtype == torch.float32 and not mixed else CLOSE_HALF

    def scores(ids: torch.Tensor) -> torch.Tensor:
        inputs = {"input_ids": ids, "attention_mask": batch["attention_mask"], "labels": labels, "use_cache": False}
        found: torch.Tensor = trainer.model(**inputs, fused_lm_head=True).log_probs
        return found

    with torch.no_grad(), trainer.accelerator.autocast():
        try:
            plain = scores(batch["input_ids"])
            with sharing.on():
                ours = scores(batch["input_ids"])
                first, other = _other_first(*(batch[k] for k in keys))
                leak = (ours - scores(other))[1 - first].abs().max().item()
        except Exception as error:  # whatever a model's code says to inputs that it was not written for
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    difference = ((plain - ours).abs().sum() / batch["completion_mask"].sum()).item()
    if not difference <= close:
        return f"log-probabilities differ by {difference:.2g} nats a token"
    return None if leak <= CLOSE else f"a response changes the other's log-probabilities by {leak:.2g} nats"


def _other_first(ids: torch.Tensor, seen: torch.Tensor) -> tuple[int, torch.Tensor]:
    """Which of two rows is packed first, and the two with other tokens where it parts from the second."""
    rows = [row[:n] for row, n in zip(ids.tolist(), seen.sum(1).tolist(), strict=True)]
    first = int(rows[1] < rows[0])
    one, two = rows[first], rows[1 - first]
    start = _shared(one, two)
    highest = max(map(max, rows))
    other = [x + 1 if x < highest else x - 1 for x in one[start:]]
    if other and start < len(two) and other[0] >= two[start]:  # it must stay the first of the two
        other[0] = max(0, one[start] - 1)
    result = ids.clone()
    result[first, start : len(one)] = torch.tensor(other, dtype=ids.dtype, device=ids.device)
    return first, result
