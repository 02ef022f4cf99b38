"""Passages for a question: an index of a corpus, search in it, and which question searches whose passages.

>>> from calm_ext.records import CorpusPassage
>>> index = Index.of([CorpusPassage(id="1", language="en", text="Insulin lowers blood sugar."),
...                   CorpusPassage(id="2", language="en", text="The Rhine ends in the North Sea.")])
>>> [p.id for p in index.search("Which hormone lowers the blood's sugar?", "en", k=1)]
['1']
"""

from calm_ext.retrieval.build import IndexSummary, build_index
from calm_ext.retrieval.chunk import Chunking
from calm_ext.retrieval.index import Index
from calm_ext.retrieval.options import METHODS, RetrievalOptions, SearchOptions
from calm_ext.retrieval.policy import Retriever
from calm_ext.retrieval.quality import measure
from calm_ext.retrieval.tokens import TOKENIZER

__all__ = [
    "METHODS",
    "TOKENIZER",
    "Chunking",
    "Index",
    "IndexSummary",
    "RetrievalOptions",
    "Retriever",
    "SearchOptions",
    "build_index",
    "measure",
]
