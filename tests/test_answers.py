from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calm_ext.answers import read_answer
from calm_ext.languages import LANGUAGES

OPTIONS = ["city", "michigan", "hospital", "schools", "office"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Explanation: they were hurt.\n\nAnswer: D. schools", "en", 3),
        ("Answer: C", "en", 2),
        ("**Answer: (B)**", "en", 1),
        ("Answer: <E. office>", "en", 4),
        ("答案：Ｃ", "zh", 2),
        ("解释: 因为。\n\n答案:A. city", "zh", 0),
        ("Réponse : D", "fr", 3),
        ("Risposta: E (office)", "it", 4),
        ("Erläuterung: weil.\n\nAntwort:<D. schools>", "de", 3),
        ("答え: B.", "ja", 1),
        ("Answer: hospital", "en", 2),
        ("Answer: a", "en", 0),
        ("Answer: a city in the north", "en", None),
        ("Answer: D. hospital", "en", None),
        ("Answer: A or B", "en", None),
        ("Answer: A, B", "en", None),
        ("Answer: F", "en", None),
        ("Answer: none of the above", "en", None),
        ("Answer: B\nAnswer: C", "en", None),
        ("Answer: B\n\nLater: the answer is clear.\nAnswer: B", "en", 1),
        ("The hospital is where they came from.", "en", None),
        ("", "en", None),
        ("Answer:", "en", None),
    ],
)
def test_explained_answers(text: str, language: str, expected: int | None) -> None:
    assert read_answer(text, OPTIONS, language) == expected


def test_direct_answers_and_equal_options() -> None:
    assert read_answer(" hospital", OPTIONS, "en", style="direct") == 2
    assert read_answer("\nHospital.\nQuestion: more", OPTIONS, "en", style="direct") == 2
    assert read_answer("hospitals", OPTIONS, "en", style="direct") is None
    assert read_answer("x", ["x", "x", "y"], "en", style="direct") is None
    assert read_answer("Answer: x", ["x", "x", "y"], "en") is None
    assert read_answer("Answer: B. x", ["x", "x", "y"], "en") == 1


@given(st.text(max_size=200), st.sampled_from(sorted(LANGUAGES)), st.sampled_from(["explain", "direct"]))
def test_never_raises_never_names_what_is_not_there(text: str, language: str, style: str) -> None:
    answer = read_answer(text, ["one", "two"], language, style=style)  # type: ignore[arg-type]
    assert answer in (None, 0, 1)


def test_reads_the_published_samples(paper_data) -> None:  # type: ignore[no-untyped-def]
    """The paper's own Llama samples: nearly all are read, and cutting them anywhere never breaks the parser."""
    from calm_ext.data.xcsqa import parse_paper_row

    rng = random.Random(0)
    for language, name in {"en": "en", "zh": "cn", "ja": "ja", "de": "de", "fr": "fr", "it": "it"}.items():
        file = paper_data / f"data/xcsqa/samples/x_csqa_{name}_train_sampled.json"
        rows = json.loads(file.read_text(encoding="utf-8"))[:200]
        read = 0
        for row in rows:
            _, options, _ = parse_paper_row(row, language, "row")
            read += read_answer(row["pred"][0], options, language) is not None
            cut = row["pred"][1][: rng.randrange(len(row["pred"][1]) + 1)]
            assert read_answer(cut, options, language) in (None, *range(5))
        assert read / len(rows) > 0.93, (language, read)
