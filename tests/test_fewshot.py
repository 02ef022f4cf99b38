"""Few-shot questions: which they are, what a prompt has of them, and what a result says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from calm_ext.data import load_questions
from calm_ext.errors import CalmError, DataError
from calm_ext.harness.evaluate import evaluate, task_manager
from calm_ext.models.lm import SharedPrefixLM
from calm_ext.prompts import answer_text, ask, delimiter
from calm_ext.report.board.read import read_entries
from calm_ext.results.aggregates import read_aggregates
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return SharedPrefixLM(pretrained=str(babel_model), dtype="float32", device="cpu", batch_size=64, max_length=2048)


def loaded(name: str, *, seed: int | None = 1234, **metadata: Any) -> Any:
    task = task_manager([name], metadata=metadata).load([name])["tasks"][name]
    task.set_fewshot_seed(seed)
    return task


def turns(history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
    assert add_generation_prompt
    return json.dumps(history, ensure_ascii=False)


def test_no_task_fixes_the_number_of_shots() -> None:
    """lm-eval ignores --num_fewshot where a YAML says 0."""
    files = sorted((ROOT / "lm_eval_tasks").rglob("*.yaml"))
    assert len(files) > 100
    assert [p.name for p in files if "num_fewshot" in p.read_text("utf-8")] == []
    own = [p.read_text("utf-8") for p in files if "custom_dataset" in p.read_text("utf-8")]
    assert own and all("\nfewshot_split: train\n" in text for text in own)


@pytest.mark.parametrize(("name", "style"), [("calm_sample_xl", "explain"), ("calm_sample_xl_mc", "cloze")])
def test_shots_are_the_same_questions_in_each_language_with_their_gold_answers(name: str, style: Any) -> None:
    questions = {q.id: q for q in load_questions("sample")}
    task = loaded(name)
    for doc in list(task.eval_docs)[:20]:
        asked, shots = questions[doc["id"]], [questions[s["id"]] for s in task.shots(doc, 3)]
        assert len({s.id for s in shots}) == 3
        assert asked not in shots
        for language, context in zip(doc["languages"], task.fewshot_context(doc, 3), strict=True):
            expected = ""
            for shot in shots:
                version, gold = shot.versions[language], shot.answer
                assert gold is not None
                answer = answer_text(language, version.options, gold, style)
                between = "" if answer.startswith("\n") else delimiter(language)
                expected += ask(language, version.question, version.options, style) + between + answer + "\n\n"
            own = asked.versions[language]
            assert context == expected + ask(language, own.question, own.options, style)


@pytest.mark.parametrize("name", ["calm_sample_xl", "calm_sample_xl_mc", "calm_babel_xl", "calm_sample_fr"])
def test_without_shots_a_prompt_is_the_question_alone(name: str) -> None:
    task = loaded(name)
    for doc in list(task.eval_docs)[:5]:
        alone = [
            ask(x, q, o, task.style) for x, q, o in zip(doc["languages"], doc["questions"], doc["options"], strict=True)
        ]
        assert task.fewshot_context(doc, 0) == alone
        chat = task.fewshot_context(doc, 0, apply_chat_template=True, chat_template=turns)
        assert chat == [turns([{"role": "user", "content": text}]) for text in alone]


@pytest.mark.parametrize("multiturn", [True, False])
def test_shots_in_a_chat_template(multiturn: bool) -> None:
    task = loaded("calm_sample_xl", languages=["en", "zh"])
    doc = task.eval_docs[0]
    contexts = task.fewshot_context(
        doc, 2, apply_chat_template=True, fewshot_as_multiturn=multiturn, chat_template=turns, system_instruction="Be brief."
    )  # fmt: skip
    for language, cue, context in zip(("en", "zh"), ("Answer: ", "答案:"), contexts, strict=True):
        history = json.loads(context)
        roles = [m["role"] for m in history]
        assert roles == (["system", *["user", "assistant"] * 2, "user"] if multiturn else ["system", "user"])
        text = "\n".join(m["content"] for m in history)
        assert text.count(cue) >= 2
        assert [m["content"] for m in history if m["role"] == "system"] == ["Be brief."]
        index = doc["languages"].index(language)
        for shot in task.shots(doc, 2):
            assert re.search(rf"\b[A-D]\. {re.escape(shot['options'][index][shot['answer']])}", text)


def test_the_shots_of_a_question_depend_on_the_seed_and_on_nothing_else() -> None:
    first, again, other = loaded("calm_sample_xl"), loaded("calm_sample_xl"), loaded("calm_sample_xl", seed=7)
    docs = list(first.eval_docs)
    ids = [[s["id"] for s in first.shots(d, 3)] for d in docs]
    assert ids[::-1] == [[s["id"] for s in again.shots(d, 3)] for d in docs[::-1]], "not on the order asked"
    assert ids != [[s["id"] for s in other.shots(d, 3)] for d in docs]
    assert len({tuple(i) for i in ids}) > 100
    one = loaded("calm_sample_fr")
    assert ids == [[s["id"] for s in one.shots(d, 3)] for d in one.eval_docs], "nor on the languages"


def test_shots_are_of_the_training_questions_where_there_are_some() -> None:
    train = {q.id for q in load_questions("babel", split="train")}
    task = loaded("calm_babel_xl_rag", languages=["qaa", "qab"], k=1)
    doc = task.eval_docs[0]
    shots = task.shots(doc, 4)
    assert {s["id"] for s in shots} <= train
    context = task.fewshot_context(doc, 4)[0]
    assert context.count("Lumek: ") == 5, "a passage before each shot and before the question"
    asked = loaded("calm_babel_xl_asked", languages=["qaa", "qab"])
    assert all(d["id"] not in {s["id"] for s in asked.shots(d, 4)} for d in list(asked.eval_docs)[:50])


def test_more_shots_than_there_are_questions() -> None:
    task = loaded("calm_sample_xl", languages=["en"])
    assert len(task.shots(task.eval_docs[0], 119)) == 119
    with pytest.raises(CalmError, match="calm_sample_xl: 120 few-shot questions were asked for, there are 119 besi"):
        task.fewshot_context(task.eval_docs[0], 120)


def test_a_result_says_its_shots(lm: SharedPrefixLM, tmp_path: Path) -> None:
    names, metadata = ["calm_sample_xl_mc", "calm_babel_xl"], {"languages": None}
    for shots, folder in ((None, "none"), (0, "zero"), (2, "two")):
        evaluate(lm, names, tmp_path / folder, model_name="t", limit=2, num_fewshot=shots, metadata=metadata)
        results = read_aggregates(tmp_path / folder / "results.json")
        for name in names:
            assert results.raw["n-shot"][name] == (shots or 0)
            assert ("|shots:2|" in results.signature(name)) == (shots == 2)
        (entry, *_) = read_entries([tmp_path / folder]).entries
        assert entry.facts["few-shot"] == f"{shots or 0}-shot"
        assert "shots" not in entry.facts
    prompts = [
        json.loads(line)["arguments"]["gen_args_0"]["arg_0"]
        for line in (tmp_path / "two/samples_calm_sample_xl_mc.jsonl").read_text("utf-8").splitlines()
    ]
    assert all(p.count("Question: ") == 3 for p in prompts)


def test_judged_passages_and_shots_do_not_go_together(lm: SharedPrefixLM, tmp_path: Path) -> None:
    with pytest.raises(CalmError, match="calm_sample_xl_rag_mc: passages of few-shot questions are not judged"):
        evaluate(lm, ["calm_sample_xl_rag_mc"], tmp_path / "o", model_name="t", num_fewshot=1, metadata={"judge": True})


def test_a_passages_file_without_those_of_the_shots(tmp_path: Path) -> None:
    (asked, *_) = load_questions("babel", split="test")
    rows = [{"id": asked.id, "language": "qaa", "passages": [{"id": "p", "language": "qaa", "text": "x"}]}]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    task = loaded("calm_babel_xl_rag", languages=["qaa"], passages=str(tmp_path / "p.jsonl"))
    with pytest.raises(DataError, match=r"few-shot questions of babel train: .*p.jsonl: has passages of other quest"):
        task.fewshot_context(task.eval_docs[0], 1)
