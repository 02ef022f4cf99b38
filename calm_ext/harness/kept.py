"""Answers of an evaluation kept as they come, so that one that was interrupted goes on where it stopped.

lm-eval has such a cache (``use_cache``), in pickles, which run whatever whoever wrote the file wants. This one is a
:class:`~calm_ext.files.journal.Journal`: what is not as it was written is asked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CacheHook

from calm_ext.files.journal import Journal
from calm_ext.models.request import Lost


class ResumingLM(LM):
    """A model that answers from what is kept where it can, and keeps what it answers.

    Args:
        lm: one that runs in this process alone.
        answers: of the model, its adapter and number format.
    """

    def __init__(self, lm: LM, answers: Journal) -> None:
        super().__init__()
        self.lm, self.answers = lm, answers
        lm.set_cache_hook(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lm, name)

    def close(self, *, finished: bool) -> None:
        """Keep nothing more."""
        self.lm.set_cache_hook(CacheHook(None))
        self.answers.close(finished=finished)

    def add_partial(self, what: str, arguments: Iterable[Any], answer: Any) -> None:
        """Keep an answer as it comes; lm-eval's classes call this."""
        arguments = tuple(arguments)
        key = _key(what, arguments)
        if not isinstance(answer, Lost) and not _is_drawn(what, arguments) and self.answers.get(key) is None:
            self.answers.add(key, answer)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """See :class:`lm_eval.api.model.LM`."""
        return self._answered("loglikelihood", requests, lambda kept: (float(kept[0]), bool(kept[1])), disable_tqdm)

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """See :class:`lm_eval.api.model.LM`."""
        return self._answered("loglikelihood_rolling", requests, float, disable_tqdm)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """See :class:`lm_eval.api.model.LM`."""
        return self._answered("generate_until", requests, str, disable_tqdm)

    def _answered(
        self, what: str, requests: Sequence[Instance], restored: Callable[[Any], Any], disable_tqdm: bool
    ) -> list[Any]:
        kept = [None if _is_drawn(what, r.args) else self.answers.get(_key(what, r.args)) for r in requests]
        asked = [r for r, known in zip(requests, kept, strict=True) if known is None]
        found = iter(getattr(self.lm, what)(asked, disable_tqdm=disable_tqdm) if asked else ())
        result = []
        for request, known in zip(requests, kept, strict=True):
            answer = next(found) if known is None else restored(known)
            result.append(answer)
            if known is None:
                self.add_partial(what, request.args, answer)
        return result

    @property
    def rank(self) -> int:
        """The model's."""
        return self.lm.rank

    @property
    def world_size(self) -> int:
        """The model's."""
        return self.lm.world_size

    @property
    def device(self) -> Any:
        """The model's."""
        return self.lm.device

    @property
    def tokenizer_name(self) -> str:
        """The model's."""
        return self.lm.tokenizer_name

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The model's."""
        return self.lm.chat_template(chat_template)

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The model's."""
        return str(self.lm.apply_chat_template(chat_history, add_generation_prompt))


def _is_drawn(what: str, arguments: Sequence[Any]) -> bool:
    """Whether an answer is drawn at random: each repetition has its own."""
    return what == "generate_until" and bool(dict(arguments[1]).get("do_sample"))


def _key(what: str, arguments: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps([what, *arguments], default=str).encode()).hexdigest()
