"""Style open: free text, read by the options' names; from the questions to the votes, pairs, tasks and the report."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from calm_ext import read_answer, vote
from calm_ext.answers.named import read_open
from calm_ext.cli.main import cli
from calm_ext.data import SOURCES, answerable, load_questions
from calm_ext.errors import CalmError, DataError
from calm_ext.harness import dataset
from calm_ext.harness.evaluate import evaluate
from calm_ext.harness.task import CrossLingualTask
from calm_ext.harness.turns import generation_kwargs, turns
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.metrics.answered import Answered, AnswerSet
from calm_ext.metrics.measure import measure
from calm_ext.models.lm import SharedPrefixLM
from calm_ext.models.options import SamplingOptions
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import ask, check_words, wordless_notes
from calm_ext.records import Ballot, Generation, ParallelQuestion, Version
from calm_ext.report import write_report
from calm_ext.report.board.table import Table
from calm_ext.report.board.write import chance
from calm_ext.report.collect import read_run, summarize
from calm_ext.report.styles import siblings
from calm_ext.report.terminal import print_summary
from calm_ext.report.verdict import verdict
from calm_ext.results.answers import read_answers
from calm_ext.results.generations import import_lm_eval
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable
from tests.conftest import ROOT

TABLE = ROOT / "tests/data/open_answers.tsv"
COUNTRIES = ["Guinea", "Equatorial Guinea", "United Kingdom", "Norway"]
NAMES: list[list[str]] = [[], [], ["UK", "Great Britain"], []]


def labelled() -> list[tuple[str, list[str], list[list[str]] | None, str, int | None]]:
    """language, options, names, response, the option that it names."""
    rows: list[tuple[str, list[str], list[list[str]] | None, str, int | None]] = []
    for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]:
        language, texts, named, response, right = line.split("\t")
        options = texts.split("|")
        by_option = dict(part.split("=") for part in named.split(";") if part)
        names = [by_option[str(i)].split(",") if str(i) in by_option else [] for i in range(len(options))]
        answer = None if right == "-" else int(right)
        rows.append((language, options, names if named else None, response.replace("\\n", "\n"), answer))
    return rows


# --- the reader -------------------------------------------------------------------------------------------------------


def test_the_table_is_wide_enough() -> None:
    rows = labelled()
    assert len(rows) >= 150 and len({language for language, *_ in rows}) >= 12
    assert sum(answer is None for *_, answer in rows) >= 40


def test_every_labelled_answer_is_read_as_labelled() -> None:
    wrong = [row for row in labelled() if read_open(row[3], row[1], row[2], row[0]) != row[4]]
    assert not wrong


def test_the_order_of_the_options_plays_no_part() -> None:
    for language, options, names, response, answer in labelled():
        back = list(reversed(range(len(options))))
        given_names = [names[i] for i in back] if names else None
        found = read_open(response, [options[i] for i in back], given_names, language)
        assert found == (None if answer is None else back.index(answer)), (language, options, response)


def test_read_answer_reads_it_too() -> None:
    assert read_answer("in the UK", COUNTRIES, "en", style="open", names=NAMES) == 2
    assert read_answer("in the UK", COUNTRIES, "en", style="open") is None
    assert read_answer("Norway", ["Norway", "Norway", "Mali"], "en", style="open") is None, "two options of one text"
    assert read_answer("%%UK%% Norway", COUNTRIES, "en", style="open", names=NAMES, thoughts=[("%%", "%%")]) == 3
    assert read_answer("Gasteizen", ["Bilbo", "Gasteiz"], "eu", style="open") == 1, "a language without words"


@given(st.text(max_size=200), st.sampled_from(["en", "zh", "ar", "tr", "ko", "eu", "th"]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_without_an_error(text: str, language: str) -> None:
    assert read_open(text, COUNTRIES, NAMES, language) in (None, 0, 1, 2, 3)


@pytest.mark.parametrize(
    "text", ["a " * 400_000, "Norway. " * 100_000, "'" * 500_000, "1. x\n" * 100_000, "not " * 200_000, "l'" * 300_000]
)
def test_long_responses_are_read_in_no_time(text: str) -> None:
    for language in ("en", "fr", "ja"):
        read_open("", COUNTRIES, NAMES, language)
        start = time.perf_counter()
        read_open(text, COUNTRIES, NAMES, language)
        assert time.perf_counter() - start < 0.5


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(TypeError, match="a response must be text, not NoneType"):
        read_open(None, COUNTRIES, None, "en")  # type: ignore[arg-type]
    with pytest.raises(CalmError, match="1 lists of names for 4 options"):
        read_open("UK", COUNTRIES, [["UK"]], "en")
    with pytest.raises(CalmError, match="options is empty"):
        read_open("UK", [], None, "en")
    with pytest.raises(CalmError, match="no language 'xx'"):
        read_open("UK", COUNTRIES, None, "xx")


# --- questions and their names ----------------------------------------------------------------------------------------


def question(identity: str = "q1", **more: Any) -> ParallelQuestion:
    versions = {
        "en": Version(question="Which country has London?", options=COUNTRIES),
        "fr": Version(question="Quel pays ?", options=["Guinée", "Guinée équatoriale", "Royaume-Uni", "Norvège"]),
    }
    return ParallelQuestion(id=identity, answer=2, versions=versions, names={"en": NAMES}, **more)


def test_names_are_kept_by_the_files_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    write_jsonl(path, [question(), question("q2").model_copy(update={"names": None})])
    first, second = read_jsonl(path, ParallelQuestion)
    assert first == question() and first.names == {"en": NAMES}
    assert second.names is None and '"names"' not in path.read_text().splitlines()[1]
    assert first.restricted_to(["fr"]).names is None
    assert first.restricted_to(["fr", "en"]).names == {"en": NAMES}


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ({"en": NAMES[:3]}, "3 lists of names for 4 options"),
        ({"de": NAMES}, "names are given in de, and there is no version in it"),
        ({"en": [[], [" "], [], []]}, "a name of option 1 is empty"),
        ({"en": ["UK", "", "", ""]}, "a list was expected"),
    ],
)
def test_wrong_names_are_refused_with_the_line(tmp_path: Path, names: Any, what: str) -> None:
    row = json.loads(question().model_dump_json(exclude_defaults=True)) | {"names": names}
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=rf"q\.jsonl:1: .*{what}"):
        list(read_jsonl(path, ParallelQuestion))


def test_the_sample_leaves_out_what_needs_its_options_and_names_the_rest() -> None:
    questions = load_questions("sample")
    kept, note = answerable(questions, "sample")
    assert note == "54 of 120 questions cannot be answered without their options and are left out"
    assert {q.id for q in questions} >= SOURCES["sample"].needs_options
    assert not [q.id for q in kept if " of these " in q.versions["en"].question]
    assert sum(bool(q.names) for q in kept) == sum(bool(q.names) for q in questions)
    for q in kept:
        for language, version in q.versions.items():
            names = (q.names or {}).get(language)
            for i, text in enumerate(version.options):
                for said in (text, f" {text}.", *(names[i] if names else ())):
                    assert read_open(said, version.options, names, language) == i, (q.id, language, said)
    same, nothing = answerable(load_questions("babel"), "babel")
    assert len(same) == len(load_questions("babel")) and nothing == ""


# --- asking -----------------------------------------------------------------------------------------------------------


def test_the_prompt_is_that_of_cloze_and_a_wordless_language_goes_on_in_the_next_line() -> None:
    for code in ("en", "zh", "qaa"):
        assert ask(code, "Who?", COUNTRIES, "open", ["A text."]) == ask(code, "Who?", COUNTRIES, "cloze", ["A text."])
    assert ask("eu", "Nor?", COUNTRIES, "open") == "Nor?\n"
    check_words(["eu", "en"], "open")
    assert wordless_notes(["eu"], "open") == ["no cue words for Basque (eu): the bare question is asked"]
    doc = {"id": "q", "answer": 1, "languages": ["eu"], "questions": ["Nor?"], "options": [["a", "b"]]}
    user, assistant = turns(doc, 0, "open", answered=True)
    assert user.content + user._delimiter + assistant.content == "Nor?\nb"
    assert generation_kwargs({"until": ["\n"]}, "eu")["until"] == ["\n"]
    assert generation_kwargs({"until": ["\n"]}, "en")["until"] == ["\n", "\nQuestion:"]


def test_sampling_options_know_the_style() -> None:
    assert SamplingOptions(style="open").mode_problems() == []
    assert SamplingOptions(style="open", mode="options").mode_problems() == [
        "sampling.style: open does not go with sampling.mode options"
    ]


def task_of(questions: list[ParallelQuestion]) -> CrossLingualTask:
    return CrossLingualTask.from_questions(questions, name="t_open", style="open")


def test_the_task_reads_names_and_signs_how() -> None:
    task = task_of([question(), question("q2").model_copy(update={"names": None})])
    doc = task.dataset["test"][0]
    assert doc["names"] == [NAMES, [[], [], [], []]]
    assert task.answered(doc, [" the UK", " Norvège ou Guinée"]).answers == {"en": 2, "fr": None}
    values = task.process_results(doc, ["UK", "la Norvège"])
    assert (values["acc"], values["acc_en"], values["acc_fr"], values["answered"]) == (0.5, 1.0, 0.0, 1.0)
    assert "|style:open|" in task.config.metadata["signature"] and "|score:open-2|" in task.config.metadata["signature"]
    other = CrossLingualTask.from_questions([question()], name="t", style="direct")
    assert "names" not in other.dataset["test"][0], "the documents of other styles stay as they are"


def test_a_task_of_the_sample_has_the_answerable_questions(caplog: pytest.LogCaptureFixture) -> None:
    found = dataset.load("sample", languages=["en", "fr"], style="open")
    assert len(found["test"]) == 66 and "54 of 120 questions cannot be answered" in caplog.text
    assert len(dataset.load("sample", languages=["en", "fr"])["test"]) == 120


@pytest.mark.parametrize(
    ("style", "kind", "said"),
    [
        ("open", "loglikelihood", "t: style open needs output_type: generate_until, not loglikelihood"),
        ("cloze", "generate_until", "t: style cloze needs output_type: loglikelihood, not generate_until"),
        ("opne", "generate_until", "t: there is no style 'opne'; choose from explain, direct, open, cloze, letters"),
    ],
)
def test_a_style_that_a_task_cannot_ask_in(style: str, kind: str, said: str) -> None:
    table = dataset.to_dataset([question()], style="open")
    config = {
        "task": "t",
        "custom_dataset": lambda **_: {"test": table},
        "test_split": "test",
        "output_type": kind,
        "metadata": {"version": 1.0, "style": style},
    }
    with pytest.raises(CalmError, match=said):
        CrossLingualTask(config=config)


def test_nothing_is_chosen_by_chance_or_by_its_place_where_no_options_are_shown() -> None:
    same = {str(i): Answered(str(i), 0, {"en": 0, "fr": 0}, 4) for i in range(40)}
    free = measure(AnswerSet("memory", "task:t|style:open", ["en", "fr"], same), resamples=50)
    assert free.chance == {} and not any("position bias" in w for w in free.warnings)
    shown = measure(AnswerSet("memory", "task:t|style:direct", ["en", "fr"], same), resamples=50)
    assert shown.chance["acc"] == 0.25 and any("position bias" in w for w in shown.warnings)
    table = Table("t", "acc", [], [], [], {"options": "4", "style": "open"}, [], [], [], "")
    assert (
        chance(table) == "" and chance(table._replace(facts={"options": "4"})) == "Guessing gives an accuracy of 0.250."
    )


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return SharedPrefixLM(pretrained=str(babel_model), dtype="float32", device="cpu", batch_size=32, max_length=2048)


def test_evaluation_logs_what_reads_back_the_same(lm: SharedPrefixLM, tmp_path: Path) -> None:
    evaluate(lm, ["calm_babel_xl_open"], tmp_path / "eval", model_name="t", limit=8, num_fewshot=1)
    [samples] = (tmp_path / "eval").rglob("samples_calm_babel_xl_open*.jsonl")
    found = read_answers([tmp_path / "eval"])
    assert len(found.questions) == 8 and "style:open" in found.signature
    rows = [json.loads(x) for x in samples.read_text().splitlines()]
    for row in rows:
        doc = row["doc"]
        again = {
            x: read_open(text, options, None, x)
            for x, options, text in zip(doc["languages"], doc["options"], row["filtered_resps"], strict=True)
        }
        assert again == found.questions[doc["id"]].answers
        assert row["arguments"]["gen_args_0"]["arg_0"].count(doc["questions"][0]) == 1
        assert "\n- " not in row["arguments"]["gen_args_0"]["arg_0"], "no options are shown"
        del row["kappa"]
    bare = tmp_path / "bare"
    bare.mkdir()
    [results] = (tmp_path / "eval").rglob("results*.json")
    (bare / results.name).write_text(results.read_text())
    (bare / samples.name).write_text("".join(json.dumps({**r, "kappa": None}) + "\n" for r in rows))
    assert {i: q.answers for i, q in read_answers([bare]).questions.items()} == {
        i: q.answers for i, q in found.questions.items()
    }, "read again in the style of the results file"


def test_names_survive_an_import_of_lm_eval_samples(tmp_path: Path) -> None:
    doc = dataset.to_doc(question(), named=True)
    row = {
        "doc": doc, "resps": [["the UK"], ["la Norvège"]], "filtered_resps": ["the UK", "la Norvège"],
        "arguments": {f"gen_args_{i}": {"arg_0": "?", "arg_1": {}} for i in range(2)}, "metrics": ["acc"], "acc": 0.5,
    }  # fmt: skip
    path = tmp_path / "samples_t.jsonl"
    path.write_text(json.dumps(row) + "\n")
    generations = list(import_lm_eval([path]))
    assert [g.names for g in generations] == [NAMES, [[], [], [], []]]
    row["doc"] = {**doc, "names": [[["UK"]], NAMES]}
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match="its names in en are no list for each option"):
        list(import_lm_eval([path]))


def test_sampling_votes_and_pairs(tmp_path: Path, babel_model: Path) -> None:
    questions = load_questions("babel", split="train", languages=["qaa", "qab"], limit=6)
    names = {"qaa": [[f"Alias{i}"] for i in range(questions[0].n_options)]}
    write_jsonl(tmp_path / "q.jsonl", [questions[0].model_copy(update={"names": names}), *questions[1:]])
    out = tmp_path / "g.jsonl"
    arguments = ["sample", str(tmp_path / "q.jsonl"), "-o", str(out), "--model", str(babel_model), "--style", "open"]
    found = CliRunner().invoke(cli, [*arguments, "-n", "3", "--max-new-tokens", "6", "--device", "cpu"])
    assert found.exit_code == 0, found.output
    generations = list(read_jsonl(out, Generation))
    assert generations[0].names == names["qaa"] and generations[1].names is None
    assert all(isinstance(g.prompt, str) and "\n- " not in g.prompt for g in generations)
    voted = CliRunner().invoke(cli, ["vote", str(out), "--style", "open", "--json"])
    assert voted.exit_code == 0, voted.output


def answers_in(language: str, *responses: str) -> Generation:
    version = question().versions[language]
    return Generation(
        id="q1", language=language, question=version.question, options=version.options, answer=2,
        prompt=ask(language, version.question, version.options, "open"), responses=list(responses),
        names=NAMES if language == "en" else None,
    )  # fmt: skip


def test_a_pair_prefers_a_response_that_names_the_winner(tmp_path: Path) -> None:
    generations = [
        answers_in("en", " the UK", " Norway", " I do not know"),
        answers_in("fr", " Royaume-Uni", " le Royaume-Uni", " Norvège"),
    ]
    numbered = [(f"g:{i}", g) for i, g in enumerate(generations, 1)]
    table = VoteTable.read(numbered, style="open")
    assert table.votes == [{"en": (2, 3, None), "fr": (2, 2, 3)}]
    ballots = elect(table, VotingOptions()).ballots
    assert ballots[0].winner == 2
    pairs = list(build_pairs([("b:1", ballots[0])], lambda: numbered, PairingOptions(), style="open"))
    assert {(p.language, p.chosen, p.rejected) for p in pairs} == {
        ("en", " the UK", " Norway"),
        ("fr", " Royaume-Uni", " Norvège"),
    }
    only = [("g:1", answers_in("en", " Norway")), ("g:2", generations[1])]
    ballot = Ballot(id="q1", winner=2, margin=1, votes={"en": [3], "fr": [2, 2, 3]}, weights={"en": 1, "fr": 1})
    [made] = [
        p
        for p in build_pairs([("b:1", ballot)], lambda: only, PairingOptions(fallback="answer_only"), style="open")
        if p.language == "en"
    ]
    assert (made.chosen, made.origin) == (" United Kingdom", "answer_only")
    write_jsonl(tmp_path / "g.jsonl", generations)
    write_jsonl(tmp_path / "b.jsonl", ballots)
    said = CliRunner().invoke(
        cli, ["pairs", str(tmp_path / "b.jsonl"), str(tmp_path / "g.jsonl"), "--style", "open", "--json"]
    )
    assert said.exit_code == 0 and json.loads(said.stdout)["n_pairs"] == 2


def test_python_votes_on_free_text() -> None:
    rows = [
        g.model_dump(include={"id", "language", "options", "responses", "names"})
        for g in (answers_in("en", "UK"), answers_in("fr", "le Royaume-Uni"))
    ]
    assert vote(rows, style="open").ballots[0].winner == 2
    with pytest.raises(DataError, match="explain, direct or open was expected"):
        vote(rows, style="cloze")


# --- the report -------------------------------------------------------------------------------------------------------


def styled_run(path: Path, shares: dict[str, tuple[float, float]], *, n: int = 300, drop: int = 0) -> Path:
    """A run with a task a style, each with its share of right answers before and after; free text asks fewer."""
    from tests.test_report import make_answers, make_questions, make_run, write_evaluation

    make_run(path, languages=["en", "fr"], n=20, n_test=20)
    questions = make_questions(n, ["en", "fr"], "test")
    for k, when in enumerate(("before", "after")):
        folder = path / "eval" / when
        tasks = {}
        for seed, (style, pair) in enumerate(shares.items()):
            asked = questions[drop:] if style == "open" else questions
            tasks[f"any_{style}"] = (asked, make_answers(asked, dict.fromkeys(["en", "fr"], pair[k]), 10 * seed + k))
        write_evaluation(folder, tasks)
        for task, (_, answers) in tasks.items():
            samples = folder / f"samples_{task}.jsonl"
            rows = [
                json.loads(x) | {"kappa": own} for x, own in zip(samples.read_text().splitlines(), answers, strict=True)
            ]
            samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
        results = json.loads((folder / "results.json").read_text())
        for style in shares:
            metadata = results["configs"][f"any_{style}"]["metadata"]
            metadata["style"] = style
            metadata["signature"] = metadata["signature"].replace("style:explain", f"style:{style}")
        (folder / "results.json").write_text(json.dumps(results))
    return path


def test_siblings_are_found_by_what_they_ask(tmp_path: Path) -> None:
    run = styled_run(tmp_path / "run", {"direct": (0.5, 0.9), "cloze": (0.5, 0.5), "open": (0.6, 0.3)}, drop=100)
    [group] = siblings(read_run(run))
    assert group.styles == {"any_direct": "direct", "any_cloze": "cloze", "any_open": "open"}
    assert group.ids == [f"test-{i:04d}" for i in range(100, 300)]


@pytest.mark.parametrize(
    ("choice", "free", "words"),
    [
        ((0.5, 0.9), (0.7, 0.3), "accuracy rose (+0."),
        ((0.5, 0.9), (0.5, 0.5), "did not follow"),
        ((0.5, 0.5), (0.7, 0.3), "Multiple choice does not see the damage to free answers"),
        ((0.9, 0.5), (0.5, 0.5), "accuracy fell"),
        ((0.5, 0.9), (0.5, 0.9), ""),
        ((0.5, 0.5), (0.5, 0.9), ""),
    ],
)
def test_the_report_warns_where_the_two_part(
    tmp_path: Path, choice: tuple[float, float], free: tuple[float, float], words: str
) -> None:
    from tests.test_card import card_of
    from tests.test_report import page

    run = styled_run(tmp_path / "run", {"direct": choice, "open": free}, drop=50)
    summary = summarize(read_run(run), resamples=300)
    [group] = summary["styles"]
    assert group["n_questions"] == 250 and group["languages"] == ["en", "fr"]
    ids = {f"test-{i:04d}" for i in range(50, 300)}
    for style in ("direct", "open"):
        for when in ("before", "after"):
            rows = [json.loads(x) for x in (run / f"eval/{when}/samples_any_{style}.jsonl").read_text().splitlines()]
            own = [r["acc"] for r in rows if r["doc"]["id"] in ids]
            assert group["tasks"][f"any_{style}"][when]["acc"] == pytest.approx(sum(own) / len(own))
    told = [w for w in group["warnings"] if "accuracy" in w]
    assert (len(told) == 1 and words in told[0]) if words else not told
    card = card_of(run)
    assert "| accuracy (acc), free text (" in card and card.count("came out differently") == len(group["warnings"]) <= 1
    alone = choice == (0.5, 0.9) and free != choice
    assert verdict(summary)[1].startswith("It worked for multiple choice, not in free text: ") == alone
    if free == (0.7, 0.3) and choice == (0.5, 0.9):
        write_report(run)
        text = page(run)
        assert "<h3>Multiple choice and free text</h3>" in text
        assert text.count("any_direct and any_open came out differently") == 1
        console = Console(record=True, width=200, file=io.StringIO())
        print_summary(summary, console)
        shown = console.export_text()
        assert "accuracy (acc), free text" in shown and "any_direct and any_open came out differently" in " ".join(
            shown.split()
        )


def test_a_run_without_free_text_has_no_such_table(tmp_path: Path) -> None:
    run = styled_run(tmp_path / "run", {"direct": (0.5, 0.9), "cloze": (0.5, 0.5)}, n=40)
    assert siblings(read_run(run)) == []
    assert "styles" not in summarize(read_run(run), resamples=100)
