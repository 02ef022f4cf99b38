"""The ``retrieval`` section of a recipe."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from calm_ext.options import Section

#: Values of ``retrieval.index`` that stand for passages of their own, where others are folders.
BUNDLED = ("sample", "babel", "medexpqa")


class RetrievalSection(Section):
    """Passages that the model may read, in sampling, training prompts and the ``_rag`` tasks of the evaluation alike."""

    index: str
    """A folder of ``calm-ext index build``; or ``sample``, the corpus bundled for the sample's questions; ``babel``, the
    facts of Babel's world; ``medexpqa``, the passages published with MedExpQA."""
    method: Literal["lexical", "dense", "hybrid"] = "lexical"
    """Search by words (BM25), by embeddings, or by both, fused by rank."""
    query: Literal["own", "pivot", "both"] = "own"
    """The version of the question that searches: ``own`` searches the passages of the question's own language,
    ``pivot`` those of the pivot, ``both`` fuses the two rankings."""
    pivot: str | None = None
    """The pivot's language; default: the question's source language, else its first."""
    k: int = Field(3, ge=1)
    """Passages for each question and language."""
    fallback: Literal["pivot", "none"] = "pivot"
    """The passages of a language that has none in the index: those of the pivot, or none."""
    with_options: bool = False
    """Search with the texts of the options, too."""
    budget: int = Field(256, ge=8)
    """Tokens of the model's own tokenizer that one passage may take; longer ones are cut at a sentence."""
    judge: bool = False
    """Ask the model itself which passages help, and leave the others out."""
    threshold: float = Field(0.5, ge=0, le=1)
    """Keep a judged passage from this relevance on; a passage that says nothing has 0.5."""
    dense_model: str | None = None
    """Folder of the index's embedding model, where it has moved."""
