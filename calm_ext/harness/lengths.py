"""What makes scores of options comparable besides their texts: their tokens, and how probable they are unasked."""

from __future__ import annotations

from collections.abc import Sequence

from calm_ext.errors import CalmError
from calm_ext.models.backends import Backend
from calm_ext.models.request import Lost
from calm_ext.prompts import bare_cue, delimiter
from calm_ext.records import Generation


def with_lengths(backend: Backend, generations: Sequence[Generation], *, priors: bool) -> list[Generation]:
    """Generations whose options were scored, with ``option_tokens`` where the backend has a tokenizer.

    Args:
        priors: also score the options after the bare cue (``option_priors``), as pointwise mutual information needs
            (Holtzman et al. 2021, arXiv 2104.08315). An option of many questions is scored once a call; not once a run,
            because a run that continues must give the same figures to the last digit.
    """
    tokens = _tokens(backend, generations)
    unasked = _priors(backend, generations) if priors else None
    return [
        g
        if g.option_logprobs is None  # a score was lost
        else g.model_copy(
            update={
                "option_tokens": [tokens[g.language, text] for text in g.options] if tokens else None,
                "option_priors": [unasked[g.language, text] for text in g.options] if unasked else None,
            }
        )
        for g in generations
    ]


def _texts(generations: Sequence[Generation]) -> list[tuple[str, str]]:
    """(language, option), each once."""
    return list(dict.fromkeys((g.language, text) for g in generations for text in g.options))


def _tokens(backend: Backend, generations: Sequence[Generation]) -> dict[tuple[str, str], int] | None:
    if backend.tokenizer is None:
        return None
    texts = _texts(generations)
    encoded = backend.tokenizer([delimiter(x) + text for x, text in texts], add_special_tokens=False)["input_ids"]
    return {key: max(len(ids), 1) for key, ids in zip(texts, encoded, strict=True)}


def _priors(backend: Backend, generations: Sequence[Generation]) -> dict[tuple[str, str], float]:
    from lm_eval.api.instance import Instance

    texts = _texts(generations)
    requests = []
    for index, (language, text) in enumerate(texts):
        arguments = (bare_cue(language), delimiter(language) + text)
        requests.append(Instance(request_type="loglikelihood", doc={}, arguments=arguments, idx=index))
    backend.watch = None  # what is counted is the questions
    found = backend.loglikelihood(requests, disable_tqdm=True)
    lost = next((x for x in found if isinstance(x, Lost)), None)
    if lost is not None:
        why = lost.reply.why
        raise CalmError(f"an option has no score after the bare cue, which sampling.normalize pmi needs: {why}")
    return {key: float(score) for key, (score, _) in zip(texts, found, strict=True)}
