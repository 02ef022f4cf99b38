"""Responses of many kinds in 16 languages, thoughts, and how reading time grows with the length of a text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from calm_ext.answers.read import contradicts, explanation_of, read_answer
from calm_ext.answers.thoughts import split_thoughts, strip_thoughts
from calm_ext.errors import CalmError

OPTIONS = ["bank", "library", "hospital", "market", "airport"]


def _kinds() -> list[tuple[str, str, list[str], int | None]]:
    options: dict[str, list[str]] = {}
    found = []
    for line in (Path(__file__).parent / "data/answer_kinds.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        language, index, text = line.split("\t")
        if index == "options":
            options[language] = text.split("|")
        else:
            right = None if index == "-" else int(index)
            found.append((language, text.replace("\\n", "\n"), options[language], right))
    return found


def test_kinds_in_every_language() -> None:
    """Written before the parser could read them; none may be read as another option than its own."""
    kinds = _kinds()
    assert len({language for language, *_ in kinds}) == 16 and len(kinds) > 500
    read = [(read_answer(text, options, language), right, text) for language, text, options, right in kinds]
    assert not [row for row in read if row[0] is not None and row[0] != row[1]]
    missed = [row for row in read if row[0] != row[1]]
    assert len(missed) <= 2, missed


@pytest.mark.parametrize(
    ("text", "options", "language", "right"),
    [
        # what tells options apart is never folded away
        ("Answer: -5", ["5", "0", "10"], "en", None),
        ("Answer: −5", ["5", "-5", "10"], "en", 1),
        ("Answer: A. -2", ["2", "-2"], "en", None),
        ("Answer: A) 2", ["2", "-2"], "en", 0),
        ("Answer: -5 °C", ["5 °C", "-5 °C"], "en", 1),
        ("Answer: A. PH", ["pH", "PH"], "en", None),
        ("Answer: pH", ["pH", "PH"], "en", 0),
        ("Answer: mrna", ["mRNA", "tRNA"], "en", 0),
        ("Answer: $5", ["$5", "5"], "en", 0),
        ("Answer: 5", ["$5", "5"], "en", 1),
        ("Answer: 5%", ["5", "0.5"], "en", None),
        ("Answer: 0.5", ["5", "0.5", "50"], "en", 1),
        ("Answer: 1/2", ["1", "2", "1/2"], "en", 2),
        ("Answer: ½", ["1", "2", "1/2"], "en", 2),
        ("Answer: x²", ["x^2", "x2"], "en", 0),
        ("Answer: x2", ["x²", "x2"], "en", 1),
        ("Answer: a*b", ["ab", "a*b"], "en", 1),
        ("Answer: C++", ["C", "C++", "C#"], "en", 1),
        ("Answer: (a, b)", ["[a, b]", "(a, b)"], "en", 1),
        ("Answer: x ≥ 3", ["x > 3", "x ≥ 3"], "en", 1),
        ("Antwort: 1.000", ["1000", "100"], "de", 0),
        ("Answer: 1,000", ["1000", "1"], "en", 0),
        ("Réponse : 3,5", ["3.5", "35"], "fr", 0),
        ("Answer: 2.5", ["2", "5"], "en", None),
        # letters of another script, and letters that are words
        ("Answer: В", OPTIONS, "en", 1),
        ("Ответ: В", ["воздух", "вода", "огонь"], "ru", None),
        ("Ответ: В) огонь", ["воздух", "вода", "огонь"], "ru", 2),
        ("Odpowiedź: O bibliotece", ["biblioteka", "ogień"], "pl", 0),
        # spelling
        ("答え：ﾊﾞﾅﾅ", ["バナナ", "りんご"], "ja", 0),
        ("答え：カキ", ["かぎ", "かき"], "ja", 1),
        ("الإجابة: اسره", ["أسرة", "مدينة"], "ar", 0),
        ("الإجابة: مدرســة", ["مدرسة", "جامعة"], "ar", 0),
        ("उत्तर: लडका", ["लड़का", "लड़की"], "hi", 0),
        ("Ответ: елка", ["ёлка", "дуб"], "ru", 0),
        ("Antwort: schön", ["schon", "schön"], "de", 1),
        ("Antwort: Muenchen", ["München", "Berlin"], "de", 0),
        ("Answer: man’s", ["man's", "woman's"], "en", 0),
        ("جواب: ۱۲", ["12", "13"], "ur", 0),
        ("Respuesta: corazon", ["corazón", "pulmón"], "es", 0),
        # unsure is None
        ("Answer: hospital or library", OPTIONS, "en", None),
        ("Answer: B\nAnswer: D", OPTIONS, "en", None),
        ("Answer: B. Wait, I am not sure.", OPTIONS, "en", None),
        ("Is B the correct answer?", OPTIONS, "en", None),
        ("Neither A nor B is correct.", OPTIONS, "en", None),
        ("If the answer were A, one would borrow money.", OPTIONS, "en", None),
        ("I doubt that B is the correct answer.", OPTIONS, "en", None),
    ],
)
def test_signs_scripts_and_spelling(text: str, options: list[str], language: str, right: int | None) -> None:
    assert read_answer(text, options, language) == right


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>"), ("<THINK>", "</THINK>"),
        ("<reasoning>", "</reasoning>"), ("<reflection>", "</reflection>"), ("<analysis>", "</analysis>"),
        ("<scratchpad>", "</scratchpad>"), ("[THINK]", "[/THINK]"), ("◁think▷", "◁/think▷"),
        ("<seed:think>", "</seed:think>"), ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"), ("<unused94>thought\n", "<unused95>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("<|start|>assistant<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("Here is my thought process:\n", "\nHere is my response:\n"), ("analysis", "assistantfinal"),
    ],
)  # fmt: skip
def test_thoughts_are_no_answer(opening: str, closing: str) -> None:
    thought = "The answer is A? It has <i>tags</i>.\nAnswer: A. bank"
    text = f"{opening}{thought}{closing}Explanation: Books.\nAnswer: B. library"
    assert read_answer(text, OPTIONS, "en") == 1
    assert strip_thoughts(text).strip() == "Explanation: Books.\nAnswer: B. library"
    assert split_thoughts(text).thoughts[0].strip() == thought and not split_thoughts(text).unclosed
    assert explanation_of(text, "en") == "Books."
    assert not contradicts(text, OPTIONS, 1, "en")
    assert split_thoughts(opening + thought).unclosed
    assert read_answer(opening + thought, OPTIONS, "en") is None, "a thought without an end has no answer"


def test_thoughts_without_an_opening_mark_and_of_ones_own() -> None:
    for closing in ("</think>", "</thinking>", "[/THINK]", "◁/think▷", "<|end_of_thought|>"):
        assert read_answer(f"Okay. Answer: A\n{closing}\nAnswer: B", OPTIONS, "en") == 1
    text = "%%Answer: A%/%Answer: B"
    assert read_answer(text, OPTIONS, "en") is None
    assert read_answer(text, OPTIONS, "en", thoughts=[("%%", "%/%")]) == 1
    assert read_answer("%%Answer: A", OPTIONS, "en", thoughts=[("%%", "%/%")]) is None
    assert read_answer("~Answer: A~Answer: B", OPTIONS, "en", thoughts=[("~", "~")]) == 1
    assert split_thoughts("I use <b>tags</b> [1].").rest == "I use <b>tags</b> [1]."


def test_odd_types_are_refused() -> None:
    cases = [
        (lambda: read_answer(5, OPTIONS, "en"), "a response must be text, not int"),  # type: ignore[arg-type]
        (lambda: read_answer("B", "abc", "en"), "options must be a list of texts, not one text"),
        (lambda: read_answer("B", None, "en"), "options must be a list of texts, not NoneType"),  # type: ignore[arg-type]
        (lambda: read_answer("B", ["a", 5], "en"), "an option must be text, not int: 5"),  # type: ignore[list-item]
        (lambda: read_answer("B", ["a", ["b"]], "en"), "an option must be text, not list"),  # type: ignore[list-item]
        (lambda: read_answer("B", OPTIONS, None), "a language must be a code"),  # type: ignore[arg-type]
    ]
    for call, message in cases:
        with pytest.raises(TypeError, match=message):
            call()
    with pytest.raises(CalmError, match="options is empty"):
        read_answer("Answer: B", [], "en")
    with pytest.raises(CalmError, match="no language 'xx'"):
        read_answer("Answer: B", OPTIONS, "xx")


PROBES = (
    "Answer: ", "Answer: B ", "wait ", "but ", "\\boxed{", "A. x\n", "is correct ", "B is correct ", "Wait, no. ",
    "so, ", "(", "[THINK]", "<think>", "</think>", "<", "*", "_", "`", "$a", "\\", "library is ", "The answer is ",
    "the best ", "B, ", "A or ", "\n", "1.", "✅", "if ", "because ", "not A but ", '"answer": ', "<|channel|>",
    "analysis", "Here is my thought process:\n", "A is wrong. ", "No, ", "probably ", "'", ": ", "A. bank\n", ". A",
    "<answer>", "\u200b", "A ", "x²", "\t", "B) library ✅\n", "<b>", "$x$ ", "<|im_end|>", "&#41;", "a ", "I think ",
    "Answer: B\nWait, no.\n", "答案", "。", "é", "-5", "5%",
)  # fmt: skip


@pytest.mark.parametrize("head", ["", "Answer: B "])
def test_reading_time_grows_with_the_length_only(head: str) -> None:
    """A response that repeats itself to its end is read in milliseconds. Processor time: the machine may be busy."""

    def seconds(text: str) -> float:
        best = 9.0
        for _ in range(2):
            start = time.process_time()
            read_answer(text, OPTIONS, "en")
            best = min(best, time.process_time() - start)
        return best

    read_answer("Answer: B", OPTIONS, "en")
    for probe in PROBES:
        short, long = (seconds(head + (probe * (n // len(probe) + 1))[:n]) for n in (10_000, 40_000))
        assert long < max(9 * short, 0.1), (probe, short, long)
        assert long < 1, (probe, long)
