"""How passages are searched for, and what of them the model reads."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from calm_ext.data import SOURCES
from calm_ext.languages.codes import LanguageCode
from calm_ext.options import Section

Method = Literal["lexical", "dense", "hybrid"]
METHODS: tuple[str, ...] = get_args(Method)


class SearchOptions(Section):
    """How passages are found for a question (:mod:`calm_ext.retrieval.policy`)."""

    method: Method = "lexical"
    """Search by words (BM25), by embeddings, or by both fused."""
    query: Literal["own", "pivot", "both"] = "own"
    """Search with the question in its own language, in the pivot's, or in both, fused."""
    pivot: LanguageCode | None = Field(None, json_schema_extra={"metavar": "CODE"})
    """The pivot's language; default: the one a question was written in, else its first."""
    k: int = Field(3, ge=1)
    """How many passages, per question and language."""
    fallback: Literal["pivot", "none"] = "pivot"
    """What a language without passages in the index gets: those of the pivot, or none."""
    with_options: bool = False
    """Search with the options' texts, too."""
    dense_model: str | None = Field(None, json_schema_extra={"metavar": "FOLDER"})
    """The folder of the index's embedding model, where it was moved."""

    def signature(self) -> str:
        """Short and without blanks; what has its default value is left out, but for method, query and k.

        >>> SearchOptions(query="both", pivot="en").signature()
        'lexical.both.k3.pivot-en'
        """
        parts = [self.method, self.query, f"k{self.k}"]
        parts += [f"pivot-{self.pivot}"] if self.pivot else []
        parts += ["fallback-none"] if self.fallback == "none" else []
        return ".".join([*parts, *(["options"] if self.with_options else [])])


class RetrievalOptions(SearchOptions):
    """Passages that the model may read: in sampling, training prompts and the ``_rag`` tasks of the evaluation."""

    index: str
    """A folder of `calm-ext index build`; `sample`, the corpus bundled for the sample's questions; `babel`, the facts
    of Babel's world; or `medexpqa`, the passages that were published with MedExpQA's questions."""
    budget: int = Field(256, ge=8)
    """Tokens of the model's own tokenizer that one passage may take; longer ones are cut at a sentence."""
    judge: bool = False
    """Ask the model itself which passages help, and leave the others out."""
    threshold: float = Field(0.5, ge=0, le=1)
    """The relevance from which a judged passage is kept; 0.5 is that of a passage that says nothing."""


def bundled_indexes() -> list[str]:
    """Values of ``retrieval.index`` that name a source with passages of its own, where others name folders."""
    return [name for name, source in SOURCES.items() if source.corpus or source.passages]
