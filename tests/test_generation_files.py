from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from calm_ext.errors import DataError
from calm_ext.jsonl import write_jsonl
from calm_ext.results.generations import import_lm_eval, import_paper, language_of
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable


def sample(languages: list[str], responses: list[list[str]], *, name: str = "q0", **doc: Any) -> dict[str, Any]:
    """A line as lm-eval 0.4.13 logs it, shortened."""
    questions = [f"{name} in {x}?" for x in languages]
    full = {"id": name, "answer": 1, "source_language": "en", "languages": languages, "questions": questions,
            "options": [["air", "water"] for _ in languages], **doc}  # fmt: skip
    arguments = {f"gen_args_{i}": {"arg_0": f"Ask: {q}", "arg_1": {}} for i, q in enumerate(questions)}
    return {"doc_id": 0, "doc": full, "resps": responses, "arguments": arguments, "filtered_resps": responses}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def test_samples_of_lm_eval_and_more_files_of_the_same(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", sample(["en", "fr"], [["Answer: B"], ["Réponse : B"]]))
    second = write(tmp_path / "b.jsonl", sample(["en", "fr"], [["Answer: A"], ["Réponse : B"]]))
    english, french = import_lm_eval([first, second])
    assert english.responses == ["Answer: B", "Answer: A"]
    assert (english.prompt, english.source_language, english.answer) == ("Ask: q0 in en?", "en", 1)
    assert french.options == ["air", "water"]
    with pytest.raises(DataError, match=r"b.jsonl:1: question q0 in en differs from an earlier file"):
        list(import_lm_eval([first, write(second, sample(["en"], [["Answer: A"]], options=[["air", "sea"]]))]))
    with pytest.raises(DataError, match=r"a.jsonl:2: question q0 comes twice in this file"):
        list(import_lm_eval([write(first, *[sample(["en"], [["x"]])] * 2)]))


def test_scored_options_of_lm_eval(tmp_path: Path) -> None:
    scores = [[[-1.5, True]], [[-2.5, False]], [[-3.0, False]], [[-0.5, True]]]
    row = sample(["en", "fr"], scores)  # type: ignore[arg-type]
    row["arguments"] |= {f"gen_args_{i}": {"arg_0": "Ask", "arg_1": " air"} for i in range(4)}
    english, french = import_lm_eval([write(tmp_path / "a.jsonl", row)])
    assert (english.option_logprobs, french.option_logprobs) == ([-1.5, -2.5], [-3.0, -0.5])
    assert english.responses == []


@pytest.mark.parametrize(
    "row",
    [{"doc": {}}, {"doc": {"id": 1}, "resps": []}, sample(["en"], [[1.0]]), sample(["xx"], [["a"]])],  # type: ignore[list-item]
)
def test_what_is_no_sample_is_refused_with_its_line(row: dict[str, Any], tmp_path: Path) -> None:
    if row["doc"].get("languages") == ["en"]:
        row["resps"] = [["a"], ["b"], ["c"]]
    with pytest.raises(DataError, match=r"a.jsonl:1: is not a sample of a cross-lingual task"):
        list(import_lm_eval([write(tmp_path / "a.jsonl", row)]))


def paper_row(question: str, gold: str, *pred: str) -> dict[str, Any]:
    return {"instruction": "Answer.", "input": f"{question}\nA. air\nB. water", "output": gold, "pred": list(pred)}


def test_the_papers_files(tmp_path: Path) -> None:
    path = tmp_path / "x_csqa_en_train_sampled.json"
    rows = [paper_row("Where do fish live?", "B", "Answer: B", "Answer: A"), {**paper_row("Else?", "A"), "pred": None}]
    path.write_text(json.dumps(rows))
    (only,) = import_paper({"en": path}, source_language="en")
    assert only.id == "x_csqa_train-00000"
    assert (only.prompt, only.answer, only.responses) == (
        "Answer.\n\nWhere do fish live?\nA. air\nB. water",
        1,
        ["Answer: B", "Answer: A"],
    )
    path.write_text(json.dumps([{**rows[0], "pred": ["x", 3]}]))
    with pytest.raises(DataError, match="row 1: pred is to be a list of texts"):
        list(import_paper({"en": path}))


def test_the_language_of_a_file_is_in_its_name() -> None:
    assert language_of(Path("x_csqa_cn_train_sampled.json")) == "zh"
    assert language_of(Path("native.fr.json")) == "fr"
    for name in ("samples.json", "en_fr.json", "en2cn_direct.json"):
        with pytest.raises(DataError, match="the language must be in the name"):
            language_of(Path(name))


def test_all_published_samples_become_generations(paper_data: Path, tmp_path: Path) -> None:
    codes = {"en": "en", "zh": "cn", "ja": "ja"}
    files = {x: paper_data / f"data/xcsqa/samples/x_csqa_{n}_train_sampled.json" for x, n in codes.items()}
    generations = list(import_paper(files, source_language="en"))
    assert len(generations) == 3 * 899
    assert write_jsonl(tmp_path / "g.jsonl", generations) == 3 * 899
    table = VoteTable.read(((str(i), g) for i, g in enumerate(generations)), style="explain")
    assert elect(table, VotingOptions()).sources == ("en",)
    # With the source forgotten, it is found.
    blind = ((str(i), g.model_copy(update={"source_language": None})) for i, g in enumerate(generations))
    assert elect(VoteTable.read(blind, style="explain"), VotingOptions()).sources == ("en",)


TURNS = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Où ?"}]


@pytest.mark.parametrize(
    "logged",
    [
        TURNS,
        [TURNS],
        json.dumps(TURNS),
        [json.dumps(TURNS)],
        [json.dumps([{**t, "type": "text"} for t in TURNS], ensure_ascii=False)],
        [{**t, "content": [{"type": "text", "text": t["content"]}]} for t in TURNS],
    ],
    ids=["turns", "nested", "text", "lm-eval", "lm-eval-old", "parts"],
)
def test_a_conversation_is_imported_as_it_is(logged: Any, tmp_path: Path) -> None:
    row = sample(["en", "fr"], [["Answer: B"], ["Réponse : B"]])
    for arguments in row["arguments"].values():
        arguments["arg_0"] = logged
    assert [g.prompt for g in import_lm_eval([write(tmp_path / "a.jsonl", row)])] == [TURNS, TURNS]


@pytest.mark.parametrize("text", ["[1] Where?", '["a", "b"]', "[", '[{"role": "user"}]', "A. [x]"])
def test_a_text_that_looks_like_a_conversation_stays_a_text(text: str, tmp_path: Path) -> None:
    row = sample(["en"], [["Answer: B"]])
    row["arguments"]["gen_args_0"]["arg_0"] = text
    (found,) = import_lm_eval([write(tmp_path / "a.jsonl", row)])
    assert found.prompt == text


@pytest.mark.parametrize("prompt", [None, 3, [], [1], {"role": "user"}, [{"role": "user", "content": None}]])
def test_a_prompt_of_another_kind_is_refused(prompt: Any, tmp_path: Path) -> None:
    row = sample(["en"], [["Answer: B"]])
    row["arguments"]["gen_args_0"]["arg_0"] = prompt
    with pytest.raises(DataError, match=r"a.jsonl:1: .*its prompt is neither a text nor a conversation"):
        list(import_lm_eval([write(tmp_path / "a.jsonl", row)]))


@pytest.mark.parametrize(
    ("logged", "responses"),
    [
        (["Answer: A", "Answer: B"], ["Answer: A", "Answer: B"]),
        ([["Answer: A", "Answer: B"]], ["Answer: A", "Answer: B"]),
        ([None], [None]),
        (["None"], [None]),  # lm-eval writes str(None)
        ([["A", None], "B"], ["A", None, "B"]),
    ],
)
def test_repeated_and_missing_responses(logged: Any, responses: list[str | None], tmp_path: Path) -> None:
    (found,) = import_lm_eval([write(tmp_path / "a.jsonl", sample(["en"], [logged]))])
    assert found.responses == responses
    named = sample(["en"], [["None"]], options=[["None", "All"]])
    assert next(import_lm_eval([write(tmp_path / "b.jsonl", named)])).responses == ["None"]


def test_the_ending_of_a_models_name_is_no_language() -> None:
    for name in ("gemma-2-9b-it_train_sampled.json", "gemma-3-4b-pt.json", "gemma-3-4b-it.train.json"):
        with pytest.raises(DataError, match="which says none, or given by --language CODE"):
            language_of(Path(name))
    assert language_of(Path("gemma-2-9b-it_fr_train.json")) == "fr"
    assert language_of(Path("x_csqa_it_train_sampled.json")) == "it"


def test_a_text_that_denies_the_language_of_the_name(tmp_path: Path) -> None:
    english = [
        paper_row(f"What is the best place for a book or a cup, number {i}?", "B", "Answer: B") for i in range(4)
    ]
    chinese = [paper_row(f"鱼住在哪里？第{i}个问题问你水和空气", "B", "答案：B") for i in range(4)]
    italian = [paper_row(f"Qual è il posto migliore per un libro o una tazza, numero {i}?", "B") for i in range(4)]
    for rows, said in ((english, "reads like English"), (chinese, "is in another script")):
        path = tmp_path / "model_it_train.json"
        path.write_text(json.dumps(rows))
        with pytest.raises(DataError, match=f"its name says it, but its text {said}; give the right one by --language"):
            list(import_paper({"it": path}, sure=False))
        assert len(list(import_paper({"it": path}))) == 4, "a language that was given is believed"
    path.write_text(json.dumps([{**r, "pred": ["x"]} for r in italian]))
    assert len(list(import_paper({"it": path}, sure=False))) == 4


def test_the_published_files_are_of_the_languages_they_say(paper_data: Path) -> None:
    for file in sorted(paper_data.glob("data/*/samples/*.json")):
        code = language_of(file)
        assert next(import_paper({code: file}, sure=False)).language == code
