from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calm_ext.answers.read import read_answer
from calm_ext.data.sources.paper import parse_row
from calm_ext.languages import LANGUAGES
from calm_ext.prompts import ask

OPTIONS = ["city", "michigan", "hospital", "schools", "office"]
CODES = sorted(code for code, row in LANGUAGES.items() if not row.invented)
REAL = {"en": "en", "zh": "cn", "ja": "ja", "de": "de", "fr": "fr", "it": "it"}


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Explanation: they were hurt.\n\nAnswer: D. schools", "en", 3),
        ("Answer: C", "en", 2),
        ("**Answer: (B)**", "en", 1),
        ("Answer: <E. office>", "en", 4),
        ("答案：Ｃ", "zh", 2),
        ("Réponse : D", "fr", 3),
        ("Risposta: E (office)", "it", 4),
        ("Erläuterung: weil.\n\nAntwort:<D. schools>", "de", 3),
        ("答え: B.", "ja", 1),
        ("Answer: hospital", "en", 2),
        ("Answer: The hospital, because they were hurt.", "en", 2),
        ("Answer: a", "en", 0),
        # no option, or no certain one
        ("Answer: a city in the north", "en", None),
        ("Answer: A place where people live", "en", None),
        ("Answer: D. hospital", "en", None),
        ("Answer: F", "en", None),
        ("Answer: none of the above", "en", None),
        ("Answer: None of the above (A-E)", "en", None),
        ("Answer: hospital beds", "en", None),
        ("The hospital is where they came from.", "en", None),
        ("", "en", None),
        ("Answer:", "en", None),
        ("Answer: B. Alabama", "en", None),
        ("Answer: B. Michigann", "en", 1),
        # several
        ("Answer: A or B", "en", None),
        ("Answer: A, B", "en", None),
        ("Answer: BC", "en", None),
        ("Answer: A (city) C (hospital)", "en", None),
        ("Answer: B. michigan (or E. office)", "en", None),
        ("Answer: A.E.", "en", None),
        ("Ответ: B или C", "ru", None),
        ("Odpowiedź: B lub C", "pl", None),
        ("الإجابة: B أو C", "ar", None),
        ("الإجابة: B، C", "ar", None),
        ("答え: A、B", "ja", None),
        # a cue that rejects, a remark that takes back, a correction
        ("Answer B is wrong.", "en", None),
        ("Antwort B ist falsch.", "de", None),
        ("Réponse A est fausse", "fr", None),
        ("Ответ A неверен", "ru", None),
        ("Đáp án A sai", "vi", None),
        ("Answer B is correct.", "en", 1),
        ("The correct answer is not B.", "en", None),
        ("Answer: B (incorrect)", "en", None),
        ("答案:C. hospital（错误）\n正确答案：D. schools", "zh", 3),
        ("Answer: B\nAnswer: C", "en", None),
        ("Answer: B\nOh no.\nThe correct answer is C. hospital", "en", 2),
        ("The correct answer is B.\nThe final answer is C.", "en", None),
        ("Answer: B\n\nLater: the answer is clear.\nAnswer: B", "en", 1),
        # an answer before its explanation, or without a cue
        ("B. michigan\n\nExplanation: they live there.", "en", 1),
        ("Explanation: B. michigan\n\nThey live there.", "en", 1),
        ("(C)", "en", 2),
        ("A. city\nB. michigan", "en", None),
        # more of the prompt, or of another one
        ("Answer: B\n\nQuestion: What is blue?\nA. sky\nAnswer: A", "en", 1),
        ("Antwort: B\nFrage: Und nun?\nAntwort: C", "de", 1),
        # markup, thoughts, marks
        ("```\nAnswer: C\n```", "en", 2),
        ("So $\\boxed{\\text{B}}$.\n\nAnswer: $\\boxed{B}$", "en", 1),
        ("<think>Answer: A? Hmm.</think>Answer: B", "en", 1),
        ("<think>Answer: A? Hm", "en", None),
        ("\u200fالإجابة: \u202aB\u202c", "ar", 1),
        ("答え:D\U000e0067\U000e0062\U000e007f", "ja", 3),
        ("【答案】C", "zh", 2),
        ("[Answer]: C", "en", 2),
        ("<Answer> C </Answer>", "en", 2),
        ("Hence, the final answer is $\\boxed{C}$.", "en", 2),
        ("Hm. So the most likely answer is B, michigan.", "en", 1),
        # native words
        ("正解はBです。", "ja", 1),
        ("したがって、答えはBです", "ja", 1),
        ("正解は「B」", "ja", 1),
        ("答案是B选项", "zh", 1),
        ("答案：选项B", "zh", 1),
        ("所以答案是B。", "zh", 1),
        ("答案:E office", "zh", 4),
        ("Правильный ответ — B", "ru", 1),
        ("Ответ: Б", "ru", 1),
        ("Ответ: В", "ru", None),  # the third letter of the alphabet, or the Latin B
        ("La bonne réponse est la B", "fr", 1),
        ("A resposta correta é a B.", "pt", 1),
        ("सही उत्तर B है।", "hi", 1),
        ("सही उत्तर: विकल्प २", "hi", 1),
        ("उत्तर: बी", "hi", 1),
        ("الجواب الصحيح هو ب", "ar", 1),
        ("درست جواب B ہے۔", "ur", 1),
        ("جواب: آپشن ج", "ur", 2),
        ("Het juiste antwoord is dus B.", "nl", 1),
        ("Jibu sahihi ni B.", "sw", 1),
        ("Câu trả lời đúng là B. michigan", "vi", 1),
        ("La respuesta correcta es la opción B", "es", 1),
        ("Prawidłową odpowiedzią jest B", "pl", 1),
        ("La risposta giusta è la lettera B", "it", 1),
        ("答え: B. Michigan州", "ja", 1),
        ("Kvelt: B", "qad", 1),
    ],
)
def test_explained_answers(text: str, language: str, expected: int | None) -> None:
    assert read_answer(text, OPTIONS, language) == expected


N, R = ["air", "water", "fire", "earth"], ["воздух", "вода", "огонь", "земля"]
F, PT, J = ["l'air", "l'eau", "le feu", "la terre"], ["ar", "água", "fogo", "terra"], ["空気", "水", "火", "土"]
C = ["Lyon", "Paris", "Nice", "Lille"]


@pytest.mark.parametrize(
    ("text", "options", "language", "allowed"),
    [
        ("Ответ: вода, а не воздух", R, "ru", (1, None)),
        ("Ответ: B. вода, а не воздух.", R, "ru", (1, None)),
        ("Ответ: B, с учётом сказанного", R, "ru", (1, None)),
        ("**A resposta correta é A**\n\nB. água", PT, "pt", (0, None)),
        ("A resposta correta é A\n\nC. fogo queima", PT, "pt", (0,)),
        ("A resposta correta é A\n\nD", PT, "pt", (0, None)),
        ("A resposta correta é A", PT, "pt", (0,)),
        ("A resposta correta é a B.", PT, "pt", (1,)),
        ("Réponse : C'est parce que les poissons respirent dans l'eau", F, "fr", (None,)),
        ("Réponse : D'après les informations que nous avons, il s'agit de l'eau", F, "fr", (1,)),
        ("Réponse : C'est B", F, "fr", (1,)),
        ("Réponse : 'B'", F, "fr", (1,)),
        ("Risposta: E' l'acqua quella che i pesci respirano", ["a", "b", "c", "d", "e"], "it", (None,)),
        ("Answer: D. None of the above options are correct", N, "en", (None,)),
        ("Answer: A. There is no correct option among those provided", N, "en", (None,)),
        ("Answer: A. I cannot determine the answer", N, "en", (None,)),
        ("Respuesta: D. Ninguna de las anteriores", N, "es", (None,)),
        ("Antwort: D. Keine der oben genannten Antworten ist richtig", N, "de", (None,)),
        ("Ответ: D. Ни один из вышеперечисленных вариантов", N, "ru", (None,)),
        ("Đáp án: D. Tất cả các đáp án trên đều đúng", N, "vi", (None,)),
        ("Answer: A. The capital of France is Paris", C, "en", (None,)),
        ("Answer: A (the capital is Paris)", C, "en", (None,)),
        ("At first glance, the answer is A, but actually it is C.", N, "en", (None, 2)),
        ("Answer: B. Wait, actually the answer is C.", N, "en", (None, 2)),
        ("Answer: B", ["AB", "A", "B", "O"], "en", (None, 1)),
        ("Answer: C", ["Python", "Java", "Ruby", "C"], "en", (None, 2)),
        ("Answer: D. C", ["Python", "Java", "Ruby", "C"], "en", (3,)),
        ("Answer: B\n\nHowever, if the question was about birds, the correct answer is A.", N, "en", (1, None)),
        (
            "Let's go through the options:\n\nA. air\nThis is not correct since fish do not breathe it.\n\nB) water - this is correct",
            N,
            "en",
            (1, None),
        ),
        ("A. air\n\nThis is wrong, fish live in water, so it must be the second one.", N, "en", (None,)),
        ("Answer (A)\nC", N, "en", (0, None)),
        ("Answer (B)", N, "en", (1,)),
        ("Answer (B)\n\nA. air", N, "en", (1, None)),
        ("正解はBだと思われがちですが、実際はCです。", J, "ja", (None,)),
        ("正解はBが正しいとは限らない", J, "ja", (None,)),
        ("答えは水だと思われがちですが、火です", J, "ja", (None,)),
        ("答えはAでしょうか？いいえ、Bです。", J, "ja", (None, 1)),
        ("答案：选手", ["选手", "手", "脚", "头"], "zh", (0,)),
        ("Đáp án: câu cá", ["câu cá", "cá", "bơi", "chạy"], "vi", (0,)),
        ("Answer: letter box", ["letter box", "box", "pen", "ink"], "en", (0,)),
        ("答案：事项", ["事", "物", "人", "地"], "zh", (None,)),
        ("Answer: 3.14", ["3", "4", "5", "6"], "en", (None,)),
        ("Answer: B. 40", ["2", "4", "6", "8"], "en", (None,)),
        ("Answer: A. illegal", ["legal", "b", "c"], "en", (None,)),
        ("Answer: A. Iraq", ["Iran", "b", "c"], "en", (None,)),
        ("Answer: A. decrease", ["increase", "b", "c"], "en", (None,)),
        ("Answer: A. the hospital", ["hospital", "b", "c"], "en", (0,)),
        ("Answer: B cannot be correct because fish breathe water in the sea", N, "en", (None,)),
        ("Answer: water, air and fire", N, "en", (None,)),
        ("Ответ: С помощью воды и жабр рыбы дышат", R, "ru", (None,)),
        ("الإجابة: B. الماء وC. النار", ["هواء", "الماء", "النار"], "ar", (None,)),
        ("Answer: well-being", ["well", "sea", "pond"], "en", (None,)),
        (
            "Answer: E. coli is the bacterium that lives in the gut",
            ["E. coli", "Salmonella", "x", "y", "zeta"],
            "en",
            (0, None),
        ),
        ("Antwort: B. Wasser\n\nAntwort A ist falsch, weil Fische keine Luft atmen.", ["Luft", "Wasser"], "de", (1,)),
        ("Answer: B. water\n\nAnswer C is wrong because fire burns.", N, "en", (1,)),
        ("Okay, the answer is A? Hmm. No.\n</think>\n\nAnswer: C", N, "en", (2,)),
        ("Daher ist die richtige Antwort B.", N, "de", (1,)),
        ("\\[ \\boxed{B} \\]", N, "en", (1,)),
    ],
)
def test_what_a_reviewer_found(text: str, options: list[str], language: str, allowed: tuple[int | None, ...]) -> None:
    """Answers that were once misread; where several readings are allowed, one of them is an abstention."""
    assert read_answer(text, options, language) in allowed


def test_long_texts_are_read() -> None:
    """How soon is measured by benchmarks/limits.py."""
    texts = ("\nSo" + " " * 2_000 + "x", "Answer: B\n" * 500, "A. air\n" * 2_000)
    assert [read_answer(text, N, "en") for text in texts] == [None, 1, 0]


def _phrases() -> Iterator[tuple[str, str, int | None]]:
    """Every word of the table, in the places it may stand."""
    for code in CODES:
        own = LANGUAGES[code]
        row = own.answers
        gap = own.space
        for noun in (own.answer, *row.noun):
            yield f"{noun}: B", code, 1
            yield f"{noun}：Ｂ。", code, 1
            yield f"…\n**{noun}:** (C) hospital", code, 2
            yield f"{noun}:\nD", code, 3
            yield f"{noun}: hospital", code, 2
            yield f"{noun}{gap}B", code, 1
            yield f"{noun}:", code, None
            yield f"{noun}: A. hospital", code, None
        for sentence in row.sentence:
            yield f"{sentence}{gap}B", code, 1
            yield f"x。{sentence}{gap}C. hospital.", code, 2
            for opener in row.opener:
                yield f"{opener}{gap}{sentence}{gap}B.", code, 1
        for label in row.label:
            yield f"{own.answer}: {label} B.", code, 1
        for join in row.join:
            yield f"{own.answer}: A {join} B", code, None
            yield f"{own.answer}: A. city {join} B. michigan", code, None
            yield f"{own.answer}: city {join} michigan", code, None
        for retract in row.retract:
            yield f"{own.answer}: B ({retract})", code, None
        for after in row.after:
            yield f"{own.answer}: B{gap}{after}", code, 1
        for place, spelled in enumerate(row.letters):
            for letter in spelled.split(","):
                if sum(letter in x.split(",") for x in row.letters) > 1:
                    yield f"{own.answer}: {letter}", code, None  # В: the Latin B or the third letter
                    yield f"{own.answer}: {letter}) {OPTIONS[place]}", code, place
                    continue
                yield f"{own.answer}: {letter}", code, place
                yield f"{own.answer}: ({letter}) {OPTIONS[place]}", code, place


def test_every_word_of_every_language() -> None:
    phrases = list(_phrases())
    assert len({code for _, code, _ in phrases}) == 30 and len(phrases) > 4000
    wrong = [(code, t, e) for t, code, e in phrases if read_answer(t, OPTIONS, code) != e]
    assert not wrong


@pytest.mark.parametrize("code", CODES)
def test_a_repeated_prompt_is_no_answer(code: str) -> None:
    prompt = ask(code, "Where?", OPTIONS, "explain")
    assert read_answer(prompt, OPTIONS, code) is None
    assert read_answer(f"{prompt} …\n{LANGUAGES[code].answer}: C", OPTIONS, code) == 2


def test_direct_answers_and_equal_options() -> None:
    assert read_answer(" hospital", OPTIONS, "en", style="direct") == 2
    assert read_answer("\nHospital.\nQuestion: more", OPTIONS, "en", style="direct") == 2
    assert read_answer("hospitals", OPTIONS, "en", style="direct") is None
    assert read_answer("x", ["x", "x", "y"], "en", style="direct") is None
    assert read_answer("Answer: x", ["x", "x", "y"], "en") is None
    assert read_answer("Answer: B. x", ["x", "x", "y"], "en") == 1
    assert read_answer("उत्तर: १२", ["12", "13"], "hi") == 0
    assert read_answer("Answer: 12", ["1", "12"], "en") == 1
    assert read_answer("Answer: 2", ["one", "two"], "en") is None, "a number is no letter"
    with pytest.raises(TypeError, match="must be text, not NoneType"):
        read_answer(None, OPTIONS, "en")  # type: ignore[arg-type]


@settings(deadline=None)  # the first text of a language waits for its patterns
@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(
                [w for code in CODES for f in LANGUAGES[code].answers for w in (f if isinstance(f, tuple) else [])]
                + list("ABCDEFab12:().\n") + [" ", "one", "two", "\\boxed{", "<think>", "\u200f", "**", "İ", "ß"]
            ),
            max_size=12,
        ).map("".join),
    ),
    st.sampled_from(sorted(LANGUAGES)),
    st.sampled_from(["explain", "direct"]),
    st.sampled_from([["one", "two"], ["A", "B", "C"], ["x", "x", "İß"], ["1", "2", ".", "?"]]),
)  # fmt: skip
def test_never_raises_never_names_what_is_not_there(text: str, language: str, style: str, options: list[str]) -> None:
    answer = read_answer(text, options, language, style=style)  # type: ignore[arg-type]
    assert answer in (None, *range(len(options)))


@pytest.mark.parametrize(
    ("text", "options", "language", "answer"),
    [
        # a parenthesis that gives the option in its own words, whole, quoted or cut off
        ("Risposta: C. Edinburgh (Edimburgo)", ["london", "pedone", "edimburgo"], "it", 2),
        ("Risposta: A. cedimento (o retrocess", ["retrocessione", "inferiore", "riparazione"], "it", 0),
        ('Réponse: D. fabriquer (ou plutôt "gratifiant")', ["venir", "désordre", "adepte", "gratifiant"], "fr", 3),
        ("Risposta: A. Sì. (Nota: la risposta sarebbe piccolo)", ["piccolo", "orribile", "poco"], "it", None),
        ("Answer: A. London (or Rome)", ["Paris", "Rome", "Berlin"], "en", None),
        # another form of the first word, where no other option begins like it
        ("Risposta: A. scoprire", ["scoperta di nuovi", "scrivere", "pensare a"], "it", 0),
        ("Risposta: A. scoprire", ["scoperta di nuovi", "scodella", "pensare a"], "it", None),
        ("Answer: C. the forest", ["tennessee", "england", "the forrest"], "en", 2),
        # a word between the cue and its colon
        ("Die richtige Antwort ist deshalb:\n\nD. Haus", ["Maus", "Raum", "Baum", "Haus"], "de", 3),
        # English words are whole words in Japanese and Chinese too: "No" takes back, "Note" does not
        ("答え: D. エルサレム (Note: this is a temple)", ["寺院", "社会", "中東", "エルサレム"], "ja", 3),
        ("答案:A. 船 (incorrect)", ["船", "水"], "zh", None),
    ],
)
def test_paraphrase_and_remarks(text: str, options: list[str], language: str, answer: int | None) -> None:
    assert read_answer(text, options, language) == answer


@pytest.fixture(scope="module")
def responses(paper_data: Path) -> list[tuple[str, list[str], str]]:
    """(language, options, response) of the paper's Llama samples."""
    found = []
    for language, name in REAL.items():
        file = paper_data / f"data/xcsqa/samples/x_csqa_{name}_train_sampled.json"
        for row in json.loads(file.read_text(encoding="utf-8")):
            options = parse_row(row, language, name).row[1]
            found += [(language, options, text) for text in row["pred"]]
    return found


def test_real_responses_cut_anywhere(responses: list[tuple[str, list[str], str]]) -> None:
    rng = random.Random(0)
    for language, options, text in rng.sample(responses, 10_000):
        cut = text[: rng.randrange(len(text) + 1)]
        assert read_answer(cut, options, language) in (None, *range(len(options)))


def test_labelled_real_responses(responses: list[tuple[str, list[str], str]]) -> None:
    """Precision and coverage on responses that people would call hard (tests/data/answer_labels.md)."""
    rows = [json.loads(line) for line in (Path(__file__).parent / "data/answer_labels.jsonl").read_text().splitlines()]
    by_hash = {(x, hashlib.sha256(text.encode()).hexdigest()): (options, text) for x, options, text in responses}
    assert len(rows) > 600 and sum(r["set"] == "hard" for r in rows) > 400
    right = read = answerable = 0
    for row in rows:
        options, text = by_hash[row["language"], row["sha256"]]
        answer = read_answer(text[: row["cut"]], options, row["language"])
        read += answer is not None
        right += answer is not None and answer == row["label"]
        answerable += row["label"] is not None
    assert right / read >= 0.995, (right, read)
    assert right / answerable >= 0.97, (right, answerable)
