"""`calm-ext eval` through servers and engines: the numbers of the model itself, and nothing that was paid for is lost."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from lm_eval.api.instance import Instance

from calm_ext.cli.main import main
from calm_ext.errors import CalmError, RecipeError
from calm_ext.files.journal import Journal
from calm_ext.harness import backend_lm
from calm_ext.harness.backend_lm import BackendLM
from calm_ext.harness.evaluate import evaluate
from calm_ext.harness.kept import ResumingLM
from calm_ext.models.backends import BACKENDS, Backend, Setup
from calm_ext.models.backends.protocol import Failure
from calm_ext.models.backends.scores import read_score
from calm_ext.models.backends.sglang import SGLangOptions
from calm_ext.models.backends.vllm import VLLMBackend, VLLMOptions
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.options import ModelOptions
from calm_ext.models.request import Reply
from tests.api_server import api_server, choices, steady
from tests.conftest import ROOT
from tests.test_backends import CONFIG, Echo, EchoArguments, serving
from tests.test_pipeline import recipe

TASKS = ["calm_babel_xl", "calm_babel_xl_mc"]
GIVEN = {"languages": ["qaa", "qab"]}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=16)


def command(*arguments: str) -> int:
    before, sys.argv = sys.argv, ["calm-ext", *arguments]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.argv = before
    return 0


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_verb_gives_the_numbers_of_the_model(
    lm: SharedPrefixLM, babel_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Generation and scores of options, by two servers with the model behind them."""
    evaluate(lm, TASKS, tmp_path / "own", model_name="m", metadata=GIVEN, limit=6)
    with api_server(serving(lm), models=["tiny"]) as a, api_server(serving(lm), models=["tiny"]) as b:
        servers = [x for url in (a.url, b.url) for x in ("--backend-arg", f"base_url={url}")]
        asked = ["--model", str(babel_model), "--tasks", ",".join(TASKS), "--limit", "6", "--json"]
        asked += ["--metadata", json.dumps(GIVEN), "--backend", "api", "--backend-arg", "model=tiny", *servers]
        assert command("eval", "-o", str(tmp_path / "served"), *asked) == 0
        assert a.asked and b.asked
    printed = json.loads(capsys.readouterr().out)
    results = json.loads((tmp_path / "served/results.json").read_text())
    own = json.loads((tmp_path / "own/results.json").read_text())
    assert results["config"]["model"] == "api" and own["config"]["model"] == "hf"
    assert results["config"]["model_args"] == {"pretrained": str(babel_model)}, "no address"
    for task in TASKS:
        for name in ("acc,none", "consistency,none"):
            assert results["results"][task][name] == own["results"][task][name] == printed[task][name]
        for here, there in zip(
            *(lines(tmp_path / x / f"samples_{task}.jsonl") for x in ("own", "served")), strict=True
        ):
            if task.endswith("_mc"):
                scores = [[float(r[0][0]) for r in x["resps"]] for x in (here, there)]
                assert scores[0] == pytest.approx(scores[1], abs=1e-4)
            else:
                assert here["resps"] == there["resps"], "greedy, so the same texts"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["own", "served"], "the journal is gone"


@pytest.mark.parametrize("task", TASKS)
def test_an_evaluation_that_is_interrupted_goes_on(
    babel_model: Path, tmp_path: Path, task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {"n": 5}

    def tired(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        left["n"] -= 1
        return steady(path, payload) if left["n"] >= 0 else (503, {"error": {"message": "no more"}})

    def run(*more: str) -> int:
        server.asked.clear()
        asked = ["--model", str(babel_model), "--tasks", task, "--limit", "6", "--metadata", json.dumps(GIVEN)]
        asked += ["--backend", "api", "--backend-arg", f"base_url={server.url}", "--backend-arg", "concurrency=1"]
        return command("eval", "-o", str(tmp_path / "out"), *asked, "--backend-arg", "retries=0", *more)

    with api_server(tired) as server:
        assert run() == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert said.startswith("error: ") and "answered 503: no more" in said
        assert said.endswith("what came is kept, and the same command goes on")
        assert (tmp_path / ".out.journal").is_file() and not (tmp_path / "out/results.json").exists()
        left["n"] = 1000
        assert run() == 0
        rest = len(server.asked)
        assert not (tmp_path / ".out.journal").exists()
        assert run() == 0
        assert rest == len(server.asked) - 5, "what had come is not asked for again"


def test_a_response_that_is_refused_counts_as_empty(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(Echo):
        def respond(self, requests: Any, **_: Any) -> Any:
            return [[Reply(None, None, "answered 400: filtered") if r.text == "b" else Reply("x")] for r in requests]

    found = BackendLM(Refusing(Setup(ModelOptions(path="m"), EchoArguments())), name="echo", template_args={})
    asked = [ask("a"), ask("b")]
    assert found.generate_until(asked) == ["x", ""]
    assert "1 of 2 responses are missing and count as empty, first of t 0: answered 400: filtered" in caplog.text


def ask(text: str, **given: Any) -> Instance:
    return Instance("generate_until", {}, (text, {"until": ["\n"], **given}), 0, metadata=("t", 0, 1))


class Recorder(Echo):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__(Setup(ModelOptions(path="m"), EchoArguments()))
        self.calls: list[tuple[Any, dict[str, Any]]] = []

    def respond(self, requests: Any, **drawn: Any) -> Any:
        self.calls.append((requests, drawn))
        return super().respond(requests, **drawn)


def test_what_a_task_says_of_generation_reaches_the_backend() -> None:
    recorder = Recorder()
    found = BackendLM(recorder, name="echo", seed=3, template_args={})
    sampled = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "max_gen_toks": 5}
    asked = [ask("a"), ask("b", **sampled), ask("c", do_sample=False, temperature=0.0), ask("d", **sampled)]
    assert found.generate_until(asked) == ["a", "b", "c", "d"], "in order"
    (greedy, first), (drawn, second) = recorder.calls
    assert first == {"temperature": 0.0, "top_p": 1.0, "max_new_tokens": 256}
    assert second == {"temperature": 0.7, "top_p": 0.9, "max_new_tokens": 5}
    seeds = [r.seeds[0] for r in (*greedy, *drawn)]
    assert len(set(seeds)) == 4, "repetitions of a request draw anew"
    found.generate_until(asked)
    assert [r.seeds[0] for requests, _ in recorder.calls[2:] for r in requests] == seeds
    assert all(r.until == ["\n"] for r in greedy)
    with pytest.raises(CalmError, match=r"^t: its generation_kwargs have top_k: 5, which a backend cannot be told"):
        found.generate_until([ask("a", top_k=5)])
    assert found.generate_until([ask("a", num_beams=1, top_k=None)]) == ["a"]
    with pytest.raises(CalmError, match=r"^t: measures the perplexity of texts, which --backend echo does not give"):
        found.loglikelihood_rolling([ask("a")])


def test_what_does_not_go_with_a_backend(
    babel_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    base = ["eval", "--model", str(babel_model), "--tasks", "calm_babel_xl_mc", "-o", str(tmp_path / "o")]
    with api_server(steady) as server:
        url = ["--backend", "api", "--backend-arg", f"base_url={server.url}"]
        for arguments, said in (
            (["--backend", "vllm"], "the package vllm is not installed"),
            (["--backend", "sglang"], "the package sglang is not installed"),
            (["--backend", "api"], "sampling.backend_args.base_url: missing"),
            (["--backend-arg", "base_url=http://a/v1"], "are given, but sampling.backend is hf, which takes none"),
            (["--backend", "api", "--backend-arg", "base_url=http://127.0.0.1:9/v1"], "no server answers at"),
            ([*url, "--adapter", str(tmp_path / "a")], "--adapter: --backend api takes none"),
            (
                [*url, "--accelerate-config", str(ROOT / "recipes/accelerate/multi-cpu.yaml")],
                "does not go with --backend api",
            ),
            ([*url, "--chat-template"], "a server gives no log-probabilities of what stands in a chat"),
        ):
            assert command(*base, *arguments) == 2, arguments
            error = capsys.readouterr().err.strip().splitlines()[-1]
            assert error.startswith("error: ") and said in error, (arguments, error)
        monkeypatch.setitem(os.environ, "WORLD_SIZE", "2")
        assert command(*base, *url) == 2
        assert "runs in one process" in capsys.readouterr().err
    assert not (tmp_path / "o/results.json").exists()


def test_conversations_are_evaluated_at_the_chat(tmp_path: Path) -> None:
    def chat(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        assert path == "/v1/chat/completions" and payload["chat_template_kwargs"] == {"enable_thinking": False}
        return 200, choices([payload["messages"][-1]["content"].split("\n- ")[1]], chat=True)

    with api_server(chat) as server:
        asked = ["eval", "--model", "tiny", "--tasks", "calm_babel_xl", "--limit", "3", "--num-fewshot", "1"]
        asked += ["--metadata", json.dumps(GIVEN), "-o", str(tmp_path / "o"), "--chat-template"]
        asked += ["--template-arg", "enable_thinking=false", "--backend", "api"]
        assert command(*asked, "--backend-arg", f"base_url={server.url}") == 0
        assert [m["role"] for m in server.asked[0][1]["messages"]] == ["user", "assistant", "user"]
        assert len(server.asked) == 6
    args = json.loads((tmp_path / "o/results.json").read_text())["config"]["model_args"]
    assert args == {"pretrained": "tiny", "chat_template_args": {"enable_thinking": False}}


# --- log-probabilities of prompts, and caches that spoil them ---------------------------------------------------------


def body(values: list[Any], tops: list[Any] | None = None) -> dict[str, Any]:
    return {"choices": [{"logprobs": {"token_logprobs": values, "top_logprobs": tops or [{"x": -1.0}] * len(values)}}]}


def test_scores_are_of_the_continuation_whether_or_not_a_token_follows() -> None:
    assert read_score(body([None, -1.0, -2.0, -3.0]), [5, 6, 7], 1) == (-3.0, False)
    assert read_score(body([None, -1.0, -2.0]), [5, 6, 7], 1) == (-3.0, False)
    assert read_score(body([None, -1.0, -1.0, -9.0]), [5, 6, 7], 1) == (-2.0, True)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            body([-1.0, -2.0]),
            "answered with 2 log-probabilities of 3 tokens; start a server of vLLM with --no-enable-pre",
        ),
        (
            body([None, 0.5, -2.0, -1.0]),
            "answered with log-probabilities that are none, as 0.5; start a server of vLLM",
        ),
        (body([None, float("nan"), -2.0, -1.0]), "answered with log-probabilities that are none, as nan; "),
        (body([None, None, -2.0, -1.0]), r"answered without them \(TypeError\)"),
        ({"choices": [{"text": "x"}]}, r"answered without them \(KeyError\)"),
        ([], r"answered without them \(TypeError\)"),
    ],
)
def test_an_answer_that_a_cache_has_spoilt_is_refused(answer: Any, said: str) -> None:
    with pytest.raises(Failure) as error:
        read_score(answer, [5, 6, 7], 1)
    assert __import__("re").match(said, error.value.said), error.value.said


def test_a_server_whose_cache_forbids_scores_says_how_to_start_it(
    babel_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {"error": {"message": "Prefix caching with prompt logprobs not yet supported on VLLM V1."}}
    with api_server(lambda *_: (400, refused)) as server:
        asked = ["eval", "--model", str(babel_model), "--tasks", "calm_babel_xl_mc", "--limit", "2"]
        asked += ["-o", str(tmp_path / "o"), "--backend", "api", "--backend-arg", f"base_url={server.url}"]
        assert command(*asked) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert "gives no log-probabilities of a prompt (answered 400: Prefix caching" in said
    assert "start a server of vLLM with --no-enable-prefix-caching" in said


# --- engines that are not here: stubs that record how they are started ------------------------------------------------


class Started:
    """An engine of lm-eval's class, which keeps its arguments."""

    tokenizer, max_length, think_end_token = None, 64, None

    def __init__(self, **arguments: Any) -> None:
        self.model_args = self.arguments = arguments
        self.data_parallel_size = int(arguments.get("data_parallel_size") or 1)

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        return [(-float(len(r.args[1])), True) for r in requests]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM and SGLang as lm-eval's classes start them; neither can be installed here."""
    for package, module, name in (
        ("vllm", "lm_eval.models.vllm_causallms", "VLLM"),
        ("sglang", "lm_eval.models.sglang_causallms", "SGLangLM"),
    ):
        stub: Any = ModuleType(module)
        setattr(stub, name, Started)
        monkeypatch.setitem(sys.modules, module, stub)
        found: Any = ModuleType(package)
        found.__spec__ = SimpleNamespace(name=package)
        monkeypatch.setitem(sys.modules, package, found)


def start(name: str, path: Path, *, scored: bool | None = None, **arguments: Any) -> Any:
    return BACKENDS[name].load(ModelOptions(path=str(path)), arguments=arguments, scored=scored)


@pytest.mark.usefixtures("engines")
def test_parallel_sizes_reach_the_engine_under_its_own_names(babel_model: Path) -> None:
    sizes = {"tensor_parallel_size": 2, "data_parallel_size": 3}
    vllm = start("vllm", babel_model, gpu_memory_utilization=0.7, max_model_len=512, **sizes)
    given = vllm.lm.arguments
    assert given["tensor_parallel_size"] == 2 and given["data_parallel_size"] == 3
    assert given["gpu_memory_utilization"] == 0.7 and given["max_model_len"] == 512
    assert vllm.chunk > 1000, "each call of it loads the model anew"
    assert start("vllm", babel_model).chunk == 64
    given = start("sglang", babel_model, **sizes).lm.arguments
    assert given["tp_size"] == 2 and given["dp_size"] == 3 and not sizes.keys() & given.keys()
    assert start("sglang", babel_model, tp_size=4).lm.arguments["tp_size"] == 4
    plain = start("vllm", babel_model).lm.arguments
    assert not sizes.keys() & plain.keys(), "the engine's own default"


@pytest.mark.usefixtures("engines")
def test_prefix_caching_is_off_where_options_are_scored(babel_model: Path) -> None:
    def cached(**more: Any) -> Any:
        return start("vllm", babel_model, **more).lm.arguments.get("enable_prefix_caching")

    assert cached(scored=True) is False
    assert cached(scored=None) is False, "an evaluation may score"
    assert cached(scored=False) is None, "vLLM's own default: n responses share their prompt"
    assert cached(scored=False, enable_prefix_caching=False) is False
    assert cached(scored=None, enable_prefix_caching=True) is True, "for tasks that generate"
    said = r"^sampling\.backend_args\.enable_prefix_caching: is true, and with it vLLM's scores of options are wrong"
    with pytest.raises(CalmError, match=said):
        cached(scored=True, enable_prefix_caching=True)
    request = Instance("loglikelihood", {}, ("a", "bc"), 0)
    with pytest.raises(CalmError, match=said):
        start("vllm", babel_model, enable_prefix_caching=True).loglikelihood([request])
    assert start("vllm", babel_model).loglikelihood([request]) == [(-2.0, True)]
    assert "enable_prefix_caching" not in start("sglang", babel_model, scored=True).lm.arguments
    assert VLLMBackend(SimpleNamespace(tokenizer=None), CONFIG).chunk == 64  # type: ignore[arg-type]


@pytest.mark.usefixtures("engines")
def test_the_verb_with_an_engine(babel_model: Path, tmp_path: Path) -> None:
    asked = ["eval", "--model", str(babel_model), "--tasks", "calm_babel_xl_mc", "--limit", "3"]
    asked += ["--metadata", json.dumps(GIVEN), "-o", str(tmp_path / "o"), "--backend", "vllm"]
    assert command(*asked, "--backend-arg", "tensor_parallel_size=2") == 0
    results = json.loads((tmp_path / "o/results.json").read_text())
    assert results["config"]["model"] == "vllm" and 0 <= results["results"]["calm_babel_xl_mc"]["acc,none"] <= 1


@pytest.mark.usefixtures("engines")
@pytest.mark.parametrize("name", ["vllm", "sglang"])
def test_what_an_engine_scored_is_kept_where_the_evaluation_is_interrupted(
    name: str, babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Part by part; for another model or other arguments of the engine it does not count."""
    scored: list[tuple[str, str]] = []
    limit = {"n": 10}

    def loglikelihood(self: Started, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        if len(scored) + len(requests) > limit["n"]:
            raise KeyboardInterrupt
        scored.extend(r.args for r in requests)
        return [(-float(len(r.args[1])), True) for r in requests]

    monkeypatch.setattr(Started, "loglikelihood", loglikelihood)
    monkeypatch.setattr(backend_lm, "_AT_ONCE", 4)
    monkeypatch.setattr(Backend, "chunk", 4)

    def run(out: str, *more: str) -> int:
        scored.clear()
        asked = ["eval", "--model", str(babel_model), "--tasks", "calm_babel_xl_mc", "--limit", "3"]
        asked += ["--metadata", json.dumps(GIVEN), "-o", str(tmp_path / out), "--backend", name, *more]
        return command(*asked)

    assert run("out") == 130 and len(scored) == 8
    kept, had = tmp_path / ".out.answers", list(scored)
    assert len(lines(kept)) == 8 and not (tmp_path / "out/results.json").exists()
    limit["n"] = 1000
    capsys.readouterr()
    assert run("out", "--backend-arg", "tensor_parallel_size=2") == 0, "which changes no score"
    assert "continued: 8 answers were there already" in capsys.readouterr().err
    rest = list(scored)
    assert not set(had) & set(rest) and not kept.exists()
    assert run("whole") == 0 and scored == had + rest
    samples = [(tmp_path / x / "samples_calm_babel_xl_mc.jsonl").read_bytes() for x in ("out", "whole")]
    assert samples[0] == samples[1]
    limit["n"] = 10
    assert run("out") == 130
    limit["n"] = 1000
    assert run("out", "--backend-arg", "x=1") == 0
    assert scored == had + rest, "another engine's scores do not count"


def test_responses_are_kept_part_by_part_but_for_those_that_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_lm, "_AT_ONCE", 2)
    monkeypatch.setattr(Backend, "chunk", 2)
    recorder = Recorder()
    monkeypatch.setattr(type(recorder), "paid", False)
    asked = [ask("a"), ask("b"), ask("c", do_sample=True, temperature=1.0), ask("d"), ask("e")]

    def answered() -> list[str]:
        recorder.calls.clear()
        kept = ResumingLM(BackendLM(recorder, name="echo", template_args={}), Journal(tmp_path / "kept", only="m"))
        try:
            return kept.generate_until(asked)
        finally:
            kept.close(finished=False)

    def fails(requests: Any, **drawn: Any) -> Any:
        if any(r.text == "d" for r in requests):
            raise CalmError("the engine is dead")
        return Recorder.respond(recorder, requests, **drawn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "respond", fails)
        with pytest.raises(CalmError, match="the engine is dead"):
            answered()
    assert answered() == ["a", "b", "c", "d", "e"]
    assert sorted([r.text for r in requests] for requests, _ in recorder.calls) == [["c"], ["d", "e"]]


def test_sizes_are_checked_in_a_recipe(babel_model: Path) -> None:
    for name in ("vllm", "sglang"):
        with pytest.raises(RecipeError, match=r"backend_args\.tensor_parallel_size: at least 1 was expected, got 0"):
            recipe(babel_model, sampling={"backend": name, "backend_args": {"tensor_parallel_size": 0}})
        assert recipe(babel_model, sampling={"backend": name, "backend_args": {"data_parallel_size": 2, "x": 1}})
        entry = BACKENDS[name]
        assert entry.identity({"tensor_parallel_size": 2, "data_parallel_size": 2, "x": 1}) == {"x": 1}
    with pytest.raises(RecipeError, match="data_parallel_size and dp_size are the same; give one"):
        recipe(babel_model, sampling={"backend": "sglang", "backend_args": {"data_parallel_size": 2, "dp_size": 2}})
    assert VLLMOptions.model_validate({"x": 1}).given() == SGLangOptions.model_validate({"x": 1}).given() == {"x": 1}
