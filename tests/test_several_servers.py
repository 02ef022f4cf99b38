"""Several servers as one: load is shared, the dead are left out and come back, and nothing depends on who answered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from calm_ext.errors import CalmError, RecipeError
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_jsonl
from calm_ext.models.backends import BACKENDS
from calm_ext.models.backends.api import ApiBackend
from calm_ext.models.backends.protocol import Failure
from calm_ext.models.backends.servers import FAULTS, Server
from calm_ext.models.endings import Endings
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.request import SampleRequest
from calm_ext.pipeline.recipe import with_arguments
from calm_ext.records import Generation, ParallelQuestion
from tests.api_server import ApiServer, Process, api_server, choices, steady
from tests.test_pipeline import recipe
from tests.test_servers import SECRETS, asked_of, with_secrets

DRAWN = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 4}
NOBODY = "http://127.0.0.1:9/v1"
LONG = 60.0  # seconds after which a test has failed


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calm_ext.models.backends.servers._BACKOFF", 0.01)


def engine(*servers: ApiServer | Process | str, path: str | Path = "tiny", **options: Any) -> ApiBackend:
    urls = [x if isinstance(x, str) else x.url for x in servers]
    found = BACKENDS["api"].load(ModelOptions(path=str(path)), arguments={"base_url": urls, **options})
    assert isinstance(found, ApiBackend)
    return found


def requests(n: int) -> list[SampleRequest]:
    return [SampleRequest(f"q{i} in en", f"prompt {i}", [], [10 * i]) for i in range(n)]


def notes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.endswith(".servers") and r.levelno >= logging.WARNING]


def wait_for(what: Any) -> None:
    end = time.monotonic() + LONG
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


# --- load -------------------------------------------------------------------------------------------------------------


def test_who_is_busy_gets_fewer_requests() -> None:
    """One server keeps its first two requests until the other has answered all the rest."""
    rest = threading.Event()

    def slow(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        assert rest.wait(LONG)
        return steady(path, payload)

    def fast(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if len(quick.asked) == 18:
            rest.set()
        return steady(path, payload)

    with api_server(slow) as lazy, api_server(fast) as quick:
        found = engine(lazy, quick, concurrency=2)
        assert found._servers.threads == 4
        got = found.respond(requests(20), **DRAWN)
        assert (len(lazy.asked), len(quick.asked)) == (2, 18)
    with api_server(steady) as alone:
        assert got == engine(alone).respond(requests(20), **DRAWN), "in order, and the same as of one server"


def test_requests_one_at_a_time_take_turns() -> None:
    with api_server(steady) as a, api_server(steady) as b, api_server(steady) as c:
        found = engine(a, b, c, concurrency=1)
        for one in requests(9):
            found.respond([one], **DRAWN)
        assert [len(x.asked) for x in (a, b, c)] == [3, 3, 3]


# --- a server that dies and comes back --------------------------------------------------------------------------------


def test_one_that_dies_is_left_out_and_one_that_comes_back_is_used_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A process is killed in the middle and started again later; the generations are those of one server."""
    before: list[int] = []

    def director(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        """The other server, which has the first one killed and started."""
        n = len(lasting.asked)
        if n == 6:
            wait_for(lambda: mortal.answered > 0)
            mortal.kill()
        if n == 30:
            before.append(mortal.answered)
            mortal.start()
            wait_for(lambda: mortal.answered > before[0])
        return steady(path, payload)

    with Process(tmp_path / "mortal") as mortal, api_server(director) as lasting:
        told = Endings()
        found = engine(mortal, lasting, concurrency=2)
        sample(found, asked_of(40), tmp_path / "g.jsonl", mode="generate", n=2, endings=told)
    assert told.notes() == []
    gone, back = notes(caplog)
    assert gone.startswith(f"{mortal.url} is left out until it answers again: it ") and "\n" not in gone
    assert back == f"{mortal.url} answers again and is used"
    with api_server(steady) as alone:
        sample(engine(alone), asked_of(40), tmp_path / "one.jsonl", mode="generate", n=2)
    assert (tmp_path / "g.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_all_dead_is_one_line_and_nothing_that_came_is_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    output = tmp_path / "g.jsonl"
    with Process(tmp_path / "a") as a, Process(tmp_path / "b") as b:
        found = engine(a, b, concurrency=2, retries=2)
        real = found._ask

        def fatal(*args: Any, **more: Any) -> Any:
            if a.answered + b.answered >= 12:
                a.kill()
                b.kill()
            return real(*args, **more)

        found._ask = fatal  # type: ignore[method-assign]
        said = (
            r"^q\d+ in (en|fr): http://127\.0\.0\.1:\d+/v1/completions is not there \(.*\); none of the 2 servers is "
            r"left; .*what came is kept, and the same command goes on$"
        )
        with pytest.raises(CalmError, match=said) as error:
            sample(found, asked_of(20), output, mode="generate", n=1)
        paid = a.answered + b.answered
    assert "\n" not in str(error.value) and len(notes(caplog)) == 2, "one note for each"
    with api_server(steady) as server:
        sample(engine(server), asked_of(20), output, mode="generate", n=1)
        lost = len(server.asked) - (40 - paid)
        assert 0 <= lost <= 4, "at most what was under way when they died"


def test_option_scores_do_not_depend_on_who_gave_them(
    babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def tired(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if len(broken.asked) > 5:
            raise ConnectionError
        return steady(path, payload)

    with api_server(tired) as broken, api_server(steady) as other:
        found = engine(broken, other, path=babel_model, concurrency=2)
        sample(found, questions[:6], tmp_path / "g.jsonl", mode="options")
        assert len(broken.asked) >= 5 + FAULTS and other.asked
    (note,) = notes(caplog)
    assert note.startswith(f"{broken.url} is left out") and "broke off" in note
    with api_server(steady) as alone:
        sample(engine(alone, path=babel_model), questions[:6], tmp_path / "one.jsonl", mode="options")
    assert (tmp_path / "g.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()


def test_a_pause_doubles_up_to_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = {"s": 0.0}
    monkeypatch.setattr("calm_ext.models.backends.servers._BACKOFF", 0.5)
    monkeypatch.setattr("calm_ext.models.backends.servers.time", SimpleNamespace(monotonic=lambda: now["s"]))
    with api_server(steady) as a, api_server(steady) as b:
        found = engine(a, b)
        server: Server = found._servers.each[0]
        pauses = []
        for _ in range(9):
            now["s"] = server.until
            found._servers.leave_out(server, Failure("is not there", kind="gone"))
            pauses.append(server.until - now["s"])
        assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
        for _ in range(3):
            found.respond(requests(1), **DRAWN)
        assert a.asked == [] and len(b.asked) == 3, "its time has not come"
        now["s"] = server.until
        found.respond(requests(2), **DRAWN)
        assert a.asked and not server.out


def test_one_that_hangs_is_tried_by_a_question_that_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes requests and says nothing is not given another one until it lists its models."""
    with api_server(steady) as a, api_server(steady) as b:
        found = engine(a, b, concurrency=1)
        first = found._servers.each[0]
        there = {"now": False}
        monkeypatch.setattr(type(first.connection), "is_there", lambda self: there["now"] or self.base == b.url)
        found._servers.leave_out(first, Failure("did not answer", kind="late"))
        for one in requests(5):
            first.until = 0.0
            found.respond([one], **DRAWN)
        assert a.asked == [] and first.out and first.outages == 6
        there["now"], first.until = True, 0.0
        found.respond(requests(1), **DRAWN)
        assert len(a.asked) == 1 and not first.out


# --- a server that is there and no good -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "said", "most"),
    [
        ((401, {"error": {"message": "who are you"}}), "it answered 401: who are you", 2),
        ((404, {"error": {"message": "no model tiny"}}), "it answered 404: no model tiny", 2),
        ((429, {"error": {"message": "enough"}}, {"Retry-After": "3600"}), "asks us to wait 3600 s", 2),
        ((500, {"error": {"message": "oops"}}), "it answered 500: oops", 2 * FAULTS),
        ((200, b"<html>"), "answered something that is not OpenAI's protocol", 2 * FAULTS),
    ],
)
def test_one_that_refuses_or_fails_whatever_it_is_asked(
    bad: tuple[Any, ...], said: str, most: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calm_ext.models.backends.servers._BACKOFF", 60.0)  # it is not tried again here
    with api_server(lambda *_: bad) as sick, api_server(steady) as well:
        got = engine(sick, well, concurrency=2).respond(requests(20), **DRAWN)
        assert 1 <= len(sick.asked) <= most and len(well.asked) == 20
    assert all(reply.text for (reply,) in got)
    (note,) = notes(caplog)
    assert note.startswith(f"{sick.url} is left out until it answers again: it ") and said in note


def test_one_that_is_busy_is_spared_without_a_note(caplog: pytest.LogCaptureFixture) -> None:
    busy = (429, {"error": {"message": "slow down"}}, {"Retry-After": "110"})
    with api_server(lambda *_: busy) as full, api_server(steady) as free:
        got = engine(full, free, concurrency=2).respond(requests(20), **DRAWN)
        assert len(full.asked) <= 2 and len(free.asked) == 20
    assert all(reply.text for (reply,) in got) and notes(caplog) == []


def test_a_request_that_is_at_fault_is_asked_once_and_blames_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def picky(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        filtered = (400, {"error": {"message": "filtered"}})
        return filtered if payload["prompt"] in ("prompt 3", "prompt 4") else steady(path, payload)

    with api_server(picky) as a, api_server(picky) as b:
        got = engine(a, b).respond(requests(8), **DRAWN)
        asked = [p["prompt"] for server in (a, b) for _, p in server.asked]
    assert [own[0].text is None for own in got] == [i in (3, 4) for i in range(8)]
    assert asked.count("prompt 3") == asked.count("prompt 4") == 1 and notes(caplog) == []


def test_a_prompt_that_every_server_breaks_at_ends_no_server(caplog: pytest.LogCaptureFixture) -> None:
    def fragile(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return (500, {"error": {"message": "oops"}}) if payload["prompt"] == "prompt 3" else steady(path, payload)

    with api_server(fragile) as a, api_server(fragile) as b:
        got = engine(a, b, retries=4).respond(requests(8), **DRAWN)
        assert sum(p["prompt"] == "prompt 3" for x in (a, b) for _, p in x.asked) == 2 * (1 + 4)
    assert [i for i, own in enumerate(got) if own[0].text is None] == [3] and notes(caplog) == []


def test_one_that_gives_a_response_at_a_time_is_no_dead_one(caplog: pytest.LogCaptureFixture) -> None:
    def single(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return (500, {"error": {"message": "one choice only"}}) if payload["n"] > 1 else steady(path, payload)

    asked = [SampleRequest(f"q{i}", f"prompt {i}", [], [1, 2, 3]) for i in range(6)]
    with api_server(single) as a, api_server(single) as b:
        got = engine(a, b).respond(asked, **DRAWN)
    assert all(reply.text for own in got for reply in own) and notes(caplog) == []


# --- at the start -----------------------------------------------------------------------------------------------------


def test_at_the_start_the_dead_are_left_out_and_a_wrong_model_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with api_server(steady, models=["tiny"]) as good, api_server(steady, models=["other"]) as wrong:
        assert engine(NOBODY, good).respond(requests(1), **DRAWN)[0][0].text
        (note,) = notes(caplog)
        assert note.startswith(f"{NOBODY} is left out until it answers again: it is not there")
        with pytest.raises(CalmError, match=rf"^{wrong.url} has no model tiny, but other: "):
            engine(good, wrong)
    said = r"^none of the 2 servers answers: no server answers at http://127\.0\.0\.1:9/v1/models \("
    with pytest.raises(CalmError, match=said) as error:
        engine(NOBODY, good)
    assert "\n" not in str(error.value)


def test_no_secret_is_in_a_note(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRETS[0])
    caplog.set_level("DEBUG")

    def talks(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return 401, {"error": {"message": f"{path} {bad.headers} {' '.join(SECRETS)}"}}

    with api_server(talks) as bad, api_server(steady) as good:
        with_login = with_secrets(bad)
        assert engine(with_login, NOBODY.replace("//", "//ada:pa ss".replace(" ", "%20") + "@"), good).respond(
            requests(8), **DRAWN
        )
    assert len(notes(caplog)) == 2
    assert [x for x in (*SECRETS, "pa%20ss") if x in caplog.text] == []


# --- how they are named -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "an address as http://localhost:8000/v1, or a list of such, was expected"),
        (["http://a/v1", "b"], "an address as http://localhost:8000/v1 was expected as number 2"),
        (["http://a/v1", "http://a/v1"], "a server is listed twice"),
        ([["http://a/v1"]], "an address as http://localhost:8000/v1 was expected"),
        (5, "an address as http://localhost:8000/v1 was expected"),
    ],
)
def test_addresses_that_are_none(babel_model: Path, given: Any, said: str) -> None:
    with pytest.raises(RecipeError, match=rf"sampling\.backend_args\.base_url: {said}") as error:
        recipe(babel_model, sampling={"backend": "api", "backend_args": {"base_url": given}})
    assert len(error.value.problems) == 1


def test_a_list_is_an_option_given_several_times() -> None:
    def given(*items: str) -> Any:
        options = with_arguments(SamplingOptions(backend="api"), verb="sample", backend_args=items)
        return options.backend_args

    a, b = "base_url=http://a:1/v1", "base_url=http://b:2/v1"
    assert given(a) == {"base_url": "http://a:1/v1"}
    assert given(a, "retries=1", b) == {"base_url": ["http://a:1/v1", "http://b:2/v1"], "retries": 1}
    assert given("base_url=[http://a:1/v1, http://b:2/v1]") == {"base_url": ["http://a:1/v1", "http://b:2/v1"]}
    assert given(a, "body.top_k=5", "body.min_p=0.1")["body"] == {"top_k": 5, "min_p": 0.1}
    with pytest.raises(RecipeError, match=r"backend_args\.retries: a whole number was expected, got \[1, 2\]"):
        given(a, "retries=1", "retries=2")


def test_what_is_written_of_a_list_has_no_secrets() -> None:
    urls = ["https://ada:pw@host/v1?token=abc&x=1", "https://other/v1"]
    options = SamplingOptions(backend="api", backend_args={"base_url": urls})
    assert options.model_dump(mode="json")["backend_args"] == {"base_url": ["https://host/v1?x=1", "https://other/v1"]}
    assert BACKENDS["api"].identity(options.backend_args) == {}, "where servers are does not change what is sampled"


def test_conversations_go_to_all(tmp_path: Path) -> None:
    def chat(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        assert path == "/v1/chat/completions"
        return 200, choices([payload["messages"][0]["content"]] * payload["n"], chat=True)

    servers: Sequence[ApiServer]
    with ExitStack() as stack:
        servers = [stack.enter_context(api_server(chat)) for _ in range(3)]
        urls = [x.url for x in servers]
        found = BACKENDS["api"].load(ModelOptions(path="tiny"), arguments={"base_url": urls}, chat=True)
        sample(found, asked_of(12), tmp_path / "g.jsonl", mode="generate", style="direct", n=1, chat_template=True)
        assert sum(len(x.asked) for x in servers) == 24 and all(x.asked for x in servers)
    assert len(list(read_jsonl(tmp_path / "g.jsonl", Generation))) == 24
