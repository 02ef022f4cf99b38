"""Scoring a prompt's continuations in one pass, held to lm-eval's own class, which runs each by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from calm_ext.errors import CalmError
from calm_ext.models import output_head, scoring, trees
from calm_ext.models.batches import in_batches
from calm_ext.models.lm import SharedPrefixLM, load_lm
from calm_ext.models.scoring import reads_trees, score_continuations, score_groups

VOCABULARY = 300
SIZES: dict[str, Any] = {"vocab_size": VOCABULARY, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip


pytestmark = pytest.mark.usefixtures("one_thread")


def tiny(kind: str, attention: str = "sdpa") -> Any:
    """A random model, with weights large enough that every token matters."""
    import transformers as t

    torch.manual_seed(0)
    common: dict[str, Any] = {**SIZES, "initializer_range": 0.3, "attn_implementation": attention}
    if kind.startswith("gemma3"):
        kinds = ["sliding_attention", "full_attention"] * 2
        config: Any = t.Gemma3TextConfig(
            **common, head_dim=8, sliding_window=64 if "wide" in kind else 8, layer_types=kinds
        )
    elif kind == "gemma2":  # caps its logits
        config = t.Gemma2Config(**common, head_dim=8, sliding_window=8, final_logit_softcapping=5.0)
    elif kind == "qwen3":
        config = t.Qwen3Config(**common, head_dim=8)
    elif kind == "mistral":  # a window in every layer
        config = t.MistralConfig(**common, sliding_window=8)
    elif kind == "gpt2":  # learned positions
        config = t.GPT2Config(
            vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=128, initializer_range=0.3
        )
    elif kind == "mamba":  # a state that cannot branch
        config = t.MambaConfig(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, state_size=4)
    elif kind == "bloom":  # distances by column, no positions
        config = t.BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4, initializer_range=0.3)
    else:
        config = t.LlamaConfig(**common)
    return t.AutoModelForCausalLM.from_config(config).eval()


def requests_of(model: Any, *, longest: int = 40) -> list[Any]:
    """Contexts of mixed lengths with one continuation or several, of one token or several, some twice, some greedy."""
    generator = torch.Generator().manual_seed(1)

    def draw(n: int) -> list[int]:
        return torch.randint(5, VOCABULARY, (n,), generator=generator).tolist()

    requests: list[Any] = []
    for length in (3, 9, 17, longest, 5, 9, 1):
        context = draw(length)
        greedy: list[int] = []
        for _ in range(3):
            greedy.append(model(torch.tensor([context + greedy])).logits[0, -1].argmax().item())
        targets = [greedy[:1], draw(1), draw(3), draw(2), greedy, greedy[:2] + draw(1), draw(6)]
        requests += [((f"{length}", str(t)), context, t) for t in (targets if length != 5 else [draw(4)])]
    requests += [requests[3], requests[20], requests[2]]  # asked again, and away from their own context
    return requests


def lms(model: Any, babel_model: Path, **options: Any) -> tuple[SharedPrefixLM, Any]:
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(babel_model)
    made = {"pretrained": model, "tokenizer": tokenizer, "batch_size": 4, **options}
    return SharedPrefixLM(**made), HFLM(**made)


def assert_equal(ours: Any, theirs: Any, requests: list[Any]) -> None:
    got = ours._loglikelihood_tokens(requests, disable_tqdm=True)
    wanted = theirs._loglikelihood_tokens(requests, disable_tqdm=True)
    assert [a for a, _ in got] == pytest.approx([b for b, _ in wanted], abs=1e-4)
    assert [g for _, g in got] == [g for _, g in wanted]
    assert {g for _, g in got} == {True, False}


EVERY = ["llama", "gemma3", "qwen3", "mistral", "gpt2"]


@pytest.mark.parametrize(
    ("kind", "attention"), [*((k, a) for k in EVERY for a in ("sdpa", "eager")), ("gemma2", "eager")]
)
def test_the_numbers_of_lm_eval(kind: str, attention: str, babel_model: Path) -> None:
    """Log-likelihoods to 1e-4, greedy flags and order; windows of 8 tokens, and prompts longer than that."""
    model = tiny(kind, attention)
    assert reads_trees(model)
    assert_equal(*lms(model, babel_model), requests_of(model))


@pytest.mark.parametrize("kind", ["mamba", "bloom"])
def test_a_model_that_cannot_is_scored_as_lm_eval_does_and_says_so(
    kind: str, babel_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny(kind)
    requests = requests_of(model)
    ours, theirs = lms(model, babel_model)
    assert_equal(ours, theirs, requests)
    assert_equal(ours, theirs, requests)
    assert [r.message for r in caplog.records if "in one pass" in r.message] == [
        "this model cannot score the options of a prompt in one pass; scoring them as lm-eval does"
    ]
    (context, targets) = requests[14][1], [r[2] for r in requests[14:18]]
    wanted = [a for a, _ in theirs._loglikelihood_tokens(requests[14:18], disable_tqdm=True)]
    (scored,) = score_continuations(model, [(context, targets)], batch_size=4)
    assert [a for a, _ in scored] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("kind", ["llama", "gemma3"])
def test_with_an_adapter(kind: str, babel_model: Path) -> None:
    from peft import LoraConfig, get_peft_model

    model = tiny(kind)
    requests = requests_of(model)
    plain = [a for a, _ in lms(model, babel_model)[0]._loglikelihood_tokens(requests, disable_tqdm=True)]
    model = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)).eval()
    ours, theirs = lms(model, babel_model)
    got = [a for a, _ in ours._loglikelihood_tokens(requests, disable_tqdm=True)]
    wanted = [a for a, _ in theirs._loglikelihood_tokens(requests, disable_tqdm=True)]
    assert reads_trees(model)
    assert got == pytest.approx(wanted, abs=1e-4)
    assert wanted != pytest.approx(plain, abs=0.1)


@pytest.mark.parametrize(
    ("dtype", "off", "read"), [(torch.bfloat16, 0.02, True), (torch.bfloat16, 0.2, False), (torch.float32, 0.02, False)]
)
def test_rounding_of_unlikely_tokens_is_no_other_number(
    dtype: torch.dtype, off: float, read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trained adapter in bf16 was 2 % off for a token of -37 nats, and was scored one option at a time for it."""
    model, plain = tiny("gemma3").to(dtype), scoring._plain
    monkeypatch.setattr(scoring, "_plain", lambda *args: ((1 + off) * plain(*args)[0], False))
    assert reads_trees(model) is read


@pytest.mark.parametrize("kind", ["llama", "gemma3", "qwen3"])
def test_bf16_is_close_to_fp32(kind: str) -> None:
    model = tiny(kind)
    groups = [(c, [t]) for _, c, t in requests_of(model)]
    wanted = [a for ((a, _),) in score_groups(model, groups, batch_size=4)]
    half = model.to(torch.bfloat16)
    assert reads_trees(half)
    got = [a for ((a, _),) in score_groups(half, groups, batch_size=4)]
    assert got == pytest.approx(wanted, rel=0.05, abs=0.3)


def test_it_does_not_depend_on_the_batch(babel_model: Path) -> None:
    model = tiny("gemma3")
    requests = requests_of(model)
    results = []
    for batch_size in (1, 3, 64, "auto"):
        ours, _ = lms(model, babel_model, batch_size=batch_size)
        results.append([a for a, _ in ours._loglikelihood_tokens(requests, disable_tqdm=True)])
    for other in results[1:]:
        assert other == pytest.approx(results[0], abs=1e-5)


def test_the_output_embedding_in_slices_is_the_output_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = tiny("llama"), torch.tensor([[5, 6, 7], [8, 9, 10]])
    monkeypatch.setattr(output_head, "_SLICE", 64)
    with torch.inference_mode():
        wanted = model(tokens).logits
        with output_head.output_at(model):
            torch.testing.assert_close(model(tokens).logits, wanted, atol=1e-5, rtol=1e-5)
        with output_head.output_at(model, torch.tensor([4, 0])):
            got = model(tokens).logits
        torch.testing.assert_close(got, torch.stack([wanted[1, 1], wanted[0, 0]])[None], atol=1e-5, rtol=1e-5)
        assert torch.equal(model(tokens).logits, wanted)
        assert not model.lm_head._forward_pre_hooks and "forward" not in model.lm_head.__dict__


@pytest.mark.parametrize("kind", EVERY)
def test_the_output_embedding_of_several_passes_is_applied_at_once(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that divide the vocabulary or do not, more places than are multiplied at once, and passes of one prompt."""
    model = tiny(kind)
    groups = [(c, [t, [t[0], 7]]) for _, c, t in requests_of(model)]
    assert output_head.can_score(model)
    monkeypatch.setattr(scoring, "can_score", lambda *x: False)
    wanted = [answer for answers in score_groups(model, groups, batch_size=4) for answer in answers]
    monkeypatch.undo()
    for size, places, batch_size in ((2048, 256, 4), (60, 8, 4), (64, 7, 1)):
        monkeypatch.setattr(output_head, "_SLICE", size)
        monkeypatch.setattr(output_head, "PLACES", places)
        got = [answer for answers in score_groups(model, groups, batch_size=batch_size) for answer in answers]
        assert [a for a, _ in got] == pytest.approx([a for a, _ in wanted], abs=1e-5)
        assert [g for _, g in got] == [g for _, g in wanted]
    assert {g for _, g in got} == {True, False}
    assert "forward" not in model.get_output_embeddings().__dict__


def test_over_a_large_vocabulary_it_is_nearer_to_the_exact_numbers_than_torch() -> None:
    """torch's log_softmax in fp32 adds a row's terms one after the other: over 262,144 words it is up to 1e-4 off."""
    torch.manual_seed(0)
    model = torch.nn.Linear(16, 262_144, bias=False)
    model.get_output_embeddings = lambda: model  # type: ignore[assignment]
    hidden, wanted = torch.randn(4, 16), torch.randint(262_144, (4,))
    with torch.inference_mode():
        logits = model(hidden)
        exact = logits.double().log_softmax(-1)[torch.arange(4), wanted]
        torchs = logits.log_softmax(-1)[torch.arange(4), wanted]
        got, _ = output_head.score_hidden(model, hidden, torch.arange(4), wanted)
    assert got == pytest.approx(exact.tolist(), abs=2e-6)
    assert (torch.tensor(got) - exact).abs().max() <= (torchs - exact).abs().max()


def test_of_tokens_that_are_as_likely_the_first_is_the_greedy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by argmax, within a slice and between two; and log-probabilities of logits that differ much."""
    monkeypatch.setattr(output_head, "_SLICE", 4)
    weight = torch.tensor([[0.0], [1], [1], [0], [1], [0], [1], [-900], [80], [80]])
    model = torch.nn.Linear(1, 10, bias=False)
    model.weight.data = weight
    model.get_output_embeddings = lambda: model  # type: ignore[assignment]
    hidden, wanted = torch.tensor([[1.0], [-1.0]]), torch.arange(10)
    for place in (0, 1):
        where = torch.full((10,), place)
        logprobs, greedy = output_head.score_hidden(model, hidden, where, wanted)
        exact = (hidden[place] * weight[:, 0]).double().log_softmax(0)
        assert logprobs == pytest.approx(exact.tolist(), abs=1e-4)
        assert [i for i, g in enumerate(greedy) if g] == [int(exact.argmax())] == [(8, 7)[place]]


def test_logits_that_a_model_changes_are_its_own(babel_model: Path) -> None:
    """Caps and scales come behind the output embedding, which is then not applied apart."""
    import transformers as t

    assert not output_head.can_score(tiny("gemma2", "eager"))
    scaled = t.AutoModelForCausalLM.from_config(t.CohereConfig(**SIZES, logit_scale=0.25)).eval()
    assert not output_head.can_score(scaled)
    model = tiny("llama")
    assert output_head.can_score(model) and not output_head.can_score(model, torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not output_head.can_score(model)
    assert not output_head.can_score(model.to(torch.bfloat16))


def test_many_continuations_of_a_prompt_are_split_over_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny("llama")
    context, targets = [5, 6, 7], [[i, i + 1, i + 2, i + 3] for i in range(5, 25)]
    whole = score_groups(model, [(context, targets)], batch_size=1)[0]
    monkeypatch.setattr(trees, "_WIDEST", 7)
    assert [len(row[3]) for row in trees.rows_of(0, context, targets)] == [2] * 10
    split = score_groups(model, [(context, targets)], batch_size=4)[0]
    assert [a for a, _ in split] == pytest.approx([a for a, _ in whole], abs=1e-5)


def test_a_prompt_runs_once_and_the_output_embedding_where_it_is_asked(
    babel_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny("llama")
    ours, _ = lms(model, babel_model)
    assert reads_trees(model)
    read, scored = [], []
    model.model.embed_tokens.register_forward_hook(lambda *x: read.append(x[1][0].shape))
    score = scoring.score_hidden
    monkeypatch.setattr(scoring, "score_hidden", lambda *x: scored.append(x[1].shape) or score(*x))
    context = list(range(5, 25))
    requests = [(("q", str(t)), context, [t, *more]) for t, more in ((7, []), (8, []), (9, [10]), (11, [12, 13]))]
    ours._loglikelihood_tokens(requests, disable_tqdm=True)
    assert read == [(1, 20 + 0 + 0 + 1 + 2)]
    assert scored == [(1 + 1 + 2, SIZES["hidden_size"])]
    monkeypatch.setattr(scoring, "can_score", lambda *x: False)
    scored.clear()
    model.lm_head.register_forward_hook(lambda *x: scored.append(x[2].shape))
    ours._loglikelihood_tokens(requests, disable_tqdm=True)
    assert scored == [(1, 1 + 1 + 2, VOCABULARY)]


def test_longer_than_the_context_loses_its_beginning_and_is_told(
    babel_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny("llama")
    ours, theirs = lms(model, babel_model, max_length=16)
    assert_equal(ours, theirs, requests_of(model))
    (told,) = [r.message for r in caplog.records if "lose their beginning" in r.message]
    assert told.startswith("15 of 46 requests are longer than the model's context of 16 tokens"), told
    with pytest.raises(CalmError, match="a continuation of 17 tokens is longer"):
        ours._loglikelihood_tokens([(("a", "b"), [5], [6] * 17)])


@pytest.mark.parametrize("apart", [True, False])
def test_out_of_memory_halves_the_batch_and_says_so_once(
    apart: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = tiny("llama")
    groups = [([5 + i, 6, 7], [[8], [9, 10]]) for i in range(32)]
    wanted = score_groups(model, groups, batch_size=32)
    name = "_read_rows" if apart else "_score"
    real: Callable[..., Any] = getattr(scoring, name)
    sizes = []

    def score(model: Any, rows: Any, *more: Any) -> Any:
        sizes.append(len(rows))
        if len(rows) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7 GiB")
        return real(model, rows, *more)

    monkeypatch.setattr(scoring, name, score)
    monkeypatch.setattr(scoring, "can_score", lambda *x: apart)
    got = score_groups(model, groups, batch_size=16)
    assert sizes == [16, 8, *[4] * 8]
    assert [a for x in got for a, _ in x] == pytest.approx([a for x in wanted for a, _ in x], abs=1e-5)
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == [
        "out of memory: going on with batches of 8; a smaller batch_size avoids this"
    ]

    def never(_: Any) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    with pytest.raises(CalmError, match="does not suffice for a single prompt"):
        in_batches([1, 2, 3], 2, never)

    def broken(_: Any) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        in_batches([1, 2, 3], 2, broken)


def test_no_pad_token(babel_model: Path, tmp_path: Path) -> None:
    """Padding is never looked at, so none is needed; lm-eval wants one, and takes the end token."""
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(babel_model, folder)
    lm = load_lm(str(folder), dtype="float32", device="cpu")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = None
    bare = SharedPrefixLM(pretrained=lm.model, tokenizer=tokenizer, batch_size=4)
    requests = requests_of(lm.model)
    assert bare._loglikelihood_tokens(requests, disable_tqdm=True) == [
        (pytest.approx(a, abs=1e-5), g) for a, g in lm._loglikelihood_tokens(requests, disable_tqdm=True)
    ]


def test_two_bos_tokens_are_told_and_one_is_taken_off(babel_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    from tokenizers.processors import TemplateProcessing

    model = tiny("llama")
    ours, _ = lms(model, babel_model)
    tokenizer = ours.tokenizer
    bos, number = tokenizer.bos_token, tokenizer.bos_token_id
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos} {bos} $A", special_tokens=[(bos, number)]
    )
    once = ours.tok_encode("Talor :")
    assert once[0] == number != once[1]
    assert tokenizer.encode("Talor :") == [number, *once]
    ours.tok_encode("Talor : Talor")
    assert [r.message for r in caplog.records if "BOS" in r.message] == [
        "the tokenizer begins a text that has a BOS token with another one; one is taken off"
    ]


@pytest.mark.parametrize("chat", [False, True])
def test_an_evaluation_with_shots_and_a_chat_template_is_that_of_lm_eval(chat: bool, babel_model: Path) -> None:
    import lm_eval
    from lm_eval.models.huggingface import HFLM

    from calm_ext.harness.evaluate import task_manager

    ours = load_lm(str(babel_model), dtype="float32", device="cpu", batch_size=8)
    ours.tokenizer.chat_template = "{% for m in messages %}{{ m.role }} : {{ m.content }} \n {% endfor %}"
    theirs = HFLM(pretrained=ours.model, tokenizer=ours.tokenizer, batch_size=8)
    found = [
        lm_eval.simple_evaluate(
            model=lm, tasks=["calm_babel_xl_mc"], task_manager=task_manager(["calm_babel_xl_mc"]), limit=5,
            num_fewshot=2, apply_chat_template=chat, fewshot_as_multiturn=chat, log_samples=True, bootstrap_iters=0,
        )
        for lm in (ours, theirs)
    ]  # fmt: skip
    (a, b) = (r["samples"]["calm_babel_xl_mc"] for r in found if r is not None)
    for here, there in zip(a, b, strict=True):
        assert [x[:2] for x in here["arguments"]] == [x[:2] for x in there["arguments"]]
        assert [r[0][0] for r in here["resps"]] == pytest.approx([r[0][0] for r in there["resps"]], abs=1e-4)
        assert [r[0][1] for r in here["resps"]] == [r[0][1] for r in there["resps"]]
        assert here["acc"] == there["acc"]
