"""Every bundled benchmark, read from a small folder whose rows have the columns as they are published; and real files.

The rows and what is expected of them are written by hand.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.data import SOURCES, load_joined
from calm_ext.data.benchmark import MOST_BY_DEFAULT, bundled_benchmarks
from calm_ext.errors import RecipeError
from calm_ext.languages import LANGUAGES, get_language
from calm_ext.pipeline.recipe import parse_recipe
from tests.conftest import SHARED

Rows = list[dict[str, Any]]


class Case(NamedTuple):
    """Files of a benchmark, and the questions that they hold.

    Attributes:
        files: path without ``.jsonl`` -> rows.
        expected: id without the benchmark's name -> (right option, language -> (question, options)).
    """

    files: dict[str, Rows]
    expected: dict[str, tuple[int, dict[str, tuple[str, list[str]]]]]
    split: str = "test"


def belebele() -> Case:
    def row(passage: str, question: str, answers: list[str], right: str, link: str, number: int) -> dict[str, Any]:
        cells = {f"mc_answer{k}": a for k, a in enumerate(answers, 1)}
        return {
            "link": link, "question_number": number, "flores_passage": passage, "question": question, **cells,
            "correct_answer_num": right, "dialect": "x", "ds": "2023-05-03",
        }  # fmt: skip

    a, b = "https://en.wikibooks.org/wiki/Accordion/Right_hand", "https://en.wikinews.org/x"
    en = [
        row("Make sure your hand is relaxed.", "What helps?", ["force", "ease", "speed", "noise"], "2", a, 1),
        row("Make sure your hand is relaxed.", "Which part?", ["hand", "foot", "head", "knee"], "1", a, 2),
        row("The train left at nine.", "When did it leave?", ["six", "seven", "eight", "nine"], "4", b, 1),
    ]
    fr = [
        row("Le train est parti à neuf heures.", "Quand ?", ["six", "sept", "huit", "neuf"], "4", b, 1),
        row("Détendez la main.", "Quelle partie ?", ["main", "pied", "tête", "genou"], "1", a, 2),
        row("Détendez la main.", "Qu'est-ce qui aide ?", ["force", "aisance", "vitesse", "bruit"], "2", a, 1),
    ]
    zh = [
        row("手要放松。", "什么有帮助？", ["力量", "轻松", "速度", "噪音"], "2", a, 1),
        row("手要放松。", "哪个部位？", ["手", "脚", "头", "膝盖"], "1", a, 2),
        row("火车九点离开。", "什么时候离开？", ["六点", "七点", "八点", "九点"], "4", b, 1),
    ]
    return Case(
        {"eng_Latn/test": en, "fra_Latn/test": fr, "zho_Hans/test": zh},
        {
            f"{a}-1": (
                1,
                {
                    "en": ("Make sure your hand is relaxed.\n\nWhat helps?", ["force", "ease", "speed", "noise"]),
                    "fr": ("Détendez la main.\n\nQu'est-ce qui aide ?", ["force", "aisance", "vitesse", "bruit"]),
                    "zh": ("手要放松。\n\n什么有帮助？", ["力量", "轻松", "速度", "噪音"]),
                },
            ),
            f"{a}-2": (
                0,
                {
                    "en": ("Make sure your hand is relaxed.\n\nWhich part?", ["hand", "foot", "head", "knee"]),
                    "fr": ("Détendez la main.\n\nQuelle partie ?", ["main", "pied", "tête", "genou"]),
                    "zh": ("手要放松。\n\n哪个部位？", ["手", "脚", "头", "膝盖"]),
                },
            ),
            f"{b}-1": (
                3,
                {
                    "en": ("The train left at nine.\n\nWhen did it leave?", ["six", "seven", "eight", "nine"]),
                    "fr": ("Le train est parti à neuf heures.\n\nQuand ?", ["six", "sept", "huit", "neuf"]),
                    "zh": ("火车九点离开。\n\n什么时候离开？", ["六点", "七点", "八点", "九点"]),
                },
            ),
        },
    )


#: question, options and right letter, in English, Spanish and Hindi
EXAM: list[tuple[str, dict[str, tuple[str, list[str]]]]] = [
    (
        "C",
        {
            "en": ("Which is a prime?", ["4", "6", "7", "9"]),
            "es": ("¿Cuál es primo?", ["4", "6", "7", "9"]),
            "hi": ("कौन सी संख्या अभाज्य है?", ["4", "6", "7", "9"]),
        },
    ),
    (
        "A",
        {
            "en": ("What do bees make?", ["honey", "milk", "silk", "wax paper"]),
            "es": ("¿Qué hacen las abejas?", ["miel", "leche", "seda", "papel encerado"]),
            "hi": ("मधुमक्खियाँ क्या बनाती हैं?", ["शहद", "दूध", "रेशम", "मोम का कागज"]),
        },
    ),
]


def exam(key: str, ids: list[Any], question: str, options: list[str], answer: str, *, split: str = "test") -> Case:
    """Rows of an exam in three languages; the Spanish ones are in another order."""
    files = {}
    for language in ("en", "es", "hi"):
        rows = []
        for identity, (letter, versions) in zip(ids, EXAM, strict=True):
            text, choices = versions[language]
            own = choices + [None] * (len(options) - len(choices))  # type: ignore[list-item]
            rows.append({key: identity, question: text, **dict(zip(options, own, strict=True)), answer: letter})
        files[f"{language}/{split}"] = rows[::-1] if language == "es" else rows
    expected = {str(i): ("ABCD".index(letter), versions) for i, (letter, versions) in zip(ids, EXAM, strict=True)}
    return Case(files, expected)


LETTERED = ["option_a", "option_b", "option_c", "option_d"]


def mmmlu() -> Case:
    theirs = {"es": "ES_LA", "hi": "HI_IN"}
    files: dict[str, Rows] = {
        f"{config}/test": [
            {"Unnamed: 0": i, "Question": v[x][0], **dict(zip("ABCD", v[x][1], strict=True)), "Answer": letter}
            for i, (letter, v) in enumerate(EXAM)
        ]
        for x, config in theirs.items()
    }
    files["all/test"] = [
        {"question": v["en"][0], "subject": "s", "choices": v["en"][1], "answer": "ABCD".index(letter)}
        for letter, v in EXAM
    ]
    return Case(files, {f"{i:05d}": ("ABCD".index(letter), v) for i, (letter, v) in enumerate(EXAM)})


def arc() -> Case:
    def row(name: str, question: str, options: list[str | None], answer: str) -> dict[str, Any]:
        return {"id": name, "instruction": question, **dict(zip([*LETTERED, "option_e"], options, strict=True)),
                "answer": answer}  # fmt: skip

    return Case(
        {
            "en/test": [
                row("ARC_1", "Which is hot? [title] Look.", ["ice", " sun [x]", "snow", None, None], "B"),
                row("ARC_2", "Which  flies?", ["cat", "dog", "cow", "bird", "pig"], "D"),
            ],
            "de/test": [
                row("ARC_1", "Was ist heiß?", ["Eis", "Sonne", "Schnee", "", None], "B"),
                row("ARC_2", "Was fliegt?", ["Katze", "Hund", "Kuh", "Vogel", "Schwein"], "D"),
            ],
            "ru/test": [
                row("ARC_2", "Кто летает?", ["кот", "пёс", "корова", "птица", "свинья"], "D"),
                row("ARC_1", "Что горячее?", ["лёд", "солнце", "снег", None, None], "B"),
            ],
        },
        {
            "ARC_1": (
                1,
                {
                    "en": ("Which is hot?.  Look.".replace("  ", " "), ["ice", "sun", "snow"]),
                    "de": ("Was ist heiß?", ["Eis", "Sonne", "Schnee"]),
                    "ru": ("Что горячее?", ["лёд", "солнце", "снег"]),
                },
            ),
            "ARC_2": (
                3,
                {
                    "en": ("Which flies?", ["cat", "dog", "cow", "bird", "pig"]),
                    "de": ("Was fliegt?", ["Katze", "Hund", "Kuh", "Vogel", "Schwein"]),
                    "ru": ("Кто летает?", ["кот", "пёс", "корова", "птица", "свинья"]),
                },
            ),
        },
    )


def hellaswag() -> Case:
    def row(name: str, label: str, a: str, b: str | None, endings: list[str], right: str) -> dict[str, Any]:
        return {"id": name, "ind": 4, "activity_label": label, "ctx_a": a, "ctx_b": b, "ctx": "unused",
                "endings": endings, "source_id": "activitynet~x", "split": "val", "label": right}  # fmt: skip

    return Case(
        {
            "en/val": [
                row(
                    "val-1",
                    "Shaving",
                    "A man holds a razor.",
                    "he",
                    ["eats.", "shaves. [substeps]", "flies.", "x."],
                    "1",
                ),
                row("val-2", "How to cook", "[header] Boil water [title] Add salt.", "", ["a", "b", "c", "d"], "3"),
            ],
            "es/val": [
                row(
                    "val-1",
                    "Afeitado",
                    "Un hombre tiene una navaja.",
                    "él",
                    ["come.", "se afeita.", "vuela.", "x."],
                    "1",
                ),
                row("val-2", "Cocinar", "Hierve agua.", None, ["a", "b", "c", "d"], "3"),
            ],
            "ru/val": [
                row("val-1", "Бритьё", "Мужчина держит бритву.", "он", ["ест.", "бреется.", "летит.", "x."], "1"),
                row("val-2", "Готовка", "Вскипятите воду.", "", ["а", "б", "в", "г"], "3"),
            ],
        },
        {
            "val-1": (
                1,
                {
                    "en": ("Shaving: A man holds a razor. He", ["eats.", "shaves.", "flies.", "x."]),
                    "es": ("Afeitado: Un hombre tiene una navaja. Él", ["come.", "se afeita.", "vuela.", "x."]),
                    "ru": ("Бритьё: Мужчина держит бритву. Он", ["ест.", "бреется.", "летит.", "x."]),
                },
            ),
            "val-2": (
                3,
                {
                    "en": ("How to cook: Boil water. Add salt.", ["a", "b", "c", "d"]),
                    "es": ("Cocinar: Hierve agua.", ["a", "b", "c", "d"]),
                    "ru": ("Готовка: Вскипятите воду.", ["а", "б", "в", "г"]),
                },
            ),
        },
        split="validation",
    )


def truthfulqa() -> Case:
    def row(number: int, question: str, choices: list[str]) -> dict[str, Any]:
        labels = [1] + [0] * (len(choices) - 1)
        return {"id": number, "question": question, "mc1_targets": {"choices": choices, "labels": labels},
                "mc2_targets": {"choices": choices, "labels": labels}}  # fmt: skip

    texts = {
        "en": [("Can pigs fly?", ["No", "Yes", "At night"]), ("Is the sky green?", ["No, blue", "Yes"])],
        "es": [("¿Vuelan los cerdos?", ["No", "Sí", "De noche"]), ("¿Es verde el cielo?", ["No, azul", "Sí"])],
        "eu": [("Txerriek hegan egiten dute?", ["Ez", "Bai", "Gauez"]), ("Zerua berdea da?", ["Ez, urdina", "Bai"])],
    }
    files = {f"{x}/validation": [row(i, *t) for i, t in enumerate(own)] for x, own in texts.items()}
    return Case(files, {str(i): (0, {x: own[i] for x, own in texts.items()}) for i in range(2)}, "validation")


def xnli() -> Case:
    texts = {
        "en": [("A man sleeps.", "Someone rests."), ("It rains.", "It is dry.")],
        "de": [("Ein Mann schläft.", "Jemand ruht."), ("Es regnet.", "Es ist trocken.")],
        "ar": [("رجل ينام.", "شخص يرتاح."), ("السماء تمطر.", "الجو جاف.")],
    }
    words = {
        "en": ("right", ["Yes", "Also", "No"]),
        "de": ("richtig", ["Ja", "Auch", "Nein"]),
        "ar": ("صحيح", ["نعم", "لذا", "لا"]),
    }
    files = {
        f"{x}/test": [{"premise": p, "hypothesis": h, "label": 2 * i} for i, (p, h) in enumerate(own)]
        for x, own in texts.items()
    }
    return Case(
        files,
        {
            f"{i:05d}": (
                2 * i,
                {x: (f"{own[i][0]}, {words[x][0]}? ____, {own[i][1]}", words[x][1]) for x, own in texts.items()},
            )
            for i in range(2)
        },
    )


def xstorycloze() -> Case:
    texts = {
        "en": (["Tom was hungry.", "He went out.", "He found a shop.", "It was open."], ["He ate.", "He slept."]),
        "sw": (["Tom alikuwa na njaa.", "Alitoka.", "Aliona duka.", "Lilikuwa wazi."], ["Alikula.", "Alilala."]),
        "zh": (["汤姆饿了。", "他出去了。", "他找到一家店。", "店开着。"], ["他吃了。", "他睡了。"]),
    }
    files, versions = {}, {}
    for x, (story, ends) in texts.items():
        cells = {f"input_sentence_{k}": s for k, s in enumerate(story, 1)}
        quiz = {f"sentence_quiz{k}": s for k, s in enumerate(ends, 1)}
        files[f"{x}/eval"] = [
            {"story_id": "138d5bfb", **cells, **quiz, "answer_right_ending": 1},
            {"story_id": "bff9f820", **cells, **quiz, "answer_right_ending": 2},
        ]
        versions[x] = (" ".join(story), ends)
    return Case(files, {"138d5bfb": (0, versions), "bff9f820": (1, versions)}, "eval")


def paws() -> Case:
    def row(number: int, one: str | None, two: str, label: int) -> dict[str, Any]:
        return {"id": number, "sentence1": one, "sentence2": two, "label": label}

    return Case(
        {
            "en/test": [
                row(1, 'He did n\'t see " The Door " ( 1990 ) .', "The Door was n't seen , he said .", 0),
                row(2, "It rains", "Rain falls .", 1),
                row(3, "Left", "out", 1),
            ],
            "de/test": [
                row(1, "Er sah sie nicht .", "Sie sah er nicht .", 0),
                row(2, "Es regnet .", "Regen fällt .", 1),
                row(3, "", "NS", 1),
            ],
            "zh/test": [
                row(1, "他没看见门 。", "门没被看见 。", 0),
                row(2, "下雨了。", "雨落下。", 1),
                row(3, "左", "外", 1),
            ],
        },
        {
            "1": (
                0,
                {
                    "en": (
                        "He didn't see\"The Door\"(1990), right? ____, the Door wasn't seen, he said.",
                        ["No", "Yes"],
                    ),
                    "de": ("Er sah sie nicht, richtig? ____, sie sah er nicht.", ["Nein", "Ja"]),
                    "zh": ("他没看见门 。, 对吧? ____, 门没被看见 。", ["不是", "是"]),
                },
            ),
            "2": (
                1,
                {
                    "en": ("It rains, right? ____, rain falls.", ["No", "Yes"]),
                    "de": ("Es regnet, richtig? ____, regen fällt.", ["Nein", "Ja"]),
                    "zh": ("下雨了。, 对吧? ____, 雨落下。", ["不是", "是"]),
                },
            ),
        },
    )


def global_piqa() -> Case:
    theirs = {"en": "eng_latn", "es": "spa_latn_spai", "hi": "hin_deva"}
    names = ["solution0", "solution1", "solution2", "solution3"]
    files = {
        f"{config}/test": [
            {"example_id": f"p{i}", "prompt": v[x][0], **dict(zip(names, v[x][1], strict=True)),
             "label": "ABCD".index(letter), "language": config}
            for i, (letter, v) in enumerate(EXAM)
        ]
        for x, config in theirs.items()
    }  # fmt: skip
    return Case(files, {f"p{i}": ("ABCD".index(letter), v) for i, (letter, v) in enumerate(EXAM)})


def bmlama() -> Case:
    def row(prompt: str, options: str) -> dict[str, Any]:
        return {"Prompt": prompt, "Ans": options.split(", ")[-1], "Candidate Ans": options, "Subject": "x"}

    texts = {
        "en": [("<mask> is the capital of Italy.", "Paris, Oslo, Rome"), ("Munch was born in <mask>.", "Rome, Oslo")],
        "fr": [("<mask> est la capitale d'Italie.", "Paris, Oslo, Rome"), ("Munch est né à <mask>.", "Rome, Oslo")],
        "ru": [("Столица Италии — <mask>.", "Париж, Осло, Рим"), ("Мунк родился в <mask>.", "Рим, Осло")],
    }
    files = {f"{x}/test": [row(*t) for t in own] for x, own in texts.items()}
    return Case(
        files,
        {
            f"{i:05d}": (
                2 - i,
                {x: (own[i][0].replace("<mask>", "____"), own[i][1].split(", ")) for x, own in texts.items()},
            )
            for i in range(2)
        },
    )


def xcopa() -> Case:
    return Case(
        {
            "et/test": [
                {"premise": "Ese oli mullikilesse mähitud.", "choice1": "See oli habras.", "choice2": "See oli väike.",
                 "question": "cause", "label": 0, "idx": 0, "changed": False},
                {"premise": "Mees keeras kraani lahti.", "choice1": "Vesi jäätus.", "choice2": "Vesi voolas.",
                 "question": "effect", "label": 1, "idx": 1, "changed": False},
            ],
            "it/test": [
                {"premise": "L'oggetto era avvolto nel pluriball.", "choice1": "Era fragile.", "choice2": "Era piccolo.",
                 "question": "cause", "label": 0, "idx": 0, "changed": False},
                {"premise": "L'uomo aprì il rubinetto.", "choice1": "L'acqua gelò.", "choice2": "L'acqua uscì.",
                 "question": "effect", "label": 1, "idx": 1, "changed": False},
            ],
            "zh/test": [
                {"premise": "这件物品包着气泡膜。", "choice1": "它易碎。", "choice2": "它很小。",
                 "question": "cause", "label": 0, "idx": 0, "changed": False},
                {"premise": "男人打开了水龙头。", "choice1": "水结冰了。", "choice2": "水流出来了。",
                 "question": "effect", "label": 1, "idx": 1, "changed": False},
            ],
        },
        {
            "0": (
                0,
                {
                    "et": ("Ese oli mullikilesse mähitud sest", ["See oli habras.", "See oli väike."]),
                    "it": ("L'oggetto era avvolto nel pluriball perché", ["Era fragile.", "Era piccolo."]),
                    "zh": ("这件物品包着气泡膜 因为", ["它易碎。", "它很小。"]),
                },
            ),
            "1": (
                1,
                {
                    "et": ("Mees keeras kraani lahti seetõttu", ["Vesi jäätus.", "Vesi voolas."]),
                    "it": ("L'uomo aprì il rubinetto quindi", ["L'acqua gelò.", "L'acqua uscì."]),
                    "zh": ("男人打开了水龙头 所以", ["水结冰了。", "水流出来了。"]),
                },
            ),
        },
    )  # fmt: skip


CASES = {
    "arc": arc(),
    "belebele": belebele(),
    "bmlama17": bmlama(),
    "bmlama53": bmlama(),
    "global_mmlu": exam("sample_id", ["virology/test/1", "law/test/0"], "question", LETTERED, "answer"),
    "global_mmlu_lite": exam("sample_id", ["virology/test/1", "law/test/0"], "question", LETTERED, "answer"),
    "global_piqa": global_piqa(),
    "hellaswag": hellaswag(),
    "m_mmlu": exam("id", ["law/test/3", "law/val/3"], "instruction", LETTERED, "answer"),
    "mmlu_prox": exam("question_id", [70, 71], "question", [f"option_{k}" for k in range(10)], "answer"),
    "mmlu_prox_lite": exam("question_id", [70, 71], "question", [f"option_{k}" for k in range(10)], "answer"),
    "mmmlu": mmmlu(),
    "paws": paws(),
    "truthfulqa": truthfulqa(),
    "xcopa": xcopa(),
    "xnli": xnli(),
    "xstorycloze": xstorycloze(),
}


def written(folder: Path, case: Case) -> str:
    for name, rows in case.files.items():
        path = folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(folder)


def seeded(identity: str, n: int) -> list[int]:
    """The order of ``order: seeded``, written anew."""
    return sorted(range(n), key=lambda k: hashlib.sha256(f"0|{identity}|{k}".encode()).digest())


def test_every_benchmark_has_a_case() -> None:
    assert set(CASES) | {"klar"} == {b.name for b in bundled_benchmarks()}


@pytest.mark.parametrize("name", CASES)
def test_rows_as_published_are_read(name: str, tmp_path: Path) -> None:
    case, folder = CASES[name], written(tmp_path, CASES[name])
    languages = list(next(iter(case.expected.values()))[1])
    found = load_joined(name, split=case.split, languages=languages, data_dir=folder).questions
    ids = [f"{name}-{i}" for i in case.expected]
    if next(b for b in bundled_benchmarks() if b.name == name).spread:
        assert [q.id for q in found] == sorted(ids, key=lambda i: digest(i.removeprefix(f"{name}-")))
        found = sorted(found, key=lambda q: ids.index(q.id))
    assert [q.id for q in found] == ids
    turned = name in ("truthfulqa", "bmlama17", "bmlama53")
    for question, (right, versions) in zip(found, case.expected.values(), strict=True):
        for language, (text, options) in versions.items():
            order = seeded(question.id, len(options)) if turned else list(range(len(options)))
            assert question.versions[language].question == text
            assert question.versions[language].options == [options[k] for k in order]
            assert question.answer == order.index(right)
    shown = CliRunner().invoke(
        cli,
        ["data", "check", name, "--split", case.split, "--data-dir", folder, "--languages", ",".join(languages)],
    )
    assert shown.exit_code == 0, shown.exception
    assert f"{name}:{case.split}: {len(found)} questions" in shown.stdout
    assert "another order" not in shown.stdout


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@pytest.mark.parametrize("name", ["arc", "hellaswag", "paws"])
def test_texts_are_cleared_as_lm_eval_does(name: str, tmp_path: Path) -> None:
    """The oracle is what lm-eval's own tasks make of the same rows."""
    import importlib.util

    import lm_eval.tasks

    class Docs(list):  # type: ignore[type-arg]
        """What those functions use of a dataset."""

        def map(self, function: Any) -> Docs:
            return Docs({**doc, **function(dict(doc))} for doc in self)

        def filter(self, function: Any) -> Docs:
            return Docs(doc for doc in self if function(doc))

    place = {"arc": "okapi/arc_multilingual", "hellaswag": "okapi/hellaswag_multilingual", "paws": "paws-x"}[name]
    path = Path(lm_eval.tasks.__file__).parent / place / "utils.py"
    found = importlib.util.spec_from_file_location("theirs", path)
    assert found is not None and found.loader is not None
    theirs = importlib.util.module_from_spec(found)
    found.loader.exec_module(theirs)
    case, folder = CASES[name], written(tmp_path, CASES[name])
    (rows,) = [own for file, own in case.files.items() if file.startswith("en/")]
    process = theirs.process_docs_paraphrases if name == "paws" else theirs.process_docs
    docs = {f"{name}-{doc['id']}": doc for doc in process(Docs(rows))}
    languages = list(next(iter(case.expected.values()))[1])
    questions = load_joined(name, split=case.split, languages=languages, data_dir=folder).questions
    assert len(questions) == len(case.expected)
    for question in questions:
        doc, version = docs[question.id], question.versions["en"]
        if name == "paws":
            assert version.question == f"{doc['sentence1']}, right? ____, {doc['sentence2']}"
        else:
            query = doc["query"].removeprefix("Question: ").removesuffix("\nAnswer:")
            assert version.question == query.strip()
            assert version.options == [choice.strip() for choice in doc["choices"]]
            assert question.answer == doc["gold"]


def test_rows_that_lack_a_sentence_are_counted(tmp_path: Path) -> None:
    repairs = load_joined("paws", languages=["en", "de", "zh"], data_dir=written(tmp_path, CASES["paws"])).repairs
    assert sorted(map(str, repairs)) == [
        "paws de: row 3: no question; left out",
        "paws en: row 3: de lacks them; left out",
        "paws zh: row 3: de lacks them; left out",
    ]


def test_klar_as_published(tmp_path: Path) -> None:
    """Relations are files; a question is asked with the second template, up to its question mark."""

    def relation(templates: list[str], *samples: tuple[str, str, str, int]) -> str:
        rows = [dict(zip(("subject", "object", "object_candidates", "index"), s, strict=True)) for s in samples]
        return json.dumps({"relation_name": "x", "prompt_templates": templates, "samples": rows}, ensure_ascii=False)

    files = {
        "en/capital.json": relation(
            ["The capital of <subject> is <mask>.", "What is the capital of <subject>? The answer is: <mask>"],
            ("Italy", "Rome", "Paris, Rome", 5),
            ("France", "Paris", "Rome, Paris", 6),
        ),
        "el/capital.json": relation(
            ["x", "Ποια είναι η πρωτεύουσα: <subject>; Η απάντηση είναι: <mask>"],
            ("Ιταλία", "Ρώμη", "Παρίσι, Ρώμη", 5),
            ("Γαλλία", "Παρίσι", "Ρώμη, Παρίσι", 6),
        ),
        "zh/capital.json": relation(
            ["<subject>的首都是：<mask>"], ("法国", "巴黎", "罗马, 巴黎", 6), ("意大利", "罗马", "巴黎, 罗马", 5)
        ),
        "en/religion.json": relation(
            ["a", "Which religion has <subject>? <mask>"], ("He", "Islam", "Judaism, Islam", 5)
        ),
        "el/religion.json": relation(["a", "Θρησκεία <subject>;"], ("Αυτός", "Ισλάμ", "Ιουδαϊσμός, Ισλάμ", 5)),
        "zh/religion.json": relation(
            ["a", "<subject>信什么教？答案是<mask>"], ("他", "伊斯兰教", "犹太教, 伊斯兰教", 5)
        ),
    }
    for name in [f"{x}/{part}.json" for x in ("en", "el", "zh") for part in _parts()]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(files.get(name, json.dumps({"prompt_templates": ["x"], "samples": []})), encoding="utf-8")
    found = load_joined("klar", languages=["en", "el", "zh"], data_dir=str(tmp_path)).questions
    assert {q.id: [v.question for v in q.versions.values()] for q in found} == {
        "klar-capital-5": ["What is the capital of Italy?", "Ποια είναι η πρωτεύουσα: Ιταλία;", "意大利的首都是"],
        "klar-capital-6": ["What is the capital of France?", "Ποια είναι η πρωτεύουσα: Γαλλία;", "法国的首都是"],
        "klar-religion-5": ["Which religion has He?", "Θρησκεία Αυτός;", "他信什么教？"],
    }
    for q in found:
        assert q.answer is not None
        assert {v.options[q.answer] for v in q.versions.values()} & {"Rome", "Paris", "Islam"}
    (tmp_path / "zh/religion.json").unlink()
    with pytest.raises(
        Exception, match=r"zh/religion\.json: no such file, and .*zh/applies_to_jurisdiction.json is there"
    ):
        load_joined("klar", languages=["en", "zh"], data_dir=str(tmp_path))


def _parts() -> list[str]:
    return next(b.parts for b in bundled_benchmarks() if b.name == "klar")


def test_what_the_benchmarks_say_of_themselves() -> None:
    scripts = {}
    for b in bundled_benchmarks():
        source = SOURCES[b.name]
        assert source.url.startswith("https://") and source.licence and "arXiv:" in source.citation, b.name
        assert 2 <= len(source.languages) <= MOST_BY_DEFAULT
        assert set(source.languages) <= set(source.available)
        assert all(get_language(x).code == x for x in source.available)
        assert "en" not in source.available or source.languages[0] == "en"
        scripts[b.name] = {get_language(x).script for x in source.languages}
        lacking = set(source.languages) - set(LANGUAGES)
        assert not lacking or b.name in ("truthfulqa", "xcopa"), (b.name, lacking)
    assert [x for x, own in scripts.items() if len(own) < 3] == ["truthfulqa"]
    sizes = {b.name: len(b.languages) for b in bundled_benchmarks()}
    assert (sizes["belebele"], sizes["global_mmlu"], sizes["mmmlu"], sizes["bmlama53"]) == (122, 42, 15, 53)
    belebele = next(b for b in bundled_benchmarks() if b.name == "belebele").languages
    assert belebele["zh-Hant"] == "zho_Hant" and belebele["ar-Latn"] == "arb_Latn" and belebele["sq"] == "als_Latn"


# --- the files as they were published ---------------------------------------------------------------------------------


def _real(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"../shared/data/{name} is not here")
    return folder


def test_xcopa_is_whole() -> None:
    folder = str(_real("xcopa"))
    found = load_joined("xcopa", data_dir=folder, languages=SOURCES["xcopa"].available)
    assert len(found.questions) == 500 and found.repairs == ()
    assert len(load_joined("xcopa", split="validation", data_dir=folder).questions) == 100


def test_klars_candidates_name_other_capitals() -> None:
    """In `capital` the candidates of ar, ca, el, fa and ja are other cities than those of the other languages.

    The oracle: a capital that is the right answer of other questions than the English candidate at its place.
    """
    folder = _real("klar")

    def samples(language: str, relation: str) -> dict[int, tuple[list[str], str]]:
        rows = json.loads((folder / language / f"{relation}.json").read_text(encoding="utf-8"))["samples"]
        return {r["index"]: (r["object_candidates"].split(", "), r["object"]) for r in rows}

    answered = {x: {} for x in ("en", "ar")}  # type: dict[str, dict[str, set[str]]]
    rows = {x: {} for x in ("en", "ar")}  # type: dict[str, dict[str, list[str]]]
    for x in answered:
        for relation in _parts():
            for index, (candidates, right) in samples(x, relation).items():
                answered[x].setdefault(right, set()).add(f"{relation}-{index}")
                rows[x][f"{relation}-{index}"] = candidates
    bad = {
        key
        for key, names in rows["en"].items()
        for a, b in zip(names, rows["ar"][key], strict=True)
        if a in answered["en"] and b in answered["ar"] and not answered["en"][a] & answered["ar"][b]
    }
    assert len(rows["en"]) == 2619 and len(bad) == 335
    assert Counter(key.rsplit("-", 1)[0] for key in bad) == {"capital": 335}
    found = load_joined("klar", languages=["en", "ar"], data_dir=str(folder))
    assert {q.id.removeprefix("klar-") for q in found.questions} == set(rows["en"]) - bad
    (repair,) = found.repairs
    assert "335 questions of 2619 left out" in str(repair) and "(ar in 335)" in str(repair)
    named = load_joined("klar", languages=SOURCES["klar"].available, data_dir=str(folder)).repairs
    said = next(str(r) for r in named if "name other things" in str(r))
    assert re.findall(r"(\w+) in \d+", said.split("than in ")[1]) == ["ar", "ca", "el", "fa", "ja"]


def test_bmlamas_candidates() -> None:
    """Counted anew; what the rows that are left out say is in bmlama17.yaml."""
    folder = _real("bmlama17")
    rows = {}
    for x in ("en", "fr", "es", "zh"):
        lines = (folder / f"{x}.tsv").read_text(encoding="utf-8").splitlines()[1:]
        rows[x] = [dict(zip(("Prompt", "Ans", "Candidate Ans"), line.split("\t"), strict=False)) for line in lines]
    right = {x: {} for x in rows}  # type: dict[str, dict[str, set[int]]]
    for x, own in rows.items():
        for i, row in enumerate(own):
            right[x].setdefault(row["Ans"], set()).add(i)

    def differing(language: str) -> set[int]:
        """The rows with another name than in English at one place."""
        found = set()
        for i, (one, two) in enumerate(zip(rows["en"], rows[language], strict=True)):
            pairs = zip(one["Candidate Ans"].split(", "), two["Candidate Ans"].split(", "), strict=True)
            if any(
                a in right["en"] and b in right[language] and not right["en"][a] & right[language][b] for a, b in pairs
            ):
                found.add(i)
        return found

    bad = differing("fr") | differing("es")
    found = load_joined("bmlama17", languages=["en", "fr", "es"], data_dir=str(folder))
    assert len(found.questions) == 6792 - len(bad) == 5823
    assert {int(q.id.removeprefix("bmlama17-")) for q in found.questions} == set(range(6792)) - bad
    relations = Counter(
        "named" if "named after" in rows["en"][i]["Prompt"] else rows["en"][i]["Prompt"][-16:] for i in bad
    )
    assert set(relations) == {"named", "are twin cities."[-16:]}
    one, two = (rows[x][5436]["Candidate Ans"].split(", ") for x in ("en", "fr"))
    assert one[:2] == ["Emirates of Dubai", "Seoul"] and two[:2] == ["Dubaï", "Séoul"]
    assert (one[7], two[7]) == ("Nagoya", "Rosario")
    whole = load_joined("bmlama17", languages=["en", "zh"], data_dir=str(folder)).questions
    first = next(q for q in whole if q.id == "bmlama17-00000")
    assert first.versions["zh"].question == "卡洛斯二世出生于____。"
    assert len(whole) == 6792 - len(differing("zh")) == 5385


def test_what_may_not_be_trained_on_is_refused() -> None:
    values = {
        "name": "r",
        "model": {"path": "babel"},
        "data": {"source": "global_piqa"},
        "evaluation": {"tasks": ["t"]},
    }
    with pytest.raises(RecipeError, match=r"data\.source: the licence of global_piqa allows evaluation only"):
        parse_recipe(values)
