"""Answers of an evaluation kept as they come, so that one that was interrupted goes on where it stopped.

lm-eval has such a cache (``use_cache``), in pickles, which run whatever whoever wrote the file wants. This one is JSON,
a line an answer, each with a digest: what is not as it was written is asked again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CacheHook

from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write
from calm_ext.models.request import Lost


class Answers:
    """The answers of one evaluation, in a file.

    Args:
        path: the file; it is made.
        identity: what answers depend on besides the request: model, adapter, number format. Answers of another one are
            removed.

    Attributes:
        n: how many were there.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._known: dict[str, Any] = {}
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        if lines[:1] == [identity]:
            self._known = dict(filter(None, map(_read, lines[1:])))
        self.n = len(self._known)
        make_folder(path.parent)
        # At once, so that a kill here loses none of them.
        atomic_write(path, [f"{identity}\n", *(_line(key, value) for key, value in self._known.items())])
        self._out: IO[str] = path.open("a", encoding="utf-8")

    def get(self, what: str, arguments: Iterable[Any]) -> Any:
        """The answer to a request; None where it is not there."""
        return self._known.get(_key(what, arguments))

    def add_partial(self, what: str, arguments: Iterable[Any], answer: Any) -> None:
        """Keep an answer; lm-eval's classes call this."""
        if isinstance(answer, Lost):
            return
        key = _key(what, arguments)
        if key not in self._known:
            self._known[key] = list(answer) if isinstance(answer, tuple) else answer
            self._out.write(_line(key, self._known[key]))
            self._out.flush()

    def close(self, *, finished: bool) -> None:
        """Close the file, and remove it where the evaluation has come to its end."""
        self._out.close()
        if finished:
            self.path.unlink(missing_ok=True)


def _line(key: str, value: Any) -> str:
    return json.dumps([key, value, _digest(key + json.dumps(value))]) + "\n"


def _read(line: str) -> tuple[str, Any] | None:
    """A line's key and answer; None where it is not as it was written."""
    try:
        key, value, digest = json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return None
    return (key, value) if isinstance(key, str) and digest == _digest(key + json.dumps(value)) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _key(what: str, arguments: Iterable[Any]) -> str:
    return hashlib.sha256(json.dumps([what, *arguments], default=str).encode()).hexdigest()


class ResumingLM(LM):
    """A model that answers from what is kept where it can, and keeps what it answers.

    Args:
        lm: one that runs in this process alone.
    """

    def __init__(self, lm: LM, answers: Answers) -> None:
        super().__init__()
        self.lm, self.answers = lm, answers
        lm.set_cache_hook(answers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lm, name)

    def close(self, *, finished: bool) -> None:
        """Keep nothing more."""
        self.lm.set_cache_hook(CacheHook(None))
        self.answers.close(finished=finished)

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
        kept = [None if _is_drawn(what, r) else self.answers.get(what, r.args) for r in requests]
        asked = [r for r, known in zip(requests, kept, strict=True) if known is None]
        found = iter(getattr(self.lm, what)(asked, disable_tqdm=disable_tqdm) if asked else ())
        result = []
        for request, known in zip(requests, kept, strict=True):
            answer = next(found) if known is None else restored(known)
            result.append(answer)
            if known is None and not _is_drawn(what, request):
                self.answers.add_partial(what, request.args, answer)
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


def _is_drawn(what: str, request: Instance) -> bool:
    """Whether an answer is drawn at random: each repetition has its own."""
    return what == "generate_until" and bool(dict(request.args[1]).get("do_sample"))
