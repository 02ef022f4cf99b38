"""Several responses to each prompt, the prompt run once: lm-eval's sampling, without its repeated prompts.

Prompts of like length are read together, padded on the left; the key-value cache is then repeated and decoding goes on,
row by row leaving the batch as it ends. Responses to a prompt share a row for as long as they have the same tokens: a
model that is sure of how it begins, or a temperature of 0, has few rows to decode.

A response is drawn (:mod:`calm_ext.models.drawing`) by uniform numbers of its own seed, so that it depends on (seed,
prompt, index) and neither on the batch nor on the order. In exact arithmetic that is exact. Logits differ in their last
bits between batch shapes, so a number that falls into that little beside a boundary between two tokens may draw the
other one: rarely in fp32, now and then in bf16.
"""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable, Collection, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from calm_ext.models.batches import Shrinking, in_parts
from calm_ext.models.drawing import SINGLE, Drawing, not_done, single
from calm_ext.models.lm import SharedPrefixLM
from calm_ext.models.meter import in_model
from calm_ext.models.output_head import output_at
from calm_ext.models.request import Reply, SampleRequest, StopStrings, fitting
from calm_ext.models.scoring import tolerance

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

#: Responses of a prompt that are decoded at once.
ROWS_PER_PROMPT = 8

_known: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


class Decoding:
    """Rows of tokens that a model has read, and its cache of them.

    Args:
        room: rows that there will be at most, and tokens that they will read after the prompts.

    Attributes:
        logits: [rows, vocabulary], of the next token.
        tokens, mask: [rows, width], padded on the left.
    """

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], room: tuple[int, int] | None = None) -> None:
        import torch

        from calm_ext.models.cache import make_room

        self.model = model
        self.cache: Any = None
        self.logits: torch.Tensor
        width = max(map(len, prompts))
        # Padded by a token of its own, so that a repetition penalty sees what the prompt alone would show it.
        padded = [[*[next(iter(p), 0)] * (width - len(p)), *p] for p in prompts]
        self.tokens = torch.tensor(padded, device=model.device)
        self.mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
        last = torch.arange(1, len(prompts) + 1, device=model.device) * width - 1
        with output_at(model, last):
            self._read(self.tokens)
        self.logits = self.logits.transpose(0, 1)[:, 0]
        if room is not None:
            make_room(self.cache, *room)

    def _read(self, tokens: torch.Tensor) -> None:
        positions = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
        known = {} if self.cache is None else {"past_key_values": self.cache}
        seen = {"attention_mask": self.mask, "position_ids": positions, "use_cache": True, **known}
        with in_model(tokens.numel()):
            out = self.model(input_ids=tokens, **seen)
        self.cache, self.logits = out.past_key_values, out.logits

    def select(self, rows: Sequence[int]) -> None:
        """These rows, in this order, as often as they are named; there are logits again with the next token."""
        import torch

        from calm_ext.models.cache import select_rows

        select_rows(self.cache, rows, self.model.device)
        index = torch.tensor(rows, device=self.model.device)
        self.tokens, self.mask = self.tokens[index], self.mask[index]

    def advance(self, tokens: torch.Tensor) -> None:
        """Read a token more in each row."""
        import torch

        self.tokens = torch.cat([self.tokens, tokens[:, None]], 1)
        self.mask = torch.nn.functional.pad(self.mask, (0, 1), value=1)
        with output_at(self.model):
            self._read(tokens[:, None])
        self.logits = self.logits[:, -1]


def respond(
    lm: SharedPrefixLM,
    requests: Sequence[SampleRequest],
    *,
    temperature: float,
    top_p: float,
    max_new_tokens: int,
    watch: Callable[[float], None] | None = None,
) -> list[list[Reply]]:
    """The responses to each prompt, one a seed, with the texts that lm-eval's class would give.

    ``lm.batch_size`` prompts are read in one pass, and for each of them up to ROWS_PER_PROMPT responses are decoded at
    once. A prompt that leaves no room for ``max_new_tokens`` in the model's context loses its beginning, as in lm-eval,
    and is named in a warning.

    Args:
        lm: one that :func:`can_decode` accepts.
        watch: called with the share of the responses that are done; from any thread, one at a time.

    Raises:
        CalmError: the context has no room for any prompt; memory does not suffice for one response.
    """
    import torch

    encoded = [lm.tok_encode(request.text) for request in requests]
    prompts = fitting(encoded, requests, context=lm.max_length, max_new_tokens=max_new_tokens)
    drawing = Drawing.of(lm.model.generation_config, temperature=temperature, top_p=top_p)
    ends = lm.model.generation_config.eos_token_id
    ends = {lm.eot_token_id, *(ends if isinstance(ends, list) else [ends])}
    order = sorted(range(len(requests)), key=lambda i: -len(prompts[i]))
    rows = [(i, j) for i in order for j in range(len(requests[i].seeds))]
    result = [[Reply("")] * len(request.seeds) for request in requests]
    untils = [StopStrings(lm, request.until) for request in requests]
    done = 0
    telling = Lock()

    def work(model: Any, part: Sequence[tuple[int, int]]) -> list[Reply]:
        different = list(dict.fromkeys(i for i, _ in part))
        decoded = decode(
            model,
            [prompts[i] for i in different],
            [different.index(i) for i, _ in part],
            [requests[i].seeds[j] for i, j in part],
            drawing=drawing,
            max_new_tokens=max_new_tokens,
            ends=ends,
            stops=lambda row, tokens: untils[part[row][0]].met(tokens),
        )
        nonlocal done
        with telling:
            done += len(part)
            if watch is not None:
                watch(done / len(rows))
        return [reply(i, tokens) for (i, _), tokens in zip(part, decoded, strict=True)]

    def reply(request: int, tokens: list[int]) -> Reply:
        until = untils[request]
        return Reply(until.cut(lm.tok_decode(tokens)), "stop" if tokens[-1] in ends or until.met(tokens) else "length")

    most = max((len(request.seeds) for request in requests), default=1)
    kind = lm.mixed_precision_dtype
    with torch.inference_mode(), torch.autocast(device_type=lm.device.type, dtype=kind, enabled=kind is not None):
        together = max(1, min(most, ROWS_PER_PROMPT))
        batches = Shrinking(lm.prompts_per_pass * together, work)
        replies = in_parts(lm.model, rows, batches.size, batches.do, unit=together)
    for (i, j), said in zip(rows, replies, strict=True):
        result[i][j] = said
    return result


def decode(
    model: Any,
    prompts: Sequence[Sequence[int]],
    rows: Sequence[int],
    seeds: Sequence[int],
    *,
    drawing: Drawing,
    max_new_tokens: int,
    ends: set[int],
    stops: Callable[[int, list[int]], bool] = lambda row, tokens: False,
) -> list[list[int]]:
    """The tokens of responses, the last of ``ends`` or of what ``stops`` included.

    Args:
        rows: the prompt, by index, of each response.
        seeds: of each response.
        stops: whether a row, by index, ends with these tokens.
    """
    import torch

    draws = [random.Random(seed) for seed in seeds]
    found: list[list[int]] = [[] for _ in rows]
    live = list(range(len(rows)))
    at = list(rows)  # the row of the state that each live response stands at
    state = Decoding(model, prompts, (len(rows), max_new_tokens))
    for step in itertools.count():
        uniform = torch.tensor([draws[r].random() for r in live], dtype=torch.float64)
        if model.device.type in SINGLE:
            uniform = single(uniform)
        places = torch.tensor(at, device=model.device)
        with in_model():
            drawn = drawing.draw(state.logits, uniform.to(model.device), state.tokens, places).tolist()
        for r, token in zip(live, drawn, strict=True):
            found[r].append(token)
        stay = [i for i, r in enumerate(live) if found[r][-1] not in ends and not stops(r, found[r])]
        if not stay or len(found[live[0]]) == max_new_tokens:
            break
        # Responses that were alike and drew alike stay one row.
        nodes = _places(dict.fromkeys((at[i], drawn[i]) for i in stay))
        live, at = [live[i] for i in stay], [nodes[at[i], drawn[i]] for i in stay]
        parents, tokens = zip(*sorted(nodes, key=nodes.__getitem__), strict=True)
        if step == 0 or parents != tuple(range(len(state.tokens))):
            state.select(parents)
        state.advance(torch.tensor(tokens, device=model.device))
    return found


def _places(nodes: Collection[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A row for each (row before, token), 0 to n - 1, and the row before where that can be: nothing is moved then.

    >>> _places([(0, 7), (0, 8), (3, 7), (2, 7)])
    {(0, 7): 0, (3, 7): 3, (2, 7): 2, (0, 8): 1}
    """
    placed: dict[tuple[int, int], int] = {}
    taken: set[int] = set()
    for node in nodes:
        if node[0] < len(nodes) and node[0] not in taken:
            placed[node] = node[0]
            taken.add(node[0])
    free = (row for row in range(len(nodes)) if row not in taken)
    return placed | {node: next(free) for node in nodes if node not in placed}


def can_decode(lm: Any) -> bool:
    """Whether responses can be decoded here: a causal model of our class, whose cache can be repeated over rows.

    Tried once per model, with two prompts of different lengths and a token after each: the numbers must be those of
    reading each by itself, within :func:`~calm_ext.models.scoring.tolerance`.
    """
    if not isinstance(lm, SharedPrefixLM) or lm.backend != "causal" or lm.think_end_token is not None:
        return False
    unknown = not_done(lm.model.generation_config)
    if unknown:
        lm.warn_once("config", "the model's generation config says %s; sampling as lm-eval does", ", ".join(unknown))
        return False
    if lm.model not in _known:
        _known[lm.model] = _tried(lm.model)
    if not _known[lm.model]:
        lm.warn_once("cache", "this model's cache cannot be repeated over responses; sampling as lm-eval does")
    return _known[lm.model]


def _tried(model: Any) -> bool:
    import torch

    top = max(2, min(model.config.get_text_config().vocab_size, 1000) - 1)
    prompts = [[1 + (7 * i) % top for i in range(6)], [1 + (5 * i) % top for i in range(3)]]
    rows, after = [1, 0, 1, 1], [1, 2 % top, 3 % top, 4 % top]
    try:
        with torch.inference_mode():
            state = Decoding(model, prompts, (4, 2))
            state.select(rows)
            state.advance(torch.tensor(after, device=model.device))
            state.select([2, 1, 0])
            state.advance(torch.tensor(after[:3], device=model.device))
            for row, (prompt, last) in enumerate([(1, 2), (0, 1), (1, 0)]):
                tokens = torch.tensor([[*prompts[prompt], after[last], after[row]]], device=model.device)
                wanted = model(input_ids=tokens).logits[0, -1].float().log_softmax(-1)
                found = state.logits[row].float().log_softmax(-1)
                if ((found - wanted).abs() > tolerance(model, wanted)).any():
                    return False
    except Exception as error:  # whatever a model's own code raises at a cache it does not know
        logger.debug("no repeated cache with this model: %s", error)
        return False
    return True
