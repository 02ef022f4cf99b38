"""Passages: of a corpus, and as questions are asked with them."""

from __future__ import annotations

from pydantic import Field, model_validator

from calm_ext.records.base import Identity, Record, check_language


class CorpusPassage(Record):
    """A text of a corpus: one line of a corpus JSONL.

    Attributes:
        id: unique among the passages of its language; passages with one id are translations of each other.
        answers: ids of the questions that it answers, where known; retrieval is measured by them.
    """

    id: Identity = Field(min_length=1)
    language: str
    title: str = ""
    text: str = Field(min_length=1)
    answers: list[Identity] = Field(default_factory=list)

    @model_validator(mode="after")
    def _known(self) -> CorpusPassage:
        check_language(self.language)
        if not self.text.strip():
            raise ValueError("text: is empty")
        return self


class Passage(Record):
    """A passage given with a question.

    Attributes:
        id: its id in the corpus.
        language: of the text; the question may be in another one.
        score: of the search, higher is better; scores of different searches cannot be compared.
        relevance: the model's own probability that the passage helps, where the model judged it (Self-RAG).
        gold: whether the passage is known to answer the question; None where the corpus does not say.
        source: where it comes from, as the data source names it, for example a retrieval setting of MedExpQA.
    """

    id: str
    language: str
    title: str = ""
    text: str = Field(min_length=1)
    score: float | None = None
    relevance: float | None = Field(None, ge=0, le=1)
    gold: bool | None = None
    source: str = ""

    def shown(self) -> str:
        """Title and text as one string, not yet quoted for a prompt."""
        return f"{self.title}: {self.text}" if self.title else self.text


class Passages(Record):
    """The passages given with a question in one language, best first; one line of a passages JSONL."""

    id: str
    language: str
    passages: list[Passage]
