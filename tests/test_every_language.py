"""Every language is asked in every style, its answers are read, and the harness takes it; KLAR's seventeen among them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from calm_ext.answers.read import read_answer
from calm_ext.errors import CalmError, RecipeError
from calm_ext.harness.dataset import _parse_languages
from calm_ext.harness.task import CrossLingualTask
from calm_ext.languages import LANGUAGES, get_language, normalise_code
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.prompts import LETTERS, Style, answer_text, ask, cue, delimiter, instruction
from calm_ext.records import ParallelQuestion, Prediction, Version
from calm_ext.retrieval.tokens import tokens
from calm_ext.voting.options import VotingOptions
from tests.conftest import SHARED

RESPONSES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data/responses_by_language.jsonl").read_text(encoding="utf-8").splitlines()
]
CODES = sorted({row["language"] for row in RESPONSES})
FULL = [code for code, row in LANGUAGES.items() if not row.invented]
KLAR = ("ar", "ca", "el", "en", "es", "fa", "fr", "he", "hu", "ja", "ko", "nl", "ru", "tr", "uk", "vi", "zh")


@pytest.mark.parametrize("row", RESPONSES, ids=[f"{r['language']}-{i % 16}" for i, r in enumerate(RESPONSES)])
def test_what_models_write_is_read(row: dict[str, object]) -> None:
    """Sixteen responses a language, as models write them."""
    assert read_answer(str(row["response"]), list(row["options"]), str(row["language"])) == row["right"]  # type: ignore[call-overload]


@pytest.mark.parametrize("code", FULL)
def test_the_task_format_is_read_back(code: str) -> None:
    options = next((r["options"] for r in RESPONSES if r["language"] == code), ["eins", "zwei", "drei", "vier"])
    for index in range(4):
        text = answer_text(code, options, index, "explain")
        assert read_answer(f"…{text}", options, code) == index
        assert read_answer(text.rsplit(". ", 1)[0], options, code) == index, "the letter alone"
        assert read_answer(f"{instruction(code, 4)}\n{text}", options, code) == index, "an echo of the instruction"
        assert read_answer(answer_text(code, options, index, "direct"), options, code, style="direct") == index


@pytest.mark.parametrize("code", FULL)
def test_own_letters_name_their_options(code: str) -> None:
    own = get_language(code)
    for index, spelled in enumerate(own.answers.letters[:4]):
        for letter in spelled.split(","):
            if sum(letter in x.split(",") for x in own.answers.letters) == 1:
                said = f"{cue(own, own.answer)}{own.space}{letter}"
                assert read_answer(said, ["10", "20", "30", "40", "50"], code) == index, said


def test_prompts_in_every_style() -> None:
    for code in CODES:
        own = get_language(code)
        options = next(r["options"] for r in RESPONSES if r["language"] == code)
        explained = ask(code, "Q", options, "explain", ["P"])
        assert explained.startswith(own.instruction.split("{")[0]) and explained.endswith(cue(own, own.explanation))
        assert f"{own.passage} 1" in explained and own.passages_note in explained and f"D. {options[3]}" in explained
        assert ask(code, "Q", options, "direct").endswith(f"- {options[3]}\n{cue(own, own.answer)}")
        assert ask(code, "Q", options, "cloze") == f"{cue(own, own.question)}{delimiter(code)}Q\n{cue(own, own.answer)}"


def test_words_are_found_in_every_language() -> None:
    for code in CODES:
        own = get_language(code)
        found, other = tokens(own.instruction, code), tokens(f"({own.question}) {own.relevance}", code)
        assert found and all(t.strip() and " " not in t for t in found), code
        assert tokens(own.question, code)[0] in other, "a word is found in a sentence"


def _question(codes: list[str]) -> ParallelQuestion:
    versions = {}
    for code in codes:
        options = next(
            (r["options"] for r in RESPONSES if r["language"] == code), ["haizea", "ura", "basamortua", "basoa"]
        )
        versions[code] = Version(question="Q?", options=options)
    return ParallelQuestion(id="q", answer=1, source_language=codes[0], versions=versions)


@pytest.mark.parametrize("style", ["explain", "direct", "cloze"])
def test_the_harness_asks_and_reads(style: Style) -> None:
    task = CrossLingualTask.from_questions([_question(CODES)], name="t", style=style)
    task.build_all_requests(limit=None, rank=0, world_size=1)
    assert len(task.instances) == len(CODES) * (4 if style == "cloze" else 1)
    if style == "cloze":
        results = [(-float(i % 4 != 1), False) for i in range(len(task.instances))]
    else:
        texts = [next(r["options"] for r in RESPONSES if r["language"] == x) for x in CODES]
        results = [answer_text(x, texts[i], 1, style) for i, x in enumerate(CODES)]
    values = task.process_results(task.task_docs[0], results)
    assert {values[f"acc_{x}"] for x in CODES} == {1.0} and values["consistency"] == 1.0


def test_a_language_without_words_is_scored_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    from calm_ext.harness.task import _tell_once

    _tell_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            task = CrossLingualTask.from_questions([_question(["eu", "ko"])], name="t", style="cloze")
    notes = [r.getMessage() for r in caplog.records if "cue words" in r.getMessage()]
    assert notes == ["no cue words for Basque (eu): options are scored after the bare question"]
    task.build_all_requests(limit=None, rank=0, world_size=1)
    assert task.instances[0].args == ("Q?", "\nhaizea")
    with pytest.raises(CalmError, match=r"style explain needs words, and there are none for Basque \(eu\)"):
        CrossLingualTask.from_questions([_question(["eu", "ko"])], name="t", style="explain")


def test_recipes_take_codes_as_others_write_them() -> None:
    values = {
        "name": "r", "model": {"path": "m/x"}, "data": {"source": "xcsqa", "languages": ["zh_CN", "jap", "EN"]},
        "evaluation": {"tasks": ["calm_xcsqa_xl"], "languages": ["fra_Latn", "en"]},
        "vote": {"pivot": "eng", "weights": {"ZH": 2}},
    }  # fmt: skip
    recipe = parse_recipe(values)
    assert recipe.data.languages == ["zh", "ja", "en"] and recipe.evaluation.languages == ["fr", "en"]
    assert recipe.vote.pivot == "en" and recipe.vote.weights == {"zh": 2}
    assert VotingOptions(pivot="pt_BR").pivot == "pt-BR"
    assert _parse_languages("zh_CN, eng_Latn jap") == _parse_languages(["cn", "EN", "ja"]) == ["zh", "en", "ja"]
    with pytest.raises(ValidationError, match=r"'zh_CN' is no BCP-47 language code.* \(did you mean 'zh'\?\)"):
        Prediction(id="q", predictions={"zh_CN": 1})
    for languages, said in (
        (["en", "germna"], "data.languages: no language 'germna' (did you mean 'de'?)"),
        (["zh_CN", "cn"], "data.languages: 'zh' is listed twice"),
        (["en", "eu"], "data.languages: sampling.style explain needs words, and there are none for Basque (eu)"),
    ):
        data = {"source": "xcsqa", "languages": languages}
        with pytest.raises(RecipeError) as refused:
            parse_recipe({**values, "vote": {}, "data": data})
        assert said in str(refused.value)


@pytest.mark.parametrize("code", KLAR)
def test_klar_can_be_asked(code: str) -> None:
    """Each of KLAR's languages: its facts as questions, whose answers are read in letters and in texts."""
    folder = SHARED / "klar"
    if not folder.is_dir():
        pytest.skip("../shared/data/klar is not here")
    assert normalise_code(code) == code and {p.name for p in folder.iterdir() if p.is_dir()} == set(KLAR)
    table = json.loads((folder / code / "capital.json").read_text(encoding="utf-8"))
    own = get_language(code)
    for fact in table["samples"][:30]:
        options = list(dict.fromkeys(x.strip() for x in fact["object_candidates"].replace("،", ",").split(",")))[-6:]
        if len({x.casefold() for x in options}) < 3 or fact["object"] not in options:
            continue  # names that hold a comma
        right = options.index(fact["object"])
        question = table["prompt_templates"][0].replace("<subject>", fact["subject"]).split("<mask>")[0]
        assert question in ask(code, question, options, "explain")
        assert read_answer(answer_text(code, options, right, "explain"), options, code) == right
        said = f"{cue(own, own.answer)}{own.space}{LETTERS[right]}"
        assert read_answer(said, options, code) == right
        assert tokens(fact["subject"], code)
