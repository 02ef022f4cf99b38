"""Answers as instruct models write them: verdicts on each option, sentences behind a cue, JSON, clauses that point."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from calm_ext.answers.claims import Claim, agreed
from calm_ext.answers.clauses import spell_keys
from calm_ext.answers.options import Options
from calm_ext.answers.read import read_answer

PLANETS = ["Mars", "Jupiter", "Venus", "Saturn"]
_ESCAPES = {"\\n": "\n", "\\\\": "\\"}


def _styles() -> list[tuple[str, list[str], str, int | None]]:
    options: list[str] = []
    found = []
    for line in (Path(__file__).parent / "data/answer_styles.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        language, index, text = line.split("\t")
        if index == "options":
            options = text.split("|")
        else:
            text = re.sub(r"\\[\\n]", lambda escape: _ESCAPES[escape[0]], text)
            found.append((language, options, text, None if index == "-" else int(index)))
    return found


def test_styles_in_every_language() -> None:
    """None may be read as another option than its own, and few may be left unread."""
    styles = _styles()
    assert len(styles) > 500 and len({language for language, *_ in styles}) == 29
    read = [(read_answer(text, options, language), right, text) for language, options, text, right in styles]
    assert not [row for row in read if row[0] is not None and row[0] != row[1]]
    missed = [row for row in read if row[0] != row[1]]
    assert len(missed) <= 12, missed


@pytest.mark.parametrize(
    ("text", "right"),
    [
        # a list of verdicts: one right, the others wrong
        ("A) Mars - no\nB) Jupiter - yes\nC) Venus - no\nD) Saturn - no", 1),
        ("A) Mars - no\nB) Jupiter - no\nC) Venus - no\nD) Saturn - no", None),
        ("A) Mars - yes\nB) Jupiter - yes\nC) Venus - no\nD) Saturn - no", None),
        ("A) Mars - no", None),
        ("| A | Mars | ❌ |\n| B | Jupiter | ✅ |", 1),
        ("A. Mars has two moons. ✗\nB. Jupiter has many. ✓", 1),
        ("A. Mars is small.\nB. Jupiter is large.", None),
        # a sentence behind a cue
        ("Answer: It is Jupiter.", 1),
        ("Answer: It is not Saturn, it is Jupiter.", 1),
        ("Answer: The largest of them is Jupiter.", 1),
        ("Answer: Jupiter is the largest of them.", 1),
        ("Answer: The largest of them is not Jupiter.", None),
        ("Answer: Is Jupiter the largest of them?", None),
        ("Answer: Jupiter would be right if it were solid.", None),
        ("Answer: Jupiter probes are rare.", None),
        ("Answer: Saturn's moon is larger.", None),
        ("Answer: The largest of them is Jupiter, then Saturn.", None),
        ("Answer: It is smaller than Jupiter.", None),
        # a letter and a sentence with its text
        ("B. Jupiter is the largest.", 1),
        ("B. Saturn is the largest.", None),
        ("✅ B. Jupiter", 1),
        # keys of JSON objects
        ('{"correct_answer": "B"}', 1),
        ('{"finalAnswer": "B. Jupiter"}', 1),
        ('{"wrong_answer": "B"}', None),
        # clauses that point at a letter
        ("The largest is Jupiter, which corresponds to option B.", 1),
        ("The option that fits the description best is B.", 1),
        ("The option that does not fit the description is B.", None),
        ("Right is option B.", 1),
        ("Perhaps A, perhaps B.", None),
        ("Answer: B, that is Jupiter.", 1),
        ("Answer: 2 Jupiter", 1),
        ("Answer: 2 Saturn", None),
    ],
)
def test_styles_in_english(text: str, right: int | None) -> None:
    assert read_answer(text, PLANETS, "en") == right


def test_spelling_of_turkish_and_arabic() -> None:
    assert read_answer("Cevap: İZMİR", ["Bursa", "İzmir"], "tr") == 1
    assert read_answer("الإجابة: A. عذراً، الإجابة الصحيحة هي B.", ["الهواء", "الماء"], "ar") == 1
    assert read_answer("الإجابة: A. عذرًا، الإجابة الصحيحة هي B.", ["الهواء", "الماء"], "ar") == 1


def test_keys_are_spelled_and_claims_agree() -> None:
    assert spell_keys('{"my_answer_letter": 1, "a": "b_c"}') == '{"my answer letter": 1, "a": "b_c"}'
    options = Options.of(("air", "water"), "en")
    assert agreed("", [Claim(0, 1), Claim(5, 1)], [], options) == 1
    assert agreed("", [Claim(0, 0), Claim(5, 1)], [], options) is None
    assert agreed("", [Claim(0, 0), Claim(5, 1)], [3], options) == 1
