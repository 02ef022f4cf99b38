"""How long training's passes through the model take, and of how many tokens they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from transformers import TrainerCallback

from calm_ext.models.meter import count_tokens, in_model


@contextmanager
def counted(model: Any) -> Iterator[None]:
    """Within, time counts as the model's, and so do the tokens that pass its embedding."""
    handle = model.get_input_embeddings().register_forward_hook(_count)
    try:
        with in_model():
            yield
    finally:
        handle.remove()


def _count(_: Any, __: Any, embedded: Any) -> None:
    count_tokens(embedded.numel() // embedded.shape[-1])


class Metered(TrainerCallback):
    """Counts the steps of training, forward to optimizer, as the model's time, and their tokens."""

    def __init__(self) -> None:
        self._step: AbstractContextManager[None] | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """A step's batches are there."""
        self._step = counted(model)
        self._step.__enter__()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The optimizer has moved the weights."""
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None
