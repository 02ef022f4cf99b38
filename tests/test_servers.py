"""Servers that fail, that are slow, that are hostile: nothing that was paid for is lost, and no secret is written."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import yaml
from transformers import AutoTokenizer

from calm_ext.cli.main import main
from calm_ext.errors import CalmError, RecipeError
from calm_ext.files import secrets
from calm_ext.files.journal import Journal
from calm_ext.files.secrets import mask, without_secrets
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.models.backends import BACKENDS
from calm_ext.models.backends.api import ApiBackend
from calm_ext.models.endings import Endings
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.request import Reply, SampleRequest
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.pipeline.run import Pipeline
from calm_ext.records import Generation, ParallelQuestion, Version
from calm_ext.results.files import read_recipe
from calm_ext.training.job import TrainingJob
from calm_ext.voting.elect import elect
from calm_ext.voting.options import VotingOptions
from calm_ext.voting.rules import RULES
from calm_ext.voting.table import VoteTable
from tests.api_server import ApiServer, api_server, choices
from tests.test_pipeline import Spy, recipe

DRAWN = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 4}
PLAIN = "2 + 2 ="
N = 3


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calm_ext.models.backends.servers._BACKOFF", 0.01)


def engine(server: ApiServer, **options: Any) -> ApiBackend:
    found = BACKENDS["api"].load(ModelOptions(path="tiny"), arguments={"base_url": server.url, **options})
    assert isinstance(found, ApiBackend)
    return found


def say(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
    return 200, choices(["Answer: A"] * payload.get("n", 1))


def asked_of(n: int) -> list[ParallelQuestion]:
    return [
        ParallelQuestion(
            id=f"q{i}",
            answer=0,
            versions={x: Version(question=f"Word {x}{i} ?", options=["air", "sea"]) for x in ("en", "fr")},
        )
        for i in range(n)
    ]


def one(i: int = 0) -> list[SampleRequest]:
    return [SampleRequest(f"q{i} in en", f"prompt {i}", [], [1, 2, 3])]


class Faulty:
    """A server that counts what it gives, and fails now and then."""

    def __init__(self, seed: int, *, faults: float) -> None:
        self.random, self.faults, self.given = random.Random(seed), faults, 0

    def __call__(self, path: str, payload: dict[str, Any]) -> tuple[Any, ...]:
        if payload["prompt"] != PLAIN and self.random.random() < self.faults:
            fault = self.random.randrange(5)
            if fault == 0:
                raise ConnectionError
            return (
                (200, b'{"choices": [{"text": "Answ'),
                (500, {"error": {"message": "oops"}}),
                (429, {}, {"Retry-After": "0"}),
                (200, [] if self.random.random() < 0.5 else {"error": {"message": "upstream", "code": 502}}),
            )[fault - 1]
        self.given += payload["n"]
        return say(path, payload)


# --- nothing that was paid for is lost --------------------------------------------------------------------------------


def test_faults_are_repeated_and_nothing_is_missing(tmp_path: Path) -> None:
    faulty = Faulty(0, faults=0.15)
    with api_server(faulty) as server:
        endings = Endings()
        sample(engine(server), asked_of(60), tmp_path / "g.jsonl", mode="generate", n=N, endings=endings)
    assert endings.notes() == []
    assert faulty.given == 60 * 2 * N
    assert sorted(p.name for p in tmp_path.iterdir()) == [".g.jsonl.sha256", "g.jsonl"], "the journal is gone"


def test_killed_at_any_moment_only_what_is_missing_is_asked(tmp_path: Path) -> None:
    questions, output, concurrency = asked_of(80), tmp_path / "g.jsonl", 4
    faulty = Faulty(1, faults=0.02)
    kills = 10
    with api_server(faulty) as server:
        for kill in range(1, kills + 1):
            child = os.fork()
            if child == 0:
                try:
                    sample(engine(server, concurrency=concurrency), questions, output, mode="generate", n=N, chunk=32)
                finally:
                    os._exit(0)
            until = kill * len(questions) * 2 // (kills + 1)
            deadline = time.monotonic() + 60
            while len(server.asked) < until and time.monotonic() < deadline:
                time.sleep(0.001)
            os.kill(child, signal.SIGKILL)
            assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        sample(engine(server), questions, output, mode="generate", n=N, chunk=32)
    needed = len(questions) * 2 * N
    assert needed <= faulty.given <= needed + kills * concurrency * N
    rows = list(read_jsonl(output, Generation))
    assert [(g.id, g.language) for g in rows] == [(q.id, x) for q in questions for x in q.versions]
    assert all(g.responses == ["Answer: A"] * N for g in rows)


@pytest.mark.parametrize("error", [KeyboardInterrupt, CalmError])
def test_an_interrupt_keeps_what_came_within_a_chunk(tmp_path: Path, error: type[BaseException]) -> None:
    questions, output = asked_of(10), tmp_path / "g.jsonl"
    with api_server(say) as server:
        found = engine(server, concurrency=1)
        real = found._ask

        def tired(*args: Any, **more: Any) -> Any:
            if len(server.asked) == 7:
                raise error
            return real(*args, **more)

        found._ask = tired  # type: ignore[method-assign]
        with pytest.raises(error):
            sample(found, questions, output, mode="generate", n=N)
        assert output.read_text() == ""
        sample(engine(server), questions, output, mode="generate", n=N)
        assert len(server.asked) == 20
        assert sum(p["n"] for _, p in server.asked) == 20 * N


def test_other_settings_take_nothing_from_the_journal(tmp_path: Path) -> None:
    output = tmp_path / "g.jsonl"

    def interrupted(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return (402, {"error": {"message": "pay"}}) if len(server.asked) > 5 else say(path, payload)

    with api_server(interrupted) as server, pytest.raises(CalmError, match="answered 402: pay"):
        sample(engine(server, concurrency=1), asked_of(4), output, mode="generate", n=1)
    kept = (tmp_path / ".g.jsonl.journal").read_bytes()
    assert len(kept.split()) >= 5
    with api_server(say) as server:
        sample(engine(server), asked_of(4), output, mode="generate", n=1, temperature=0.5)
        assert len(server.asked) == 8


def test_a_journal_that_is_cut_or_changed_gives_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    for key in ("a", "b", "c"):
        journal.add(key, [key * 3, "stop", ""])
    journal.close()
    journal.add("d", "too late")
    whole = path.read_text()
    path.write_text(whole.replace("bbb", "bxb")[:-9])
    again = Journal(path)
    assert [again.get(x) for x in "abcd"] == [["aaa", "stop", ""], None, None, None]
    again.add("c", 1)
    again.close()
    again = Journal(path)
    assert (again.get("a"), again.get("c")) == (["aaa", "stop", ""], 1)
    again.settle()
    assert path.read_bytes() == b"" and again.get("a") is None
    again.close(finished=True)
    assert not path.exists()


def test_failed_responses_are_asked_for_again_and_refused_ones_are_not(tmp_path: Path) -> None:
    output, down = tmp_path / "g.jsonl", {"fr1": 503, "en2": 400}

    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        for word, status in down.items():
            if f"{word} " in payload["prompt"]:
                first = payload["n"] == 2
                return (200, choices(["Answer: A"])) if first else (status, {"error": {"message": "no"}})
        return say(path, payload)

    def run(**more: Any) -> list[str]:
        server.asked.clear()
        endings = Endings()
        backend = engine(server, retries=0)
        sample(backend, asked_of(4), output, mode="generate", n=2, endings=endings, **more)
        return endings.notes(next_run="the same command")

    with api_server(answer) as server:
        (note,) = run()
        assert note == (
            "2 of 16 responses are missing: 1 answered 503: no (q1 in fr); 1 answered 400: no (q2 in en). "
            "--retry asks for them again; the same command does so for the 1 that failed on the way"
        )
        assert [g.responses for g in read_jsonl(output, Generation) if g.n_missing] == [["Answer: A", None]] * 2
        del down["fr1"]
        (note,) = run()
        assert [p["n"] for _, p in server.asked] == [1], "of the failed question only the response that is missing"
        assert note == "1 of 16 responses are missing. --retry asks for them again"
        run()
        assert server.asked == []
        down.clear()
        assert run(retry=True) == []
        assert [p["n"] for _, p in server.asked] == [1]
    assert all(g.responses == ["Answer: A"] * 2 and g.finish is None for g in read_jsonl(output, Generation))


def test_align_asks_again_until_the_vote_is_held(babel_model: Path, tmp_path: Path) -> None:
    down = {"n": 2}

    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if down["n"] and payload["prompt"] != PLAIN:
            down["n"] -= 1
            return 503, {}
        asked = read_jsonl(tmp_path / "run/questions.jsonl", ParallelQuestion) if payload["prompt"] != PLAIN else []
        right = [
            v.options[q.answer or 0] for q in asked for v in q.versions.values() if v.question in payload["prompt"]
        ]
        return 200, choices(right[:1] or ["4"])

    with api_server(answer) as server:
        given = {"base_url": server.url, "model": "x", "concurrency": 1, "retries": 0}
        asking = recipe(babel_model, sampling={"backend": "api", "backend_args": given, "n": 1}, data={"limit": 12})

        def run(last: str) -> list[str]:
            spy = Spy()
            Pipeline(asking, tmp_path / "run", reporter=spy).run(stop_after=last)
            return spy.ran()

        assert "sample" in run("sample")
        assert "null" in (tmp_path / "run/generations.jsonl").read_text()
        down["n"] = 1
        assert run("vote") == ["sample", "vote"]
        assert "null" in (tmp_path / "run/generations.jsonl").read_text()
        assert run("vote") == [], "a vote that was held is not held anew by itself"


def test_option_scores_that_came_are_kept(babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path) -> None:
    left = {"n": 28}

    def echo(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if not left["n"]:
            return 503, {}
        left["n"] -= 1
        (ids,) = payload["prompt"]
        logprobs = {
            "token_logprobs": [None, *(-float(i) for i in ids)],
            "top_logprobs": [None, *({"x": -0.5} for _ in ids)],
        }
        return 200, {"choices": [{"index": 0, "logprobs": logprobs}]}

    def run(name: str) -> int:
        server.asked.clear()
        given = {"base_url": server.url, "concurrency": 4, "retries": 0}
        backend = BACKENDS["api"].load(ModelOptions(path=str(babel_model)), arguments=given)
        sample(backend, questions[:6], tmp_path / name, mode="options")
        return len(server.asked)

    with api_server(echo) as server:
        with pytest.raises(CalmError, match=r"answered 503: .*; what came is kept, and the same command goes on"):
            run("g.jsonl")
        left["n"] = 10_000
        assert run("g.jsonl") == run("whole.jsonl") - 28
    assert (tmp_path / "g.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize("why", ["refused", "broken"])
def test_an_option_score_that_is_refused_ends_no_run(
    babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path, why: str
) -> None:
    """That question in that language is missing, counted, voted without, and asked again."""
    bad = {"on": True}
    told = Endings()
    tokenizer = AutoTokenizer.from_pretrained(str(babel_model))
    odd = questions[1].versions["qab"].question

    def echo(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        (ids,) = payload["prompt"]
        if bad["on"] and odd in tokenizer.decode(ids):
            return (400, {"error": {"message": "filtered"}}) if why == "refused" else (200, "no object")
        logprobs = {
            "token_logprobs": [None, *(-float(i) for i in ids)],
            "top_logprobs": [None, *({"x": -0.5} for _ in ids)],
        }
        return 200, {"choices": [{"index": 0, "logprobs": logprobs}]}

    def run(name: str, **more: Any) -> list[Generation]:
        server.asked.clear()
        given = {"base_url": server.url, "concurrency": 4, "retries": 0}
        backend = BACKENDS["api"].load(ModelOptions(path=str(babel_model)), arguments=given)
        sample(backend, questions[:6], tmp_path / name, mode="options", **more)
        return list(read_jsonl(tmp_path / name, Generation))

    with api_server(echo) as server:
        found = run("g.jsonl", endings=told)
        (lost,) = [g for g in found if g.option_logprobs is None]
        assert (lost.id, lost.language, lost.responses) == (questions[1].id, "qab", [None])
        assert sum(told.missing.values()) == 1 and told.why
        for rule in RULES:
            table = VoteTable.read([(f"g:{i}", g) for i, g in enumerate(found)], style="cloze")
            ballots = elect(table, VotingOptions(rule=rule)).ballots
            assert ballots[1].votes["qab"] == [] and len(ballots) == 6, rule
        decided = [(f"b:{i}", b) for i, b in enumerate(ballots)]
        pairs = list(
            build_pairs(decided, lambda: ((f"g:{i}", g) for i, g in enumerate(found)), PairingOptions(), style="cloze")
        )
        assert pairs and not [p for p in pairs if (p.id, p.language) == (lost.id, "qab")]
        n = len(server.asked)
        bad["on"] = False
        again = run("g.jsonl", retry=True)
        assert all(g.option_logprobs for g in again)
        assert 0 < len(server.asked) < n / 10
        assert again == run("whole.jsonl")
        bad["on"] = True


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_wait_is_heeded_up_to_a_bound() -> None:
    waits = [{"Retry-After": "1"}, {"Retry-After": formatdate(time.time() - 9, usegmt=True)}, {"Retry-After": "soon"}]

    def busy(path: str, payload: dict[str, Any]) -> tuple[Any, ...]:
        return (429, {}, waits.pop(0)) if waits else say(path, payload)

    with api_server(busy) as server:
        started = time.monotonic()
        assert engine(server).respond(one(), **DRAWN) == [[Reply("Answer: A", "stop")] * 3]
        assert time.monotonic() - started >= 1
        assert len(server.asked) == 4


def test_a_wait_of_an_hour_is_said_and_ends_the_run_where_it_is_for_all() -> None:
    hour = (429, {"error": {"message": "slow down"}}, {"Retry-After": "3600"})
    with (
        api_server(lambda *_: hour) as server,
        pytest.raises(
            CalmError,
            match=r"answered 429: slow down, and asks us to wait 3600 s \(Retry-After\), longer than "
            r"sampling\.backend_args\.max_wait, 120 s",
        ) as error,
    ):
        engine(server, concurrency=1).respond([*one(0), *one(1)], **DRAWN)
    assert "\n" not in str(error.value) and len(server.asked) == 2, "the question and a plain one"
    with api_server(lambda path, p: hour if p["prompt"] == "prompt 0" else say(path, p)) as server:
        lost, kept = engine(server, concurrency=1).respond([*one(0), *one(1)], **DRAWN)
    assert kept[0].text and {x.finish for x in lost} == {"failed"} and "asks us to wait 3600 s" in lost[0].why


def test_a_large_reply_is_cut_off() -> None:
    sent = {"n": 0}

    def large(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        def pieces() -> Iterator[bytes]:
            for _ in range(50):
                yield b"x" * (1 << 20)
                sent["n"] += 1

        return (200, pieces()) if payload["prompt"] == "prompt 0" else say(path, payload)

    with api_server(large) as server:
        lost, kept = engine(server).respond([*one(0), *one(1)], **DRAWN)
    assert kept[0].text and sent["n"] < 50
    assert lost == [Reply(None, "failed", "sent more than 1.0 MB in answer to one request, and was cut off")] * 3


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_slow_trickle_ends_at_the_timeout(where: str) -> None:
    def slow(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        def pieces() -> Iterator[bytes]:
            for _ in range(100):
                time.sleep(0.1)
                yield b" "

        return (200, pieces()) if payload["prompt"] == "prompt 0" else say(path, payload)

    with api_server(slow, slow_head=where == "head") as server:
        started = time.monotonic()
        lost, kept = engine(server, timeout=1, retries=0).respond([*one(0), *one(1)], **DRAWN)
        assert time.monotonic() - started < 5
    assert kept[0].text
    assert lost == [Reply(None, "failed", "did not answer within sampling.backend_args.timeout, 1 s")] * 3


def test_no_request_follows_a_redirect_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-one-host-only")
    with api_server(say) as other:
        to = other.url.replace("127.0.0.1", "localhost")
        with api_server(lambda *_: (308, {}, {"Location": f"{to}/completions"})) as server:
            said = r"answered 308 and points to '\S+', where the request is not sent: .* in sampling\.backend_args\.base_url$"
            with pytest.raises(CalmError, match=said):
                engine(server, concurrency=1).respond(one(), **DRAWN)
            server.moved = to
            with pytest.raises(CalmError, match="models answered 307 and points to "):
                engine(server)
        assert other.asked == [] and other.headers == {}
    with api_server(lambda p, x: say(p, x) if p.endswith("/") else (307, {}, {"Location": f"{p}/"})) as server:
        assert engine(server).respond(one(), **DRAWN) == [[Reply("Answer: A", "stop")] * 3], "the same host"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"choices": [{"text": "A"}], "usage": {"total_tokens": 1e999}}'])
def test_hostile_json_is_an_answer_that_cannot_be_read(body: bytes) -> None:
    with api_server(lambda path, p: (200, body) if p["prompt"] == "prompt 0" else say(path, p)) as server:
        lost, kept = engine(server, retries=1).respond([*one(0), *one(1)], **DRAWN)
    assert kept[0].text and {x.finish for x in lost} == {"failed"}


def test_what_a_server_says_is_one_line_that_a_terminal_can_show() -> None:
    said = {"error": {"message": "no\x1b[2J\u202e\nway " + "x" * 5000}}
    with api_server(lambda *_: (400, said)) as server, pytest.raises(CalmError) as error:
        engine(server).respond(one(), **DRAWN)
    assert str(error.value).isprintable() and len(str(error.value)) < 400


def test_a_server_that_goes_away_is_said_soon_and_loses_nothing(tmp_path: Path) -> None:
    output = tmp_path / "g.jsonl"
    with api_server(say) as server:
        found = engine(server, concurrency=1, retries=2)
        real = found._ask

        def leave(*args: Any, **more: Any) -> Any:
            if len(server.asked) == 5:
                found._servers.each[0].connection.base = "http://127.0.0.1:9/v1"  # nobody listens
            return real(*args, **more)

        found._ask = leave  # type: ignore[method-assign]
        gone = r"^q\d in (en|fr): \S+ is not there \(.*\); what came is kept, and the same command goes on$"
        with pytest.raises(CalmError, match=gone):
            sample(found, asked_of(8), output, mode="generate", n=1)
        sample(engine(server), asked_of(8), output, mode="generate", n=1)
        assert len(server.asked) == 16


# --- before hours of work ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{}, {"mode": "options", "style": "cloze"}], ids=["generate", "options"])
def test_a_server_that_lists_the_model_and_does_not_answer_is_found_before_anything_is_done(
    babel_model: Path, tmp_path: Path, more: dict[str, str]
) -> None:
    with api_server(lambda *_: (400, {"error": {"message": "not loaded"}}), models=["x"]) as server:
        given = {"base_url": server.url, "model": "x"}
        asking = recipe(babel_model, sampling={"backend": "api", "backend_args": given, **more})
        with pytest.raises(CalmError, match="answered 400: not loaded"):
            Pipeline(asking, tmp_path / "run").run()
        assert len(server.asked) == 1 and not (tmp_path / "run").exists()


# --- secrets ----------------------------------------------------------------------------------------------------------

KEY, LOGIN, PASSWORD, IN_QUERY = "sk-0e7f3a9b51", "ada", "pa ss:w@rd-77", "q-5b1c9f20"
QUOTED = "pa%20ss%3Aw%40rd-77"
SECRETS = (KEY, PASSWORD, QUOTED, IN_QUERY, b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode())


def with_secrets(server: ApiServer) -> str:
    return server.url.replace("http://", f"http://{LOGIN}:{QUOTED}@") + f"?api_key={IN_QUERY}&api-version=1"


@pytest.mark.parametrize("fails", [False, True])
def test_no_secret_is_written_or_said(
    babel_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    fails: bool,
) -> None:
    """Of a run, and of one that fails, with a server that says all that it is sent."""
    monkeypatch.setenv("THE_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    caplog.set_level("DEBUG")

    def echo(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        everything = f"{path} {server.headers} {QUOTED} {PASSWORD} {SECRETS[-1]}"
        if payload["prompt"] == PLAIN and not fails:
            return say(path, payload)
        if fails or len(server.asked) % 7 == 0:
            return 400, {"error": {"message": everything}}
        return 200, choices([f"Answer: A {everything}"] * payload["n"])

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["calm-ext", *arguments])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    with api_server(echo) as server:
        args = {"base_url": with_secrets(server), "model": "x", "api_key_env": "THE_KEY", "retries": 0}
        values = yaml.safe_load(recipe(babel_model, sampling={"n": 1}, data={"limit": 12}).to_yaml())
        values["sampling"] |= {"backend": "api", "backend_args": args}
        (tmp_path.parent / "mine.yaml").write_text(yaml.safe_dump(values))
        mine = str(tmp_path.parent / "mine.yaml")
        assert command("align", mine, "--run", "run", "--stop-after", "sample") == (2 if fails else 0)
        write_jsonl(tmp_path / "q.jsonl", asked_of(12))
        flags = [x for key, value in args.items() for x in ("--backend-arg", f"{key}={value}")]
        done = command("sample", "q.jsonl", "-o", "g.jsonl", "-n", "1", "--model", "m", "--backend", "api", *flags)
        assert done == (2 if fails else 0)
        if not fails:
            command("report", "run")
            assert server.headers["Authorization"] == f"Bearer {KEY}", "the login does not replace the key"
            assert f"?api_key={IN_QUERY}&api-version=1" in server.asked[-1][0]
        for wrong in (
            f"base_url=ftp://{LOGIN}:{QUOTED}@h",
            f"base_url=http://{LOGIN}:{QUOTED}@h:x/v1",
            "timeout={",
        ):
            assert command("sample", "q.jsonl", "-o", "g2.jsonl", "--model", "m", "--backend", "api",
                           "--backend-arg", wrong + f" http://{LOGIN}:{QUOTED}@h") == 2  # fmt: skip
    written = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert fails or {"recipe.yaml", "manifest.json", "generations.jsonl", "index.html"} <= {p.name for p in written}
    seen = {str(p): p.read_bytes().decode("utf-8", "replace") for p in written}
    out, err = capfd.readouterr()
    seen |= {"stdout": out, "stderr": err, "log": caplog.text}
    assert [(name, x) for name, text in seen.items() for x in SECRETS if x in text] == []
    assert "***" in seen["stderr"], "the server did say them"
    if not fails:
        kept = yaml.safe_load((tmp_path / "run/recipe.yaml").read_text())["sampling"]["backend_args"]["base_url"]
        assert kept == f"{server.url}?api-version=1"


def test_a_login_is_sent_where_no_key_is_set_or_the_server_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    basic = f"Basic {SECRETS[-1]}"
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with api_server(say) as server:
        engine(server, base_url=with_secrets(server)).respond(one(), **DRAWN)
        assert server.headers["Authorization"] == basic and "X-API-Key" not in server.headers

    def gate(path: str, payload: dict[str, Any]) -> tuple[Any, ...]:
        mine = server.headers["Authorization"] == basic and server.headers.get("X-API-Key") == KEY
        return say(path, payload) if mine else (401, {}, {"WWW-Authenticate": 'Basic realm="x"'})

    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    with api_server(gate) as server:
        got = engine(server, base_url=with_secrets(server)).respond(one(), **DRAWN)
        assert got == [[Reply("Answer: A", "stop")] * 3]
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ключ")
    with api_server(say) as server, pytest.raises(CalmError, match=r"^\$OPENAI_API_KEY has characters that no key has"):
        engine(server)


def test_what_is_written_of_settings(tmp_path: Path) -> None:
    url = "https://ada:pw@host/v1?token=abc&x=1"
    options = SamplingOptions(backend="api", backend_args={"base_url": url, "body": {"api_key": "k", "n": 1}})
    assert options.backend_args["base_url"] == url
    written = TrainingJob.model_fields["sampling"].annotation.model_validate(options.model_dump(mode="json"))
    assert written.backend_args == {"base_url": "https://host/v1?x=1", "body": {"n": 1}}
    assert without_secrets(["hf://a@main", "see http://a:b@c", {"max_tokens": 4, "tokenizer": "t"}]) == [
        "hf://a@main", "see http://a:b@c", {"max_tokens": 4, "tokenizer": "t"},
    ]  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(f"sampling:\n  backend_args: {{base_url: '{url}'}}\n")
    text, values = read_recipe(tmp_path / "recipe.yaml")
    assert "pw" not in text and "abc" not in str(values), "a run of an earlier version"
    assert mask("at http://a:b/c@host and //x") == "at http://***@host and //x"


@pytest.mark.parametrize("url", ["here", "ftp://h/v1", "http://", "http://h:99999/v1", "http://h/v1#x", "http://h /v1"])
def test_an_address_that_is_none_is_refused(babel_model: Path, url: str) -> None:
    with pytest.raises(
        RecipeError, match=r"sampling\.backend_args\.base_url: .*an address as http://localhost:8000/v1"
    ):
        recipe(babel_model, sampling={"backend": "api", "backend_args": {"base_url": url}})


def test_a_key_that_is_a_word_leaves_settings_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local servers are asked with keys as EMPTY or test, which also stand in paths and names."""
    monkeypatch.setattr(secrets, "_known", set())
    secrets.register("test", "EMPTY", "sk-93hf02")
    text = "split: test\npath: runs/EMPTY\nurl: http://host/v1?api_key=abc\nkey: sk-93hf02\n"
    assert secrets.clean(text) == "split: test\npath: runs/EMPTY\nurl: http://host/v1?api_key=***\nkey: ***\n"
    assert secrets.mask("the server said sk-93hf02") == "the server said ***"
