"""The language model as the pipeline uses it: lm-eval's Hugging Face class, scoring options over a shared prefix.

lm-eval's own class runs the prompt again for each option and normalises every position over the whole vocabulary. A
cross-lingual multiple-choice task asks for several options of one prompt, so :class:`SharedPrefixLM` runs the prompt
once, expands its key-value cache over the options and takes logits where they are scored. The numbers are the same
(tests/test_harness.py). The ``lm_eval`` command itself keeps its own class.
"""

from __future__ import annotations

import logging
import os
from itertools import groupby
from pathlib import Path
from typing import Any

from lm_eval.models.huggingface import HFLM
from tqdm import tqdm

from calm_ext.device import choose_dtype, default_device
from calm_ext.errors import CalmError
from calm_ext.scoring import cache_expands, score_continuations

logger = logging.getLogger(__name__)

Request = tuple[tuple[str, str], list[int], list[int]]


class SharedPrefixLM(HFLM):
    """:class:`lm_eval.models.huggingface.HFLM` whose log-likelihoods share the prompt of consecutive options.

    Under ``accelerate launch`` it shares the documents among the processes on a CPU, too, where HFLM does so on GPUs
    only (on a CPU, every one of its processes runs all of them).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("device") == "cpu" and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            os.environ.setdefault("ACCELERATE_USE_CPU", "true")  # else accelerate sees no distributed run without a GPU
        super().__init__(*args, **kwargs)
        accelerator = getattr(self, "accelerator", None)
        if accelerator is not None and accelerator.device.type == "cpu":
            self._rank, self._world_size = accelerator.process_index, accelerator.num_processes

    def _shares_prefix(self) -> bool:
        known: bool | None = getattr(self, "_shares", None)
        if known is None:
            known = self._shares = self.backend == "causal" and cache_expands(self.model)
            if not known:
                logger.warning("this model's cache cannot be shared between options; scoring as lm-eval does")
        return known

    def _loglikelihood_tokens(
        self, requests: list[Request], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        longest = max((len(c) + len(t) for _, c, t in requests), default=0)
        if longest > self.max_length or not self._shares_prefix():
            return super()._loglikelihood_tokens(requests, disable_tqdm=disable_tqdm, override_bs=override_bs)
        results: list[tuple[float, bool]] = []
        progress = tqdm(total=len(requests), disable=disable_tqdm or self.rank != 0, desc="Scoring options")
        for _, run in groupby(requests, key=lambda r: r[1]):
            group = list(run)
            answers = score_continuations(self.model, group[0][1], [t for _, _, t in group], dtype=self.softmax_dtype)
            for (texts, _, _), answer in zip(group, answers, strict=True):
                self.cache_hook.add_partial("loglikelihood", texts, answer)
            results += answers
            progress.update(len(group))
        progress.close()
        return results


def load_lm(
    path: str,
    *,
    adapter: str | None = None,
    dtype: str = "auto",
    device: str | None = None,
    batch_size: int | str = 8,
    trust_remote_code: bool = False,
) -> SharedPrefixLM:
    """Load a model for sampling and evaluation.

    Args:
        path: a Hugging Face folder or hub name.
        adapter: a PEFT adapter folder to load on top.

    Raises:
        CalmError: the model or adapter cannot be loaded; one line says why.
    """
    looks_local = path.startswith((".", "/", "~")) or path.count("/") > 1
    if looks_local and not Path(path).expanduser().exists():
        raise CalmError(f"model {path}: no such folder")
    device = device or default_device()
    try:
        return SharedPrefixLM(
            pretrained=str(Path(path).expanduser()) if looks_local else path,
            peft=adapter,
            dtype=choose_dtype(dtype, device=device),
            device=device,
            batch_size=batch_size,
            trust_remote_code=trust_remote_code,
        )
    except (OSError, ValueError) as error:
        reason = next((x.strip() for x in str(error).splitlines() if x.strip()), type(error).__name__)
        raise CalmError(f"model {path} cannot be loaded: {reason}") from error
