"""Thinking models: what their chat template is given, and responses that are cut; and devices that are not there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from calm_ext.cli.main import cli
from calm_ext.errors import CalmError, RecipeError
from calm_ext.harness.evaluate import evaluate
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.models.backends import BACKENDS
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.backends.local import start
from calm_ext.models.backends.sglang import SGLangBackend
from calm_ext.models.backends.vllm import VLLMOptions
from calm_ext.models.device import find_device
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.options import ModelOptions, SamplingOptions
from calm_ext.models.request import Reply, SampleRequest, up_to_stop
from calm_ext.pairing.translate import load_restater
from calm_ext.pipeline.recipe import parse_recipe, with_arguments
from calm_ext.pipeline.run import Pipeline
from calm_ext.pipeline.stages.sample import sampling_identity
from calm_ext.records import Generation, Pair, ParallelQuestion
from calm_ext.report.collect import read_run, summarize
from calm_ext.report.words import sampling_words
from calm_ext.training.asking import Examiner
from calm_ext.training.encoding import LOADERS, chat_prompt
from calm_ext.training.job import TrainingJob
from calm_ext.training.options import training_options
from tests.api_server import api_server, choices
from tests.shell import calm
from tests.test_pipeline import Spy, recipe

pytestmark = pytest.mark.usefixtures("one_thread")

TEMPLATE = (
    "{% for m in messages %}{{ m.content }} {% endfor %}"
    "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}Kvelt: {% endif %}"
)
OFF = {"enable_thinking": False}
TURN = [{"role": "user", "content": "Talor"}]


@pytest.fixture(scope="module")
def chatting(babel_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Babel's model with a chat template that knows a switch."""
    folder = tmp_path_factory.mktemp("chatting") / "model"
    shutil.copytree(babel_model, folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def loaded(path: Path, **more: Any) -> SharedPrefixLM:
    return load_lm(str(path), dtype="float32", device="cpu", batch_size=16, **more)


# --- what the template is given ---------------------------------------------------------------------------------------


def test_every_backend_hands_it_to_the_template(chatting: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(chatting)
    for arguments, wanted in (({}, "Talor "), (OFF, "Talor Kvelt: ")):
        with BACKENDS["hf"].load(ModelOptions(path=str(chatting), device="cpu"), template_args=arguments) as found:
            assert found.apply_chat_template(TURN) == wanted
        inner = SimpleNamespace(tokenizer=tokenizer, apply_chat_template=lambda *_: "Talor ")
        assert SGLangBackend(inner, None, template_args=arguments).apply_chat_template(TURN) == wanted  # type: ignore[arg-type]
        seen: dict[str, Any] = {}
        given = VLLMOptions.model_validate({"chat_template_args": {"x": 1}})
        setup: Any = SimpleNamespace(model=ModelOptions(path=str(chatting)), arguments=given)
        start("vllm", setup, lambda seen=seen, **given: seen.update(given), chat_template_args=arguments)  # type: ignore[misc]
        assert seen["chat_template_args"] == {"x": 1, **arguments}, "lm-eval's argument"


def test_a_server_gets_it_in_the_body() -> None:
    def answer(path: str, payload: dict[str, Any]) -> tuple[int, Any]:
        return 200, choices(["A"], chat=True)

    requests = [SampleRequest("q", json.dumps(TURN), [], [1])]
    with api_server(answer) as server:
        for given, wanted in ((OFF, OFF), ({}, None)):
            with BACKENDS["api"].load(
                ModelOptions(path="m"), arguments={"base_url": server.url}, chat=True, template_args=given
            ) as found:
                found.respond(requests, temperature=1.0, top_p=1.0, max_new_tokens=4)
            assert server.asked[-1][1].get("chat_template_kwargs") == wanted
    refuses = {"error": {"message": "Unrecognized request argument supplied: chat_template_kwargs"}}
    with (
        api_server(lambda *_: (400, refuses)) as server,
        BACKENDS["api"].load(
            ModelOptions(path="m"), arguments={"base_url": server.url}, chat=True, template_args=OFF
        ) as found,
        pytest.raises(CalmError, match=r"chat_template_kwargs; leave out sampling\.template_args$"),
    ):
        found.respond(requests, temperature=1.0, top_p=1.0, max_new_tokens=4)


def test_evaluation_and_training_see_the_prompt_that_was_sampled(
    chatting: Path, questions: list[ParallelQuestion], tmp_path: Path
) -> None:
    lm = loaded(chatting, template_args=OFF)
    with HFBackend(lm) as backend:
        sample(
            backend,
            questions[:1],
            tmp_path / "g.jsonl",
            mode="generate",
            style="direct",
            n=1,
            max_new_tokens=8,
            chat_template=True,
        )
        (first, *_) = read_jsonl(tmp_path / "g.jsonl", Generation)
        assert isinstance(first.prompt, list)
        sampled = backend.apply_chat_template(first.prompt)
    assert sampled.endswith(" Kvelt: ")
    lm = loaded(chatting, template_args=OFF)
    evaluate(lm, ["calm_babel_xl"], tmp_path / "e", model_name="t", limit=1, chat_template=True)
    written = json.loads((tmp_path / "e/results.json").read_text())["config"]["model_args"]
    assert written == {"pretrained": "t", "chat_template_args": OFF}
    row = json.loads((tmp_path / "e/samples_calm_babel_xl.jsonl").read_text().splitlines()[0])
    assert row["arguments"]["gen_args_0"]["arg_0"].endswith(" Kvelt: ")

    pair = Pair(
        id="q", language="qaa", prompt=first.prompt, chosen="Talor", rejected="Kvelt", chosen_answer=0,
        rejected_answer=1, margin=1.0, origin="native",
    )  # fmt: skip
    write_jsonl(tmp_path / "p.jsonl", [pair])
    for eats in ("pairs", "chosen"):
        job = TrainingJob(
            model=str(chatting),
            pairs=tmp_path / "p.jsonl",
            output=tmp_path,
            options=training_options({}),
            sampling=SamplingOptions(chat_template=True, template_args=OFF),
        )
        ((encoded, *_), _) = LOADERS[eats](job, lm.tokenizer)
        read = lm.tok_encode(sampled)
        assert (encoded["prompt_ids"] + encoded["chosen_ids"])[: len(read)] == read, eats
        ((plain, *_), _) = LOADERS[eats](job.replace(sampling=SamplingOptions()), lm.tokenizer)
        assert len(plain["prompt_ids"]) < len(encoded["prompt_ids"])
    examiner = Examiner(lm.tokenizer, "generate", "direct", True, 3, template_args=OFF)
    assert examiner.encode(questions[:1])[0].prompt == lm.tok_encode(sampled)
    assert chat_prompt(lm.tokenizer, TURN, OFF) == "Talor Kvelt: "


def test_a_model_that_translates_is_asked_so_too(chatting: Path) -> None:
    restater: Any = load_restater(str(chatting), device="cpu", template_args=OFF)
    assert restater._prompt("x", "en", "fr").endswith("Kvelt: ")


def test_it_is_refused_where_there_is_no_template(babel_model: Path, chatting: Path, questions_file: Path) -> None:
    message = (
        "sampling.template_args: enable_thinking is given, but no chat template is applied; set sampling.chat_template"
    )
    with pytest.raises(RecipeError, match=message):
        recipe(babel_model, sampling={"template_args": OFF})
    with pytest.raises(RecipeError, match=r"sampling\.template_args\.tokenize: is not free to choose"):
        recipe(babel_model, sampling={"chat_template": True, "template_args": {"tokenize": True}})
    arg = ["--template-arg", "enable_thinking=false"]
    output = str(questions_file.parent / "out")
    for verb in (
        ["sample", str(questions_file), "-o", output, "--model", str(chatting)],
        ["eval", "-o", output, "--model", str(chatting), "--tasks", "calm_babel_xl"],
        ["train", str(questions_file), "-o", output, "--model", str(chatting)],
    ):
        done = calm(*verb, *arg)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr and "Traceback" not in done.stderr
    parsed = with_arguments(SamplingOptions(chat_template=True), verb="sample", template_args=["enable_thinking=false"])
    assert parsed.template_args == OFF, "YAML, not a string"
    with pytest.raises(RecipeError, match="--template-arg x: key=value was expected"):
        with_arguments(SamplingOptions(chat_template=True), verb="sample", template_args=["x"])


def test_another_setting_is_another_sampling(chatting: Path, tmp_path: Path) -> None:
    plain = recipe(chatting, sampling={"chat_template": True})
    off = recipe(chatting, sampling={"chat_template": True, "template_args": OFF})
    assert sampling_identity(plain)["template_args"] == {}
    assert sampling_identity(off)["template_args"] == OFF
    small = {"limit": 4}
    for asking, ran in ((plain, ["questions", "before", "sample"]), (plain, []), (off, ["before", "sample"])):
        spy = Spy()
        Pipeline(asking.replace(data=asking.data.replace(**small)), tmp_path / "r", reporter=spy).run(
            stop_after="sample"
        )
        assert spy.ran() == ran


# --- how a response ended ---------------------------------------------------------------------------------------------


def test_a_response_without_an_end_is_cut(babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path) -> None:
    lm = loaded(babel_model)
    requests = [
        SampleRequest(str(i), f"{v.question}", ["\n"], [1, 2, 3, 4]) for i, v in enumerate(_versions(questions))
    ]
    short = HFBackend(lm).respond(requests, temperature=1.0, top_p=1.0, max_new_tokens=2)
    long = HFBackend(lm).respond(requests, temperature=1.0, top_p=1.0, max_new_tokens=40)
    ends = {True: set(), False: set()}
    for a, b in zip((r for own in short for r in own), (r for own in long for r in own), strict=True):
        ends[a.text == b.text].add(a.finish)
    assert ends[False] == {"length"}, "a longer limit gave more"
    assert "stop" in ends[True]
    sample(HFBackend(lm), questions[:4], tmp_path / "g.jsonl", mode="generate", style="direct", n=4, max_new_tokens=2)
    rows = list(read_jsonl(tmp_path / "g.jsonl", Generation))
    assert any(g.finish and "length" in g.finish for g in rows)
    assert all(g.finish is None or set(g.finish) != {"stop"} for g in rows), "written only where it says something"


def _versions(questions: list[ParallelQuestion]) -> list[Any]:
    return [v for q in questions[:6] for v in q.versions.values()]


def test_a_text_that_a_stop_string_cuts_has_ended() -> None:
    assert up_to_stop(Reply("a\nb", "length"), ["\n"]) == Reply("a", "stop")
    assert up_to_stop(Reply("a\n", "length"), ["\n"]) == Reply("a", "stop")
    assert up_to_stop(Reply("a", "length"), ["\n", ""]) == Reply("a", "length")
    thought = Reply("hm\n</think>a", "length")
    assert up_to_stop(thought, ["\n"], think_end_token="</think>") == Reply("a", "length")
    assert up_to_stop(Reply(None, "length"), ["\n"]) == Reply(None, "length")


def test_cut_responses_are_in_the_outputs_of_the_run_and_of_the_vote(babel_model: Path, tmp_path: Path) -> None:
    spy = Spy()
    run = tmp_path / "run"
    asking = recipe(babel_model, sampling={"max_new_tokens": 1}, data={"limit": 12})
    Pipeline(asking, run, reporter=spy).run(stop_after="sample")
    told = [message for name, message in spy.said if name == "sample" and "cut at max_new_tokens" in message]
    assert len(told) == 1 and "raise sampling.max_new_tokens" in told[0] and "qaa" in told[0]
    rows = list(read_jsonl(run / "generations.jsonl", Generation))
    cut = sum(end == "length" for g in rows for end in g.finish or [])
    total = sum(len(g.responses) for g in rows)
    assert cut > 0.1 * total
    summary = summarize(read_run(run))
    assert sum(summary["sampling"]["cut"].values()) == cut and "missing" not in summary["sampling"]
    assert sampling_words(summary["sampling"]).startswith(f"Of {total} responses {cut} cut at max_new_tokens (qaa ")
    done = CliRunner().invoke(cli, ["vote", str(run / "generations.jsonl"), "--style", "direct", "--json"])
    assert sum(json.loads(done.stdout)["sampling"]["cut"].values()) == cut
    assert "note: responses cut at max_new_tokens: qaa " in done.stderr
    whole = [g.model_copy(update={"finish": None}) for g in rows]
    write_jsonl(tmp_path / "w.jsonl", whole)
    done = CliRunner().invoke(cli, ["vote", str(tmp_path / "w.jsonl"), "--style", "direct", "--json"])
    assert "sampling" not in json.loads(done.stdout) and "cut at" not in done.stderr


# --- devices ----------------------------------------------------------------------------------------------------------


def test_a_device_that_is_not_there_is_refused_before_a_model_is_loaded(
    babel_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    assert find_device("cpu") == "cpu"
    assert find_device(None) in ("cpu", "cuda", "mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CalmError, match=r"^device 'gpu': no such device; cpu, cuda, cuda:1, mps or xpu was expected$"):
        load_lm(str(tmp_path / "."), device="gpu")
    with pytest.raises(CalmError, match=r"^device 'cuda': this machine has none; it has \w+$"):
        load_lm(str(babel_model), device="cuda")
    with pytest.raises(CalmError, match=r"^device 'cuda:0': this machine has none"):
        load_restater(str(babel_model), device="cuda:0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("cuda:1") == "cuda:1"
    with pytest.raises(CalmError, match="device 'cuda:2': this machine has 2 of them, counted from 0"):
        find_device("cuda:2")
    with pytest.raises(RecipeError, match=r"model\.device: cpu, cuda, cuda:1, mps or xpu was expected"):
        parse_recipe({**recipe(babel_model).model_dump(mode="json"), "model": {"path": "babel", "device": "gpu"}})
    done = CliRunner().invoke(
        cli, ["sample", "none.jsonl", "-o", str(tmp_path / "g"), "--model", str(babel_model), "--device", "graphics"]
    )
    assert done.exit_code != 0 and "--device: cpu, cuda" in str(done.exception or done.output)
