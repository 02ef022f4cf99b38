"""A cache layer that grows in place, where transformers' own copies all it holds for every token."""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer


class RoomyLayer(DynamicLayer):
    """A :class:`~transformers.cache_utils.DynamicLayer` with room behind its keys and values.

    Args:
        layer: whose keys and values it takes over.
        room: tokens it will grow by; room is made with the next :meth:`reorder_cache`, which copies in any case.
    """

    def __init__(self, layer: DynamicLayer, room: int) -> None:
        super().__init__()
        self.is_sliding = layer.is_sliding  # masks are made for the first layer of each kind
        self.dtype, self.device, self.is_initialized = layer.dtype, layer.device, True
        assert layer.keys is not None and layer.values is not None
        self.keys: torch.Tensor = layer.keys
        self.values: torch.Tensor = layer.values
        self.full = self.keys.shape[-2] + room
        self.whole: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Put the new ones behind the old ones; [rows, heads, tokens, size]."""
        old = self.keys.shape[-2]
        new = old + key_states.shape[-2]
        if self.whole is None or new > self.full:
            self.whole = None
            return super().update(key_states, value_states)
        keys, values = self.whole
        keys[:, :, old:new], values[:, :, old:new] = key_states, value_states
        self.keys, self.values = keys[:, :, :new], values[:, :, :new]
        return self.keys, self.values

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """These rows, in this order, as often as they are named."""
        index, length = beam_idx.to(self.keys.device), self.keys.shape[-2]
        made = []
        for old in (self.keys, self.values):
            whole = old.new_empty(len(index), old.shape[1], max(length, self.full), old.shape[3])
            torch.index_select(old, 0, index, out=whole[:, :, :length])
            made.append(whole)
        self.whole = (made[0], made[1])
        self.keys, self.values = made[0][:, :, :length], made[1][:, :, :length]


def make_room(cache: Any, room: int) -> None:
    """Let a cache's layers grow in place: those that keep everything, and windows that will not be full by then."""
    for index, layer in enumerate(cache.layers):
        whole = type(layer) is DynamicLayer or (
            type(layer) is DynamicSlidingWindowLayer and layer.cumulative_length + room < layer.sliding_window
        )
        if whole and layer.is_initialized and layer.keys.numel():
            cache.layers[index] = RoomyLayer(layer, room)
