"""Corpora to search in: any JSONL of corpus passages, MedQA's textbooks, the passages that MedExpQA comes with.

Each reader gives passages with their places, as :func:`calm_ext.retrieval.build_index` takes them.

MedQA (Jin et al. 2021, https://github.com/jind11/MedQA, ``data_clean/textbooks``) has a plain text file a book in the
folders ``en``, ``zh_paragraph`` and ``zh_sentence``; the last two are the same Chinese books with a paragraph or a
sentence a line. A book is one passage here, and is cut when it is indexed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from calm_ext.data.sources.medexpqa import LANGUAGES, load_passages
from calm_ext.errors import CalmError, DataError
from calm_ext.files.places import check_file
from calm_ext.jsonl import read_numbered
from calm_ext.languages import get_language
from calm_ext.records import CorpusPassage

#: MedQA's folders of textbooks and the languages they are in.
TEXTBOOKS = {"en": "en", "zh_paragraph": "zh", "zh_sentence": "zh"}

#: How a corpus may lie on disk.
LAYOUTS = ("jsonl", "medqa-textbooks", "medexpqa")

Numbered = Iterator[tuple[str, CorpusPassage]]


def read_layout(
    layout: str, paths: Sequence[Path], *, languages: Sequence[str] = (), split: str | None = None
) -> Numbered:
    """The passages of a corpus in one of :data:`LAYOUTS`.

    Args:
        paths: JSONL files; folders of textbooks; a copy of MedExpQA or its name on the hub.
        languages: that of all the textbooks; those to take of MedExpQA.
        split: of MedExpQA.

    Raises:
        CalmError: the layout is not known, or an argument does not go with it.
        DataError: as of the readers.
    """
    if split and layout != "medexpqa":
        raise CalmError(f"a split is of layout medexpqa only, not of {layout}")
    if layout == "jsonl":
        if languages:
            raise CalmError("a corpus JSONL takes no language: each of its passages names its own")
        return read_corpus(paths)
    if layout == "medqa-textbooks":
        if len(languages) > 1:
            raise CalmError("one language is named for all the folders of textbooks, not several")
        return read_textbooks(paths, language=languages[0] if languages else None)
    if layout == "medexpqa":
        if len(paths) > 1:
            raise CalmError("layout medexpqa takes one folder, or the name on the hub")
        return read_medexpqa(split or "test", languages=languages or LANGUAGES, data_dir=str(paths[0]))
    raise CalmError(f"no corpus layout {layout!r}; there are {', '.join(LAYOUTS)}")


def read_corpus(paths: Sequence[Path]) -> Numbered:
    """The passages of JSONL files, one after the other.

    Raises:
        DataError: a line is not a corpus passage, or a file has none.
    """
    for path in paths:
        yield from read_numbered(path, CorpusPassage)


def read_textbooks(folders: Sequence[Path], *, language: str | None = None) -> Numbered:
    """The books of folders in MedQA's layout, each as one passage whose id and title are the book's name.

    Args:
        language: of all the folders; default: what their names say (``en``, ``zh_paragraph``, ``zh_sentence``).

    Raises:
        CalmError: the language of a folder is not known.
        DataError: a folder has no books, or a book is empty or not UTF-8.
    """
    known = [(folder, language or TEXTBOOKS.get(folder.resolve().name)) for folder in folders]
    for folder, code in known:
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder")
        if code is None:
            inside = [x for x in TEXTBOOKS if (folder / x).is_dir()]
            hint = f"name one of its folders {', '.join(inside)}" if inside else "say it with --language"
            raise CalmError(f"{folder}: its name does not tell the books' language; {hint}")
        get_language(code)
    for folder, code in known:
        books = sorted(p for p in folder.glob("*.txt") if p.is_file())
        if not books:
            raise DataError(f"{folder}: has no books (*.txt)")
        for book in books:
            yield str(book), CorpusPassage(id=book.stem, language=str(code), title=book.stem, text=_read(book))


def read_medexpqa(split: str, *, languages: Sequence[str], data_dir: str | None = None) -> Numbered:
    """The passages that were retrieved for MedExpQA's questions; arguments as of its ``load``.

    A text that was retrieved for several questions is one passage. ``answers`` are the questions it was retrieved for:
    that it helps with them, its authors' search says, no person. Ids name the language, since the passages of a
    question in two languages are not known to be translations of each other.

    Raises:
        CalmError: a language that is not there.
        DataError: rows that are missing or malformed, or no passage in any.
    """
    found: dict[tuple[str, str], tuple[str, dict[str, None]]] = {}
    for name, by_language in load_passages(split, languages=languages, data_dir=data_dir).items():
        for language, own in by_language.items():
            for passage in own:
                found.setdefault((language, passage.text), (passage.id, {}))[1][name] = None
    if not found:
        raise DataError(f"{data_dir or 'medexpqa'}: split {split} has no passages in {', '.join(languages)}")
    for (language, text), (id, questions) in found.items():
        yield f"medexpqa {split}, {id}", CorpusPassage(id=id, language=language, text=text, answers=list(questions))


def _read(book: Path) -> str:
    try:
        check_file(book)
        text = book.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(f"{book}:{line}: not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise DataError(f"{book}: cannot be read ({error.strerror})") from None
    if not text.strip():
        raise DataError(f"{book}: is empty")
    return text
