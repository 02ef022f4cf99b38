"""Sum an adapter into the matrices of its base, and check by logits that the sum is the adapted model.

Where input and output embeddings are one matrix and the adapter changes one of them, the merged model has two.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calm_ext.errors import CalmError
from calm_ext.models.trust import loading
from calm_ext.prompts import ask

_LANGUAGES = ("en", "zh", "fr")
_QUESTIONS = 1
_LONGEST = 64
_COMPARED = 16
#: How far logits may differ, as a share of their size: so many times the number format's epsilon, at least ``_LEAST``.
_EPSILONS, _LEAST = 16, 1e-4


def prompts(tokenizer: Any, n_tokens: int) -> list[list[int]]:
    """Token ids to compare models on: a question in three languages, and tokens from the whole vocabulary.

    Args:
        n_tokens: how many the model's vocabulary has.
    """
    from calm_ext.data import load_questions
    from calm_ext.models.request import encode_prompt

    asked = load_questions("sample", languages=_LANGUAGES, limit=_QUESTIONS)
    texts = [ask(x, v.question, v.options, "direct") for q in asked for x, v in q.versions.items()]
    encoded = [[i for i in encode_prompt(tokenizer, text) if i < n_tokens][:_LONGEST] for text in texts]
    return [*filter(None, encoded), list(range(0, n_tokens, max(1, n_tokens // _LONGEST)))[:_LONGEST]]


def logits(model: Any, asked: list[list[int]]) -> list[Any]:
    """The logits at the last tokens of each prompt, less their mean, shape (tokens, vocabulary), float32 on the CPU."""
    import torch

    found = []
    with torch.inference_mode():
        for ids in asked:
            row = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, -_COMPARED:].float().cpu()
            found.append(row - row.mean(-1, keepdim=True))
    return found


def difference(found: list[Any], wanted: list[Any]) -> float:
    """The largest root mean square of the difference of a prompt's logits, as a share of that of the wanted ones.

    NaN where a logit is no finite number; infinite where the shapes differ.
    """
    import torch

    largest = 0.0
    for ours, theirs in zip(found, wanted, strict=True):
        if ours.shape != theirs.shape:
            return float("inf")
        if not (torch.isfinite(ours).all() and torch.isfinite(theirs).all()):
            return float("nan")
        scale = theirs.square().mean().sqrt().item()
        largest = max(largest, (ours - theirs).square().mean().sqrt().item() / max(scale, 1e-12))
    return largest


def tolerance(dtype: Any) -> float:
    """The difference that rounding to a number format explains."""
    import torch

    return max(_LEAST, _EPSILONS * torch.finfo(dtype).eps)


@contextlib.contextmanager
def no_tied_warning() -> Iterator[None]:
    """Without PEFT's pages on tied embeddings, which :func:`fold` sees to."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[^\\n]*(tie_word_embeddings|embeddings are no longer tied)")
        yield


def fold(adapted: Any) -> Any:
    """The base model with the adapter summed in; with two embedding matrices where the adapter makes them differ.

    Args:
        adapted: PEFT's model, which is used up.

    Raises:
        ValueError: a sum is not a number.
    """
    import torch

    model = adapted.get_base_model()
    configs = (model.config, model.config.get_text_config())
    recorded = [getattr(config, "tie_word_embeddings", None) for config in configs]
    tied = _untie(model)
    with no_tied_warning():
        merged = adapted.merge_and_unload(safe_merge=True)
    if tied:
        inner, outer = merged.get_input_embeddings(), merged.get_output_embeddings()
        same = torch.equal(inner.weight, outer.weight)
        if same:
            outer.weight = inner.weight
        for config, value in zip(configs, recorded, strict=True):
            config.tie_word_embeddings = value if same else False
    return merged


def _untie(model: Any) -> bool:
    """Give the output embeddings a matrix of their own where they share the input's; returns whether they did."""
    from torch import nn

    inner, outer = (_matrix_of(x) for x in (model.get_input_embeddings(), model.get_output_embeddings()))
    if inner is None or outer is None or inner.weight is not outer.weight:
        return False
    outer.weight = nn.Parameter(outer.weight.detach().clone(), requires_grad=False)
    return True


def _matrix_of(module: Any) -> Any:
    """The module that holds the matrix, inside what PEFT wraps around it."""
    while module is not None:
        inner = getattr(module, "base_layer", None) or getattr(module, "original_module", None)
        if inner is None:
            return module if hasattr(module, "weight") else None
        module = inner
    return None


def verify(folder: Path, wanted: list[Any], asked: list[list[int]], *, trust_remote_code: bool, device: Any) -> float:
    """How far the logits of a merged model, read from its folder, are from the adapted model's.

    Raises:
        CalmError: further than rounding explains, or one of them is no number.
    """
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", **loading(trust_remote_code))
    found = difference(logits(model.to(device).eval(), asked), wanted)
    allowed = tolerance(model.dtype)
    if found <= allowed:
        return found
    kind = str(model.dtype).removeprefix("torch.")
    if found != found:
        raise CalmError(
            f"the logits in {kind} are not all numbers; --dtype float32 or bfloat16 merges in another format"
        )
    what = f"the merged model is not the adapted one: their logits differ by {found:.2g} of their size"
    hint = "" if kind == "float32" else "; --dtype float32 merges without rounding"
    raise CalmError(f"{what} ({allowed:.2g} is rounding in {kind}){hint}; load the adapter with PEFT instead")
