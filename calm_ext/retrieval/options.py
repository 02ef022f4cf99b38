"""What a recipe says of retrieval."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calm_ext.options import Section

#: Values of ``retrieval.index`` that stand for passages of their own, where others are folders.
BUNDLED = ("sample", "babel", "medexpqa")


class RetrievalSection(Section):
    """Passages that the model may read, in sampling, training prompts and the ``_rag`` tasks of the evaluation alike.

    Attributes:
        index: a folder of ``calm-ext index build``; ``sample``, the corpus bundled for the sample's questions;
            ``babel``, the facts of Babel's world; or ``medexpqa``, the passages that MedExpQA brings along.
        method, query, pivot, k, fallback, with_options: see :class:`calm_ext.retrieval.RetrievalOptions`.
        budget: tokens of the model's own tokenizer that one passage may take; longer ones are cut at a sentence.
        judge: ask the model itself which passages help, and leave the others out (:mod:`calm_ext.retrieval.judging`).
        threshold: the relevance from which a judged passage is kept; 0.5 is that of a passage that says nothing.
        dense_model: folder of the index's embedding model, where that was moved.
    """

    index: str
    method: Literal["lexical", "dense", "hybrid"] = "lexical"
    query: Literal["own", "pivot", "both"] = "own"
    pivot: str | None = None
    k: int = Field(3, ge=1)
    fallback: Literal["pivot", "none"] = "pivot"
    with_options: bool = False
    budget: int = Field(256, ge=8)
    judge: bool = False
    threshold: float = Field(0.5, ge=0, le=1)
    dense_model: str | None = None
