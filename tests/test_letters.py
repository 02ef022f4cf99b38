"""Style letters: the order in which options are shown plays no part in anything but the prompt."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, DataError
from calm_ext.harness.evaluate import evaluate
from calm_ext.harness.sampler import sample
from calm_ext.harness.task import CrossLingualTask
from calm_ext.jsonl import read_jsonl
from calm_ext.metrics.answered import letter_bias, scored_answer
from calm_ext.metrics.measure import measure
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.lm import SharedPrefixLM
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.prompts import LETTERS, answer_text, ask, shown_letter, shown_order
from calm_ext.records import Generation, ParallelQuestion, Version
from calm_ext.results.answers import read_answers
from calm_ext.voting.elect import Election, elect
from calm_ext.voting.letters import ENOUGH
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.table import VoteTable

LANGUAGES = ("en", "fr", "zh")


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return SharedPrefixLM(pretrained=str(babel_model), dtype="float32", device="cpu", batch_size=32, max_length=2048)


def lettered(
    identity: str, language: str, by_place: Sequence[float], shown: Sequence[int], gold: int | None = 0
) -> Generation:
    """A generation whose letters have these log-probabilities, by place as shown."""
    scores = [by_place[list(shown).index(i)] for i in range(len(shown))]
    texts = [f"{language} option {i}" for i in range(len(shown))]
    return Generation(
        id=identity, language=language, question="?", options=texts, answer=gold,
        prompt=ask(language, "?", [texts[i] for i in shown], "letters"), option_logprobs=scores, shown=list(shown),
    )  # fmt: skip


def cast(generations: Sequence[Generation], normalize: Any = "auto", **options: Any) -> tuple[VoteTable, Election]:
    numbered = [(f"g.jsonl:{i}", g) for i, g in enumerate(generations, 1)]
    found = VoteTable.read(numbered, style="letters", normalize=normalize)
    return found, elect(found, VotingOptions(**options))


# --- the order and the prompt -----------------------------------------------------------------------------------------


def test_the_order_is_fixed_spread_evenly_and_of_the_question_alone() -> None:
    assert shown_order("xcsqa-test-00000", 5, 0) == shown_order("xcsqa-test-00000", 5, 0)
    assert [shown_order(f"q{i}", 5, 0) for i in range(9)] != [shown_order(f"q{i}", 5, 1) for i in range(9)]
    places = Counter((p, o) for i in range(4000) for p, o in enumerate(shown_order(f"q{i}", 4, 0)))
    assert len(places) == 16
    assert min(places.values()) > 900
    assert max(places.values()) < 1100


def test_the_prompt_is_answered_with_a_letter() -> None:
    shown, options = [2, 0, 1], ["air", "water", "sand"]
    prompt = ask("fr", "Où ?", [options[i] for i in shown], "letters", ["Un texte."])
    assert prompt == "Passage 1 : Un texte.\nQuestion : Où ?\nA. sand\nB. air\nC. water\nRéponse :".replace(
        " :", prompt[9:11]
    )
    assert shown_letter(1, shown) == "C"
    assert answer_text("fr", [options[i] for i in shown], shown.index(1), "letters") == "C"


def test_what_cannot_be_asked_is_refused_in_one_line(tmp_path: Path) -> None:
    many = [str(i) for i in range(11)]
    with pytest.raises(CalmError, match=r"has 11 options, and there are letters for 10"):
        ask("en", "How many?", many, "letters")
    with pytest.raises(CalmError, match="style letters needs words"):
        ask("eu", "Non?", ["a", "b"], "letters")
    question = ParallelQuestion(id="q7", answer=0, versions={"en": Version(question="?", options=many)})
    with pytest.raises(CalmError, match="question q7 has 11 options"):
        sample(None, [question], tmp_path / "g.jsonl", mode="options", style="letters")  # type: ignore[arg-type]


@pytest.mark.parametrize("shown", [[0, 1, 1], [0, 1], [1, 2, 3]])
def test_a_generation_with_another_order_is_refused(shown: list[int]) -> None:
    with pytest.raises(ValueError, match="is no order of the 3 options"):
        Generation(
            id="q", language="en", question="?", options=["a", "b", "c"], prompt="?", option_logprobs=[0.0, 1.0, 2.0],
            shown=shown,
        )  # fmt: skip
    with pytest.raises(ValueError, match="no option_logprobs"):
        Generation(id="q", language="en", question="?", options=["a", "b"], prompt="?", responses=["A"], shown=[1, 0])


# --- the vote ---------------------------------------------------------------------------------------------------------

SCORES = st.lists(st.floats(-9, 0, allow_nan=False), min_size=3, max_size=3)


@given(
    st.lists(st.tuples(SCORES, SCORES, st.permutations(range(3)), st.permutations(range(3))), min_size=1, max_size=40),
    st.sampled_from(["correlated", "majority", "self_consistency", "leave_one_out", "source", "dawid_skene", "zscore"]),
)
@example(
    [([0.0] * 3, [0.0] * 3, [0, 1, 2], [0, 1, 2]), ([0.0, -1.0, -0.5], [-2.0, 0.0, 0.0], [0, 1, 2], [0, 2, 1])],
    "correlated",
)
@settings(max_examples=40, deadline=None)
def test_permuting_the_options_of_the_data_permutes_the_winner(drawn: list[Any], rule: str) -> None:
    """Where an option stands in the data changes nothing; few questions are not corrected, many are."""
    plain, moved = [], []
    for number, (en, fr, shown, move) in enumerate(drawn):
        for language, scores in (("en", en), ("fr", fr)):
            plain.append(lettered(f"q{number}", language, scores, shown, gold=None))
            # the option that was i stands at move[i] now, and is shown at the same place
            moved.append(lettered(f"q{number}", language, scores, [move[i] for i in shown], gold=None))
    before, first = cast(plain, rule=rule)
    after, second = cast(moved, rule=rule)
    assert before.letters == after.letters
    for i, (a, b) in enumerate(zip(first.ballots, second.ballots, strict=True)):
        move = drawn[i][3]
        assert a.tie == b.tie
        if not a.tie:
            assert b.winner == (None if a.winner is None else move[a.winner])
            assert b.probability == pytest.approx(a.probability, abs=1e-5)
        for language in a.votes:
            assert b.votes[language] == [move[v] for v in a.votes[language] if v is not None]
            for option in range(3):
                assert after.scores[i][language][move[option]] == before.scores[i][language][option]


@pytest.mark.parametrize("gold", [0, 3])
def test_a_model_that_always_says_a_is_at_chance_and_votes_for_no_place(gold: int) -> None:
    always = [0.0, -9.0, -9.0, -9.0]
    orders = [shown_order(f"q{i}", 4, 0) for i in range(400)]
    table, _ = cast([lettered(f"q{i}", x, always, o, gold) for i, o in enumerate(orders) for x in LANGUAGES])
    for language in LANGUAGES:
        bias = table.letters[language]
        assert bias.before == pytest.approx(0.75)
        assert bias.after < 0.1
        assert bias.corrected
        right = sum(votes[language] == (gold,) for votes in table.votes) / 400
        assert 0.15 < right < 0.35
    raw = [
        scored_answer(f"q{i}", gold, {"en": [always[o.index(k)] for k in range(4)]}, {"en": ["x"] * 4}, o)
        for i, o in enumerate(orders)
    ]
    assert {q.places["en"] for q in raw} == {0}
    assert 0.15 < sum(q.answers["en"] == gold for q in raw) / 400 < 0.35


def test_a_liking_for_a_letter_is_taken_out_and_what_is_known_stays() -> None:
    """A model that knows the answer with 0.55 and likes A by two nats."""
    rng, generations = random.Random(0), []
    for i in range(600):
        shown = shown_order(f"q{i}", 4, 0)
        guess = 0 if rng.random() < 0.8 else rng.randrange(1, 4)
        known = [log(0.55 if o == guess else 0.15) + rng.gauss(0, 0.3) for o in shown]
        generations.append(lettered(f"q{i}", "en", [x + 2.0 * (p == 0) for p, x in enumerate(known)], shown))
    table, election = cast(generations)
    raw = sum(max(range(4), key=lambda k: g.option_logprobs[k]) == 0 for g in generations) / 600  # type: ignore[index]
    freed = sum(votes["en"] == (0,) for votes in table.votes) / 600
    assert freed > raw + 0.15
    assert table.letters["en"].before > 0.3 > 0.08 > table.letters["en"].after
    assert any("en 0." in note and "letters are answered unevenly" in note for note in election.notes)


def test_few_questions_are_not_corrected_and_said() -> None:
    orders = [shown_order(f"q{i}", 4, 0) for i in range(ENOUGH - 1)]
    table, election = cast([lettered(f"q{i}", "en", [0.0, -1.0, -1.5, -2.0], o) for i, o in enumerate(orders)])
    assert table.letters["en"].before == table.letters["en"].after == pytest.approx(0.75)
    assert not table.letters["en"].corrected
    assert any("fewer than 30 questions" in note for note in election.notes)


def test_lengths_play_no_part_and_letters_are_not_mixed_with_texts() -> None:
    g = lettered("q", "en", [-1.0, -2.0, -1.5], [2, 0, 1])
    long = g.model_copy(update={"options": ["a" * 300, "b", "c" * 20]})
    for how in ("auto", "byte", "pmi"):
        table, election = cast([long], normalize=how)
        assert table.votes[0]["en"] == (2,)
        assert any(f"normalize {how} does not apply to letters" in n for n in election.notes) == (how != "auto")
    text = g.model_copy(update={"language": "fr", "shown": None})
    with pytest.raises(DataError, match="q has option scores in fr, but there are letter scores"):
        cast([g, text])


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_the_sides_of_a_pair_are_the_letters_of_its_prompt() -> None:
    shown = {"q0": [2, 0, 1], "q1": [1, 2, 0]}
    generations = []
    for identity, order in shown.items():
        for language in ("en", "fr", "de"):
            best = 1 if language == "de" else 0
            generations.append(lettered(identity, language, [0.0 if o == best else -3.0 for o in order], order))
    numbered = [(f"g.jsonl:{i}", g) for i, g in enumerate(generations, 1)]
    _, election = cast(generations, rule="majority")
    ballots = [("b.jsonl:1", b) for b in election.ballots]
    pairs = list(build_pairs(ballots, lambda: numbered, PairingOptions(anchors="none"), style="letters"))
    assert {(p.id, p.language) for p in pairs} == {("q0", "de"), ("q1", "de")}
    for pair in pairs:
        chosen, rejected = pair.chosen.strip(), pair.rejected.strip()
        assert pair.chosen == f" {chosen}"
        assert f"\n{chosen}. de option 0\n" in pair.prompt
        assert f"\n{rejected}. de option 1\n" in pair.prompt
        assert (pair.chosen_answer, pair.rejected_answer) == (0, 1)
    assert [p.chosen for p in pairs] == [" B", " C"]


# --- a real model -----------------------------------------------------------------------------------------------------


def permuted(question: ParallelQuestion, move: Sequence[int]) -> ParallelQuestion:
    """The question whose option i stands at move[i]."""
    versions = {}
    for x, v in question.versions.items():
        texts = [""] * len(move)
        for i, text in enumerate(v.options):
            texts[move[i]] = text
        versions[x] = Version(question=v.question, options=texts)
    return ParallelQuestion(id=question.id, answer=move[question.answer or 0], versions=versions)


def test_sampling_undoes_the_order(lm: SharedPrefixLM, questions: list[ParallelQuestion], tmp_path: Path) -> None:
    sample(HFBackend(lm), questions[:6], tmp_path / "g.jsonl", mode="options", style="letters", seed=3)
    found = list(read_jsonl(tmp_path / "g.jsonl", Generation))
    assert len({tuple(g.shown or ()) for g in found}) > 1
    for g in found:
        assert g.shown == shown_order(g.id, len(g.options), 3)
        assert g.option_tokens is None
        assert [line[3:] for line in str(g.prompt).splitlines()[1:-1]] == [g.options[i] for i in g.shown or ()]
    # each letter's log-probability, asked apart
    from lm_eval.api.instance import Instance

    g = found[4]
    asked = [
        Instance(request_type="loglikelihood", doc={}, arguments=(g.prompt, f" {LETTERS[p]}"), idx=p)
        for p in range(len(g.options))
    ]
    alone = [score for score, _ in lm.loglikelihood(asked, disable_tqdm=True)]
    assert g.option_logprobs is not None
    assert g.shown is not None
    assert [g.option_logprobs[i] for i in g.shown] == pytest.approx(alone, abs=1e-4)


def test_a_task_through_lm_eval_and_back(lm: SharedPrefixLM, tmp_path: Path) -> None:
    name = "calm_sample_xl_letters"
    found = evaluate(lm, [name, "calm_sample_fr_letters"], tmp_path, model_name="t", limit=12)
    metadata = found["configs"][name]["metadata"]
    assert "|style:letters|order:0|" in metadata["signature"]
    assert "|score:logprob|" in metadata["signature"]
    values = found["results"][name]
    assert "rankc,none" in values
    assert not [m for m in values if "unnorm" in m]
    assert values["acc_fr,none"] == found["results"]["calm_sample_fr_letters"]["acc,none"]
    rows = [json.loads(line) for line in (tmp_path / f"samples_{name}.jsonl").read_text().splitlines()]
    answers = read_answers([tmp_path / f"samples_{name}.jsonl"])
    for row in rows:
        doc = row["doc"]
        assert doc["shown"] == shown_order(doc["id"], 4, 0)
        first = row["arguments"]["gen_args_0"]
        assert first["arg_1"] == f" {shown_letter(0, doc['shown'])}", "requests are in the order of the data's options"
        texts = [line[3:] for line in first["arg_0"].splitlines()[1:5]]
        assert texts == [doc["options"][0][i] for i in doc["shown"]]
        question = answers.questions[doc["id"]]
        assert question.answers == row["kappa"]
        assert question.shown == tuple(doc["shown"])
    measured = measure(answers, resamples=100)
    assert measured.metrics["acc"] == pytest.approx(values["acc,none"])
    assert set(measured.letter_bias) == set(doc["languages"])
    spread = Counter(q.places["en"] for q in answers.questions.values())
    assert measured.letter_bias["en"] == letter_bias([(p or 0, 4) for p in spread.elements()])


def test_a_task_does_not_look_at_the_order_of_the_data(lm: SharedPrefixLM, questions: list[ParallelQuestion]) -> None:
    """The same prompts, and answers and scores that move with the options, where ``shown`` moves along."""
    plain = CrossLingualTask.from_questions(questions[:3], name="t", style="letters")
    rng = random.Random(1)
    for doc in plain.eval_docs:
        question = next(q for q in questions if q.id == doc["id"])
        move = list(range(question.n_options))
        rng.shuffle(move)
        other = CrossLingualTask.from_questions([permuted(question, move)], name="t", style="letters")
        twin = {**other.eval_docs[0], "shown": [move[i] for i in doc["shown"]]}
        contexts = plain.fewshot_context(doc, 0)
        assert contexts == other.fewshot_context(twin, 0)
        requests, moved = plain.construct_requests(doc, contexts), other.construct_requests(twin, contexts)
        scores = {r.args: float(i % 7) for i, r in enumerate(requests)}
        a = plain.answered(doc, [(scores[r.args], False) for r in requests])
        b = other.answered(twin, [(scores[r.args], False) for r in moved])
        assert b.answers == {x: move[v] for x, v in a.answers.items() if v is not None}
        assert a.scores is not None
        assert b.scores is not None
        for x, values in a.scores.items():
            assert [b.scores[x][move[i]] for i in range(len(move))] == values
        assert a.metrics() == b.metrics()


def test_few_shot_examples_name_their_own_letters(questions: list[ParallelQuestion]) -> None:
    task = CrossLingualTask.from_questions(questions[:4], name="t", style="letters", order_seed=5)
    task.set_fewshot_seed(0)
    doc = task.eval_docs[0]
    context = task.fewshot_context(doc, 3)[0]
    blocks = context.split("\n\n")
    assert len(blocks) == 4
    by_text = {q.versions[doc["languages"][0]].question: q for q in questions[:4]}
    for block in blocks[:3]:
        question = by_text[block.splitlines()[0].partition(": ")[2]]
        assert question.id != doc["id"], "the question itself is no example"
        letter = block[-1]
        right = question.versions[doc["languages"][0]].options[question.answer or 0]
        assert f"\n{letter}. {right}\n" in block
    chat = task.fewshot_context(
        doc, 1, apply_chat_template=True, fewshot_as_multiturn=True,
        chat_template=lambda turns, **_: json.dumps(turns),
    )[0]  # fmt: skip
    turns = json.loads(chat)
    assert [t["role"] for t in turns] == ["user", "assistant", "user"]
    assert turns[1]["content"] in LETTERS
    requests = task.construct_requests(doc, [chat] * len(doc["languages"]), apply_chat_template=True)
    assert sorted({r.args[1] for r in requests}) == list(LETTERS[: len(doc["shown"])])


def test_the_watch_asks_the_same(babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path, lm: Any) -> None:
    from calm_ext.training.asking import Examiner

    sample(HFBackend(lm), questions[:6], tmp_path / "g.jsonl", mode="options", style="letters", seed=2)
    sampled = list(read_jsonl(tmp_path / "g.jsonl", Generation))
    examiner = Examiner(lm.tokenizer, "options", "letters", False, 8, order_seed=2)
    items = examiner.encode(questions[:6])
    for item, g in zip(items, sampled, strict=True):
        assert lm.tokenizer.decode(item.prompt, skip_special_tokens=True).strip() == str(g.prompt).strip()
    found = examiner.answers(lm.model, items)
    for g in sampled:
        at = [q.id for q in questions[:6]].index(g.id)
        scores = g.option_logprobs or []
        answer = found[at][g.language]
        assert answer is not None
        assert scores[answer] == pytest.approx(max(scores), abs=1e-4)


# --- the shell --------------------------------------------------------------------------------------------------------


def test_the_verbs(babel_model: Path, questions_file: Path, tmp_path: Path) -> None:
    def run(*words: object) -> str:
        done = CliRunner().invoke(cli, [str(w) for w in words])
        assert done.exit_code == 0, done.output
        return done.stdout

    g, b, p = (tmp_path / f"{x}.jsonl" for x in "gbp")
    run("sample", questions_file, "-o", g, "--model", babel_model, "--mode", "options", "--style", "letters")
    vote = json.loads(run("vote", g, "-o", b, "--rule", "majority", "--json"))
    assert set(vote["letter_bias"]) == {"qaa", "qab", "qac"}
    assert vote["letter_bias"]["qaa"]["corrected"]
    assert vote["letter_bias"]["qaa"]["after"] <= vote["letter_bias"]["qaa"]["before"]
    assert vote["normalize"]["by"] == "sum"
    run("pairs", b, g, "-o", p)
    by_key = {(x.id, x.language): x for x in read_jsonl(g, Generation)}
    rows = [json.loads(line) for line in p.read_text().splitlines()]
    assert rows
    for row in rows:
        shown = by_key[row["id"], row["language"]].shown or []
        assert row["chosen"].strip() == shown_letter(row["chosen_answer"], shown)
        assert row["rejected"].strip() == shown_letter(row["rejected_answer"], shown)


def test_a_recipe_refuses_what_does_not_go_together() -> None:
    from calm_ext.models.options import SamplingOptions

    assert SamplingOptions(mode="options", style="letters").mode_problems() == []
    assert "does not go with sampling.mode generate" in SamplingOptions(style="letters").mode_problems()[0]
    assert (
        "sampling.normalize: pmi"
        in SamplingOptions(mode="options", style="letters", normalize="pmi").mode_problems()[0]
    )
