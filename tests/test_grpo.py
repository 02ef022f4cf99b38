"""GRPO: its rewards by hand, its loss and gradients against a reference, and a training from data to adapter."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from calm_ext.data import load_questions
from calm_ext.errors import CalmError, RecipeError, RunError
from calm_ext.jsonl import read_jsonl, write_jsonl
from calm_ext.pairing.exercises import ALONE, UNDECIDED, build_exercises
from calm_ext.pipeline.recipe import parse_recipe
from calm_ext.prompts import ask
from calm_ext.records import Ballot, Exercise, Generation
from calm_ext.training.job import TrainingJob
from calm_ext.training.launch import launch
from calm_ext.training.methods import METHODS
from calm_ext.training.methods.grpo import GRPOOptions, load
from calm_ext.training.options import training_options
from calm_ext.training.rewards import (
    Answered,
    QuestionSampler,
    gold_rewards,
    read_completion,
    vote_rewards,
    whole_questions,
)
from tests.test_training import LANGUAGES, job, log, training_context


def exercises(n: int, *, gold: bool = False) -> list[Exercise]:
    """Questions of Babel with the right answer as the others' vote."""
    return [
        Exercise(
            id=question.id,
            language=language,
            prompt=ask(language, version.question, version.options, "direct"),
            options=version.options,
            target=question.answer or 0,
            gold=question.answer if gold else None,
        )
        for question in load_questions("babel", split="train", languages=LANGUAGES, limit=n)
        for language, version in question.versions.items()
    ]


def grpo_job(folder: Path, model: Path, n: int = 4, *, gold: bool = False, **options: Any) -> TrainingJob:
    made = job(folder, model, **({"method": "grpo", "batch_size": 24, "generations": 4} | options))
    write_jsonl(folder / "exercises.jsonl", exercises(n, gold=gold))
    return made.replace(questions=folder / "exercises.jsonl")


def trainer_of(made: TrainingJob) -> tuple[Any, Any, Any]:
    """GRPO's trainer as the worker builds it, its rows, and the tokenizer."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(made.model)
    rows, _ = load(made, tokenizer)
    return METHODS["grpo"].build(training_context(made, rows, tokenizer)), rows, tokenizer


# --- rewards ----------------------------------------------------------------------------------------------------------


def answered(question: str, language: str, answer: int | None, *, target: int = 1, gold: int | None = 2) -> Answered:
    return Answered(
        Exercise(id=question, language=language, prompt="?", options=["a", "b", "c"], target=target, gold=gold), answer
    )


def test_the_votes_reward_is_agreement_with_the_other_languages() -> None:
    said = [answered("q", "en", x) for x in (1, 0, None, 2)]
    assert vote_rewards(said) == [1.0, 0.0, 0.0, 0.0]
    assert vote_rewards(said, unread=-0.25) == [1.0, 0.0, -0.25, 0.0]


def test_the_gold_reward_counts_languages_and_adds_a_bonus_for_all() -> None:
    by_language = {"en": [2, 2, 0], "zh": [2, None, 0], "sw": [2, 2, 1]}
    said = [answered("q", language, x) for language, own in by_language.items() for x in own]
    said += [answered("p", language, 2) for language in by_language]  # another question in the batch
    assert gold_rewards(said, n_languages=3, bonus=2.0) == [5, 2, 0] * 3 + [5, 5, 5]
    assert gold_rewards(said, n_languages=3, bonus=0.0) == [3, 2, 0] * 3 + [3, 3, 3]
    with pytest.raises(CalmError, match="question q was answered in 2 of 3 languages in a batch"):
        gold_rewards([answered("q", "en", 2), answered("q", "zh", 2)], n_languages=3)
    with pytest.raises(CalmError, match="question q has no gold answer"):
        gold_rewards([answered("q", "en", 2, gold=None)], n_languages=1)


def test_completions_are_read_as_responses_are() -> None:
    one = exercises(1)[0]
    assert read_completion(one, f" {one.options[2]}\nmore", style="direct").answer == 2
    assert read_completion(one, " something", style="direct").answer is None
    named = one.model_copy(update={"options": ["Lake Geneva", "Rome"], "names": [["Léman"], []]})
    named = named.model_copy(update={"language": "en"})
    assert read_completion(named, "It is the Léman.", style="open").answer == 0
    assert read_completion(named, "<plan>Rome</plan> Léman", style="open", thoughts=[("<plan>", "</plan>")]).answer == 0


def test_the_sampler_keeps_questions_together_and_leaves_none_out() -> None:
    sampler = QuestionSampler(15, together=3, batch=6, generations=2, repeats=2, seed=1)
    order = list(sampler)
    assert len(order) == len(sampler) == 3 * 6 * 2 * 2
    batches = [order[i : i + 12] for i in range(0, len(order), 12)]
    assert batches[0::2] == batches[1::2], "each batch is given twice"
    for batch in batches:
        assert batch[0::2] == batch[1::2], "each prompt twice, side by side"
        rows = batch[0::2]
        assert all(rows[i : i + 3] == list(range(rows[i], rows[i] + 3)) and rows[i] % 3 == 0 for i in (0, 3))
    first = [row for batch in batches[0::2] for row in batch[0::2]]
    assert sorted(first[:15]) == list(range(15))
    assert first[15:] == first[:3], "the last batch is filled up with the first rows"
    assert list(sampler) == order
    sampler.set_epoch(1)
    assert list(sampler) != order
    few = QuestionSampler(3, together=3, batch=12, generations=2, repeats=1, seed=1)
    assert Counter(few) == dict.fromkeys(range(3), 8)


def test_questions_that_lack_a_language_are_left_out() -> None:
    rows = [answered("p", "en", 0), answered("q", "en", 0), answered("p", "zh", 0)]
    assert whole_questions(rows) == ([rows[0], rows[2]], 1)
    with pytest.raises(RunError, match="no question is there in all languages \\(en, zh\\)"):
        whole_questions([answered("p", "en", 0), answered("q", "zh", 0)])


# --- the loss ---------------------------------------------------------------------------------------------------------


def logprobs(model: Any, prompt: list[int], completion: list[int], temperature: float) -> Any:
    """log π of each token of a completion, one forward pass, no padding."""
    import torch

    logits = model(input_ids=torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1]
    return (logits / temperature).log_softmax(-1)[torch.arange(len(completion)), torch.tensor(completion)]


def reference_loss(current: list[Any], old: list[Any], base: list[Any], z: list[float], made: GRPOOptions) -> Any:
    """The formula of the module, completion by completion."""
    import torch

    summed = []
    for now, before, untrained, advantage in zip(current, old, base, z, strict=True):
        ratio = torch.exp(now - before)
        clipped = ratio.clamp(1 - made.epsilon, 1 + made.epsilon)
        kl = torch.exp(untrained - now) - (untrained - now) - 1
        summed.append(-torch.minimum(ratio * advantage, clipped * advantage) + made.beta * ratio * kl)
    if made.loss_type == "grpo":
        return torch.stack([tokens.mean() for tokens in summed]).mean()
    if made.loss_type == "dr_grpo":
        return torch.cat(summed).sum() / (len(summed) * 3)  # max_new_tokens is 3
    return torch.cat(summed).mean()


@pytest.mark.parametrize(
    ("loss_type", "gold", "scale"),
    [("dapo", False, "group"), ("grpo", True, "group"), ("dr_grpo", False, "none"), ("dapo", True, "batch")],
)
def test_loss_and_gradients_are_those_of_the_formula(
    loss_type: str, gold: bool, scale: str, babel_model: Path, tmp_path: Path, own_head: None
) -> None:
    """On completions that are given, at a step where π is π_old, and at a second one where it is not."""
    import torch

    from calm_ext.models.request import encode_prompt
    from calm_ext.models.scoring import encode_continuation

    made = grpo_job(
        tmp_path, babel_model, 2, gold=gold, loss_type=loss_type, scale_rewards=scale, iterations=2, beta=0.05,
        epsilon=0.02, temperature=0.7, generations=4, batch_size=24, unread=-0.5 if not gold else 0.0,
    )  # fmt: skip
    options = made.options
    assert isinstance(options, GRPOOptions)
    trainer, rows, tokenizer = trainer_of(made)
    trainer.processing_class = None  # as the worker does
    prompts = [encode_prompt(tokenizer, row.prompt) for row in rows]
    targets = [row.exercise.target for row in rows]
    # The g-th completion of each prompt: right, wrong, right only in the first language, unreadable.
    completions, answers = [], []
    for number, row in enumerate(rows):
        target, wrong = targets[number], (targets[number] + 1) % 4
        for given in (target, wrong, target if number % 3 == 0 else wrong, None):
            text = " " if given is None else " " + row.exercise.options[given]
            ids = encode_continuation(tokenizer, row.prompt, text)[1] if given is not None else []
            completions.append([*ids, tokenizer.eos_token_id])
            answers.append(given)

    def generate(input_ids: Any, **_: Any) -> Any:
        width = max(map(len, completions))
        padded = [c + [tokenizer.pad_token_id] * (width - len(c)) for c in completions]
        return torch.cat([input_ids, torch.tensor(padded)], dim=1)

    trainer.model.generate = generate
    generator = torch.Generator().manual_seed(1)
    lora = {name: p for name, p in trainer.model.named_parameters() if p.requires_grad}

    def move() -> None:
        for name, parameter in lora.items():
            if "lora_B" in name:
                parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
            parameter.grad = None

    if gold:  # two languages of three are wrong at the third completion
        rewards = [3 + options.bonus, 0.0, 1.0, 0.0] * len(rows)
    else:
        rewards = [
            -0.5 if a is None else float(a == target)
            for a, target in zip(answers, [t for t in targets for _ in range(4)], strict=True)
        ]
    grouped = torch.tensor(rewards).view(-1, 4)
    z = grouped - grouped.mean(1, keepdim=True)
    if scale == "group":
        z = z / (grouped.std(1, keepdim=True) + 1e-4)
    elif scale == "batch":
        z = z / (torch.tensor(rewards).std() + 1e-4)
    advantages = z.flatten().tolist()
    pairs = [(prompts[i // 4], completion) for i, completion in enumerate(completions)]
    batch = [dict(trainer.train_dataset[i]) for i in range(len(rows)) for _ in range(4)]

    with torch.no_grad(), trainer.model.disable_adapter():
        base = [logprobs(trainer.model, p, c, 0.7) for p, c in pairs]
    move()
    with torch.no_grad():
        old = [logprobs(trainer.model, p, c, 0.7) for p, c in pairs]
    trainer.current_gradient_accumulation_steps = 1
    clipped = 0
    for _ in range(2):
        loss = trainer.training_step(trainer.model, batch, None).item()
        gradients = {name: p.grad.clone() for name, p in lora.items()}
        for parameter in lora.values():
            parameter.grad = None
        current = [logprobs(trainer.model, p, c, 0.7) for p, c in pairs]
        wanted = reference_loss(current, old, base, advantages, options)
        wanted.backward()
        assert loss == pytest.approx(wanted.item(), abs=1e-5)
        for name, parameter in lora.items():
            torch.testing.assert_close(gradients[name], parameter.grad, atol=1e-5, rtol=1e-4)
        clipped = sum(
            int(((now - before).exp() - 1).abs().max() > 0.02) for now, before in zip(current, old, strict=True)
        )
        assert any(g.abs().max() > 1e-4 for g in gradients.values())
        move()
    assert clipped, "the second step has ratios outside the clip"
    assert trainer.processing_class is None


def test_the_names_of_trl_are_there() -> None:
    from trl import GRPOTrainer

    from calm_ext.training import trl_internals

    assert trl_internals.has(GRPOTrainer, trl_internals.SAMPLER, otherwise="")


def test_trl_takes_the_sampler_and_the_length_of_an_epoch(babel_model: Path, tmp_path: Path, own_head: None) -> None:
    made = grpo_job(tmp_path, babel_model, 5, gold=True, iterations=2, epochs=1, gradient_accumulation=2, batch_size=6)
    trainer, rows, _ = trainer_of(made)
    loader = trainer.get_train_dataloader()
    batches = list(loader)
    # 15 prompts, 3 in a batch of generation (6 × 2 completions, 4 a prompt), given for 2 iterations of 2 passes
    assert len(loader) == len(batches) == 5 * 2 * 2
    for batch in batches:
        found = [rows[example["row"]].exercise for example in batch]
        assert len(batch) == 12
        assert {e.language for e in found} == set(LANGUAGES)
        assert len({e.id for e in found}) == 1
    assert trainer.args.save_steps == 6  # 10 steps an epoch, 2 checks: each 5, and whole iterations


# --- from data to adapter ---------------------------------------------------------------------------------------------


def test_training_raises_the_reward(babel_model: Path, tmp_path: Path) -> None:
    made = grpo_job(
        tmp_path, babel_model, 8, batch_size=96, generations=16, epochs=8, learning_rate=5e-3, temperature=0.6, select="last",
        checks_per_epoch=1,
    )  # fmt: skip
    spent = launch(made)
    assert spent.seconds > 0
    summary = json.loads((tmp_path / "training/summary.json").read_text())
    assert summary["n_pairs"] == 24
    assert (tmp_path / "training/adapter/adapter_model.safetensors").is_file()
    assert not list((tmp_path / "training/adapter").glob("tokenizer*")), "an adapter has no tokenizer of its own"
    assert [c["step"] for c in log(tmp_path, "check")] == [0, 4, 8, 12, 16, 20, 24, 28, 32]
    steps = [r for r in log(tmp_path, "train") if "reward" in r]
    assert all(0 <= r["answered"] <= 1 for r in steps)
    rewards = [r["reward"] for r in steps]
    assert sum(rewards[-3:]) / 3 > sum(rewards[:3]) / 3 + 0.1


def test_a_run_goes_on_as_if_it_had_not_ended(babel_model: Path, tmp_path: Path) -> None:
    """Twice the same training, one of them ended by an error at step 5, behind the checkpoint of step 4."""
    import torch
    from safetensors.torch import load_file

    changes: dict[str, Any] = {"epochs": 4, "checks_per_epoch": 1, "select": "last", "batch_size": 48}
    whole = grpo_job(tmp_path / "whole", babel_model, 8, **changes)
    launch(whole)
    assert [c["step"] for c in log(tmp_path / "whole", "check")] == [0, 2, 4, 6, 8]
    ended = grpo_job(tmp_path / "ended", babel_model, 8, **changes)
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "from transformers import TrainerCallback, Trainer\n"
        "class Ends(TrainerCallback):\n"
        "    def on_step_begin(self, args, state, control, **_):\n"
        "        if state.global_step == 5: raise RuntimeError('the power went out')\n"
        "before = Trainer.train\n"
        "def train(self, *args, **kwargs):\n"
        "    self.add_callback(Ends())\n"
        "    return before(self, *args, **kwargs)\n"
        "Trainer.train = train\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(site))
        with pytest.raises(RunError, match="the power went out"):
            launch(ended)
    kept = {p.name for p in (tmp_path / "ended/training/checkpoints").glob("checkpoint-*")}
    assert kept == {"checkpoint-2", "checkpoint-4"}, "the newest, and the one before"
    launch(ended)
    one, two = (
        load_file(tmp_path / name / "training/adapter/adapter_model.safetensors") for name in ("whole", "ended")
    )
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], atol=1e-6, rtol=1e-4)


def test_the_gold_reward_trains_on_whole_questions(
    babel_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = grpo_job(tmp_path, babel_model, 4, gold=True, epochs=1)
    some = list(read_jsonl(made.questions, Exercise))  # type: ignore[arg-type]
    write_jsonl(made.questions, some[:-1])  # type: ignore[arg-type]
    launch(made)
    assert "1 questions left out: they lack a language" in capfd.readouterr().err
    assert json.loads((tmp_path / "training/summary.json").read_text())["n_pairs"] == 9
    rewards = [r["reward"] for r in log(tmp_path, "train") if "reward" in r]
    assert rewards
    assert all(0 <= r <= 4 and not math.isnan(r) for r in rewards)


# --- the exercises ----------------------------------------------------------------------------------------------------


def generation(identity: str, language: str, answer: int | None = 0) -> Generation:
    return Generation(
        id=identity, language=language, question="?", options=["a", "b"], answer=answer, prompt="? ", responses=["a"]
    )


def ballot(identity: str, winner: int | None) -> tuple[str, Ballot]:
    return "f:1", Ballot(
        id=identity, winner=winner, margin=1.0, votes={"en": [0], "zh": [1]}, weights={"en": 1.0, "zh": 1.0}
    )


def test_exercises_are_the_decided_questions_with_the_vote_of_the_others() -> None:
    left_out: Counter[str] = Counter()
    ballots = [ballot("p", 0), ballot("q", None), ballot("r", 1)]
    sampled = [("g:1", generation(x, language)) for x in "pqrs" for language in ("en", "zh")]
    others = {"p": {"en": 1, "zh": 0}, "q": {"en": 0}, "r": {"en": 1}}
    found = list(build_exercises(ballots, sampled, others, gold=False, left_out=left_out))
    assert [(e.id, e.language, e.target, e.gold, e.prompt) for e in found] == [
        ("p", "en", 1, None, "? "),
        ("p", "zh", 0, None, "? "),
        ("r", "en", 1, None, "? "),
    ]
    assert left_out == {UNDECIDED: 1, ALONE: 1}
    found = list(build_exercises(ballots, sampled, others, gold=True, left_out=left_out))
    assert {e.gold for e in found} == {0}


def test_an_exercise_names_options_that_there_are() -> None:
    with pytest.raises(ValueError, match="target 2 is not one of the 2 options"):
        Exercise(id="q", language="en", prompt="?", options=["a", "b"], target=2)
    with pytest.raises(ValueError, match="gold 5 is not one of"):
        Exercise(id="q", language="en", prompt="?", options=["a", "b"], target=1, gold=5)
    with pytest.raises(ValueError, match="1 lists of names for 2 options"):
        Exercise(id="q", language="en", prompt="?", options=["a", "b"], target=1, names=[[]])


# --- mistakes ---------------------------------------------------------------------------------------------------------


def recipe(
    training: dict[str, Any], *, mode: str = "generate", rule: str = "majority", languages: Any = None
) -> dict[str, Any]:
    return {
        "name": "x",
        "model": {"path": "babel"},
        "data": {"source": "babel", "languages": languages},
        "sampling": {"mode": mode} | ({"style": "direct"} if mode == "generate" else {}),
        "vote": {"rule": rule},
        "training": {"method": "grpo"} | training,
        "evaluation": {"tasks": ["calm_babel_xl"]},
    }


def problems(training: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(recipe(training, **more))
    return list(caught.value.problems)


def test_mistakes_are_one_line_before_anything_loads() -> None:
    read = parse_recipe(recipe({})).training
    assert isinstance(read, GRPOOptions)
    assert read.words() == "grpo, lr 5e-05, reward auto, 8 completions a prompt, 1 epochs"
    (said,) = problems({}, mode="options")
    assert said == (
        "training.method: grpo reads the answers that the model writes, and sampling.mode options scores the options; "
        "set sampling.mode generate, with style explain, direct or open"
    )
    (said,) = problems({"reward": "gold"}, languages=LANGUAGES[:2])
    assert said == "training.reward: gold needs vote.rule gold, which reports and cards then call supervised"
    (said,) = problems({"batch_size": 12})
    assert said == (
        "training.batch_size: 12 completions × 1 training.gradient_accumulation are no multiple of 8 "
        "(training.generations); a step of 16 is the nearest"
    )
    (said,) = problems({}, rule="gold", languages=LANGUAGES)
    assert said == (
        "training.batch_size: 64 completions × 1 training.gradient_accumulation are no multiple of 24 "
        "(8 training.generations × 3 languages); a step of 72 is the nearest"
    )
    assert isinstance(parse_recipe(recipe({"batch_size": 72}, rule="gold", languages=LANGUAGES)).training, GRPOOptions)
    assert isinstance(parse_recipe(recipe({"reward": "vote"}, rule="gold", languages=LANGUAGES)).training, GRPOOptions)
    assert problems({"generations": 1})[0].startswith("training.generations: ")
    assert problems({"nll_weight": 1})[0].startswith("training.nll_weight: unknown key")
    assert problems({"generation": 4})[0] == "training.generation: unknown key; did you mean generations?"


def test_a_job_that_does_not_fit_is_refused(babel_model: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(babel_model)
    made = grpo_job(tmp_path, babel_model)
    assert len(load(made, tokenizer).rows) == 12
    assert load(made.replace(options=made.options.replace(max_length=16)), tokenizer) == ([], 12)
    with pytest.raises(CalmError, match="the job names no file of them"):
        load(made.replace(questions=None), tokenizer)
    with pytest.raises(CalmError, match=r"needs gold answers, and .*exercises\.jsonl lacks some"):
        load(made.replace(options=training_options(made.options.model_dump() | {"reward": "gold"})), tokenizer)
    with pytest.raises(RunError, match=r"no multiple of 4 \(training.generations\)"):
        launch(made.replace(options=made.options.replace(batch_size=18)))


# --- the pipeline -----------------------------------------------------------------------------------------------------


def test_a_recipe_goes_from_samples_to_an_adapter(babel_model: Path, tmp_path: Path) -> None:
    from calm_ext.jsonl import read_numbered
    from calm_ext.pipeline.stages.pairs import is_heldout
    from calm_ext.voting.elect import votes_of_others
    from calm_ext.voting.options import VotingOptions
    from calm_ext.voting.table import VoteTable
    from tests.test_pipeline import recipe as tiny
    from tests.test_pipeline import run

    training = {"method": "grpo", "batch_size": 48, "generations": 4}
    evaluation = {"tasks": ["calm_babel_xl"], "limit": 4}
    folder = tmp_path / "run"
    ran = run(tiny(babel_model, training=training, evaluation=evaluation), folder, stop_after="train")
    assert ran == ["questions", "before", "sample", "vote", "pairs", "train"]
    assert (folder / "adapter/adapter_model.safetensors").is_file()
    generations = list(read_numbered(folder / "generations.jsonl", Generation))
    sampled = {(g.id, g.language): g for _, g in generations}
    others = votes_of_others(VoteTable.read(generations, style="direct"), VotingOptions())
    decided = {b.id for b in read_jsonl(folder / "ballots.jsonl", Ballot) if b.winner is not None}
    found = list(read_jsonl(folder / "exercises.jsonl", Exercise))
    wanted = [
        (identity, language, target)
        for identity, language in sampled
        if identity in decided and not is_heldout(identity, 0.1)
        for target in [others[identity].get(language)]
        if target is not None
    ]
    assert [(e.id, e.language, e.target) for e in found] == wanted
    assert all(e.prompt == sampled[e.id, e.language].prompt and e.gold is None for e in found)
    made = tiny(babel_model, training=training, evaluation=evaluation, vote={"rule": "gold"})
    assert run(made, folder, stop_after="pairs") == ["vote", "pairs"]
    found = list(read_jsonl(folder / "exercises.jsonl", Exercise))
    assert len(found) == 3 * sum(not is_heldout(identity, 0.1) for identity in others)
    assert all(e.gold == e.target == sampled[e.id, e.language].answer for e in found)


def test_the_command_reads_the_file_that_the_method_eats(babel_model: Path, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from calm_ext.cli.main import cli

    made = grpo_job(tmp_path, babel_model, 2)
    command = ["train", "--model", str(babel_model), "--style", "direct", "--max-new-tokens", "3", "--method", "grpo"]
    command += ["-o", str(tmp_path / "out"), "--set", "batch_size=24", "--set", "generations=4"]
    result = CliRunner().invoke(cli, [*command, str(made.pairs)])
    assert result.exit_code != 0
    assert "pairs.jsonl:1" in result.output + str(result.exception)
    result = CliRunner().invoke(cli, [*command, str(made.questions)], catch_exceptions=False)
    assert result.exit_code == 0
    assert (tmp_path / "out/adapter/adapter_model.safetensors").is_file()
