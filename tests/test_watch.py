"""The watch over training: what is unlearned, by hand, and held-out questions asked as the vote compared them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from calm_ext.data import load_questions
from calm_ext.jsonl import read_numbered
from calm_ext.records import Generation, ParallelQuestion, Version
from calm_ext.report.watch import kept_words, watch_summary, watch_words
from calm_ext.training.asking import Examiner, Item
from calm_ext.training.callbacks import Watch
from calm_ext.training.kept import Kept, kept_answers, kept_warning
from calm_ext.training.monitor import Check, Monitor
from calm_ext.voting.table import VoteTable

# Question a: all agree, on the vote. b: en and de agree with the vote, fr does not. c: all agree, against the vote of
# nobody (a vote needs no more than the others' majority, here 1 in each). d: no vote.
BEFORE = {
    "a": {"en": 0, "de": 0, "fr": 0},
    "b": {"en": 1, "de": 1, "fr": 2},
    "c": {"en": 3, "de": 3, "fr": 3},
    "d": {"en": 0, "de": None, "fr": 0},
}
VOTES = {"a": {"en": 0, "de": 0, "fr": 0}, "b": {"en": 1, "de": 1, "fr": 1}, "c": {"en": 3, "de": 3, "fr": 3}}


def test_what_is_kept_by_hand() -> None:
    now = {
        "a": {"en": 0, "de": 1, "fr": 0},  # de lost: no longer consistent
        "b": {"en": 1, "de": None, "fr": 1},  # de lost, unread; fr won, which counts for nothing here
        "c": {"en": 2, "de": 2, "fr": 2},  # all lost, and consistent still
        "d": {"en": 1, "de": 1, "fr": 1},
    }
    found = kept_answers(BEFORE, now, VOTES)
    assert found.by_language == {"en": [2, 3], "de": [0, 3], "fr": [1, 2]}
    assert found.share == pytest.approx(3 / 8)
    assert found.lost == ["a"]
    # By question 2 of 3, 1 of 2, 0 of 3 are kept; residuals to 3/8 of each: 7/8, 1/4, -9/8.
    squares = (7 / 8) ** 2 + (1 / 4) ** 2 + (9 / 8) ** 2
    assert found.error == pytest.approx((3 / 2 * squares) ** 0.5 / 8)
    same = kept_answers(BEFORE, BEFORE, VOTES)
    assert (same.share, same.error, same.lost, same.fell) == (1.0, 0.0, [], False)


def test_nothing_agreed_or_nothing_is_known() -> None:
    nothing = kept_answers(BEFORE, BEFORE, {})
    assert (nothing.share, nothing.error, nothing.by_language, nothing.lost) == (None, None, {}, [])
    assert not nothing.fell
    assert kept_answers({}, BEFORE, VOTES) == Kept(None, None, {}, [])
    assert kept_answers(BEFORE, {}, VOTES).share is None, "questions that are not asked any more are left out"
    assert kept_answers({"a": {"en": 0}}, {"a": {"en": 1}}, {"a": {"en": 0}}).lost == [], (
        "one language agrees with none"
    )


@pytest.mark.parametrize(
    ("same", "n", "error", "fell"),
    [
        (85, 100, 0.0, False),  # .9 less two errors of .03 is .84
        (83, 100, 0.0, True),
        (83, 100, 0.04, False),  # questions differ more than coins: .9 - .08 is .82
        (81, 100, 0.04, True),
        (2, 3, 0.0, False),  # .9 - 2 * .173 is .554
        (1, 3, 0.0, True),
    ],
)
def test_a_fall_is_clear_or_it_is_none(same: int, n: int, error: float, fell: bool) -> None:
    assert Kept(same / n, error, {"en": [same, n]}, []).fell is fell


def kept_check(step: int, same: int, n: int = 100, lost: int = 0, **more: Any) -> Check:
    values: dict[str, Any] = {"agreement": 0.5, "consistency": 0.5, "answered": 1.0, "chosen_nll": 2.0, **more}
    return Check(
        step,
        **values,
        scores=[0.5] * 40,
        n=300,
        kept=same / n,
        kept_error=0.0,
        kept_by_language={"en": [n // 2, n // 2], "ru": [same - n // 2, n - n // 2]},
        lost=[f"q{i}" for i in range(lost)],
    )


def monitor(*checks: Check) -> Monitor:
    made = Monitor.__new__(Monitor)
    made.checks, made.patience = list(checks), 2
    made.questions = [
        ParallelQuestion(id=f"q{i}", versions={"de": Version(question=f"Frage {i}?", options=["a", "b"])})
        for i in range(5)
    ]
    return made


@pytest.mark.parametrize(
    ("lost", "won", "clear"),
    [
        (0, 0, False),
        (1, 0, False),
        (2, 0, False),
        (3, 0, True),
        (4, 1, False),
        (5, 1, True),
        (4, 3, False),
        (14, 6, True),
        (14, 12, False),
    ],
)
def test_a_check_is_clearly_below_where_chance_does_not_do_it(lost: int, won: int, clear: bool) -> None:
    """Two questions of 31 that both fell ended a training between two languages, and its first step was kept."""
    first = kept_check(0, 90)._replace(scores=[0.5] * 31)
    later = first._replace(scores=[0.0] * lost + [1.0] * won + [0.5] * (31 - lost - won))
    assert later.clearly_below(first) is clear
    assert not first.clearly_below(later) or won > lost


def test_unlearning_is_told_with_names_and_what_to_do() -> None:
    watch = monitor(kept_check(0, 100), kept_check(8, 70, lost=5, agreement=0.6))
    assert watch.warning() == (
        "step 8: UNLEARNING: of the 100 held-out answers that agreed with the other languages' vote before training, "
        "70% are left (worst: ru 20 of 50); languages no longer agree on q0 (Frage 0?), q1 (Frage 1?), q2 (Frage 2?) "
        "and 2 more; lower training.learning_rate"
    )
    watch.advice = ["pairs.anchors: all"]
    assert str(watch.warning()).endswith("; set pairs.anchors: all or lower training.learning_rate")
    assert monitor(kept_check(0, 100), kept_check(8, 90)).warning() is None
    collapsed = monitor(kept_check(0, 100), kept_check(8, 50, agreement=0.2)).warning()
    assert collapsed and "COLLAPSING: agreement" in collapsed
    unknown = kept_check(8, 50)._replace(kept=None, kept_by_language={})
    assert monitor(kept_check(0, 100), unknown).warning() is None
    words = kept_warning(watch.checks[1].left, advice=["x"], text="step 8", shown={"q0": "long " * 40})
    assert "q0 (long long" in words and "…), q1, q2 and 2 more; x" in words


def test_losing_what_agreed_lowers_the_score_as_winning_raises_it() -> None:
    """A check by a model that turns one agreeing answer and wins another has no higher score than before."""
    first = [(1.0 + 0.25 * 1.0), (2 / 3 + 0.25 / 3)]  # a: all of three agree; b: two of three
    after = [(2 / 3 + 0.25 / 3), (1.0 + 0.25 * 1.0)]  # a loses one, b wins one
    scores = [Check(s, 0, 0, 1, 0, v, 6).score for s, v in enumerate((first, after))]
    assert scores[0] == pytest.approx(scores[1])


# --- the log ----------------------------------------------------------------------------------------------------------


def restored(folder: Path, rows: list[dict[str, Any]]) -> Monitor:
    (folder / "log.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    made = monitor()
    made.before = {}
    Watch(made, folder)._restore(8)
    return made


def test_a_resumed_run_knows_the_answers_of_the_untrained_model(tmp_path: Path) -> None:
    rows = [
        {"kind": "answers", "step": 0, "answers": BEFORE},
        {"kind": "check", **kept_check(0, 100)._asdict(), "score": 0.5},
        {"kind": "answers", "step": 8, "answers": {}},
        {"kind": "check", **kept_check(8, 70, lost=2)._asdict(), "score": 0.5},
        {"kind": "check", **kept_check(16, 70)._asdict(), "score": 0.5},
    ]
    made = restored(tmp_path, rows)
    assert made.before == BEFORE
    assert [c.step for c in made.checks] == [0, 8], "checks after the checkpoint are done again"
    assert made.checks[1] == kept_check(8, 70, lost=2)


def test_a_log_of_an_earlier_version_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = ("kept", "kept_error", "kept_by_language", "lost")
    old = {k: v for k, v in kept_check(0, 100)._asdict().items() if k not in new}
    made = restored(tmp_path, [{"kind": "check", **old, "score": 0.5}])
    assert made.before == {}
    assert made.checks[0].left == Kept(None, None, {}, [])
    assert made.warning() is None
    assert (
        "the log is of an earlier version: how many agreeing answers are kept is not known" in capsys.readouterr().err
    )


# --- the report -------------------------------------------------------------------------------------------------------


def run_data(**training: Any) -> Any:
    now = {"q0": {"en": 0, "de": 1}, "q1": {"en": 0, "de": 0}}
    log = [
        {"kind": "answers", "step": 0, "answers": {"q0": {"en": 0, "de": 0}, "q1": {"en": 0, "de": 0}}},
        {"kind": "check", **kept_check(0, 100)._asdict()},
        {"kind": "answers", "step": 8, "answers": now},
        {"kind": "check", **kept_check(8, 70, lost=7)._asdict()},
    ]
    return SimpleNamespace(log=log, training=training, questions=monitor().questions)


def test_the_report_names_what_was_lost_at_the_kept_checkpoint() -> None:
    found = watch_summary(run_data(chosen_step=8))
    assert found is not None
    assert (found["step"], found["kept"], found["n"], found["n_lost"], len(found["lost"])) == (8, 0.7, 100, 7, 5)
    assert found["lost"][0] == {"id": "q0", "language": "de", "question": "Frage 0?", "turned": {"de": [0, 1]}}
    assert kept_words(found) == (
        "At step 8, 70.0 % of the 100 held-out answers that agreed with the other languages before training are left "
        "(en 50 of 50, ru 20 of 50)."
    )
    told = watch_words(found)
    assert told.startswith(kept_words(found)) and "q0: Frage 0?; q1: Frage 1?;" in told
    assert told.endswith("; and 2 more.")
    untrained = watch_summary(run_data(chosen_step=0))
    assert untrained and (untrained["kept"], untrained["lost"]) == (1.0, [])
    last = watch_summary(run_data())
    assert last and last["step"] == 8, "without a choice the last check counts"


def test_an_older_run_has_no_such_part() -> None:
    data = run_data(chosen_step=8)
    data.log = [
        {k: v for k, v in row.items() if not k.startswith("kept")} for row in data.log if row["kind"] == "check"
    ]
    assert watch_summary(data) is None
    data.log = []
    assert watch_summary(data) is None


# --- how options are compared -----------------------------------------------------------------------------------------


def item(normalize: str, **more: Any) -> Item:
    question = ParallelQuestion(id="q", versions={"en": Version(question="?", options=["ab", "abcdefgh"])})
    return Item(question, "en", [1], [[2], [3]], None, normalize, **more)


def test_each_way_elects_by_hand() -> None:
    """-4 and -6 nats; 2 and 8 bytes, 1 and 1 tokens: the sum takes the short one, a byte of the long one is likelier."""
    logprobs = [-4.0, -6.0]
    assert item("sum").best(logprobs) == 0
    assert item("byte").best(logprobs) == 1
    assert item("token", n_tokens=(1, 1)).best(logprobs) == 0
    assert item("token", n_tokens=(1, 2)).best(logprobs) == 1
    assert item("pmi", priors=(-3.0, -9.0)).best(logprobs) == 1
    assert item("pmi", priors=(-5.0, -5.0)).best(logprobs) == 0


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> Any:
    from calm_ext.models.lm import SharedPrefixLM

    return SharedPrefixLM(pretrained=str(babel_model), device="cpu", dtype="float32", batch_size=8)


@pytest.mark.parametrize("how", ["byte", "token", "sum", "pmi"])
def test_the_untrained_model_answers_as_the_vote_read_it(how: Any, lm: Any, tmp_path: Path) -> None:
    """The sampler asks through lm-eval and the vote normalises what it wrote; the watch finds the same answers."""
    from calm_ext.harness.sampler import sample
    from calm_ext.models.backends.hf import HFBackend

    questions = load_questions("babel", split="test", languages=["qaa", "qab"], limit=12)
    sample(HFBackend(lm), questions, tmp_path / "g.jsonl", mode="options", style="cloze", priors=True)
    table = VoteTable.read(read_numbered(tmp_path / "g.jsonl", Generation), style="cloze", normalize=how)
    voted = {q.id: {x: v[0] for x, v in votes.items()} for q, votes in zip(table.questions, table.votes, strict=True)}
    examiner = Examiner(lm.tokenizer, "options", "cloze", False, 8, normalize=how)
    items = examiner.with_priors(lm.model, examiner.encode(questions))
    found = examiner.answers(lm.model, items)
    assert {q.id: a for q, a in zip(questions, found, strict=True)} == voted
    (first, *_) = [g for _, g in read_numbered(tmp_path / "g.jsonl", Generation) if g.id == questions[0].id]
    (same,) = [i for i in items if (i.question.id, i.language) == (first.id, first.language)]
    assert list(same.n_tokens or ()) == first.option_tokens
    assert (same.priors is None) == (how != "pmi")
    if same.priors:
        assert same.priors == pytest.approx(first.option_priors, abs=1e-3)


def test_priors_are_those_of_the_untrained_model(babel_model: Path, lm: Any) -> None:
    """With an adapter that changes every score, priors are still the base model's; they are taken once."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    questions = load_questions("babel", split="test", languages=["qaa"], limit=4)
    examiner = Examiner(lm.tokenizer, "options", "cloze", False, 8, normalize="pmi")
    plain = examiner.with_priors(lm.model, examiner.encode(questions))
    base = AutoModelForCausalLM.from_pretrained(babel_model, dtype=torch.float32)
    trained = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)).eval()
    found = examiner.with_priors(trained, examiner.encode(questions))
    for a, b in zip(plain, found, strict=True):
        assert a.priors == pytest.approx(b.priors, abs=1e-4)
    assert examiner.with_priors(None, found) == found, "what is known is not asked again"
    changed = examiner.with_priors(NoSwitch(trained), examiner.encode(questions))
    assert changed[0].priors != pytest.approx(found[0].priors, abs=1e-3), "the adapter does change scores"


class NoSwitch:
    """A model as it is with its adapter: there is none to switch off."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __getattr__(self, name: str) -> Any:
        if name == "disable_adapter":
            raise AttributeError(name)
        return getattr(self.model, name)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.model(*args, **keywords)


class Folder:
    """A run directory, as far as the stage asks it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name


def test_the_pipeline_hands_on_what_the_vote_took(tmp_path: Path) -> None:
    from calm_ext.pipeline.stages.train import _advice, _normalize

    run: Any = SimpleNamespace(dir=Folder(tmp_path))
    assert _normalize(run) == "byte", "a run of a version that wrote no vote.json"
    (tmp_path / "vote.json").write_text('{"normalize": {"by": "pmi", "agreement": {}}}')
    assert _normalize(run) == "pmi"
    (tmp_path / "vote.json").write_text('{"normalize": null}')
    assert _normalize(run) == "byte"

    def recipe(method: str, **pairs: str) -> Any:
        return SimpleNamespace(training=SimpleNamespace(method=method), pairs=SimpleNamespace(**pairs))

    assert _advice(recipe("dpo", anchors="none")) == ["pairs.anchors: all"]
    assert _advice(recipe("sft", anchors="all")) == []
    assert _advice(recipe("listwise", anchors="none")) == [], "it trains on no pairs"


@pytest.mark.parametrize(("given", "taken"), [(["--normalize", "sum"], "sum"), ([], "byte")])
def test_the_verb_takes_a_way(given: list[str], taken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One language alone cannot show what suits better: ``auto`` is ``byte`` then, and says so."""
    from click.testing import CliRunner

    from calm_ext.cli.train import command
    from calm_ext.jsonl import write_jsonl
    from calm_ext.training import launch as launching
    from tests.test_training import gold_pairs

    jobs: list[Any] = []
    monkeypatch.setattr(launching, "launch", lambda job, **_: jobs.append(job))
    monkeypatch.setattr("calm_ext.cli.train.refuse_model", lambda *_, **__: None)  # nothing is loaded here
    write_jsonl(tmp_path / "pairs.jsonl", gold_pairs(1))
    question = ParallelQuestion(id="q", versions={"en": Version(question="?", options=["ab", "abcdefgh"])})
    write_jsonl(tmp_path / "held.jsonl", [question])
    scored = {
        "id": "q",
        "language": "en",
        "question": "?",
        "prompt": "?",
        "options": ["ab", "abcdefgh"],
        "responses": [],
    }
    (tmp_path / "g.jsonl").write_text(json.dumps({**scored, "option_logprobs": [-4.0, -6.0]}) + "\n")
    arguments = [tmp_path / "pairs.jsonl", "-o", tmp_path / "out", "--model", "m", "--mode", "options"]
    arguments += ["--heldout", tmp_path / "held.jsonl", "--heldout-generations", tmp_path / "g.jsonl"]
    done = CliRunner().invoke(command, [*map(str, arguments), *given], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert jobs[0].normalize == taken
    assert ("options are compared per byte" in done.stderr) == (taken == "byte")
