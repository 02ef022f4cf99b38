"""Several responses to a prompt that is read once, held to transformers' generate through lm-eval's own class."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from calm_ext.errors import CalmError
from calm_ext.harness.sampler import sample
from calm_ext.jsonl import read_jsonl
from calm_ext.models import decoding
from calm_ext.models.backends.hf import HFBackend
from calm_ext.models.decoding import Decoding, can_decode, decode, respond
from calm_ext.models.drawing import Drawing
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.request import SampleRequest
from calm_ext.records import Generation, ParallelQuestion
from tests.test_scoring import VOCABULARY, lms, tiny

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def lm(babel_model: Path) -> SharedPrefixLM:
    return load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=4)


def asked(lm: SharedPrefixLM, questions: list[ParallelQuestion], path: Path, **options: Any) -> list[Generation]:
    made: dict[str, Any] = {"mode": "generate", "style": "direct", "n": 4, "max_new_tokens": 6, "seed": 5, **options}
    sample(HFBackend(lm), questions, path, **made)
    return list(read_jsonl(path, Generation))


@pytest.mark.parametrize("style", ["direct", "explain"])
def test_responses_do_not_depend_on_batch_size_chunk_or_order(
    lm: SharedPrefixLM, questions: list[ParallelQuestion], tmp_path: Path, style: str
) -> None:
    found = {}
    for batch_size in (1, 4, 16):
        lm.batch_size_per_gpu = batch_size
        for chunk in (3, 12):
            got = asked(lm, questions[:12], tmp_path / f"{batch_size}-{chunk}", style=style, chunk=chunk)
            found[batch_size, chunk] = {(g.id, g.language): g.responses for g in got}
    turned = asked(lm, questions[:12][::-1], tmp_path / "turned", style=style)
    found[0, 0] = {(g.id, g.language): g.responses for g in turned}
    few = asked(lm, questions[:12], tmp_path / "few", style=style, n=2)
    (first, *others) = found.values()
    assert all(other == first for other in others)
    assert all(first[g.id, g.language][:2] == g.responses for g in few), "a response depends on its index only"
    assert len({tuple(r) for r in first.values()}) > 5
    assert any(len(set(r)) > 1 for r in first.values()), "responses of a prompt differ"


def test_greedy_texts_are_those_of_lm_eval(lm: SharedPrefixLM, questions: list[ParallelQuestion]) -> None:
    """The same text, stop strings and white space, for stops of one token, of several, and none met."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    from calm_ext.prompts import ask

    theirs = HFLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=4)
    prompts = [
        ask(x, v.question, v.options, style)
        for q in questions[:6]
        for x, v in q.versions.items()
        for style in ("explain", "direct")
    ]
    for until in ([], ["\n"], ["\n\n"], [" ", ":"], ["a"], ["Talor:", "?"]):
        kwargs = {"do_sample": False, "max_gen_toks": 12, "until": list(until)}
        requests = [
            Instance(request_type="generate_until", doc={}, arguments=(p, dict(kwargs)), idx=i)
            for i, p in enumerate(prompts)
        ]
        wanted = theirs.generate_until(requests, disable_tqdm=True)
        requests = [SampleRequest(str(i), p, until, [1, 2]) for i, p in enumerate(prompts)]
        got = respond(lm, requests, temperature=0.0, top_p=1.0, max_new_tokens=12)
        assert [replies[0].text for replies in got] == wanted, until
        assert all(a == b for a, b in got)
    assert any(wanted)


@pytest.mark.parametrize("kind", ["llama", "gemma3", "gemma3-wide", "qwen3", "mistral", "gpt2"])
def test_decoding_reads_what_each_row_would_read_alone(kind: str, babel_model: Path) -> None:
    """Windows shorter than the prompts, prompts of different lengths, rows that leave early."""
    model = tiny(kind)
    assert can_decode(lms(model, babel_model)[0])
    generator = torch.Generator().manual_seed(2)
    prompts = [torch.randint(5, VOCABULARY, (n,), generator=generator).tolist() for n in (3, 25, 11)]
    rows = [0, 0, 1, 2, 2, 2]
    drawing = Drawing(temperature=0.7, top_k=20)
    options: dict[str, Any] = {"drawing": drawing, "max_new_tokens": 15, "ends": set(range(5, 40))}
    with torch.inference_mode():
        together = decode(model, prompts, rows, range(6), **options)
        alone = [decode(model, [prompts[r]], [0], [seed], **options)[0] for seed, r in enumerate(rows)]
        assert together == alone
        assert {len(t) for t in together} != {15}, "some end early"
        for seed, r in enumerate(rows):  # without a cache at all
            uniform, tokens = random.Random(seed), list(prompts[r])
            for token in alone[seed]:
                logits = model(torch.tensor([tokens])).logits[:, -1]
                drawn = drawing.draw(logits, torch.tensor([uniform.random()]), torch.tensor([tokens]))
                assert drawn.item() == token
                tokens.append(token)


def test_finished_rows_leave_the_batch_and_prompts_are_read_once(lm: SharedPrefixLM) -> None:
    shapes = []
    handle = lm.model.model.embed_tokens.register_forward_hook(lambda *x: shapes.append(tuple(x[1][0].shape)))
    lm.batch_size_per_gpu = 2
    with torch.inference_mode():
        found = decode(
            lm.model, [[5, 6, 7], [8, 9]], [0] * 4 + [1] * 4, range(8), drawing=Drawing(), max_new_tokens=5, ends=set(),
            stops=lambda row, tokens: len(tokens) > row % 4,
        )  # fmt: skip
    # Of the responses that go on, those with the same tokens so far are one row.
    rows = [{(r // 4, *tokens[:n]) for r, tokens in enumerate(found) if len(tokens) > n} for n in (1, 2, 3)]
    assert shapes == [(2, 3), *((len(x), 1) for x in rows)]
    assert [len(tokens) for tokens in found] == [1, 2, 3, 4] * 2
    shapes.clear()
    with torch.inference_mode():
        greedy = decode(
            lm.model, [[5, 6, 7], [8, 9]], [0] * 4 + [1] * 4, range(8), drawing=Drawing(temperature=0),
            max_new_tokens=5, ends=set(),
        )  # fmt: skip
    assert shapes == [(2, 3), *[(2, 1)] * 4]
    assert all(tokens == greedy[r // 4 * 4] for r, tokens in enumerate(greedy))
    shapes.clear()
    lm.batch_size_per_gpu = 2
    prompts = ["Talor : Kvelt", "Talor :", "Kvelt :"]
    requests = [SampleRequest(p, p, [], range(10)) for p in prompts]
    respond(lm, requests, temperature=1.0, top_p=1.0, max_new_tokens=2)
    handle.remove()
    assert max(rows for rows, width in shapes if width == 1) <= 2 * decoding.ROWS_PER_PROMPT


def test_draws_have_the_distribution_of_transformers() -> None:
    """Kept are the tokens that transformers' own warpers keep, with their probabilities; 4,000 draws agree."""
    from transformers import MinPLogitsWarper, RepetitionPenaltyLogitsProcessor, TopKLogitsWarper, TopPLogitsWarper

    generator = torch.Generator().manual_seed(0)
    logits, seen = torch.randn(1, 40, generator=generator) * 3, torch.tensor([[3, 4, 3]])
    uniform = (torch.arange(4000) + 0.5) / 4000
    cases: list[tuple[dict[str, Any], list[Any]]] = [
        ({}, []),
        ({"temperature": 0.5}, []),
        ({"top_k": 5}, [TopKLogitsWarper(5)]),
        ({"top_p": 0.6}, [TopPLogitsWarper(0.6)]),
        ({"top_k": 8, "top_p": 0.7, "temperature": 1.5}, [TopKLogitsWarper(8), TopPLogitsWarper(0.7)]),
        ({"min_p": 0.2}, [MinPLogitsWarper(0.2)]),
        ({"repetition_penalty": 1.5, "top_k": 50}, []),
    ]
    for options, warpers in cases:
        drawing = Drawing(**options)
        scores = logits
        if drawing.repetition_penalty != 1:
            scores = RepetitionPenaltyLogitsProcessor(1.5)(seen, scores.clone())
        scores = scores / drawing.temperature
        for warper in warpers:
            scores = warper(seen, scores)
        wanted = scores.softmax(-1)[0]
        drawn = Counter(drawing.draw(logits.expand(4000, -1), uniform, seen.expand(4000, -1)).tolist())
        for token in range(40):
            assert drawn[token] / 4000 == pytest.approx(wanted[token].item(), abs=1e-3), (options, token)
        shared = drawing.draw(logits, uniform, seen, torch.zeros(4000, dtype=torch.long))
        assert Counter(shared.tolist()) == drawn, "many numbers of one row"
    assert Drawing(temperature=0).draw(logits, uniform[:1], seen).item() == logits.argmax().item()


def test_what_the_generation_config_says_is_done_or_told(babel_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    lm = lms(tiny("llama"), babel_model)[0]
    assert Drawing.of(lm.model.generation_config, temperature=1.0, top_p=0.9) == Drawing(1.0, 0.9, 50, 0.0, 1.0)
    lm.model.generation_config.update(top_k=20, min_p=0.05, repetition_penalty=1.05)
    assert Drawing.of(lm.model.generation_config, temperature=0.7, top_p=1.0) == Drawing(0.7, 1.0, 20, 0.05, 1.05)
    assert can_decode(lm)
    lm.model.generation_config.no_repeat_ngram_size = 3
    assert not can_decode(lm)
    assert "the model's generation config says no_repeat_ngram_size; sampling as lm-eval does" in caplog.text


def test_a_model_that_cannot_is_sampled_by_lm_eval_and_resumes(
    babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lm, _ = lms(tiny("mamba"), babel_model)
    lm.model.resize_token_embeddings(len(lm.tokenizer))
    assert not can_decode(lm)
    whole = asked(lm, questions[:4], tmp_path / "whole", chunk=2, max_new_tokens=3)
    asked(lm, questions[:2], tmp_path / "pieces", chunk=2, max_new_tokens=3)
    assert asked(lm, questions[:4], tmp_path / "pieces", chunk=2, max_new_tokens=3) == whole
    told = [r.message for r in caplog.records if "sampling as lm-eval does" in r.message]
    assert told == ["this model's cache cannot be repeated over responses; sampling as lm-eval does"]


def test_a_prompt_without_room_is_named(
    lm: SharedPrefixLM, babel_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    short = SharedPrefixLM(pretrained=lm.model, tokenizer=lm.tokenizer, batch_size=4, max_length=10)
    requests = [
        SampleRequest("q1 in fr", "Talor : Kvelt Talor Kvelt Talor Kvelt", [], [1]),
        SampleRequest("q2 in en", "Talor :", [], [1]),
    ]
    (first, _) = respond(short, requests, temperature=0.0, top_p=1.0, max_new_tokens=6)
    assert [r.message for r in caplog.records if "lose their beginning" in r.message] == [
        "1 of 2 prompts are longer than the 4 tokens that the context has room for and lose their beginning: q1 in fr"
    ]
    kept = [SampleRequest("q1 in fr", "Talor Kvelt Talor Kvelt", [], [1])]
    if short.tok_encode(kept[0].text)[0] != short.tokenizer.bos_token_id:
        assert respond(short, kept, temperature=0.0, top_p=1.0, max_new_tokens=6) == [first]
    with pytest.raises(CalmError, match="max_new_tokens of 10 leaves no room"):
        respond(short, requests, temperature=0.0, top_p=1.0, max_new_tokens=10)


def test_out_of_memory_changes_no_response(
    lm: SharedPrefixLM, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    requests = [SampleRequest(str(i), "Talor : Kvelt " * (1 + i), [], range(i, i + 4)) for i in range(8)]
    options: dict[str, Any] = {"temperature": 5.0, "top_p": 1.0, "max_new_tokens": 5}
    lm.batch_size_per_gpu = 4
    wanted = respond(lm, requests, **options)
    real = Decoding.select

    def select(self: Decoding, rows: Any) -> None:
        if len(rows) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        real(self, rows)

    monkeypatch.setattr(Decoding, "select", select)
    assert respond(lm, requests, **options) == wanted
    assert caplog.text.count("going on with batches of 8") == 1


def test_with_an_adapter_and_in_bf16(babel_model: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = tiny("gemma3")
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)).eval()
    lm, theirs = lms(model, babel_model)
    assert can_decode(lm)
    context = list(range(5, 25))
    with torch.inference_mode():
        (found,) = decode(model, [context], [0], [1], drawing=Drawing(temperature=0), max_new_tokens=5, ends=set())
    wanted = theirs.model.generate(torch.tensor([context]), max_new_tokens=5, do_sample=False, eos_token_id=None)
    assert found == wanted[0, 20:].tolist()
    half, _ = lms(tiny("llama").to(torch.bfloat16), babel_model)
    assert can_decode(half)


@pytest.mark.parametrize("settings", [{"mode": "generate", "n": 2, "max_new_tokens": 4}, {"mode": "options"}])
def test_progress_is_seen_within_a_chunk(
    settings: dict[str, Any], babel_model: Path, questions: list[ParallelQuestion], tmp_path: Path
) -> None:
    """A chunk of 16 questions may take many minutes."""
    seen: list[int] = []
    lm = load_lm(str(babel_model), dtype="float32", batch_size=2)
    sample(HFBackend(lm), questions[:20], tmp_path / "g.jsonl", progress=seen.append, **settings)
    assert seen == sorted(seen) and len(set(seen)) > 10 and seen[-1] == 20 and lm.watch is None
    assert 16 in seen and max(x for x in seen[: seen.index(16)]) == 15, "the last of a chunk counts when it is written"
