"""Where questions come from: one module per source, all giving :class:`~calm_ext.records.ParallelQuestion`.

To add a source, write a module with ``load(split, *, languages, …) -> Joined`` (:mod:`calm_ext.data.parallel.align`),
and register it in :data:`SOURCES`; the command line and the listings read everything else from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.records import ParallelQuestion

if TYPE_CHECKING:
    from calm_ext.data.parallel.align import Joined


class Source(NamedTuple):
    """A registered source.

    Attributes:
        module: dotted name of the module whose ``load`` is called.
        splits: the splits it has, the one to evaluate on first.
        languages: the languages asked for by default.
        title: one line for listings: what the questions are.
        available: every language there is; empty where that depends on the file.
        licence: SPDX identifier, or what is known.
        url: where the questions are published.
        citation: of the questions' authors.
        options: what ``load`` takes besides split and languages.
        unlabelled: the splits without gold answers, which cannot be scored.
    """

    module: str
    splits: tuple[str, ...]
    languages: tuple[str, ...]
    title: str
    available: tuple[str, ...] = ()
    licence: str = ""
    url: str = ""
    citation: str = ""
    options: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()

    @property
    def labelled(self) -> tuple[str, ...]:
        """The splits with gold answers."""
        return tuple(x for x in self.splits if x not in self.unlabelled)


_CALM = "Wang et al. 2025, arXiv:2501.18457 (translations)"

SOURCES: dict[str, Source] = {
    "xcsqa": Source(
        "calm_ext.data.sources.xcsqa",
        ("test", "train", "validation", "hf-test"),
        ("en", "zh", "fr", "de", "it", "ja"),
        "X-CSQA, common sense, 5 options; test and train are the paper's 100 and 899",
        available=("ar", "de", "en", "es", "fr", "hi", "it", "ja", "nl", "pl", "pt", "ru", "sw", "ur", "vi", "zh"),
        licence="MIT",
        url="https://huggingface.co/datasets/INK-USC/xcsr",
        citation="Lin et al. 2021, arXiv:2106.06937; split: Wang et al. 2025, arXiv:2501.18457",
        options=("data_dir", "origin"),
        unlabelled=("hf-test",),
    ),
    "medqa": Source(
        "calm_ext.data.sources.medqa",
        ("test", "train"),
        ("en", "zh", "fr"),
        "MedQA, English-origin: US medical licensing exams, 4 options",
        available=("en", "zh", "fr"),
        licence="MIT (MedQA); none stated for the translations",
        url="https://github.com/wangym2/CALM",
        citation=f"Jin et al. 2021, arXiv:2009.13081; {_CALM}",
        options=("data_dir",),
    ),
    "medqa_zh": Source(
        "calm_ext.data.sources.medqa_zh",
        ("test", "train"),
        ("zh", "en", "fr"),
        "MedQA, Chinese-origin: Chinese medical licensing exams, 4 options",
        available=("zh", "en", "fr"),
        licence="MIT (MedQA); none stated for the translations",
        url="https://github.com/wangym2/CALM",
        citation=f"Jin et al. 2021, arXiv:2009.13081; {_CALM}",
        options=("data_dir",),
    ),
    "medexpqa": Source(
        "calm_ext.data.sources.medexpqa",
        ("test", "train", "validation"),
        ("es", "en", "fr", "it"),
        "MedExpQA, Spanish residency exams, 4 or 5 options, with retrieved passages",
        available=("es", "en", "fr", "it"),
        licence="CC-BY-4.0",
        url="https://huggingface.co/datasets/HiTZ/MedExpQA",
        citation="Alonso et al. 2024, arXiv:2404.05590",
        options=("data_dir",),
    ),
    "sample": Source(
        "calm_ext.data.sources.sample",
        ("test",),
        ("en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar"),
        "120 questions of general knowledge and basic medicine, bundled, 4 options",
        available=("en", "zh", "fr", "de", "it", "ja", "es", "pt", "ru", "ar"),
        licence="Apache-2.0",
        url="https://pypi.org/project/calm-ext/",
        citation="calm-ext",
    ),
    "babel": Source(
        "calm_ext.data.sources.babel",
        ("test", "train"),
        ("qaa", "qab", "qac", "qad", "qae"),
        "Babel, the embedded miniature world, 4 options",
        available=("qaa", "qab", "qac", "qad", "qae"),
        licence="Apache-2.0",
        citation="calm-ext",
        options=("seed",),
    ),
    "local": Source("calm_ext.data.sources.local", ("all",), (), "a questions JSONL of your own", options=("path",)),
}


def load_joined(
    source: str,
    *,
    split: str | None = None,
    languages: Sequence[str] | None = None,
    limit: int | None = None,
    **options: Any,
) -> Joined:
    """The questions of a source as :func:`load_questions` gives them, with what was repaired to get them."""
    import importlib

    entry = get_source(source)
    split = split or entry.splits[0]
    if split not in entry.splits:
        raise CalmError(f"data source {source} has no split {split!r}; it has {', '.join(entry.splits)}")
    given = {key: value for key, value in options.items() if value is not None}
    unknown = [key for key in given if key not in entry.options]
    if unknown:
        takes = ", ".join(entry.options) or "none"
        raise CalmError(f"data source {source} has no option {', '.join(unknown)}; its options: {takes}")
    wanted = list(languages or entry.languages)
    twice = sorted({x for x in wanted if wanted.count(x) > 1})
    if twice:
        raise CalmError(f"language {', '.join(twice)} is listed twice")
    missing = [x for x in wanted if entry.available and x not in entry.available]
    if missing and not entry.module.endswith(".babel"):  # the world's own questions say which it has
        raise CalmError(f"data source {source} has no {', '.join(missing)}; it has {', '.join(entry.available)}")
    if limit is not None and limit < 1:
        raise CalmError(f"limit must be at least 1, not {limit}")
    found: Joined = importlib.import_module(entry.module).load(split, languages=wanted, **given)
    questions = found.questions[:limit] if limit else found.questions
    if wanted:
        questions = [q.restricted_to(wanted) for q in questions]
    if not questions:
        raise CalmError(f"data source {source} has no question in split {split!r}")
    return found._replace(questions=questions)


def load_questions(
    source: str,
    *,
    split: str | None = None,
    languages: Sequence[str] | None = None,
    limit: int | None = None,
    **options: Any,
) -> list[ParallelQuestion]:
    """The questions of a source, restricted to ``languages`` (default: the source's own), at most ``limit`` of them.

    What had to be repaired is logged as a warning, one line each; :func:`load_joined` returns it.

    Args:
        options: what the source takes besides (``Source.options``); None is as if not given.

    Raises:
        CalmError: no such source, split or option, a language is unknown or missing, no question is left.
        DataError: a file of the source cannot be used.
    """
    return load_joined(source, split=split, languages=languages, limit=limit, **options).questions


def get_source(name: str) -> Source:
    """The entry of a source.

    Raises:
        CalmError: there is none; the message lists what there is.
    """
    try:
        return SOURCES[name]
    except KeyError:
        raise CalmError(f"no data source {name!r}; there are {', '.join(SOURCES)}") from None


def require_labelled(questions: Sequence[ParallelQuestion], what: str, *, source: str | None = None) -> None:
    """Refuse questions without gold answers where they are to be scored.

    Args:
        what: how messages name the questions, ``xcsqa hf-test`` say.
        source: the data source, whose labelled splits the message then names.

    Raises:
        CalmError: a question has no gold answer.
    """
    lacking = sum(q.answer is None for q in questions)
    if lacking:
        which = f"; use {' or '.join(SOURCES[source].labelled)}" if source in SOURCES else ""
        share = "" if lacking == len(questions) else f" for {lacking} of {len(questions)} questions"
        raise CalmError(f"{what} has no gold answers{share}{which}")
