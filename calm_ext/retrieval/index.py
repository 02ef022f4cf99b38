"""An index to search in: passages of one or several languages, each language searched by itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calm_ext.errors import CalmError, DataError
from calm_ext.files.decode import read_table
from calm_ext.records import CorpusPassage, Passage
from calm_ext.retrieval import manifest
from calm_ext.retrieval.build import collect
from calm_ext.retrieval.chunk import is_piece
from calm_ext.retrieval.fuse import DEPTH, fuse
from calm_ext.retrieval.lexical import top
from calm_ext.retrieval.options import METHODS, Method
from calm_ext.retrieval.shelf import Shelf

if TYPE_CHECKING:
    from calm_ext.retrieval.dense import Embedder


class Index:
    """Passages to search in; :meth:`open` one that was built, or make one :meth:`of` a few passages.

    Attributes:
        languages: those that have passages, in the order of the corpus.
        fingerprint: what was indexed and how, for signatures: ``<corpus>.<tokenizer>[.<dense model>]``.
        corpus_sha256: of the passages' lines in their order.
        has_dense: whether it has embeddings.
        info: the contents of its ``index.json``; None in memory.
    """

    def __init__(self, shelves: dict[str, Shelf], gold: dict[str, list[str]], corpus_sha256: str) -> None:
        self._shelves, self._gold = shelves, gold
        self.languages = list(shelves)
        self.corpus_sha256 = corpus_sha256
        self.fingerprint = manifest.fingerprint(corpus_sha256)
        self.has_dense = False
        self.info: manifest.Manifest | None = None
        self._name = "the index"
        self._model: str | Path | None = None
        self._device: str | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        corpus_sha256: str | None = None,
        dense_model: str | Path | None = None,
        device: str | None = None,
    ) -> Index:
        """Open an index that ``build_index`` wrote; its arrays and texts are mapped, not read.

        Args:
            corpus_sha256: refuse an index of another corpus; the first digits will do.
            dense_model: the folder of its model, where that was moved.
            device: where that model computes; default: the first GPU there is, else the CPU.

        Raises:
            DataError: it is missing, damaged, or of another format, tokenizer or corpus.
        """
        root = Path(path)
        info = manifest.read(root, corpus_sha256=corpus_sha256)
        shelves = {language: Shelf.open(root / language) for language in info.languages}
        gold = read_table(root / "gold.json", again=manifest.AGAIN)
        if not all(isinstance(own, list) and all(isinstance(x, str) for x in own) for own in gold.values()):
            raise DataError(f"{root / 'gold.json'}: is damaged; {manifest.AGAIN}")
        index = cls(shelves, gold, info.corpus_sha256)
        index.info, index._name = info, str(root)
        index.fingerprint, index.has_dense = info.fingerprint, info.dense is not None
        index._model, index._device = dense_model, device
        return index

    @classmethod
    def of(cls, passages: Iterable[CorpusPassage]) -> Index:
        """An index in memory, for lexical search in a small corpus.

        Raises:
            DataError: there is no passage, or an id comes twice in a language.
        """
        found = collect(((f"passage {n}", p) for n, p in enumerate(passages, 1)), None)
        return cls(found.shelves, found.gold, found.corpus_sha256)

    def __len__(self) -> int:
        return sum(map(len, self._shelves.values()))

    def search(self, text: str, language: str, *, k: int, method: Method = "lexical") -> list[Passage]:
        """The k best passages of a language, best first; fewer where fewer share a word with the text.

        What is found depends on the text and the index only. Dense search ranks every passage; hybrid search fuses the
        first hundred of both (:mod:`calm_ext.retrieval.fuse`).

        Args:
            language: whose passages are searched; the text is cut and stemmed as one of it.

        Raises:
            CalmError: no passages in the language, no embeddings for dense search, no such method, k below 1.
        """
        if k < 1:
            raise CalmError(f"k is {k}; at least one passage is to be asked for")
        shelf = self._shelf(language)
        if method == "lexical":
            ranking = shelf.lexical.rank(text, k)
        elif method == "dense":
            ranking = self._dense(text, shelf, k)
        elif method == "hybrid":
            depth = max(k, DEPTH)
            both = (self._dense(text, shelf, depth), shelf.lexical.rank(text, depth))
            ranking = [(row, round(score, 6)) for row, score in fuse([[r for r, _ in x] for x in both])[:k]]
        else:
            raise CalmError(f"no search method {method!r}; there are {', '.join(METHODS)}")
        return [_passage(shelf.passage(row), score) for row, score in ranking]

    def get(self, id: str, language: str) -> Passage | None:
        """The passage of an id in a language; None where there is none."""
        row = self._shelves[language].find(id) if language in self._shelves else None
        return None if row is None else _passage(self._shelves[language].passage(row), None)

    def gold(self, question_id: str, language: str) -> set[str]:
        """Ids of a language's passages that are known to answer a question; empty where none is known.

        Passages with one id are translations of each other: what one answers, all of them answer.
        """
        shelf = self._shelves.get(language)
        return {id for id in self._gold.get(question_id, ()) if shelf is not None and shelf.find(id) is not None}

    def key(self, passage: Passage) -> tuple[str, str]:
        """What translations of one passage have in common: its id; a piece of one has no known translation."""
        return (passage.id, "" if self._parallel(passage.id) else passage.language)

    def version(self, passage: Passage, language: str) -> Passage:
        """The passage in a language, with its score, where the corpus has it there; else as it is."""
        if passage.language == language or not self._parallel(passage.id):
            return passage
        own = self.get(passage.id, language)
        return passage if own is None else own.model_copy(update={"score": passage.score})

    def _parallel(self, id: str) -> bool:
        return not (self.info and self.info.chunk and is_piece(id))

    def _shelf(self, language: str) -> Shelf:
        if language not in self._shelves:
            raise CalmError(f"{self._name}: has no passages in {language}; it has {', '.join(self.languages)}")
        return self._shelves[language]

    def _dense(self, text: str, shelf: Shelf, k: int) -> list[tuple[int, float]]:
        if shelf.dense is None:
            raise CalmError(f"{self._name}: has no embeddings; build it with --dense MODEL, or search it lexically")
        query = self._embedder.query(text)
        return top(shelf.dense @ query, k)

    @cached_property
    def _embedder(self) -> Embedder:
        from calm_ext.retrieval.dense import Embedder, hash_of

        model = self.info.dense if self.info else None
        assert model is not None
        folder = Path(self._model or model.folder)
        if not folder.is_dir():
            raise CalmError(
                f"{self._name}: its model {model.name} is not in {folder}; say where it is with --dense FOLDER"
            )
        if hash_of(folder) != model.sha256:
            raise CalmError(f"{self._name}: was embedded by another model than the one in {folder}; build it again, or "
                            f"give the folder of {model.name} as it was")  # fmt: skip
        return Embedder(
            folder, query_prefix=model.query_prefix, passage_prefix=model.passage_prefix, device=self._device
        )

    def as_json(self) -> dict[str, Any]:
        """What ``index show`` prints."""
        facts = self.info.model_dump(exclude={"files"}) if self.info else {"corpus_sha256": self.corpus_sha256}
        languages = {language: len(shelf) for language, shelf in self._shelves.items()}
        return {"fingerprint": self.fingerprint, "n_passages": len(self), **facts, "languages": languages,
                "questions_with_gold": len(self._gold)}  # fmt: skip


def _passage(found: CorpusPassage, score: float | None) -> Passage:
    return Passage(id=found.id, language=found.language, title=found.title, text=found.text, score=score)
