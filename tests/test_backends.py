"""Sampling by a server (a real one on this machine, with a real model behind it) and by engines that are not here."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch

from calm_ext.errors import CalmError, RecipeError
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_jsonl
from calm_ext.models import meter
from calm_ext.models.backends import BACKENDS, Backend, Setup, backend
from calm_ext.models.backends.api import ApiBackend, ApiOptions
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.backends.sglang import SGLangBackend
from calm_ext.models.backends.vllm import VLLMBackend
from calm_ext.models.decoding import respond
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.options import ModelOptions
from calm_ext.models.request import Reply, SampleRequest
from calm_ext.options import Section
from calm_ext.pipeline.run import Pipeline
from calm_ext.pipeline.stages.sample import sampling_identity
from calm_ext.records import Generation, Pair, ParallelQuestion
from tests.api_server import ApiServer, api_server, choices
from tests.shell import calm
from tests.test_pipeline import recipe, run

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before a request is repeated double from here; five of the usual length take a quarter of a minute."""
    monkeypatch.setattr("calm_ext.models.backends.servers._BACKOFF", 0.01)


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=16)


def load(name: str, path: str | Path, *, chat: bool = False, **arguments: Any) -> Backend:
    return BACKENDS[name].load(ModelOptions(path=str(path)), arguments=arguments, chat=chat)


def engine(server: ApiServer, *, chat: bool = False, **options: Any) -> ApiBackend:
    found = load("api", "tiny", base_url=server.url, chat=chat, **options)
    assert isinstance(found, ApiBackend)
    return found


def say(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
    """Texts that tell what was asked."""
    texts = [f"{payload['prompt']} {payload['seed']} {i}" for i in range(payload["n"])]
    return 200, choices(texts)


def said(replies: Sequence[Sequence[Reply]]) -> list[list[str | None]]:
    return [[reply.text for reply in own] for own in replies]


REQUESTS = [SampleRequest(f"q{i} in en", f"prompt {i}", ["\n"], [10 * i, 10 * i + 1, 10 * i + 2]) for i in range(5)]
DRAWN = {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 4}


def test_all_responses_to_a_prompt_are_one_request() -> None:
    with api_server(say, models=["other", "tiny"]) as server:
        before = meter.reading()
        got = engine(server, body={"top_k": 50}).respond(REQUESTS, **DRAWN)
    assert said(got) == [[f"prompt {i} {10 * i} {j}" for j in range(3)] for i in range(5)], (
        "in order, whoever was first"
    )
    assert {reply.finish for own in got for reply in own} == {"stop"}
    assert len(server.asked) == 5
    path, payload = server.asked[0]
    rest = {k: v for k, v in payload.items() if k not in ("prompt", "seed")}
    assert path == "/v1/completions"
    assert rest == {
        "model": "tiny", "n": 3, "temperature": 0.7, "top_p": 0.9, "max_tokens": 4, "stop": ["\n"], "top_k": 50,
    }  # fmt: skip
    spent = meter.reading().since(before)
    assert spent.tokens == 5 * 7 and spent.seconds > 0


def test_a_server_that_gives_fewer_is_asked_for_the_rest() -> None:
    def few(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return say(path, {**payload, "n": min(2, payload["n"])})

    with api_server(few) as server:
        got = engine(server).respond(REQUESTS[1:2], **DRAWN)
    assert said(got) == [["prompt 1 10 0", "prompt 1 10 1", "prompt 1 12 0"]]
    assert [p["n"] for _, p in server.asked] == [3, 1]


def test_a_server_that_refuses_n_is_asked_one_by_one() -> None:
    def one(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return say(path, payload) if payload["n"] == 1 else (400, {"error": {"message": "n must be 1"}})

    with api_server(one) as server:
        got = engine(server, concurrency=4).respond(REQUESTS, **DRAWN)
    assert said(got) == [[f"prompt {i} {10 * i + j} 0" for j in range(3)] for i in range(5)]


def test_a_busy_server_is_asked_again() -> None:
    busy = Counter[str]()

    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        busy[payload["prompt"]] += 1
        return (503, {}) if busy[payload["prompt"]] < 3 else say(path, payload)

    with api_server(answer) as server:
        assert engine(server).respond(REQUESTS[:2], **DRAWN)[1][0].text == "prompt 1 10 0"
        assert set(busy.values()) == {3}
        busy.clear()
        with pytest.raises(CalmError, match=r"q0 in en: http://\S+/v1/completions answered 503: "):
            engine(server, retries=1).respond(REQUESTS[:1], **DRAWN)


def test_conversations_go_to_the_chat(questions: list[ParallelQuestion], tmp_path: Path) -> None:
    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        assert path == "/v1/chat/completions"
        (message,) = payload["messages"]
        return 200, choices([message["content"][:9], ""], chat=True)

    with api_server(answer) as server:
        found = engine(server, chat=True)
        sample(found, questions[:2], tmp_path / "g.jsonl", mode="generate", style="direct", n=2, chat_template=True)
        with pytest.raises(CalmError, match="no log-probabilities"):
            found.loglikelihood([])
    generations = list(read_jsonl(tmp_path / "g.jsonl", Generation))
    assert len(generations) == 6
    for g in generations:
        assert isinstance(g.prompt, list)
        assert g.responses == [g.prompt[0]["content"][:9], ""], "a refusal without text is an empty response"


def test_the_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    with api_server(say) as server:
        engine(server, api_key_env="MY_KEY").respond(REQUESTS[:1], **DRAWN)
    assert server.headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            (400, {"error": {"message": "prompt is too long\nby 3"}}),
            "q0 in en: URL answered 400: prompt is too long by 3",
        ),
        ((422, {"detail": "no"}), "q0 in en: URL answered 422: {'detail': 'no'}"),
        ((200, b"<html>"), "q0 in en: URL answered something that is not OpenAI's protocol: '<html>'"),
        ((200, {"choices": [{"index": 0}]}), "q0 in en: URL answered something that is not OpenAI's protocol: "),
        ((200, {"choices": ["text"]}), "q0 in en: URL answered something that is not OpenAI's protocol: "),
        ((200, {"choices": []}), "q0 in en: URL answered with no choice"),
    ],
)
def test_what_a_server_says_is_one_line(answer: tuple[int, Any], told: str) -> None:
    with api_server(lambda *_: answer) as server, pytest.raises(CalmError) as error:
        engine(server).respond(REQUESTS[:1], **DRAWN)
    assert str(error.value).replace(f"{server.url}/completions", "URL").startswith(told)
    assert "\n" not in str(error.value)


def test_a_server_that_takes_too_long_and_one_that_ignores_stop_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calm_ext.models.backends.servers._BACKOFF", 0.5)  # the test's server answers one at a time

    def slow(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(1.5)
        return say(path, payload)

    with (
        api_server(slow) as server,
        pytest.raises(CalmError, match=r"completions did not answer within sampling\.backend_args\.timeout, 0\.3 s"),
    ):
        engine(server, timeout=0.3).respond(REQUESTS[:1], **DRAWN)
    assert [p["prompt"] for _, p in server.asked].count("prompt 0") == 2, "once more, and not again and again"
    with api_server(lambda *_: (200, choices(["one\ntwo"] * 3))) as server:
        assert engine(server).respond(REQUESTS[:1], **DRAWN) == [[Reply("one", "stop")] * 3]


def test_no_server_and_another_model() -> None:
    with api_server(say, models=["a", "b"]) as server:
        with pytest.raises(CalmError, match=r"has no model tiny, but a, b: .*backend_args\.model"):
            engine(server)
        assert engine(server, model="b").model == "b"
    with pytest.raises(CalmError, match=r"^no server answers at http://127\.0\.0\.1:\d+/v1/models \(") as error:
        engine(server)
    assert "\n" not in str(error.value)


# --- with a model behind it -------------------------------------------------------------------------------------------


def serving(lm: SharedPrefixLM) -> Any:
    """Completions, and log-probabilities of echoed prompts, of a real model."""

    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        if payload.get("echo"):
            return 200, {
                "choices": [{"index": i, "logprobs": _echo(lm, ids)} for i, ids in enumerate(payload["prompt"])]
            }
        seeds = [payload["seed"] + i for i in range(payload["n"])]
        ask = SampleRequest("", payload["prompt"], payload.get("stop", []), seeds)
        drawn = {"temperature": payload["temperature"], "top_p": payload["top_p"]}
        (replies,) = respond(lm, [ask], max_new_tokens=payload["max_tokens"], **drawn)
        return 200, choices([reply.text or "" for reply in replies])

    return answer


def _echo(lm: SharedPrefixLM, ids: list[int]) -> dict[str, Any]:
    with torch.inference_mode():
        logprobs = lm.model(torch.tensor([ids])).logits[0].log_softmax(-1)
    own = [None, *(float(logprobs[i, t]) for i, t in enumerate(ids[1:]))]
    best = [None, *({"best": float(row.max())} for row in logprobs[:-1])]
    return {"token_logprobs": [*own, -1.0], "top_logprobs": [*best, {"x": -1.0}]}  # and the one token it had to write


def test_align_with_a_server(lm: SharedPrefixLM, babel_model: Path, tmp_path: Path) -> None:
    """All the way to an adapter; an interrupted sampling continues, and where the server is does not matter."""
    asked: Counter[str] = Counter()
    model = serving(lm)

    def tired(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        asked[payload["prompt"]] += 1
        return model(path, payload) if len(asked) <= 200 else (400, {"error": {"message": "enough for today"}})

    def asking(server: ApiServer, **more: Any) -> Any:
        given = {"base_url": server.url, "model": "x", "concurrency": 1, **more}
        return recipe(babel_model, sampling={"backend": "api", "backend_args": given}, data={"limit": 80})

    with api_server(tired) as server, pytest.raises(CalmError, match="enough for today"):
        Pipeline(asking(server), tmp_path / "run").run(stop_after="pairs")
    with api_server(model) as server:
        assert run(asking(server), tmp_path / "run", stop_after="pairs") == ["sample", "vote", "pairs"]
        n, languages = len((tmp_path / "run/questions.jsonl").read_text().splitlines()), 3
        wanted = [p["prompt"] for _, p in server.asked if p["prompt"] != "2 + 2 ="]
        answered = 200 - 1  # without the one that tried the server out
        assert len(wanted) == len(set(wanted)) == n * languages - answered, "none is asked for twice"
        assert run(asking(server, timeout=9, retries=1), tmp_path / "run", stop_after="pairs") == []
    assert list(read_jsonl(tmp_path / "run/pairs.jsonl", Pair))
    generations = list(read_jsonl(tmp_path / "run/generations.jsonl", Generation))
    assert len(generations) == n * languages
    assert all(len(g.responses) == 4 for g in generations)
    entry = json.loads((tmp_path / "run/manifest.json").read_text())["stages"]["sample"]
    assert entry["tokens"] > 0 and 0 < entry["model_seconds"] <= entry["seconds"]


def test_a_server_that_is_not_there_is_told_before_anything_is_done(babel_model: Path, tmp_path: Path) -> None:
    given = {"base_url": "http://127.0.0.1:9/v1"}
    asking = recipe(babel_model, sampling={"backend": "api", "backend_args": given})
    with pytest.raises(CalmError, match="no server answers"):
        Pipeline(asking, tmp_path / "run").run()
    assert not (tmp_path / "run").exists()
    assert run(asking, tmp_path / "run", stop_after="questions") == ["questions"]


def test_what_decides_what_is_sampled(babel_model: Path) -> None:
    def identity(**sampling: Any) -> Any:
        return sampling_identity(recipe(babel_model, sampling=sampling))

    url = {"base_url": "http://a/v1"}
    assert identity(batch_size=3) == identity(batch_size=4)
    assert identity(backend="api", backend_args=url) == identity(
        backend="api", backend_args={"base_url": "http://b/v1", "concurrency": 2}
    )
    assert identity(backend="api", backend_args=url) != identity(backend="api", backend_args={**url, "body": {"k": 1}})
    assert identity(backend="vllm") != identity() != identity(seed=1)
    assert identity(backend="vllm", backend_args={"x": 1}) != identity(backend="vllm")


def test_option_scores_of_a_server(
    lm: SharedPrefixLM, babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path
) -> None:
    with api_server(serving(lm)) as server:
        found = load("api", babel_model, base_url=server.url, concurrency=2)
        sample(found, questions[:3], tmp_path / "a.jsonl", mode="options")
        found.close()
    sample(HFBackend(lm), questions[:3], tmp_path / "b.jsonl", mode="options")
    for a, b in zip(*(read_jsonl(tmp_path / x, Generation) for x in ("a.jsonl", "b.jsonl")), strict=True):
        assert (a.id, a.language) == (b.id, b.language)
        assert a.option_logprobs == pytest.approx(b.option_logprobs, abs=1e-4)


def test_a_context_that_is_too_short_for_the_server_is_told(
    lm: SharedPrefixLM,
    babel_model: Path,
    questions: list[ParallelQuestion],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = questions[0]
    longer = {x: v.model_copy(update={"question": " ".join([v.question] * 5)}) for x, v in first.versions.items()}
    asked = [first.model_copy(update={"versions": longer})]
    with api_server(serving(lm)) as server:
        sample(load("api", babel_model, base_url=server.url, context=16), asked, tmp_path / "a", mode="options")
    told = [r.message for r in caplog.records if "lose their beginning" in r.message and "context" in r.message]
    assert len(told) == 1
    assert told[0].startswith("12 of 12 requests are longer than the 15 tokens")


def test_a_server_without_log_probabilities(
    babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path
) -> None:
    with api_server(lambda *_: (400, {"error": {"message": "echo is not supported"}})) as server:
        found = load("api", babel_model, base_url=server.url, retries=0)
        with pytest.raises(CalmError, match=r"gives no log-probabilities of a prompt .*backend hf or vllm"):
            sample(found, questions[:1], tmp_path / "a.jsonl", mode="options")


def test_the_verb(lm: SharedPrefixLM, questions_file: Path, tmp_path: Path) -> None:
    base = ["sample", str(questions_file), "-o", str(tmp_path / "g.jsonl")]
    base += ["--model", "tiny", "--style", "direct", "-n", "2", "--max-new-tokens", "3", "--backend", "api"]
    with api_server(serving(lm), models=["tiny"]) as server:
        done = calm(*base, "--backend-arg", f"base_url={server.url}")
    assert done.returncode == 0, done.stderr
    assert "40 questions asked" in done.stderr
    for arguments, said in (
        ([], "sampling.backend_args.base_url: missing"),
        (["--backend-arg", "base_url=here"], "sampling.backend_args.base_url: "),
        (["--backend-arg", f"base_url={server.url}", "--backend-arg", "modell=x"], "did you mean model?"),
        (["--backend-arg", "base_url"], "--backend-arg base_url: key=value was expected"),
        (["--backend-arg", f"base_url={server.url}"], "no server answers at"),
    ):
        failed = calm(*base, *arguments)
        assert failed.returncode == 2, failed.stderr
        assert said in failed.stderr and "Traceback" not in failed.stderr


# --- engines that are not here ----------------------------------------------------------------------------------------


class Tokens:
    bos_token_id = 1
    chat_template = None

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": [1, *([1] if text.startswith("<s>") else []), *map(ord, text)]}


CONFIG = SimpleNamespace(top_k=None, min_p=None, repetition_penalty=1.1)


def test_vllm_gets_n_and_a_seed_for_each_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval's class without vLLM itself: its request function, what it passes on, and how outputs are read."""
    kept = {"SamplingParams": lambda **k: SimpleNamespace(**k), "TokensPrompt": lambda **k: k, "LLM": object}
    stubs = {
        "vllm": kept,
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": object},
        "vllm.tokenizers": {"get_tokenizer": None},
        "vllm.renderers": {},
        "vllm.renderers.hf": {"resolve_chat_template": None},
    }
    for name, content in stubs.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "lm_eval.models.vllm_causallms", raising=False)
    plain = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.20" if name == "vllm" else plain(name))
    VLLM = importlib.import_module("lm_eval.models.vllm_causallms").VLLM
    monkeypatch.delitem(sys.modules, "lm_eval.models.vllm_causallms")
    seen: dict[str, Any] = {}

    def generate(prompts: Any, sampling_params: Any, **_: Any) -> list[Any]:
        seen.update(prompts=prompts, parameters=sampling_params)
        made = [
            [
                SimpleNamespace(index=i, text=f"{p.seed + i}\nmore", token_ids=[1, 2], finish_reason="length")
                for i in range(p.n)
            ]
            for p in sampling_params
        ]
        return [SimpleNamespace(outputs=outputs[::-1]) for outputs in made]

    inner = VLLM.__new__(VLLM)
    shape = {
        "tokenizer": Tokens(),
        "model": SimpleNamespace(generate=generate),
        "_max_length": 12,
        "batch_size": "auto",
    }
    for key, value in {**shape, "data_parallel_size": 1, "lora_request": None, "think_end_token": None}.items():
        setattr(inner, key, value)
    before = meter.reading()
    requests = [SampleRequest("a", "<s>xy", ["\n"], [7, 8, 9]), SampleRequest("b", "much too long a prompt", [], [20])]
    got = VLLMBackend(inner, CONFIG).respond(requests, **DRAWN)
    assert said(got) == [["7", "8", "9"], ["20\nmore"]], "in the order of their index, cut at a stop string"
    assert [[x.finish for x in own] for own in got] == [["stop"] * 3, ["length"]], "what a stop string cut has ended"
    ids = [p["prompt_token_ids"] for p in seen["prompts"]]
    assert ids == [[1, *map(ord, "<s>xy")], list(map(ord, "a prompt"))], "one BOS; the beginning is lost"
    first = vars(seen["parameters"][0])
    assert first == {
        "n": 3, "seed": 7, "temperature": 0.7, "top_p": 0.9, "top_k": 50, "min_p": 0.0, "repetition_penalty": 1.1,
        "max_tokens": 4, "stop": ["\n"],
    }  # fmt: skip
    assert meter.reading().since(before).tokens == 6 + 8 + 4 * 2


def test_sglang_responses_come_prompt_by_prompt() -> None:
    class Inner:
        tokenizer, max_length, think_end_token = Tokens(), 40, None

        def _model_generate(self, requests: Any, generate: bool, sampling_params: Any) -> list[dict[str, Any]]:
            return [
                {"text": f"{len(r)} {i}", "meta_info": {"finish_reason": {"type": ("stop", "length")[i]}}}
                for r, p in zip(requests, sampling_params, strict=True)
                for i in range(p["n"])
            ]

    requests = [SampleRequest("a", "xy", [], [1, 2]), SampleRequest("b", "xyz", [], [3, 4])]
    got = SGLangBackend(Inner(), CONFIG).respond(requests, **DRAWN)  # type: ignore[arg-type]
    assert got == [[Reply(f"{n} 0", "stop"), Reply(f"{n} 1", "length")] for n in (3, 4)]


def test_sglang_batches_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """lm-eval's class would hand it one prompt at a time where options are scored."""
    from lm_eval.models import sglang_causallms

    from calm_ext.models.backends.sglang import _make

    monkeypatch.setattr(sglang_causallms, "SGLangLM", lambda **given: given)
    assert _make(pretrained="m", tensor_parallel_size=2) == {
        "pretrained": "m", "tp_size": 2, "add_bos_token": True, "batch_size": "auto",
    }  # fmt: skip
    assert _make(pretrained="m", batch_size=4)["batch_size"] == 4  # type: ignore[index]


@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_an_engine_that_is_not_installed(name: str, babel_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    try:
        __import__(name)
    except ImportError:
        pass
    else:
        pytest.skip(f"{name} is installed")
    with pytest.raises(CalmError, match=f"sampling.backend {name}: the package {name} is not installed"):
        load(name, babel_model)
    with pytest.raises(CalmError, match="is not installed"):
        Pipeline(recipe(babel_model, sampling={"backend": name}), tmp_path / "run").run()
    assert not (tmp_path / "run").exists(), "before anything is written"


def test_keys_of_a_server_are_documented() -> None:
    assert ApiOptions.__doc__
    assert all(field.description for field in ApiOptions.model_fields.values())


# --- the registry -----------------------------------------------------------------------------------------------------


class EchoArguments(Section):
    times: int = 1
    """How often a prompt is repeated."""
    host: str = "here"
    """Where it runs."""

    TRANSPORT: ClassVar[frozenset[str]] = frozenset({"host"})


class Echo(Backend):
    def __init__(self, setup: Setup) -> None:
        self.times, self.closed = setup.arguments.times, False

    def respond(
        self, requests: Sequence[SampleRequest], *, temperature: float, top_p: float, max_new_tokens: int
    ) -> list[list[str]]:
        return [[r.text * self.times for _ in r.seeds] for r in requests]

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        return [(-float(len(r.args[1])), False) for r in requests]

    def apply_chat_template(self, history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        return history[-1]["content"]

    def close(self) -> None:
        self.closed = True


def test_a_backend_of_ones_own(
    babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of calm_ext.models.backends: found by recipes, its arguments checked, and used as the others."""
    assert list(BACKENDS) == ["api", "hf", "sglang", "vllm"]
    monkeypatch.setattr(BACKENDS, "_entries", dict(BACKENDS._entries))
    backend("echo", "repeats the prompt", options=EchoArguments)(Echo)
    with pytest.raises(CalmError, match="two sampling backends with the name 'echo'"):
        backend("echo", "another one")(Echo)
    with load("echo", "m", times=2) as found:
        assert isinstance(found, Echo)
        sample(found, questions[:2], tmp_path / "g.jsonl", mode="generate", n=2)
        sample(found, questions[:2], tmp_path / "o.jsonl", mode="options")
        with pytest.raises(CalmError, match="no chat template"):
            sample(found, questions[:2], tmp_path / "c.jsonl", mode="generate", chat_template=True)
    assert found.closed
    generations = list(read_jsonl(tmp_path / "g.jsonl", Generation))
    assert len(generations) == 6 and all(g.responses == [f"{g.prompt}{g.prompt}"] * 2 for g in generations)
    assert all(g.option_logprobs for g in read_jsonl(tmp_path / "o.jsonl", Generation))
    echo = recipe(babel_model, sampling={"backend": "echo", "backend_args": {"times": 2, "host": "there"}})
    assert sampling_identity(echo)["backend_args"] == {"times": 2}
    with pytest.raises(RecipeError, match=r"sampling\.backend_args\.time: unknown key; did you mean times\?"):
        recipe(babel_model, sampling={"backend": "echo", "backend_args": {"time": 2}})


def test_backends_and_arguments_that_do_not_go_together(babel_model: Path) -> None:
    with pytest.raises(RecipeError, match=r"sampling\.backend: one of api, hf.*did you mean 'vllm'"):
        recipe(babel_model, sampling={"backend": "vlm"})
    with pytest.raises(RecipeError, match=r"sampling\.backend_args: are given, but sampling\.backend is hf"):
        recipe(babel_model, sampling={"backend_args": {"x": 1}})
    assert recipe(babel_model, sampling={"backend": "sglang", "backend_args": {"x": 1}})


def test_the_list_of_backends_loads_no_engine() -> None:
    code = (
        "import sys; from calm_ext.models.backends import BACKENDS; assert len(BACKENDS) >= 4; "
        "heavy = {'torch', 'transformers', 'lm_eval', 'vllm', 'sglang', 'requests', 'numpy'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def test_hf_shares_a_loaded_model(lm: SharedPrefixLM, babel_model: Path) -> None:
    with BACKENDS["hf"].load(ModelOptions(path=str(babel_model)), lm=lm) as found:
        assert isinstance(found, HFBackend) and found.lm is lm and found.tokenizer is lm.tokenizer
    assert lm.model is not None, "whoever gave it keeps it"
