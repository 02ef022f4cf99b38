"""Building an index: passages stream in, a directory appears when it is whole.

::

    INDEX/
      index.json                    what it is made of, with the size of every file (calm_ext.retrieval.manifest)
      gold.json                     question -> ids of the passages that answer it
      <language>/passages.jsonl …   the texts (calm_ext.retrieval.shelf)
      <language>/lexical/           bm25s's arrays and vocabulary
      <language>/dense.npy          embeddings, where a model was given
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from calm_ext.errors import CalmError, DataError
from calm_ext.files.places import make_folder
from calm_ext.files.writing import atomic_write, prefix_of, sweep
from calm_ext.records import CorpusPassage
from calm_ext.retrieval import lexical, manifest
from calm_ext.retrieval.chunk import Chunking, check, cut
from calm_ext.retrieval.dense import Embedder
from calm_ext.retrieval.shelf import Shelf, ShelfWriter, dense_file, searched_text

#: What is being done, how much of it, of how much (None: not known yet).
Progress = Callable[[str, int, "int | None"], None]

_STEP = 1000


class IndexSummary(NamedTuple):
    """What was built.

    Attributes:
        languages: language -> number of passages as indexed.
        corpus_sha256: of these passages.
        split: how many passages of the corpus were cut into several.
        answers_lost: how many of those said which questions they answer; their pieces do not.
        wordless: how many passages have no word or number, so that no search by words finds them.
        cut_off: how many passages are longer than the dense model reads.
    """

    path: Path
    languages: dict[str, int]
    corpus_sha256: str
    fingerprint: str
    split: int = 0
    answers_lost: int = 0
    wordless: int = 0
    cut_off: int = 0


class Collected(NamedTuple):
    """Passages as :func:`collect` leaves them."""

    shelves: dict[str, Shelf]
    gold: dict[str, list[str]]
    corpus_sha256: str
    split: int
    answers_lost: int
    wordless: int


def build_index(
    passages: Iterable[tuple[str, CorpusPassage]],
    output: Path | str,
    *,
    sources: Sequence[str] = (),
    dense_model: str | Path | None = None,
    query_prefix: str = "",
    passage_prefix: str = "",
    chunk: Chunking | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> IndexSummary:
    """Write an index.

    Args:
        passages: each with its place, ``file:line``, for messages; read once.
        output: the directory to write; it appears when it is whole.
        sources: what the passages are from, as ``index show`` tells it.
        dense_model: folder of a sentence-transformers model, for dense search.
        query_prefix, passage_prefix: what goes before questions and passages for the model; default: its own prompts.
        chunk: how to cut long passages.
        force: replace an index that is there; anything else that is there is never replaced.
        progress: called with how far it is.

    Raises:
        DataError: an id comes twice in a language, a language has no words, there is no passage, a line is no passage.
        CalmError: the output is there, the model cannot be used.
    """
    target, tell = Path(output), progress or (lambda *_: None)
    _refuse(target, force=force)
    if chunk:
        check(chunk)
    model = Embedder(dense_model, query_prefix=query_prefix, passage_prefix=passage_prefix) if dense_model else None
    make_folder(target.parent)
    sweep(target)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=prefix_of(target), suffix=".tmp"))
    try:
        found = collect(passages, work, chunk=chunk, progress=tell)
        languages = {language: len(shelf) for language, shelf in found.shelves.items()}
        if model:
            for language, shelf in found.shelves.items():
                _embed(model, shelf, work / language, partial(_tell_embedded, tell, language, len(shelf)))
        atomic_write(work / "gold.json", json.dumps(found.gold, ensure_ascii=False))
        files = {p.relative_to(work).as_posix(): p.stat().st_size for p in sorted(work.rglob("*")) if p.is_file()}
        facts = manifest.Manifest(
            format=manifest.FORMAT,
            tokenizer=manifest.TOKENIZER,
            corpus_sha256=found.corpus_sha256,
            sources=list(sources),
            languages=languages,
            bm25={"method": lexical.METHOD, "k1": lexical.K1, "b": lexical.B},
            versions=manifest.tool_versions(),
            chunk=manifest.ChunkInfo(words=chunk.words, overlap=chunk.overlap) if chunk else None,
            dense=manifest.DenseInfo(
                name=model.name, folder=str(model.folder.resolve()), sha256=model.sha256,
                query_prefix=query_prefix, passage_prefix=passage_prefix,
            ) if model else None,
            files=files,
        )  # fmt: skip
        atomic_write(work / manifest.NAME, facts.model_dump_json(indent=1) + "\n")
        _move(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return IndexSummary(
        target, languages, found.corpus_sha256, facts.fingerprint, found.split, found.answers_lost,
        found.wordless, model.cut_off if model else 0,
    )  # fmt: skip


def collect(
    passages: Iterable[tuple[str, CorpusPassage]],
    folder: Path | None,
    *,
    chunk: Chunking | None = None,
    progress: Progress = lambda *_: None,
) -> Collected:
    """Read passages and index their words, a shelf for each language; in memory where there is no folder.

    Raises:
        DataError: as of :func:`build_index`.
    """
    writers: dict[str, ShelfWriter] = {}
    gold: dict[str, dict[str, None]] = {}
    digest = hashlib.sha256()
    split = lost = count = 0
    try:
        for where, passage in passages:
            if passage.language not in writers:
                own = folder / passage.language if folder else None
                writers[passage.language] = ShelfWriter(passage.language, own)
            pieces = cut(passage, chunk)
            if len(pieces) > 1:
                split, lost = split + 1, lost + bool(passage.answers)
            for piece in pieces:
                digest.update(writers[piece.language].add(piece, where))
                for question in piece.answers:
                    gold.setdefault(question, {})[piece.id] = None
                count += 1
                if count % _STEP == 0:
                    progress("read", count, None)
        if not writers:
            raise DataError("the corpus is empty: no passage was read, so there is nothing to index")
        shelves = {}
        for number, (language, writer) in enumerate(writers.items()):
            progress("index", number, len(writers))
            shelves[language] = writer.finish()
        progress("index", len(writers), len(writers))
    finally:
        for writer in writers.values():
            writer.close()
    answered = {q: list(ids) for q, ids in gold.items()}
    wordless = sum(writer.wordless for writer in writers.values())
    return Collected(shelves, answered, digest.hexdigest(), split, lost, wordless)


def _embed(model: Embedder, shelf: Shelf, folder: Path, tell: Callable[[int], None]) -> None:
    import numpy as np

    done, matrix = 0, None
    for block in model.passages(searched_text(p) for p in shelf.texts()):
        if matrix is None:
            shape = (len(shelf), block.shape[1])
            matrix = np.lib.format.open_memmap(dense_file(folder), mode="w+", dtype=np.float32, shape=shape)
        matrix[done : done + len(block)] = block
        done += len(block)
        tell(done)
    if matrix is not None:
        matrix.flush()


def _tell_embedded(tell: Progress, language: str, total: int, done: int) -> None:
    tell(f"embed {language}", done, total)


def _refuse(target: Path, *, force: bool) -> None:
    if not target.exists():
        return
    if not (target / manifest.NAME).is_file() and not (target.is_dir() and not any(target.iterdir())):
        raise CalmError(f"{target}: is there and is not an index; name another place")
    if not force and (target / manifest.NAME).is_file():
        raise CalmError(f"{target}: exists; --force replaces it")


def _move(work: Path, target: Path) -> None:
    """Put the finished directory in its place; one that is there is taken away after the new one stands."""
    umask = os.umask(0)
    os.umask(umask)
    work.chmod(0o777 & ~umask)
    old = work.with_suffix(".old")
    if target.exists():
        target.rename(old)
    try:
        work.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
