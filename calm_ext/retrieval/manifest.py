"""``index.json``: what an index is made of and by, and whether it can be used here."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from calm_ext.errors import DataError
from calm_ext.files.decode import read_table, short
from calm_ext.jsonl import explain
from calm_ext.records import Record
from calm_ext.records.base import LANGUAGE_TAG
from calm_ext.retrieval.tokens import TOKENIZER
from calm_ext.signature import version_of

logger = logging.getLogger(__name__)

FORMAT = 1
NAME = "index.json"
AGAIN = "build it again with `calm-ext index build`"


class ChunkInfo(Record):
    """How the passages were cut."""

    words: int
    overlap: int


class DenseInfo(Record):
    """The model of the dense part.

    Attributes:
        folder: where it was at the time.
        sha256: of its files.
    """

    name: str
    folder: str
    sha256: str
    query_prefix: str = ""
    passage_prefix: str = ""

    @property
    def label(self) -> str:
        """The model's name with six digits that stand for its files and the prefixes."""
        settings = "\n".join([self.sha256, self.query_prefix, self.passage_prefix])
        return f"{self.name}-{hashlib.sha256(settings.encode()).hexdigest()[:6]}"


class Manifest(Record):
    """The contents of ``index.json``.

    Attributes:
        corpus_sha256: of the indexed passages' JSON lines in the order they came.
        sources: what they were read from, for people.
        languages: language -> number of passages.
        files: every other file of the index -> its size in bytes.
    """

    format: int
    tokenizer: str
    corpus_sha256: str
    sources: list[str]
    languages: dict[str, int]
    bm25: dict[str, str | float]
    versions: dict[str, str]
    chunk: ChunkInfo | None = None
    dense: DenseInfo | None = None
    files: dict[str, int]

    @property
    def fingerprint(self) -> str:
        """``<first 8 of the corpus's sha256>.<tokenizer>[.<dense model>-<six digits>]``."""
        return fingerprint(self.corpus_sha256, self.dense.label if self.dense else None)


def fingerprint(corpus_sha256: str, dense: str | None = None) -> str:
    """The short name of an index: what was indexed and how it is searched."""
    return ".".join([corpus_sha256[:8], TOKENIZER, *([dense] if dense else [])])


def _is_inside(name: str) -> bool:
    """Whether a file's name stays in the folder that it is relative to."""
    parts = PurePosixPath(name)
    return "\0" not in name and not parts.is_absolute() and ".." not in parts.parts


def tool_versions() -> dict[str, str]:
    """Of what an index depends on."""
    return {name: version_of(name) for name in ("calm-ext", "bm25s", "PyStemmer")}


def read(path: Path, *, corpus_sha256: str | None = None) -> Manifest:
    """The manifest of an index that can be used here.

    Raises:
        DataError: there is no index, it is of another format, tokenizer or corpus, or files are missing or cut off.
    """
    if not path.exists():
        raise DataError(f"{path}: no such index; `calm-ext index build CORPUS -o {path}` makes one")
    file = path / NAME
    if not file.is_file():
        raise DataError(f"{path}: is not an index: it has no {NAME}")
    value, again = read_table(file, again=AGAIN), AGAIN
    if "format" not in value:
        raise DataError(f"{file}: is not that of an index")
    if value["format"] != FORMAT:
        raise DataError(
            f"{path}: is an index of format {short(value['format'])}, this calm-ext reads {FORMAT}; {again}"
        )
    if value.get("tokenizer") != TOKENIZER:
        raise DataError(
            f"{path}: was built with tokenizer {short(value.get('tokenizer'))}, this calm-ext has {TOKENIZER}; {again}"
        )
    try:
        found = Manifest.model_validate(value)
    except ValidationError as error:
        raise DataError(f"{file}: {explain(error)}; {again}") from None
    if corpus_sha256 is not None and not (corpus_sha256 and found.corpus_sha256.startswith(corpus_sha256.lower())):
        raise DataError(f"{path}: is of corpus {found.corpus_sha256[:8]}, {corpus_sha256[:8]} was asked for; "
                        f"build it again from that corpus")  # fmt: skip
    if not found.languages:
        raise DataError(f"{file}: names no language; {again}")
    for language in found.languages:
        if not LANGUAGE_TAG.fullmatch(language):
            raise DataError(f"{file}: {short(language)!r} is no language; {again}")
    for name, size in found.files.items():
        if not _is_inside(name):
            raise DataError(f"{file}: names a file outside of the index, {short(name)!r}; {again}")
        try:
            there = (path / name).stat().st_size if (path / name).is_file() else None
        except OSError:  # a name that is too long
            there = None
        if there != size:
            said = "is missing" if there is None else f"has {there} bytes where {size} were written"
            raise DataError(f"{path}: is damaged: {short(name, 200)} {said}; {again}")
    here = version_of("PyStemmer")
    if found.versions.get("PyStemmer") != here:
        logger.warning("%s: its words were stemmed by PyStemmer %s, those of questions are by %s: where the two differ "
                       "nothing is found; %s", path, found.versions.get("PyStemmer"), here, again)  # fmt: skip
    return found
