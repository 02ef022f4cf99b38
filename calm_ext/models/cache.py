"""A cache layer that grows in place, in tokens and in rows, where transformers' own copies all it holds each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer


class RoomyLayer(DynamicLayer):
    """A :class:`~transformers.cache_utils.DynamicLayer` with room behind and below its keys and values.

    Args:
        layer: whose keys and values it takes over.
        rows, tokens: that it will have at most; room for them is made with the first :meth:`move`.
    """

    def __init__(self, layer: DynamicLayer, rows: int, tokens: int) -> None:
        super().__init__()
        self.is_sliding = layer.is_sliding  # masks are made for the first layer of each kind
        self.dtype, self.device, self.is_initialized = layer.dtype, layer.device, True
        assert layer.keys is not None and layer.values is not None
        self.keys: torch.Tensor = layer.keys
        self.values: torch.Tensor = layer.values
        self.most = rows, tokens
        self.whole: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Put the new ones behind the old ones; [rows, heads, tokens, size]."""
        rows, old = len(self.keys), self.keys.shape[-2]
        new = old + key_states.shape[-2]
        if self.whole is None or new > self.whole[0].shape[-2]:
            self.whole = None
            return super().update(key_states, value_states)
        keys, values = self.whole
        keys[:rows, :, old:new], values[:rows, :, old:new] = key_states, value_states
        self.keys, self.values = keys[:rows, :, :new], values[:rows, :, :new]
        return self.keys, self.values

    def move(self, rows: torch.Tensor, targets: torch.Tensor, sources: torch.Tensor) -> None:
        """These rows, in this order, as often as they are named: those that are elsewhere are copied, if there is room.

        Args:
            targets, sources: where ``rows`` is not its own index, and what it is there.
        """
        n, length = len(rows), self.keys.shape[-2]
        made = []
        for old, whole in zip((self.keys, self.values), self.whole or (None, None), strict=True):
            if whole is None or n > len(whole):
                whole = old.new_empty(max(n, self.most[0]), old.shape[1], max(length, self.most[1]), old.shape[3])
                torch.index_select(old, 0, rows, out=whole[:n, :, :length])
            elif len(targets):
                whole[targets, :, :length] = old[sources]
            made.append(whole)
        self.whole = (made[0], made[1])
        self.keys, self.values = made[0][:n, :, :length], made[1][:n, :, :length]


def make_room(cache: Any, rows: int, tokens: int) -> None:
    """Let a cache's layers grow in place, to so many rows and by so many tokens.

    Those that keep everything, that is, and windows that will not be full by then.
    """
    for index, layer in enumerate(cache.layers):
        whole = type(layer) is DynamicLayer or (
            type(layer) is DynamicSlidingWindowLayer and layer.cumulative_length + tokens < layer.sliding_window
        )
        if whole and layer.is_initialized and layer.keys.numel():
            cache.layers[index] = RoomyLayer(layer, rows, layer.keys.shape[-2] + tokens)


def select_rows(cache: Any, rows: Sequence[int], device: torch.device) -> None:
    """Leave a cache these rows, in this order, as often as they are named."""
    moved = [i for i, row in enumerate(rows) if i != row]
    index = torch.tensor(rows, device=device)
    targets = torch.tensor(moved, device=device, dtype=torch.long)
    sources = torch.tensor([rows[i] for i in moved], device=device, dtype=torch.long)
    for layer in cache.layers:
        if isinstance(layer, RoomyLayer):
            layer.move(index, targets, sources)
        else:
            layer.reorder_cache(index)
