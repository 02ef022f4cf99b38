"""Responses that a server does not give: what is kept, what is said, and how they are asked for again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import calm_ext
from calm_ext.errors import CalmError
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_jsonl, to_line, write_jsonl
from calm_ext.models.backends import BACKENDS
from calm_ext.models.backends.api import IN_A_ROW, ApiBackend
from calm_ext.models.endings import Endings
from calm_ext.models.options import ModelOptions
from calm_ext.models.request import Reply, SampleRequest
from calm_ext.pairing.build import build_pairs
from calm_ext.pairing.options import PairingOptions
from calm_ext.pipeline.run import Pipeline
from calm_ext.records import Ballot, Generation, ParallelQuestion, Version
from calm_ext.voting.table import VoteTable
from tests.api_server import ApiServer, api_server, choices
from tests.shell import calm
from tests.test_pipeline import Spy, recipe

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]

DRAWN = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 4}
REQUESTS = [SampleRequest(f"q{i} in en", f"prompt {i}", [], [10 * i, 10 * i + 1, 10 * i + 2]) for i in range(40)]


def engine(server: ApiServer, *, chat: bool = False, **options: Any) -> ApiBackend:
    given = {"base_url": server.url, "retries": 0, **options}
    found = BACKENDS["api"].load(ModelOptions(path="tiny"), arguments=given, chat=chat)
    assert isinstance(found, ApiBackend)
    return found


def say(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
    texts = ["Answer: A"] * payload.get("n", 1)
    return 200, choices(texts, chat="messages" in payload)


def refusing(*words: str, status: int = 400) -> Answer:
    """A server that refuses prompts with one of these words, whatever it is asked beside."""

    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if any(f"{word} " in json.dumps(payload).replace('"', " ") for word in words):
            return status, {"error": {"code": "content_filter", "message": "filtered"}}
        return say(path, payload)

    return answer


def asked_of(n: int, languages: tuple[str, ...] = ("en", "fr")) -> list[ParallelQuestion]:
    return [
        ParallelQuestion(
            id=f"q{i}",
            answer=0,
            versions={x: Version(question=f"Word {x}{i} ?", options=["air", "sea"]) for x in languages},
        )
        for i in range(n)
    ]


# --- the server -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 422, 500, 503])
def test_a_question_that_is_refused_costs_its_own_responses_only(status: int) -> None:
    with api_server(refusing("prompt 3", status=status)) as server:
        got = engine(server).respond(REQUESTS, **DRAWN)
    for i, replies in enumerate(got):
        if i == 3:
            assert replies == [Reply(None, "failed" if status >= 500 else None, f"answered {status}: filtered")] * 3
        else:
            assert replies == [Reply("Answer: A", "stop")] * 3
    others = [p["n"] for _, p in server.asked if p["prompt"] != "prompt 3"]
    assert others == [3] * 39, "that one was refused is no reason to ask the others one by one"


def test_a_server_that_refuses_everything_is_left_with_its_own_words() -> None:
    with api_server(lambda *_: (400, {"error": {"message": "credit is used up"}})) as server:
        with pytest.raises(
            CalmError, match=r"q\d+ in en: http\S+/completions answered 400: credit is used up; the last \d+ req"
        ):
            engine(server, concurrency=2).respond(REQUESTS, **DRAWN)
        assert len(server.asked) <= 2 * (IN_A_ROW + 2) + 1, "and soon"
        with pytest.raises(CalmError, match=r"^q0 in en: \S+ answered 400: credit is used up$"):
            engine(server).respond(REQUESTS[:1], **DRAWN)


@pytest.mark.parametrize("status", [401, 402, 404])
def test_what_no_other_question_would_change_is_said_at_once(status: int) -> None:
    with (
        api_server(lambda *_: (status, {"error": {"message": "pay first"}})) as server,
        pytest.raises(CalmError, match=f"answered {status}: pay first"),
    ):
        engine(server, concurrency=1).respond(REQUESTS, **DRAWN)
    assert len(server.asked) <= 2


def test_many_refused_questions_in_a_row_do_not_stop_the_others() -> None:
    refused = [f"prompt {i}" for i in range(5, 35)]
    with api_server(refusing(*refused)) as server:
        got = engine(server, concurrency=1).respond(REQUESTS, **DRAWN)
    assert [i for i, replies in enumerate(got) if replies[0].text is None] == list(range(5, 35))
    plain = [p for _, p in server.asked if p["prompt"] == "2 + 2 ="]
    assert len(plain) == 3, "one for ten in a row"
    with api_server(refusing(*refused)) as server:
        got = engine(server).respond(REQUESTS[5:8], **DRAWN)
    assert [r.text for own in got for r in own] == [None] * 9, "nothing but refused ones, of a server that answers"


@pytest.mark.parametrize(
    ("status", "message", "tries"),
    [
        (400, "n must be 1", 1),
        (500, "Only one completion choice is allowed", 1),
        (501, "n > 1 is not supported", 1),
        (500, "oops", 2),
    ],
)
def test_n_that_is_refused_with_any_status(status: int, message: str, tries: int) -> None:
    def one(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return say(path, payload) if payload["n"] == 1 else (status, {"error": {"message": message}})

    with api_server(one) as server:
        got = engine(server, concurrency=1, retries=2).respond(REQUESTS[:4], **DRAWN)
    assert [r.text for own in got for r in own] == ["Answer: A"] * 12
    assert sum(p["n"] > 1 for _, p in server.asked) == tries, "not repeated, and remembered"


def test_keys_of_a_request_can_be_left_out_and_the_message_says_how() -> None:
    def strict(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        for key in ("seed", "top_p", "n"):
            if key in payload:
                return 422, {"detail": [{"type": "x", "loc": ["body", key], "msg": "Extra inputs are not permitted"}]}
        if "max_tokens" in payload:
            return 400, {"error": {"message": "'max_tokens' is not supported. Use 'max_completion_tokens' instead."}}
        return 200, choices(["yes"])

    body: dict[str, Any] = {}
    with api_server(strict) as server:
        for key, advice in (
            ("seed", r"body\.seed: Extra inputs are not permitted; leave it out with "
             r"sampling\.backend_args\.body: \{seed: null\}$"),
            ("top_p", r"\{top_p: null\}$"),
            ("n", r"\{n: null\}$"),
            ("max_tokens", r"instead\.; say sampling\.backend_args\.body: \{max_tokens: null, max_completion_tokens: 4\}$"),
        ):  # fmt: skip
            with pytest.raises(CalmError, match=advice):
                engine(server, body=body).respond(REQUESTS[:1], **DRAWN)
            body[key] = None
        got = engine(server, body={**body, "max_completion_tokens": 4}).respond(REQUESTS[:2], **DRAWN)
        assert got == [[Reply("yes", "stop")] * 3] * 2
        assert set(server.asked[-1][1]) == {"model", "prompt", "temperature", "max_completion_tokens"}


def test_a_prompt_that_is_too_long_is_no_reason_to_leave_a_key_out() -> None:
    text = "'max_tokens' is too large: 256. This model's maximum context length is 4096 tokens"
    with api_server(lambda *_: (400, {"error": {"message": text}})) as server, pytest.raises(CalmError) as error:
        engine(server).respond(REQUESTS[:1], **DRAWN)
    assert str(error.value).endswith(text)


def chat(**message: Any) -> dict[str, Any]:
    return {"message": {"role": "assistant", **message}, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("choice", "reply"),
    [
        (chat(content="B"), Reply("B", "stop")),
        (chat(content=""), Reply("", "stop")),
        (chat(content=None), Reply(None, "stop", "came without content")),
        (
            {**chat(content=None, reasoning_content="long"), "finish_reason": "length"},
            Reply(None, "length", "came without content, with reasoning only"),
        ),
        ({**chat(content=""), "finish_reason": "length"}, Reply(None, "length", "came without content")),
        (chat(content="", reasoning="so"), Reply(None, "stop", "came without content, with reasoning only")),
        (chat(content=None, refusal="I will\nnot"), Reply(None, "stop", "refused: I will not")),
        (
            chat(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "A?"}]}, {"type": "text", "text": "B"}]),
            Reply("B", "stop"),
        ),
        (chat(content=["one ", {"text": "two"}]), Reply("one two", "stop")),
        (chat(content="B \ud83d"), Reply("B \ufffd", "stop")),
        (chat(content="\U0001f600"), Reply("\U0001f600", "stop")),
        ({**chat(content="B"), "finish_reason": "max_tokens"}, Reply("B", "length")),
        ({**chat(content="B"), "finish_reason": "eos_token"}, Reply("B", "stop")),
        ({"message": {"content": "B"}}, Reply("B")),
        ({"message": {"content": 7}}, None),
        ({"index": 1}, None),
        ("text", None),
    ],
)  # fmt: skip
def test_what_a_choice_says(choice: Any, reply: Reply | None) -> None:
    requests = [SampleRequest("q", json.dumps([{"role": "user", "content": "?"}]), [], [1])]
    with api_server(lambda *_: (200, {"choices": [choice, choice]})) as server:
        if reply is None:
            with pytest.raises(CalmError, match="answered something that is not OpenAI's protocol"):
                engine(server, chat=True).respond(requests, **DRAWN)
        else:
            assert engine(server, chat=True).respond(requests, **DRAWN) == [[reply]]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ((200, b"<html>"), "answered something that is not OpenAI's protocol: '<html>'"),
        ((200, {"choices": []}), "answered with no choice"),
        ((200, {"error": {"message": "no provider"}}), "answered an error: no provider"),
    ],
)
def test_an_answer_that_cannot_be_read_costs_what_it_should_have_held(broken: tuple[int, Any], why: str) -> None:
    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return broken if payload["prompt"] == "prompt 1" else say(path, payload)

    with api_server(answer) as server:
        got = engine(server).respond(REQUESTS[:3], **DRAWN)
    assert got[1] == [Reply(None, None if "choice" in why else "failed", why)] * 3
    assert got[0] == got[2] == [Reply("Answer: A", "stop")] * 3


def test_one_choice_that_cannot_be_read_costs_that_response() -> None:
    mixed = {"choices": [{"index": 0, "text": "A"}, {"index": 1}, {"index": 2, "text": "B"}]}
    with api_server(lambda *_: (200, mixed)) as server:
        ((first, second, third),) = engine(server).respond(REQUESTS[:1], **DRAWN)
    assert (first.text, second.text, third.text) == ("A", None, "B")
    assert second.why.startswith("answered something that is not OpenAI's protocol")


def test_a_connection_that_breaks_costs_one_question() -> None:
    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if payload["prompt"] == "prompt 1":
            raise ConnectionError("the server falls over")  # no answer is sent
        return say(path, payload)

    with api_server(answer) as server:
        got = engine(server).respond(REQUESTS[:3], **DRAWN)
    assert [own[0].text for own in got] == ["Answer: A", None, "Answer: A"]
    assert got[1][0].why.startswith("broke off (ConnectionError: ")


# --- sampling ---------------------------------------------------------------------------------------------------------


def test_a_refused_question_is_kept_as_null_and_asked_again_with_retry(tmp_path: Path) -> None:
    asked, path = asked_of(5), tmp_path / "g.jsonl"
    with api_server(refusing("fr1", "en3")) as server:
        endings = Endings()
        assert sample(engine(server), asked, path, mode="generate", n=2, chunk=2, endings=endings) == 5
        assert endings.notes() == [
            "4 of 20 responses are missing: 4 answered 400: filtered (q1 in fr, q3 in en). --retry asks for them again"
        ]
        before = path.read_text().splitlines(keepends=True)
        rows = list(read_jsonl(path, Generation))
        lost = [(g.id, g.language) for g in rows if g.n_missing]
        assert lost == [("q1", "fr"), ("q3", "en")]
        assert all(g.responses == ([None, None] if g.n_missing else ["Answer: A"] * 2) for g in rows)
        server.asked.clear()
        endings = Endings()
        assert sample(engine(server), asked, path, mode="generate", n=2, chunk=2, endings=endings) == 0
        assert server.asked == [], "what is there stays, nulls too"
        assert endings.notes() == ["4 of 20 responses are missing. --retry asks for them again"]
        assert path.read_text() == "".join(before)
    with api_server(refusing("en3")) as server:
        endings = Endings()
        assert sample(engine(server), asked, path, mode="generate", n=2, retry=True, endings=endings) == 2
        assert {p["prompt"].split("Word ")[1][:3] for _, p in server.asked if "Word" in p["prompt"]} == {"fr1", "en3"}
        assert endings.notes() == [
            "2 of 20 responses are missing: 2 answered 400: filtered (q3 in en). --retry asks for them again"
        ]
    after = path.read_text().splitlines(keepends=True)
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [3]
    assert Generation.model_validate_json(after[3]).responses == ["Answer: A"] * 2
    with api_server(say) as server:
        assert sample(engine(server), asked, path, mode="generate", n=2, retry=True) == 1
    whole = tmp_path / "whole.jsonl"
    with api_server(say) as server:
        sample(engine(server), asked, whole, mode="generate", n=2)
    assert path.read_bytes() == whole.read_bytes()


def test_the_verb_says_what_is_missing_and_asks_again(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "q.jsonl", asked_of(3))
    output = tmp_path / "g.jsonl"
    base = ["sample", str(tmp_path / "q.jsonl"), "-o", str(output), "-n", "2"]
    base += ["--model", "m", "--backend", "api", "--backend-arg", "body={seed: null}"]
    with api_server(refusing("fr1")) as server:
        done = calm(*base, "--backend-arg", f"base_url={server.url}")
        assert "seed" not in server.asked[0][1]
    assert done.returncode == 0, done.stderr
    assert "note: 2 of 12 responses are missing: 2 answered 400: filtered (q1 in fr). --retry asks" in done.stderr
    assert output.read_text().count("[null,null]") == 1
    with api_server(say) as server:
        done = calm(*base, "--backend-arg", f"base_url={server.url}", "--retry")
    assert done.returncode == 0 and "1 questions asked, 2 were there already" in done.stderr
    assert "note:" not in done.stderr and "null" not in output.read_text()


def test_retry_keeps_what_came_before_it_was_interrupted_and_goes_on_with_the_rest(tmp_path: Path) -> None:
    asked, path = asked_of(6), tmp_path / "g.jsonl"
    with api_server(refusing("fr0", "fr1", "fr2")) as server:
        sample(engine(server), asked[:4], path, mode="generate", n=1, chunk=2)
    with api_server(say) as server:
        backend = engine(server)
        real, calls = backend.respond, []

        def tired(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        backend.respond = tired  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            sample(backend, asked, path, mode="generate", n=1, chunk=2, retry=True)
        assert [g.id for g in read_jsonl(path, Generation) if g.n_missing] == ["q2"]
        assert sample(engine(server), asked, path, mode="generate", n=1, chunk=2, retry=True) == 1 + 2
    rows = list(read_jsonl(path, Generation))
    assert len(rows) == 12 and not any(g.n_missing for g in rows)


def test_where_nothing_is_answered_sampling_stops_early(tmp_path: Path) -> None:
    asked, path = asked_of(20), tmp_path / "g.jsonl"
    only = [f"{x}{i}" for x in ("en", "fr") for i in range(20)]
    with api_server(refusing(*only)) as server:  # a plain request is answered
        with pytest.raises(
            CalmError, match=r"^there is no response to any of the questions: q0 in en answered 400: filt"
        ):
            sample(engine(server), asked, path, mode="generate", n=1, chunk=4)
        assert path.read_text() == "", "it is all as before"
        assert sum("Word" in p["prompt"] for _, p in server.asked) == 8

    def thinking(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        message = {"content": None, "reasoning_content": "Hm."}
        return 200, {"choices": [{"index": 0, "message": message, "finish_reason": "length"}]}

    with api_server(thinking) as server:
        told = (
            r"any of the first 4 questions: q0 in en came without content, .*raise sampling\.max_new_tokens.*--retry$"
        )
        found = engine(server, chat=True)
        with pytest.raises(CalmError, match=told):
            sample(found, asked, path, mode="generate", n=1, chunk=4, chat_template=True)
        assert len(list(read_jsonl(path, Generation))) == 8, "tokens were paid for: it is not asked again by itself"
        endings = Endings()
        sample(found, asked[:4], path, mode="generate", n=1, chat_template=True, endings=endings)
        assert endings.summary() == {
            "responses": {"en": 4, "fr": 4}, "missing": {"en": 4, "fr": 4}, "cut": {"en": 4, "fr": 4},
        }  # fmt: skip
        assert endings.notes()[1].startswith("8 of these were cut at max_new_tokens: raise sampling.max_new_tokens, or")


def test_align_keeps_nulls_and_asks_again_with_retry(babel_model: Path, tmp_path: Path) -> None:
    lost = {"n": 3}

    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if lost["n"] and payload["prompt"] != "2 + 2 =":
            lost["n"] -= 1
            return 400, {"error": {"message": "not now"}}
        return say(path, payload)

    with api_server(answer) as server:
        given = {"base_url": server.url, "model": "x", "concurrency": 1, "retries": 0}
        asking = recipe(babel_model, sampling={"backend": "api", "backend_args": given, "n": 1}, data={"limit": 12})

        def run(**options: Any) -> Spy:
            spy = Spy()
            Pipeline(asking, tmp_path / "run", reporter=spy, **options).run(stop_after="sample")
            return spy

        said = dict(run().said[:-1])
        assert said["sample"].startswith("3 of 36 responses are missing: 3 answered 400: not now (")
        path = tmp_path / "run/generations.jsonl"
        before = path.read_text().splitlines()
        assert sum("null" in line for line in before) == 3
        assert ("sample", "unchanged, skipped") in run().said
        server.asked.clear()
        assert run(retry=True).ran() == ["sample"]
        assert len(server.asked) == 1 + 3, "one to see that the server works"
        after = path.read_text().splitlines()
        assert [a for a, b in zip(before, after, strict=True) if "null" not in a] == [
            b for a, b in zip(before, after, strict=True) if "null" not in a
        ]
        assert "null" not in path.read_text()
        assert ("sample", "unchanged, skipped") in run(retry=True).said, "nothing is missing"


# --- who reads them ---------------------------------------------------------------------------------------------------


def generation(language: str, responses: list[str | None], **more: Any) -> Generation:
    options = {"options": ["air", "sea"], "question": "?", "prompt": "?", "answer": 1}
    return Generation(id="q", language=language, responses=responses, **options, **more)


def test_the_record(tmp_path: Path) -> None:
    old = generation("en", ["a", "b"])
    assert to_line(old) == (
        '{"id":"q","language":"en","question":"?","options":["air","sea"],"answer":1,"prompt":"?","responses":["a","b"]}\n'
    )
    new = generation("en", ["a", None], finish=["length", None])
    assert '"responses":["a",null],"finish":["length",null]' in to_line(new)
    write_jsonl(tmp_path / "g.jsonl", [old, new])
    assert list(read_jsonl(tmp_path / "g.jsonl", Generation)) == [old, new]
    assert (new.given, new.n_missing) == (["a"], 1)
    with pytest.raises(ValueError, match="finish has 1 entries for 2 responses"):
        generation("en", ["a", "b"], finish=["stop"])


def test_a_null_is_no_vote_and_no_abstention() -> None:
    rows = [generation("en", ["Answer: B", None, "nothing"]), generation("fr", [None, None, None])]
    table = VoteTable.read([(str(i), g) for i, g in enumerate(rows)], style="explain")
    assert table.votes == [{"en": (1, None), "fr": ()}]
    given = {"id": "q", "options": ["air", "sea"], "question": "?", "answer": 1}
    samples = [
        {**given, "language": "en", "responses": ["Answer: B", None, "Answer: B"]},
        {**given, "language": "fr", "responses": [None, "Réponse : A", "Réponse : B"]},
    ]
    votes = calm_ext.vote(samples, rule="majority")
    assert votes.ballots[0].winner == 1 and votes.ballots[0].votes == {"en": [1, 1], "fr": [0, 1]}
    anchor, pair = calm_ext.build_pairs(votes).to_dicts()
    assert (anchor["language"], anchor["origin"], anchor["rejected_answer"]) == ("en", "anchor", 0)
    assert (pair["chosen"].strip(), pair["rejected"].strip()) == ("Réponse : B", "Réponse : A")
    rows = [
        {**given, "language": x, "response": text}
        for x, texts in (("en", ["Answer: B", None]), ("fr", [float("nan"), "Réponse : A"]))
        for text in texts
    ]
    assert calm_ext.vote(rows, rule="majority").ballots[0].votes == {"en": [1], "fr": [0]}
    assert calm_ext.score(rows)["acc"] == 0.5, "the first response that there is"


def test_pairs_of_generations_with_nulls() -> None:
    rows = [("g:1", generation("en", [None, "Answer: A", "Answer: B"]))]
    ballot = Ballot(id="q", winner=1, margin=0.5, votes={"en": [0, 1]}, weights={"en": 1.0})
    (pair,) = build_pairs([("b:1", ballot)], lambda: rows, PairingOptions(), style="explain")
    assert (pair.chosen_answer, pair.rejected_answer) == (1, 0)
    assert pair.chosen.strip() == "Answer: B"


def test_notes_name_languages_in_which_many_are_cut() -> None:
    endings = Endings()
    endings.add("en", ["a"] * 100, ["length"] * 4 + ["stop"] * 96)
    assert endings.notes() == []
    endings.add("sw", ["a"] * 10, ["length"] * 3 + [None] * 7)
    endings.add("fr", ["a"] * 10)
    (note,) = endings.notes()
    assert note.startswith("responses cut at max_new_tokens: sw 30% of 10; raise sampling.max_new_tokens")
    assert endings.summary() == {"responses": {"en": 100, "sw": 10, "fr": 10}, "cut": {"en": 4, "sw": 3}}
