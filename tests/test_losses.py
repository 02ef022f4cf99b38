"""DPO's losses, noise and anchors against sums written by hand: loss and gradients, on tiny real models."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from peft import LoraConfig
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
    TrainerCallback,
)

from calm_ext.errors import RunError
from calm_ext.jsonl import write_jsonl
from calm_ext.models.options import SamplingOptions
from calm_ext.records import Pair
from calm_ext.report.collect import read_run
from calm_ext.training import trl_internals, weighed_trainer
from calm_ext.training.context import TrainingContext
from calm_ext.training.job import TrainingJob
from calm_ext.training.losses import LOSSES
from calm_ext.training.methods import METHODS, dpo
from calm_ext.training.methods.dpo import SMOOTHED, DPOOptions
from calm_ext.training.options import training_options
from calm_ext.training.trainer import PairTrainer
from calm_ext.training.weighed_trainer import WeighedPairTrainer, divergence
from calm_ext.training.weighing import COLUMNS, HIGHEST_NOISE, load_weighed, weighing_words
from tests.test_methods import problems
from tests.test_shared_prefix import LAYERS, SMALL, WORDS, stir
from tests.test_training import gold_pairs, job, log

# Building a trainer puts our output layer in the place of TRL's.
pytestmark = pytest.mark.usefixtures("own_head")

BETA = 0.3
PROMPT = "t1 t10 t11 t12 t13 t14 t15 t16 t17 t18 t19"
#: prompt, chosen, rejected, probability, origin
PAIRS = [
    (PROMPT, " t20 t21 t22", " t23", 0.9, "native"),
    (PROMPT, " t24", " t20 t21 t25 t26", 0.7, "native"),
    (PROMPT + " t30", " t31 t32", " t33 t34", 0.8, "anchor"),
    ("t1 t40 t41 t42", " t43 t44 t45 t46 t47", " t48", 0.3, "native"),
    ("t1 t50", " t51", " t52", 0.6, "anchor"),
    ("t1 t60 t61", " t62 t63", " t64 t65 t66", 1.0, "native"),
]


def words() -> PreTrainedTokenizerFast:
    vocabulary = {"<pad>": 0, "<eos>": 2, "<unk>": 3} | {f"t{i}": i for i in range(WORDS) if i not in (0, 2, 3)}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="right"
    )


def ids(text: str) -> list[int]:
    return [int(word[1:]) for word in text.split()]


def pairs(**changes: Any) -> list[Pair]:
    found = []
    for number, (prompt, chosen, rejected, probability, origin) in enumerate(PAIRS):
        fields: dict[str, Any] = {"probability": probability, "origin": origin} | changes
        found.append(
            Pair(
                id=str(number),
                language="en",
                prompt=prompt,
                chosen=chosen,
                rejected=rejected,
                chosen_answer=0,
                rejected_answer=1,
                margin=1.0,
                **fields,
            )
        )
    return found


def small_job(folder: Path, *, data: list[Pair] | None = None, **options: Any) -> TrainingJob:
    write_jsonl(folder / "pairs.jsonl", pairs() if data is None else data)
    given = {"beta": BETA, "batch_size": len(PAIRS), "gradient_checkpointing": False, "append_eos": False, **options}
    return TrainingJob(
        model="tiny",
        pairs=folder / "pairs.jsonl",
        output=folder,
        options=training_options(given),
        sampling=SamplingOptions(mode="options"),
    )


def built(made: TrainingJob, *, config: Any = None) -> Any:
    """The trainer that the method builds, on a model with random weights and an adapter that has an effect."""
    tokenizer = words()
    load = METHODS["dpo"].load
    assert load is not None
    rows, dropped = load(made, tokenizer)
    assert dropped == 0
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config or LlamaConfig(**SMALL), dtype=torch.float32)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.2)
    context = TrainingContext(
        job=made,
        model=model,
        tokenizer=tokenizer,
        rows=rows,
        peft_config=LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=(),
        processes=1,
        gpu=False,
        dtype="float32",
    )
    trainer = METHODS["dpo"].build(context)
    stir(trainer)
    return trainer


def gradients(trainer: Any, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    trainer.model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.requires_grad}


def logits_of(trainer: Any, prompt: str, response: str) -> torch.Tensor:
    """(response tokens, words) logits, one response at a time: nothing packed, nothing padded, no kept reference."""
    row = ids(prompt) + ids(response)
    found: torch.Tensor = trainer.model(input_ids=torch.tensor([row])).logits[0]
    return found[len(ids(prompt)) - 1 : -1]


def token_scores(trainer: Any, prompt: str, response: str) -> torch.Tensor:
    logits = logits_of(trainer, prompt, response)
    return torch.stack([x[t] - torch.logsumexp(x, 0) for x, t in zip(logits, ids(response), strict=True)])


def s(x: Any) -> Any:
    return 1 / (1 + torch.exp(-x))


#: Of log-ratios a and b, lengths w and k, and the noise e.
BY_HAND: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda a, b, w, k, e: -(1 - e) * s(BETA * (a - b)).log() - e * s(BETA * (b - a)).log(),
    "robust": lambda a, b, w, k, e: ((1 - e) * -s(BETA * (a - b)).log() - e * -s(BETA * (b - a)).log()) / (1 - 2 * e),
    "sigmoid_norm": lambda a, b, w, k, e: -s(BETA * (a / w - b / k)).log(),
    "hinge": lambda a, b, w, k, e: (1 - BETA * (a - b)) * float(BETA * (a - b) < 1),
    "ipo": lambda a, b, w, k, e: (a / w - b / k - 1 / (2 * BETA)) ** 2,
    "exo_pair": lambda a, b, w, k, e: (
        s(BETA * (a - b)) * (s(BETA * (a - b)) / (1 - e)).log() + s(BETA * (b - a)) * (s(BETA * (b - a)) / e).log()
    ),
    "nca_pair": lambda a, b, w, k, e: -s(BETA * a).log() - s(-BETA * a).log() / 2 - s(-BETA * b).log() / 2,
    "bco_pair": lambda a, b, w, k, e: -s(BETA * a).log() - s(-BETA * b).log(),
    "sppo_hard": lambda a, b, w, k, e: (a - 1 / (2 * BETA)) ** 2 + (b + 1 / (2 * BETA)) ** 2,
    "apo_zero": lambda a, b, w, k, e: 1 - s(BETA * a) + s(BETA * b),
    "apo_down": lambda a, b, w, k, e: s(BETA * a) + 1 - s(BETA * (a - b)),
    "discopop": lambda a, b, w, k, e: (
        (1 - s(BETA * (a - b) / 0.05)) * -s(BETA * (a - b)).log()
        + s(BETA * (a - b) / 0.05) * torch.exp(-BETA * (a - b))
    ),
}


def by_hand(trainer: Any, options: DPOOptions) -> torch.Tensor:
    """The loss of all pairs as one batch, pair by pair and token by token."""
    anchor = [origin == "anchor" and options.anchors != "pair" for *_, origin in PAIRS]
    others = [p for (*_, p, _), held in zip(PAIRS, anchor, strict=True) if not held]
    preference, nll, held_by_kl, tokens = torch.zeros(()), torch.zeros(()), torch.zeros(()), 0
    for (prompt, chosen, rejected, p, _), held in zip(PAIRS, anchor, strict=True):
        own = [token_scores(trainer, prompt, text) for text in (chosen, rejected)]
        with torch.no_grad(), trainer.model.disable_adapter():
            base = [token_scores(trainer, prompt, text) for text in (chosen, rejected)]
            base_logits = logits_of(trainer, prompt, chosen)
        tokens += len(own[0])
        if held and options.anchors == "nll":
            nll = nll - options.anchor_weight * own[0].sum()
        elif held:
            log_p, log_base = logits_of(trainer, prompt, chosen).log_softmax(1), base_logits.log_softmax(1)
            for ours, theirs in zip(log_p, log_base, strict=True):
                held_by_kl = held_by_kl + options.anchor_weight * sum(
                    t.exp() * (t - o) for o, t in zip(ours, theirs, strict=True)
                )
        else:
            epsilon = min(1 - p, 0.45) if options.noise == "vote" else options.label_smoothing
            weight = p / (sum(others) / len(others)) if options.noise == "weight" else 1.0
            a, b = (mine.sum() - his.sum() for mine, his in zip(own, base, strict=True))
            preference = preference + weight * BY_HAND[options.loss](a, b, len(own[0]), len(own[1]), epsilon)
            nll = nll - options.nll_weight * own[0].sum()
    return preference / len(PAIRS) + nll / tokens + held_by_kl / tokens


def assert_by_hand(trainer: Any, options: Any) -> None:
    batch = trainer.data_collator(list(trainer.train_dataset))
    trainer.model.train()
    loss, wanted = trainer.compute_loss(trainer.model, batch), by_hand(trainer, options)
    ours, theirs = gradients(trainer, loss), gradients(trainer, wanted)
    assert loss.item() == pytest.approx(wanted.item(), abs=1e-5, rel=1e-5)
    assert all(theirs[n].abs().max() > 0 for n in theirs)
    for name, gradient in theirs.items():
        scale = max(1.0, gradient.abs().max().item())  # 30 in sppo_hard
        assert (ours[name] - gradient).abs().max() <= 1e-5 * scale, name


def smoothing(loss: str) -> dict[str, float]:
    return {"label_smoothing": 0.1} if loss in ("robust", "exo_pair") else {}


def test_every_loss_has_its_formula() -> None:
    offered = get_args(DPOOptions.model_fields["loss"].annotation)
    assert set(offered) == set(LOSSES) == set(BY_HAND)
    assert set(SMOOTHED) <= set(offered)
    text = dpo.__doc__ or ""
    assert all(f"\n    {name} " in text for name in offered)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("loss", BY_HAND)
def test_a_loss_of_trl_is_its_formula(loss: str, share: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not share:
        monkeypatch.setattr(PairTrainer, "_try_to_share", lambda self: None)
    made = small_job(tmp_path, loss=loss, nll_weight=0.5 if share else 0.0, **smoothing(loss))
    trainer = built(made)
    assert type(trainer) is PairTrainer
    assert (trainer.sharing is not None) == share
    assert_by_hand(trainer, made.options)


@pytest.mark.parametrize("loss", BY_HAND)
def test_a_weighted_loss_is_its_formula(loss: str, tmp_path: Path) -> None:
    made = small_job(tmp_path, loss=loss, noise="weight", **smoothing(loss))
    assert_by_hand(built(made), made.options)


OTHERS = [
    {"label_smoothing": 0.1},
    {"label_smoothing": 0.1, "nll_weight": 0},
    {"noise": "vote"},
    {"noise": "vote", "loss": "robust", "nll_weight": 0},
    {"noise": "vote", "loss": "robust", "anchors": "kl"},
    {"noise": "weight", "anchors": "nll", "anchor_weight": 2.0},
    {"noise": "weight", "loss": "robust", "label_smoothing": 0.2},
    {"anchors": "nll", "nll_weight": 0},
    {"anchors": "nll"},
    {"anchors": "kl", "nll_weight": 0},
    {"anchors": "kl", "anchor_weight": 0.3, "loss": "ipo"},
]


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("options", OTHERS, ids=lambda o: " ".join(f"{k}={v}" for k, v in o.items()))
def test_noise_and_anchors_are_their_formulas(
    options: dict[str, Any], share: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not share:
        monkeypatch.setattr(PairTrainer, "_try_to_share", lambda self: None)
    made = small_job(tmp_path, **options)
    trainer = built(made)
    assert type(trainer) is WeighedPairTrainer
    assert (trainer.sharing is not None) == share
    assert_by_hand(trainer, made.options)


@pytest.mark.parametrize("anchors", ["nll", "kl"])
def test_where_each_step_computes_the_reference_the_loss_is_the_same(
    anchors: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PairTrainer, "_read_reference", lambda *_: None)
    made = small_job(tmp_path, noise="vote", anchors=anchors)
    trainer = built(made)
    assert "ref_chosen_logps" not in trainer.train_dataset.column_names
    assert_by_hand(trainer, made.options)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_anchors_by_kl_with_capped_logits_and_windows(checkpointing: bool, tmp_path: Path) -> None:
    config = Gemma3TextConfig(**SMALL, sliding_window=9, layer_types=LAYERS, final_logit_softcapping=3.0)
    made = small_job(tmp_path, anchors="kl", gradient_checkpointing=checkpointing)
    trainer = built(made, config=config)
    assert_by_hand(trainer, made.options)
    assert trainer._metrics["train"]["anchors/kl"][0] > 0


def test_a_batch_without_anchors_and_one_of_anchors_alone(tmp_path: Path) -> None:
    for anchors in ("nll", "kl"):
        trainer = built(small_job(tmp_path, anchors=anchors, nll_weight=0))
        rows = list(trainer.train_dataset)
        none, only = ([r for r in rows if bool(r["anchor"]) == held] for held in (False, True))
        assert (len(none), len(only)) == (4, 2)
        for chosen in (none, only):
            loss = trainer.compute_loss(trainer.model, trainer.data_collator(chosen))
            assert all(g.isfinite().all() for g in gradients(trainer, loss).values())
        trainer.model.eval()
        with torch.no_grad(), trainer.model.disable_adapter():
            loss = trainer.compute_loss(trainer.model, trainer.data_collator(only)).item()
            nll = -torch.cat([token_scores(trainer, p, c) for p, c, *_, o in PAIRS if o == "anchor"]).mean().item()
        assert loss == pytest.approx(nll if anchors == "nll" else 0.0, abs=1e-5)


def test_the_divergence_is_the_same_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    weight, base = (torch.randn(n, 8, generator=generator, dtype=torch.float64) for n in (WORDS, 10))
    found = []
    for chunk in (2**23, 3 * WORDS, 1):
        monkeypatch.setattr(weighed_trainer, "CHUNK", chunk)
        hidden = (base + 0.3).requires_grad_()
        each = divergence(hidden, base, lambda x: x @ weight.t(), WORDS)
        (each * torch.arange(10)).sum().backward()
        found.append((each.detach(), hidden.grad))
    wanted = torch.distributions.kl_divergence(
        *(torch.distributions.Categorical(logits=x @ weight.t()) for x in (base, base + 0.3))
    )
    for each, gradient in found:
        assert torch.allclose(each, wanted)
        assert torch.allclose(gradient, found[0][1])


# --- the defaults -----------------------------------------------------------------------------------------------------


def test_at_the_defaults_nothing_is_added(tmp_path: Path) -> None:
    made = small_job(tmp_path, data=pairs(probability=None))
    trainer = built(made)
    assert type(trainer) is PairTrainer
    assert trainer.loss_types == ["sigmoid", "sft"]
    assert trainer.loss_weights == [1.0, 0.5]
    assert trainer.args.remove_unused_columns is True
    kept = {"prompt_ids", "chosen_ids", "rejected_ids", "ref_chosen_logps", "ref_rejected_logps"}
    assert set(trainer.train_dataset.column_names) == kept
    assert not set(COLUMNS) & set(trainer.data_collator(list(trainer.train_dataset)))
    assert_by_hand(trainer, made.options)


# --- the recipe -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (
            {"loss": "ipo", "label_smoothing": 0.1},
            "training: label_smoothing goes with the losses sigmoid, robust, exo_pair; loss ipo has no ε, so set it to 0",
        ),
        (
            {"loss": "hinge", "noise": "vote"},
            "training: noise vote goes with the losses sigmoid and robust, not hinge; noise weight goes with all",
        ),
        (
            {"noise": "vote", "label_smoothing": 0.1},
            "training: noise vote gives each pair its own ε, so set label_smoothing to 0",
        ),
        (
            {"loss": "robust"},
            "training: loss robust needs an ε: set label_smoothing above 0 (or noise to vote), or take loss sigmoid",
        ),
        (
            {"loss": "exo_pair", "noise": "weight"},
            "training: loss exo_pair needs an ε: set label_smoothing above 0, or take loss sigmoid",
        ),
        (
            {"anchor_weight": 2},
            "training: anchor_weight goes with anchors nll and kl; anchors pair does not use it",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(training: dict[str, Any], said: str) -> None:
    assert problems(**training) == [said]


def test_a_wrong_value_is_refused_by_its_key() -> None:
    (said,) = problems(loss="aot")
    assert said.startswith("training.loss: sigmoid, robust,")
    assert said.endswith("got 'aot'")
    assert problems(label_smoothing=0.5) == ["training.label_smoothing: less than 0.5 was expected, got 0.5"]
    assert problems(anchor_weight=0, anchors="kl")[0].startswith("training.anchor_weight: more than")
    assert problems(method="sft", noise="vote")[0].startswith("training.noise: unknown key")


def test_the_plan_says_what_differs_from_plain_dpo() -> None:
    assert training_options({}).own_words() == ["β 0.1", "NLL 0.5"]
    given = {"loss": "robust", "noise": "vote", "anchors": "kl", "anchor_weight": 0.3}
    assert training_options(given).own_words() == [
        "loss robust", "β 0.1", "NLL 0.5", "ε by the vote", "anchors by KL 0.3"
    ]  # fmt: skip
    given = {"label_smoothing": 0.1, "noise": "weight", "anchors": "nll"}
    assert training_options(given).own_words()[2:] == ["ε 0.1", "weighted by the vote", "anchors by NLL 1"]


def test_report_and_card_say_the_loss_and_the_noise(tmp_path: Path) -> None:
    from calm_ext.report.page.training import training_context
    from tests.test_card import card_of, change_recipe
    from tests.test_report import make_run

    run = make_run(tmp_path / "toy", languages=["en", "ar"], n=20, n_test=20)
    plain = training_context(read_run(run))
    assert plain is not None
    assert plain["loss"] == "DPO + 0.5 × NLL of the chosen response"
    change_recipe(run, training=training_options({"loss": "robust", "noise": "vote", "anchors": "kl"}).model_dump())
    context = training_context(read_run(run))
    assert context is not None
    assert context["loss"] == "DPO (robust) + 0.5 × NLL of the chosen response"
    assert {"noise": "vote", "anchors": "kl"}.items() <= context["options"].items()
    assert "label_smoothing" not in context["options"]
    card = " ".join(card_of(run).split()).replace("\\", "")
    assert "method dpo, loss robust, label_smoothing 0.0, noise vote, beta 0.1, nll_weight 0.5, anchors kl" in card


# --- columns ----------------------------------------------------------------------------------------------------------


def column(made: TrainingJob, name: str) -> list[float]:
    return [row[name] for row in load_weighed(made, words()).rows]


def test_what_the_columns_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vote = small_job(tmp_path, noise="vote")
    assert column(vote, "epsilon") == pytest.approx([0.1, 0.3, 0.2, HIGHEST_NOISE, 0.4, 0.0])
    assert column(vote, "preference") == [1.0] * 6
    weight = small_job(tmp_path, noise="weight", anchors="kl")
    assert column(weight, "anchor") == [0, 0, 1, 0, 1, 0]
    mean = (0.9 + 0.7 + 0.3 + 1.0) / 4
    assert column(weight, "preference") == pytest.approx([0.9 / mean, 0.7 / mean, 0, 0.3 / mean, 0, 1 / mean])
    built(vote)
    said = capsys.readouterr().err
    assert "noise by the vote: ε from 0.00 to 0.45, mean 0.24; 1 of 6 pairs at the bound 0.45" in said
    rows = load_weighed(weight, words()).rows
    assert isinstance(weight.options, DPOOptions)
    assert weighing_words(rows, weight.options) == [
        "pairs weighted by the vote: from 0.41 to 1.38, mean 1",
        "2 of 6 pairs are anchors, held by kl",
    ]
    none = small_job(tmp_path, data=pairs(origin="native"), anchors="nll")
    assert isinstance(none.options, DPOOptions)
    (said,) = weighing_words(load_weighed(none, words()).rows, none.options)
    assert said == "training.anchors nll: none of the 6 pairs is an anchor (pairs.anchors: all builds them)"


def test_pairs_without_a_probability_are_refused_in_one_line(tmp_path: Path) -> None:
    without = [p.model_copy(update={"probability": None}) if p.id in "24" else p for p in pairs()]
    made = small_job(tmp_path, data=without, noise="vote")
    with pytest.raises(RunError) as caught:
        load_weighed(made, words())
    assert str(caught.value) == (
        f"{made.pairs}: 2 of 6 pairs have no probability, which training.noise vote needs (first: question 2, en); "
        "build the pairs again with a vote that estimates it, or set training.noise to none"
    )
    held = small_job(tmp_path, data=without, noise="vote", anchors="kl")
    assert len(load_weighed(held, words()).rows) == 6, "anchors that are held need none"
    with pytest.raises(RunError, match="every pair has probability 0"):
        load_weighed(small_job(tmp_path, data=pairs(probability=0.0), noise="weight"), words())


# --- what it needs of TRL and of the model ----------------------------------------------------------------------------


def test_a_trl_without_the_names_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (trl_internals.LOG_PROBS, trl_internals.METRICS):
        assert name in ("log_probs", "_metrics")
    trainer = built(small_job(tmp_path, noise="vote"))
    batch = trainer.data_collator(list(trainer.train_dataset))
    monkeypatch.setattr(trl_internals, "LOG_PROBS", "scores")
    with pytest.raises(RunError, match=r"TRL .* has no .*\.scores, which this loss needs: install TRL 1.16"):
        trainer.compute_loss(trainer.model, batch)
    monkeypatch.setattr(trl_internals, "METRICS", "not_there")
    monkeypatch.setattr(trl_internals, "LOG_PROBS", "log_probs")
    trainer.compute_loss(trainer.model, batch)
    monkeypatch.setattr(trl_internals, "REFERENCE_IS_GIVEN", "not_there")
    with pytest.raises(RunError, match=r"has no WeighedPairTrainer\.not_there"):
        built(small_job(tmp_path, noise="vote"))


def test_a_head_with_a_scale_of_its_own_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = built(small_job(tmp_path, anchors="kl"))
    original = trainer._logits
    monkeypatch.setattr(trainer, "_logits", lambda hidden: original(hidden) * 0.5)
    with pytest.raises(RunError, match=r"take training\.anchors nll"):
        trainer.compute_loss(trainer.model, trainer.data_collator(list(trainer.train_dataset)))


# --- a process of its own ---------------------------------------------------------------------------------------------


def test_noise_and_anchors_train_in_a_process_of_their_own(babel_model: Path, tmp_path: Path) -> None:
    from calm_ext.training.launch import launch

    made = job(tmp_path, babel_model, noise="vote", loss="robust", anchors="kl", epochs=2, select="last")
    data = [
        p.model_copy(update={"probability": 0.9, "origin": "anchor" if p.language == "qaa" else "native"})
        for p in gold_pairs(16)
    ]
    write_jsonl(made.pairs, data)
    launch(made)
    rows = [r for r in log(tmp_path, "train") if "loss" in r]
    assert rows[-1]["loss"] < rows[0]["loss"]
    divergences = [r["anchors/kl"] for r in rows if "anchors/kl" in r]
    assert divergences[0] < 0.1
    assert all(math.isfinite(x) for x in divergences)
    assert "16 of 48 pairs are anchors, held by kl" in (tmp_path / "training/worker.log").read_text()
    assert (tmp_path / "training/adapter/adapter_model.safetensors").is_file()
    write_jsonl(made.pairs, gold_pairs(16))
    again = made.replace(output=tmp_path / "again")
    with pytest.raises(RunError, match="48 of 48 pairs have no probability") as caught:
        launch(again)
    assert "Traceback" not in str(caught.value)


def train_losses(trainer: Any) -> list[float]:
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def test_a_resumed_run_has_the_losses_of_an_undivided_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted after two steps of six; the columns of the second process are those of the first."""
    options = {"noise": "weight", "anchors": "kl", "batch_size": 2, "epochs": 2, "learning_rate": 1e-2}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    arguments = TrainingContext.arguments
    monkeypatch.setattr(
        TrainingContext,
        "arguments",
        lambda self: arguments(self) | {"logging_steps": 1, "save_steps": 1, "save_total_limit": None},
    )
    whole = built(small_job(tmp_path / "one", **options))
    whole.train()
    cut = built(small_job(tmp_path / "two", **options))
    cut.add_callback(Stop(2))
    cut.train()
    resumed = built(small_job(tmp_path / "two", **options))
    resumed.train(resume_from_checkpoint=str(tmp_path / "two/checkpoints/checkpoint-2"))
    assert len(train_losses(whole)) == 6
    assert train_losses(cut) == pytest.approx(train_losses(whole)[:2], abs=1e-5)
    assert train_losses(resumed) == pytest.approx(train_losses(whole), abs=1e-4)


class Stop(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop = state.global_step >= self.step


def test_two_processes_have_the_losses_of_one(babel_model: Path, tmp_path: Path) -> None:
    """The mean over the pairs of both; their batches have unlike numbers of anchors."""
    from calm_ext.training.launch import launch

    config = tmp_path / "two.yaml"
    config.write_text(
        "compute_environment: LOCAL_MACHINE\ndistributed_type: MULTI_GPU\nnum_processes: 2\nnum_machines: 1\n"
        "machine_rank: 0\nmain_process_port: 0\nmixed_precision: 'no'\nuse_cpu: false\n"
    )
    data = [
        p.model_copy(update={"probability": 0.5 + 0.01 * n, "origin": "anchor" if n % 5 == 0 else "native"})
        for n, p in enumerate(gold_pairs(8))
    ]
    found = []
    for name, size, accelerate_config in (("one", 4, None), ("two", 2, str(config))):
        folder = tmp_path / name
        more = {"nll_weight": 0, "noise": "weight", "anchors": "kl", "anchor_weight": 1e-6, "select": "last"}
        made = job(folder, babel_model, batch_size=size, epochs=1, **more).replace(accelerate_config=accelerate_config)
        write_jsonl(made.pairs, data)
        launch(made)
        found.append([r["loss"] for r in log(folder, "train") if "loss" in r])
    assert len(found[0]) > 2
    assert found[1] == pytest.approx(found[0], abs=1e-5)
