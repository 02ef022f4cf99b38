"""Retrieval as a task's metadata asks for it: which passages, cut by which tokenizer.

A YAML says ``retrieval: true`` in its metadata, and may name an ``index``. ``--metadata`` says the rest::

    {"index": "medqa.index", "k": 5, "budget": 200, "query": "both"}      or      {"passages": "passages.jsonl"}

The keys are those of a recipe's section (:class:`calm_ext.retrieval.RetrievalOptions`). Without them the index
is ``$CALM_INDEX``, then the task's own. ``tokenizer`` or ``pretrained`` of lm-eval's ``--model_args``, which lm-eval
passes to the tasks as metadata, names the model's tokenizer. ``judge`` needs the model: only ``calm-ext eval`` and
``align`` can do it (:mod:`calm_ext.retrieval.judge`); a passages JSONL can hold judged ones.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from calm_ext.data import SOURCES
from calm_ext.errors import CalmError
from calm_ext.jsonl import explain
from calm_ext.prompts import Style
from calm_ext.records import ParallelQuestion
from calm_ext.retrieval.grounding import (
    Given,
    Grounder,
    Grounding,
    Spans,
    published_passages,
    read_passages,
    token_spans,
)
from calm_ext.retrieval.options import RetrievalOptions

logger = logging.getLogger(__name__)

#: Tokens kept free for the answer, by style; ``max_gen_toks`` of the metadata replaces it.
_ANSWER: Mapping[Style, int] = {"explain": 256, "direct": 32, "open": 32, "cloze": 64, "letters": 8}


class Wanted(NamedTuple):
    """What a task's metadata asks for; ``metadata`` is what it was read from."""

    settings: RetrievalOptions
    passages: str | None
    style: Style
    metadata: Mapping[str, Any]

    def ground(self, questions: Sequence[ParallelQuestion], *, split: str) -> Grounding:
        """The passages of a split's questions; notes are logged as warnings.

        Raises:
            CalmError: the index or file cannot be used.
        """
        index, languages = self.settings.index, list(questions[0].versions)
        if self.passages:
            given: Given | None = read_passages(self.passages)
        else:
            options = SOURCES[index].from_metadata(self.metadata) if index in SOURCES else {}
            given = published_passages(index, split, languages, options)
        spans, longest = tokens_of(self.metadata)
        grounder = Grounder(
            self.settings,
            spans=spans,
            style=self.style,
            room=longest - int(self.metadata.get("max_gen_toks", _ANSWER[self.style])) if longest else None,
            given=given,
            babel_seed=int(self.metadata.get("babel_seed", 0)),
            device=self.metadata.get("device"),
        )
        grounding = grounder.ground(questions)
        for note in grounding.notes:
            logger.warning("%s", note)
        return grounding


def wanted(source: str, metadata: Mapping[str, Any]) -> Wanted | None:
    """The retrieval that a task's metadata asks for; None where it asks for none.

    Raises:
        CalmError: a key has a value it cannot have, or there is no index.
    """
    if not metadata.get("retrieval"):
        return None
    fields = {key: metadata[key] for key in RetrievalOptions.model_fields if key in metadata and key != "index"}
    passages = metadata.get("passages")
    own = metadata["retrieval"] if isinstance(metadata["retrieval"], str) else None
    index = metadata.get("index") or os.environ.get("CALM_INDEX") or own
    if not index and not passages:
        raise CalmError(
            f"the {source} questions are to be asked with passages, and no index is named: say --metadata "
            f"'{{\"index\": FOLDER}}' or CALM_INDEX=FOLDER; `calm-ext index build` makes one"
        )
    try:
        settings = RetrievalOptions.model_validate({"index": index or "", **fields})
    except ValidationError as error:
        raise CalmError(f"metadata: {explain(error)}") from None
    if settings.judge:
        raise CalmError(
            "metadata judge: lm_eval's tasks cannot ask the model about passages; use `calm-ext eval`, which can, or "
            "passages that were judged before: --metadata '{\"passages\": FILE}'"
        )
    return Wanted(settings, passages, metadata.get("style", "explain"), metadata)


def tokens_of(metadata: Mapping[str, Any]) -> tuple[Spans | None, int | None]:
    """The spans of the model's tokens, and how many it can read; None each where that is not known here."""
    name = metadata.get("tokenizer") or metadata.get("pretrained")
    if not isinstance(name, str):
        return None, None
    spans, longest = _tokens(name, str(metadata.get("pretrained") or name), bool(metadata.get("trust_remote_code")))
    given = metadata.get("max_length")
    return spans, int(given) if given else longest


@lru_cache(maxsize=4)
def _tokens(tokenizer: str, model: str, trust_remote_code: bool) -> tuple[Spans | None, int | None]:
    from transformers import AutoConfig, AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(tokenizer, trust_remote_code=trust_remote_code)
    except Exception as error:  # of an API model, say, whose tokenizer is nowhere; transformers has no common error
        logger.warning("tokenizer %s cannot be loaded, so passages are cut by estimate (%s)", tokenizer,
                       next(iter(str(error).splitlines()), type(error).__name__))  # fmt: skip
        return None, None
    longest = None
    try:
        config = AutoConfig.from_pretrained(model, trust_remote_code=trust_remote_code)
        longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    except Exception:  # a GGUF file, say: the tokenizer may know
        longest = found.model_max_length if found.model_max_length < 10**6 else None
    return token_spans(found), longest
