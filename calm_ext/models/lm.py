"""The language model as the pipeline uses it: lm-eval's Hugging Face class, scoring the options of a prompt together.

lm-eval's own class runs the prompt again for each option and normalises every position over the whole vocabulary. A
cross-lingual multiple-choice task asks for several options of one prompt, so :class:`SharedPrefixLM` runs each prompt
once for all of them and takes logits where they are scored (:mod:`calm_ext.models.scoring`). The numbers are the same
(tests/test_scoring.py). The ``lm_eval`` command itself keeps its own class.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm
from transformers import PreTrainedTokenizer, PreTrainedTokenizerFast

from calm_ext.errors import CalmError
from calm_ext.models.device import choose_dtype, find_device
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.paths import local_folder
from calm_ext.models.request import without_second_bos
from calm_ext.models.scoring import reads_trees, score_groups
from calm_ext.models.trust import loading, require_adapter, why

logger = logging.getLogger(__name__)

EncodedRequest = tuple[tuple[str, str], list[int], list[int]]
_RECENT = 8


class SharedPrefixLM(HFLM):
    """:class:`lm_eval.models.huggingface.HFLM` whose log-likelihoods run a prompt once for all its continuations.

    ``batch_size`` is the number of prompts in one forward pass, each with all its continuations; ``auto`` begins with
    ``max_batch_size``. Where memory does not suffice it is halved. A request longer than the model's context loses its
    beginning, as in lm-eval, with a warning that counts them.

    Under ``accelerate launch`` it shares the documents among the processes on a CPU, too, where HFLM does so on GPUs
    only (on a CPU, every one of its processes runs all of them).

    Attributes:
        watch: shows progress instead of tqdm's bar: called with the number of options to score, it returns a function
            that is called with the number scored since its last call.
    """

    watch: Callable[[int], Callable[[int], None]] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("device") == "cpu" and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            os.environ.setdefault("ACCELERATE_USE_CPU", "true")  # else accelerate sees no distributed run without a GPU
        super().__init__(*args, **kwargs)
        accelerator = getattr(self, "accelerator", None)
        if accelerator is not None and accelerator.device.type == "cpu":
            self._rank, self._world_size = accelerator.process_index, accelerator.num_processes
        self._warned: set[str] = set()
        self._recent: dict[str, list[int]] = {}

    @property
    def prompts_per_pass(self) -> int:
        """``batch_size`` as a number."""
        return int(self.max_batch_size if self.batch_size == "auto" else self.batch_size)

    def warn_once(self, what: str, message: str, *args: Any) -> None:
        """Warn, the first time that a warning is about ``what``."""
        if what not in self._warned:
            logger.warning(message, *args)
            self._warned.add(what)

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,
        left_truncate_len: int | None = None,
        **kwargs: Any,
    ) -> list[int]:
        """Token ids of a text, as HFLM's, but never with two BOS tokens, whoever put the first one there.

        The last few texts are remembered: lm-eval encodes a context again for each of its continuations.
        """
        plain = add_special_tokens is None and left_truncate_len is None and not kwargs
        if plain and string in self._recent:
            return list(self._recent[string])
        ids: list[int] = super().tok_encode(string, add_special_tokens, left_truncate_len, **kwargs)
        once = ids if add_special_tokens is False else without_second_bos(self.tokenizer, ids)
        if len(once) < len(ids):
            self.warn_once("bos", "the tokenizer begins a text that has a BOS token with another one; one is taken off")
            ids = once
        if plain:
            if len(self._recent) >= _RECENT:
                del self._recent[next(iter(self._recent))]
            self._recent[string] = list(ids)
        return ids

    def _model_call(self, inps: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        with in_model(inps.numel()):
            return super()._model_call(inps, *args, **kwargs)

    def _model_generate(self, context: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        with in_model():
            out: torch.Tensor = super()._model_generate(context, *args, **kwargs)
        count_tokens(out.numel())
        return out

    def _loglikelihood_tokens(
        self, requests: list[EncodedRequest], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        if self.backend != "causal" or not reads_trees(self.model):
            self.warn_once(
                "trees", "this model cannot score the options of a prompt in one pass; scoring them as lm-eval does"
            )
            return super()._loglikelihood_tokens(requests, disable_tqdm=disable_tqdm, override_bs=override_bs)
        # Each context once, each of its continuations once, in the order of their first request.
        groups: dict[tuple[int, ...], dict[tuple[int, ...], None]] = {}
        keys = []
        for _, context, target in self._fitting(requests):
            keys.append((tuple(context), tuple(target)))
            groups.setdefault(keys[-1][0], {})[keys[-1][1]] = None
        total, quiet = sum(map(len, groups.values())), disable_tqdm or self.rank != 0
        progress = tqdm(total=total, disable=quiet or self.watch is not None, desc="Scoring options")
        advance = progress.update if quiet or self.watch is None else self.watch(total)
        kind = self.mixed_precision_dtype
        with torch.autocast(device_type=self.device.type, dtype=kind, enabled=kind is not None):
            scored = score_groups(
                self.model,
                [(context, list(targets)) for context, targets in groups.items()],
                batch_size=self.prompts_per_pass,
                dtype=self.softmax_dtype,
                progress=advance,
            )
        progress.close()
        found = {
            (context, target): answer
            for (context, targets), answers in zip(groups.items(), scored, strict=True)
            for target, answer in zip(targets, answers, strict=True)
        }
        results = [found[key] for key in keys]
        for (texts, _, _), answer in zip(requests, results, strict=True):
            if texts is not None:  # of loglikelihood_rolling, which keeps its own
                self.cache_hook.add_partial("loglikelihood", texts, answer)
        return results

    def _fitting(self, requests: list[EncodedRequest]) -> list[EncodedRequest]:
        """The requests, those longer than the context without their beginning: lm-eval's policy, with a warning."""
        room = self.max_length + 1  # the last token is scored, not read
        long = [r for r in requests if len(r[1]) + len(r[2]) > room]
        if not long:
            return requests
        hopeless = next((r for r in long if len(r[2]) > self.max_length), None)
        if hopeless is not None:
            raise CalmError(
                f"a continuation of {len(hopeless[2])} tokens is longer than the model's context of {self.max_length}"
            )
        text = long[0][0][0] if long[0][0] else ""
        logger.warning(
            "%d of %d requests are longer than the model's context of %d tokens and lose their beginning, first %r",
            len(long), len(requests), self.max_length, text[-60:],
        )  # fmt: skip
        return [(texts, c[-(room - len(t)) :], t) for texts, c, t in requests]


def load_lm(
    path: str,
    *,
    adapter: str | None = None,
    tokenizer: Any = None,
    dtype: str = "auto",
    device: str | None = None,
    batch_size: int | str = 8,
    trust_remote_code: bool = False,
    template_args: Mapping[str, Any] | None = None,
) -> SharedPrefixLM:
    """Load a model for sampling and evaluation.

    Args:
        path: a Hugging Face folder or hub name.
        adapter: a PEFT adapter folder to load on top.
        tokenizer: the model's, where it is loaded already: one of 262,144 words takes three seconds.
        template_args: handed to its chat template, as ``{"enable_thinking": False}``.

    Raises:
        CalmError: the model or adapter cannot be loaded, or there is no such device; one line says why.
    """
    folder = local_folder(path)
    if folder is not None and not folder.exists():
        raise CalmError(f"model {path}: no such folder")
    if adapter is not None:
        require_adapter(Path(adapter))
    device = find_device(device)
    taken = isinstance(tokenizer, (PreTrainedTokenizer, PreTrainedTokenizerFast))  # lm-eval's class takes no other
    try:
        return SharedPrefixLM(
            pretrained=str(folder or path),
            peft=adapter,
            tokenizer=tokenizer if taken else None,
            dtype=choose_dtype(dtype, device=device),
            device=device,
            batch_size=batch_size,
            **loading(trust_remote_code),
            chat_template_args=dict(template_args or {}),
        )
    except CalmError:
        raise
    except Exception as error:  # whatever transformers raises at files that are damaged or of another kind
        raise CalmError(f"model {path} cannot be loaded: {why(error)}") from error
