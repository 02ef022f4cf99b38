"""Log-likelihoods of continuations, the prompt they share run once. Needs torch, knows no harness.

The continuations of a prompt stand behind it in one row of tokens, each seeing the prompt and itself only (a tree of
tokens as in Miao et al. 2024, SpecInfer, arXiv 2305.09781, section 4.2):

    tokens     the cat sat | on the | under | at
    positions    0   1   2     3  4      3     3
    "the" sees   the cat sat   on the

So a prompt costs its own tokens once and those of its continuations, all but the last of each: a continuation of one
token costs nothing. The output embedding, a large part of a small model with a large vocabulary, is applied where a
token is scored and nowhere else, and where it can (:func:`~calm_ext.models.output_head.can_score`) to the tokens of
several passes at once. Prompts of like length share a pass. It is exact wherever attention is all that
joins positions, whether layers see everything or a window; :func:`reads_trees` finds out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from calm_ext.errors import CalmError
from calm_ext.models.batches import Shrinking, in_parts
from calm_ext.models.meter import in_model
from calm_ext.models.output_head import PLACES, can_score, hidden_at, output_at, score_hidden
from calm_ext.models.request import encode_prompt
from calm_ext.models.trees import Answer, Group, Laid, Row, by_target, lay, masks_of, rows_of, width

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

_KINDS = {"full_attention", "sliding_attention"}

_known: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def score_groups(
    model: Any,
    groups: Sequence[Group],
    *,
    batch_size: int,
    dtype: torch.dtype | None = None,
    progress: Callable[[int], None] | None = None,
    scored: Callable[[int, int, Sequence[Answer]], None] | None = None,
) -> list[list[Answer]]:
    """log p(target | context) in nats and whether greedy decoding would give it, for each target of each group.

    Args:
        model: a causal LM of transformers that :func:`reads_trees`.
        groups: contexts of at least one token, targets of at least one each.
        batch_size: prompts in one pass; halved, and said so once, where memory does not suffice.
        dtype: number format of the log-softmax, float32 by default.
        progress: called with the number of targets scored since the last call; from any thread, one at a time.
        scored: called likewise with each result: the group's index, that of its first target, their answers.

    Raises:
        CalmError: memory does not suffice for one prompt.
    """
    rows = [row for index, group in enumerate(groups) for row in rows_of(index, *group)]
    rows.sort(key=width, reverse=True)
    result: list[list[Answer]] = [[(0.0, True)] * len(targets) for _, targets in groups]
    apart = bool(rows) and can_score(model, dtype)
    telling = Lock()

    def one_pass(model: Any, part: Sequence[Row]) -> list[Any]:
        found = _read_rows(model, part) if apart else _score(model, part, dtype)
        if progress:
            with telling:
                progress(sum(len(targets) for _, _, _, targets in part))
        return found

    passes = Shrinking(batch_size, one_pass)

    def work(model: Any, part: Sequence[Row]) -> list[list[Answer]]:
        found = passes.do(model, part)
        answers = _scored_apart(model, part, found) if apart else found
        if scored:
            with telling:
                for (index, first, _, _), own in zip(part, answers, strict=True):
                    scored(index, first, own)
        return answers

    size = batch_size * (_passes_together(rows, batch_size) if apart else 1)
    for (index, first, _, targets), answers in zip(rows, in_parts(model, rows, size, work), strict=True):
        result[index][first : first + len(targets)] = answers
    return result


def score_continuations(
    model: Any, groups: Sequence[Group], *, batch_size: int, dtype: torch.dtype | None = None
) -> list[list[Answer]]:
    """:func:`score_groups` of any causal LM; one that reads no trees reads the prompt again for each target."""
    if reads_trees(model):
        return score_groups(model, groups, batch_size=batch_size, dtype=dtype)
    return [[_plain(model, context, target, dtype) for target in targets] for context, targets in groups]


def reads_trees(model: Any) -> bool:
    """Whether the model scores a tree of tokens as it scores each branch alone; tried once per model.

    It must be a decoder that keeps no state beside attention, whose attention implementation takes masks of four
    dimensions, and give the same numbers for a few tokens, within :func:`tolerance`.
    """
    if model not in _known:
        _known[model] = _tried(model)
    return _known[model]


def tolerance(model: Any, logprob: Any) -> Any:
    """Nats that a log-probability may differ by when computed another way: 1e-3 in fp32, 0.3 and 4 % of it in 16 bits.

    Where logits are rounded to 8 bits the error grows with them: an unlikely token of a trained Gemma 3 270M in bf16
    had -36.0 or -36.8 nats, by the shape of the batch.

    Args:
        logprob: a number, or a tensor of them.
    """
    import torch

    return 1e-3 if model.dtype in (torch.float32, torch.float64) else 0.3 + 0.04 * abs(logprob)


# --- one pass ---------------------------------------------------------------------------------------------------------


def _run(model: Any, laid: Laid, at: Callable[[Any, torch.Tensor], AbstractContextManager[None]]) -> torch.Tensor:
    """What the model gives at the places, [places, …]."""
    device = model.device
    with in_model(laid.tokens.numel()):
        tokens, positions, branch = laid.tokens.to(device), laid.positions.to(device), laid.branch.to(device)
        masks = masks_of(model, branch, positions)
        with at(model, laid.places.to(device)):
            out = model(input_ids=tokens, attention_mask=masks, position_ids=positions, use_cache=False)
    return out.logits[0]


def _score(model: Any, rows: Sequence[Row], dtype: torch.dtype | None) -> list[list[Answer]]:
    """Rows in one pass, the output embedding with them."""
    import torch

    laid, device = lay(rows), model.device
    with torch.inference_mode():
        logits = _run(model, laid, output_at)
        with in_model():
            found = _read(logits, laid.where.to(device), torch.tensor(laid.wanted, device=device), dtype)
    return by_target(rows, *found)


def _read_rows(model: Any, rows: Sequence[Row]) -> list[torch.Tensor]:
    """The hidden states of each row at its places, in one pass."""
    import torch

    laid = lay(rows)
    with torch.inference_mode():
        hidden = _run(model, laid, hidden_at)
    counts = torch.bincount(laid.places // laid.tokens.shape[1], minlength=len(rows))
    return list(hidden.split(counts.tolist()))


def _scored_apart(model: Any, rows: Sequence[Row], hidden: Sequence[torch.Tensor]) -> list[list[Answer]]:
    """The answers of rows that several passes read: the output embedding of a large vocabulary wants many places."""
    import torch

    laid = lay(rows)  # places of one row after those of another, as the hidden states are
    with torch.inference_mode(), in_model():
        found = score_hidden(model, torch.cat(list(hidden)), laid.where, torch.tensor(laid.wanted))
    return by_target(rows, *found)


def _passes_together(rows: Sequence[Row], batch_size: int) -> int:
    """How many passes have enough places for the output embedding."""
    places = sum(width(row) - len(row[2]) + 1 for row in rows) / len(rows)
    return max(1, round(PLACES / (batch_size * places)))


def _read(
    logits: torch.Tensor, where: torch.Tensor, wanted: torch.Tensor, dtype: torch.dtype | None
) -> tuple[list[float], list[bool]]:
    """Log-probability of each wanted token at its row of the logits, and whether the token is the row's first best.

    By log_softmax, as lm-eval: over a vocabulary of 262,144 it is up to 6e-5 nats off in fp32, logsumexp is not, and
    the numbers are to be the same.
    """
    import torch
    import torch.nn.functional as F

    picked = torch.zeros(len(wanted), dtype=dtype or torch.float32, device=logits.device)
    greedy = torch.zeros(len(wanted), dtype=torch.bool, device=logits.device)
    for start in range(0, len(logits), PLACES):
        logprobs = F.log_softmax(logits[start : start + PLACES], dim=-1, dtype=picked.dtype)
        here = ((where >= start) & (where < start + PLACES)).nonzero()[:, 0]
        rows, tokens = where[here] - start, wanted[here]
        picked[here] = logprobs[rows, tokens]
        greedy[here] = logprobs.argmax(-1)[rows] == tokens
    return picked.tolist(), greedy.tolist()


# --- models that cannot -----------------------------------------------------------------------------------------------


def _plain(model: Any, context: Sequence[int], target: Sequence[int], dtype: torch.dtype | None = None) -> Answer:
    """One continuation by itself: the definition that :func:`score_groups` is held to."""
    import torch

    with torch.inference_mode(), in_model(len(context) + len(target) - 1):
        tokens = torch.tensor([[*context, *target[:-1]]], device=model.device)
        logits = model(input_ids=tokens).logits[0]
        where = torch.arange(len(context) - 1, len(context) + len(target) - 1, device=model.device)
        logprobs, greedy = _read(logits, where, torch.tensor(target, device=model.device), dtype)
    return sum(logprobs), all(greedy)


def _tried(model: Any) -> bool:

    config = model.config.get_text_config()
    if getattr(model.config, "is_encoder_decoder", False) or getattr(model, "_is_stateful", False):
        return False
    if not set(getattr(config, "layer_types", None) or ()) <= _KINDS:
        return False
    if getattr(config, "_attn_implementation", None) not in ("sdpa", "eager"):
        return False
    top = max(2, min(config.vocab_size, 1000) - 1)
    context = [1 + (7 * i) % top for i in range(6)]
    groups: list[Group] = [(context, [[1, 2 % top], [3 % top, 1], [2 % top]]), (context[2:5], [[2 % top, 1, 3 % top]])]
    try:
        found = score_groups(model, groups, batch_size=2)
        wanted = [[_plain(model, c, target) for target in targets] for c, targets in groups]
    except CalmError:
        raise
    except Exception as error:  # whatever a model's own code raises at a mask it does not know
        logger.debug("no tree of tokens with this model: %s", error)
        return False
    pairs = [(a, b) for f, w in zip(found, wanted, strict=True) for (a, _), (b, _) in zip(f, w, strict=True)]
    return all(abs(a - b) <= tolerance(model, b) for a, b in pairs)


def encode_continuation(tokenizer: Any, context: str, continuation: str) -> tuple[list[int], list[int]]:
    """Token ids of a context and of what follows it, split where lm-eval and TRL split them.

    Both encode the whole and cut it after as many tokens as the context has alone; white space at the end of the
    context goes with the continuation (``lm_eval.api.model.TemplateLM._encode_pair``). A context that brings its BOS
    token has one all the same (:func:`~calm_ext.models.request.encode_prompt`).
    """
    kept = context.rstrip()
    continuation = context[len(kept) :] + continuation
    alone = encode_prompt(tokenizer, kept)
    eos = tokenizer.eos_token_id
    if alone and alone[-1] == eos and len(alone) > 1:  # a tokenizer that closes what it encodes
        alone = alone[:-1]
    whole = encode_prompt(tokenizer, kept + continuation)
    return alone, whole[len(alone) :]
