"""MedQA in three languages: questions of medical licensing exams, as translated for CALM (Wang et al. 2025).

``medqa`` are the English-origin questions (USMLE), ``medqa_zh`` the Chinese-origin ones (MCMLE), 1,000 each in
English, Chinese and French: https://github.com/wangym2/CALM, ``data/medqa``. The originals are Jin et al. 2021, arXiv
2009.13081.

One row, English origin and Chinese origin (see :mod:`calm_ext.data.sources.paper`)::

    {"input": "A junior orthopaedic surgery resident … to take?\\n(A) Disclose …\\n(B) Tell …", "output": "(B) Tell …"}
    {"input": "经调查证实出现医院感染流行时，…的时间是（　　）。 (A) 2小时 (B) 4小时内 …", "output": "(D) 24小时内"}

``all_test_en2cn.json`` has 1,001 rows: rows 298 and 299 both translate row 298 of the English file, and all later ones
are one off. Joining the rows (:mod:`calm_ext.data.parallel.align`) finds that, leaves row 299 out and says so.

The split ``train`` is the questions that the paper's samples were drawn for; their files are large and named alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from calm_ext.data.parallel.rows import Joined
from calm_ext.data.source import FolderOptions, Source
from calm_ext.data.sources import paper
from calm_ext.errors import CalmError

LANGUAGES = ("en", "zh", "fr")
_SAMPLES = "data/medqa/samples/vanilla_llama_cot_data/{}_direct_inference_sampled.json"
_FILES = {
    ("en", "test"): {
        "en": "data/medqa/test/test_sft_en_q_1000/all_test_native_en.json",
        "zh": "data/medqa/test/test_sft_en_q_1000/all_test_en2cn.json",
        "fr": "data/medqa/test/test_sft_en_q_1000/all_test_en2fr.json",
    },
    ("zh", "test"): {
        "zh": "data/medqa/test/test_sft_cn_q_1000/testset_native_cn.json",
        "en": "data/medqa/test/test_sft_cn_q_1000/testset_cn2en.json",
        "fr": "data/medqa/test/test_sft_cn_q_1000/all_test_cn2fr.json",
    },
    ("en", "train"): {x: _SAMPLES.format(n) for x, n in (("en", "native_en"), ("zh", "en2cn"), ("fr", "en2fr"))},
    ("zh", "train"): {x: _SAMPLES.format(n) for x, n in (("zh", "native_cn"), ("en", "cn2en"), ("fr", "cn2fr"))},
}


def load(split: str, *, languages: Sequence[str], data_dir: str | None) -> Joined:
    """The English-origin questions of a split; see :func:`load_origin`."""
    return load_origin(split, languages=languages, data_dir=data_dir, source_language="en")


def load_chinese(split: str, *, languages: Sequence[str], data_dir: str | None) -> Joined:
    """The Chinese-origin questions of a split; see :func:`load_origin`."""
    return load_origin(split, languages=languages, data_dir=data_dir, source_language="zh")


def load_origin(split: str, *, languages: Sequence[str], data_dir: str | None, source_language: str) -> Joined:
    """The questions of a split.

    Args:
        split: ``test`` or ``train``.
        data_dir: directory or base URL with the paper's layout; default ``$CALM_DATA_DIR``, else the paper's own.
        source_language: ``en`` or ``zh``, the origin.

    Raises:
        CalmError: a language that is not there.
        DataError: files that are missing, malformed or not parallel.
    """
    missing = [x for x in languages if x not in LANGUAGES]
    if missing:
        raise CalmError(f"medqa has no {', '.join(missing)}; it has {', '.join(LANGUAGES)}")
    # With the originals always: a translation alone would keep the row that translates a question a second time, and
    # its questions would not have the numbers that they have beside other languages.
    files = files_of(source_language, split, list(dict.fromkeys([source_language, *languages])))
    name = f"medqa{'' if source_language == 'en' else '_' + source_language}-{split}"
    return paper.load_files(files, paper.base_of(data_dir), name=name, source_language=source_language)


def files_of(source_language: str, split: str, languages: Sequence[str]) -> dict[str, str]:
    """language -> its file in the paper's repository."""
    return {x: _FILES[source_language, split][x] for x in languages}


def _source(name: str, load: Callable[..., Joined], languages: tuple[str, ...], title: str) -> Source:
    return Source(
        name=name,
        load=load,
        splits=("test", "train"),
        languages=languages,
        title=title,
        available=languages,
        licence="MIT (MedQA); none stated for the translations",
        url="https://github.com/wangym2/CALM",
        citation="Jin et al. 2021, arXiv:2009.13081; Wang et al. 2025, arXiv:2501.18457 (translations)",
        options=FolderOptions,
        medical=True,
    )


SOURCE = (
    _source("medqa", load, ("en", "zh", "fr"), "MedQA, English-origin: US medical licensing exams, 4 options"),
    _source(
        "medqa_zh",
        load_chinese,
        ("zh", "en", "fr"),
        "MedQA, Chinese-origin: Chinese medical licensing exams, 4 options",
    ),
)
