"""What lm-eval says on the way and nobody asked for, left out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm


@contextmanager
def without_context_bars() -> Iterator[None]:
    """Leave out the progress bars with which lm-eval writes and tokenizes prompts; those of the model's work stay."""
    from lm_eval.api import model, task

    def hidden(*args: Any, **kwargs: Any) -> Any:
        return tqdm(*args, **{**kwargs, "disable": True})

    with contextlib.ExitStack() as stack:
        for module in (model, task):
            stack.enter_context(_replaced(module, "tqdm", hidden))
        yield


@contextmanager
def without_git_error() -> Iterator[None]:
    """Outside of a repository lm-eval asks git all the same, which then says ``fatal`` on stderr; it is not asked."""
    from lm_eval import evaluator

    asked = evaluator.get_git_commit_hash

    def commit() -> Any:
        here = Path.cwd()
        return asked() if any((folder / ".git").exists() for folder in (here, *here.parents)) else None

    with _replaced(evaluator, "get_git_commit_hash", commit):
        yield


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)
