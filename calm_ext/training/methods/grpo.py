"""Group relative policy optimization (Shao et al. 2024, arXiv 2402.03300) on sampled answers, by TRL's GRPOTrainer.

For each prompt x (a question in a language) the model samples G completions yᵢ with rewards rᵢ
(:mod:`calm_ext.training.rewards`). With the policy π, the one that sampled π_old, the untrained model π₀, and

    Aᵢ = (rᵢ - mean r) / (std r + 10⁻⁴)        ρᵢₜ = π(yᵢₜ|x, yᵢ,<ₜ) / π_old(yᵢₜ|x, yᵢ,<ₜ)

the loss of a token is

    -min(ρᵢₜ Aᵢ, clip(ρᵢₜ, 1 - ε, 1 + ε) Aᵢ)  +  β ρᵢₜ (π₀/π - log π₀/π - 1)

``loss_type`` says how it is averaged: over the tokens of each completion, then over completions (``grpo``), over all
tokens of a step (``dapo``), or over completions of full length (``dr_grpo``). π and π_old are those of the sampling
temperature; they differ only where ``iterations`` is above 1. The factor ρ of the divergence makes its gradient that of
the reverse KL (DeepSeek-V3.2, arXiv 2512.02556).

The rewards are label-free by default, or the consistency reward of arXiv 2606.06586 on gold labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl
from calm_ext.models.request import encode_prompt
from calm_ext.records import Exercise
from calm_ext.training.context import TrainingContext
from calm_ext.training.encoding import TrainingData, prompt_text
from calm_ext.training.job import TrainingJob
from calm_ext.training.messages import tell
from calm_ext.training.methods import method
from calm_ext.training.options import TrainingOptions
from calm_ext.training.rewards import gold_rewards, read_completion, vote_rewards, whole_questions

if TYPE_CHECKING:
    from calm_ext.models.options import SamplingOptions


class GRPOOptions(TrainingOptions):
    """How to train by GRPO."""

    method: Literal["grpo"] = "grpo"
    """Group relative policy optimization."""
    batch_size: int = Field(64, ge=2)
    """Completions in one forward pass, per process. A step takes ``batch_size`` × ``gradient_accumulation`` of them:
    ``generations`` of each prompt, so 8 prompts by default; with the gold reward it must hold whole questions, that is
    ``generations`` × languages or a multiple."""
    reward: Literal["auto", "vote", "gold"] = "auto"
    """``vote``: 1 for the option that the *other* languages elected, without labels; ``gold``: how many languages are
    right at once, and ``bonus`` where all are, which needs vote.rule gold; ``auto``: gold where vote.rule is gold, else
    vote."""
    bonus: float = Field(1.0, ge=0)
    """What the gold reward adds where all languages are right."""
    unread: float = Field(0.0, le=0)
    """What the vote's reward is where no answer can be read; a wrong answer has 0. Below 0 it teaches the format, but
    where all other completions are wrong it also praises them."""
    generations: int = Field(8, ge=2)
    """Completions of each prompt, which are compared with each other."""
    temperature: float = Field(1.0, gt=0)
    """Temperature of the completions; they are as long as ``sampling.max_new_tokens`` at most."""
    beta: float = Field(0.0, ge=0)
    """Weight of the divergence from the untrained model; 0, as in TRL, saves its pass."""
    loss_type: Literal["grpo", "dr_grpo", "dapo"] = "dapo"
    """How tokens are averaged; ``dapo``, as in TRL: over all tokens of a step."""
    scale_rewards: Literal["group", "batch", "none"] = "group"
    """Rewards are divided by their standard deviation among the completions of a prompt (``group``), of the batch, or
    not at all."""
    epsilon: float = Field(0.2, gt=0)
    """Ratios are clipped to 1 ± ε; it matters where ``iterations`` is above 1."""
    iterations: int = Field(1, ge=1)
    """Optimizer steps on each batch of completions."""

    def own_words(self) -> list[str]:
        """The reward and the number of completions."""
        kl = [f"β {self.beta:g}"] if self.beta else []
        return [f"reward {self.reward}", f"{self.generations} completions a prompt", *kl]

    def problems(
        self, sampling: SamplingOptions, *, gold: bool, n_languages: int | None, anchored: bool = True
    ) -> list[str]:
        """Responses must be readable, and steps must hold whole prompts or questions."""
        found = []
        if sampling.mode != "generate":
            found.append(
                f"training.method: grpo reads the answers that the model writes, and sampling.mode {sampling.mode} "
                f"scores the options; set sampling.mode generate, with style explain, direct or open"
            )
        if self.reward == "gold" and not gold:
            found.append("training.reward: gold needs vote.rule gold, which reports and cards then call supervised")
        step, unit, what = self.batch_size * self.gradient_accumulation, self.generations, "training.generations"
        if n_languages and (self.reward == "gold" or (self.reward == "auto" and gold)):
            unit, what = unit * n_languages, f"{self.generations} training.generations × {n_languages} languages"
        if step % unit:
            fitting = max(round(step / unit), 1) * unit
            found.append(
                f"training.batch_size: {self.batch_size} completions × {self.gradient_accumulation} "
                f"training.gradient_accumulation are no multiple of {unit} ({what}); a step of {fitting} is the nearest"
            )
        return found


class Row(NamedTuple):
    """An exercise and its prompt as text."""

    exercise: Exercise
    prompt: str


def load(job: TrainingJob, tokenizer: Any) -> TrainingData:
    """The exercises of a job whose prompts do not fill ``max_length``; for the gold reward of whole questions only.

    Raises:
        CalmError: the job names no exercises; some have a gold answer and some have none, or none where the reward
            needs it; the batch does not fit.
        RunError: no question is there in all languages, and the reward needs them.
    """
    options = job.options
    assert isinstance(options, GRPOOptions)
    if job.questions is None:
        raise CalmError("training method grpo trains on exercises, and the job names no file of them")
    rows, dropped = [], 0
    for exercise in read_jsonl(job.questions, Exercise):
        row = Row(exercise, prompt_text(tokenizer, exercise.prompt, job.sampling.template_args))
        if len(encode_prompt(tokenizer, row.prompt)) >= options.max_length:
            dropped += 1
        else:
            rows.append(row)
    gold = by_gold(options, rows)
    if gold and any(row.exercise.gold is None for row in rows):
        raise CalmError(f"training.reward gold needs gold answers, and {job.questions} lacks some")
    if gold and rows:
        rows, lacking = whole_questions(rows)
        if lacking:
            tell("note", message=f"{lacking} questions left out: they lack a language, and the reward needs all")
    languages = len({row.exercise.language for row in rows})
    problems = options.problems(job.sampling, gold=gold, n_languages=languages)
    if problems:
        raise CalmError("; ".join(problems))
    return TrainingData(rows, dropped)


def by_gold(options: GRPOOptions, rows: list[Row]) -> bool:
    """Whether answers are rewarded by gold labels."""
    return options.reward == "gold" or (options.reward == "auto" and any(row.exercise.gold is not None for row in rows))


@method(
    "grpo",
    eats="questions",
    options=GRPOOptions,
    load=load,
    description="group relative policy optimization: answers are sampled, and rewarded by the others' vote or by gold",
)
def build(context: TrainingContext) -> Any:
    """TRL's trainer, with the rewards of the job."""
    from datasets import Dataset
    from trl import GRPOConfig

    from calm_ext.training.response_head import score_responses_only
    from calm_ext.training.reward_trainer import RewardTrainer

    job, options, rows = context.job, context.job.options, list(context.rows)
    assert isinstance(options, GRPOOptions)
    if not context.gpu:
        score_responses_only()
    sampling, gold = job.sampling, by_gold(options, rows)
    n_languages = len({row.exercise.language for row in rows})

    def reward(completions: list[str], row: list[int], log_metric: Any, **_: Any) -> list[float]:
        answered = [
            read_completion(rows[i].exercise, text, style=sampling.resolved_style, thoughts=sampling.thoughts)
            for i, text in zip(row, completions, strict=True)
        ]
        log_metric("answered", sum(a.answer is not None for a in answered) / len(answered))
        if gold:
            return gold_rewards(answered, n_languages=n_languages, bonus=options.bonus)
        return vote_rewards(answered, unread=options.unread)

    if sampling.resolved_style in ("direct", "open"):  # as in sampling, the line ends the answer
        context.model.generation_config.eos_token_id = _line_ends(context.tokenizer, context.model)
    prompts = options.batch_size * context.processes * options.gradient_accumulation // options.generations
    arguments = context.arguments(steps_per_epoch=-(-len(rows) // prompts) * options.iterations)
    arguments["save_steps"] = -(-arguments["save_steps"] // options.iterations) * options.iterations
    return RewardTrainer(
        model=context.model,
        args=GRPOConfig(
            **arguments,
            num_generations=options.generations,
            max_completion_length=sampling.max_new_tokens,
            temperature=options.temperature,
            beta=options.beta,
            use_bias_correction_kl=True,
            loss_type=options.loss_type,
            scale_rewards=options.scale_rewards,
            epsilon=options.epsilon,
            num_iterations=options.iterations,
        ),
        reward_funcs=reward,
        train_dataset=Dataset.from_list([{"prompt": row.prompt, "row": i} for i, row in enumerate(rows)]),
        processing_class=context.tokenizer,
        peft_config=context.peft_config,
        callbacks=list(context.callbacks),
        together=n_languages if gold else 1,
    )


def _line_ends(tokenizer: Any, model: Any) -> list[int]:
    """The tokens that end a text, and those with the end of a line."""
    own = model.generation_config.eos_token_id
    ends = own if isinstance(own, list) else [] if own is None else [own]
    texts = tokenizer.batch_decode([[i] for i in range(len(tokenizer))])
    return sorted({*ends, tokenizer.eos_token_id, *(i for i, text in enumerate(texts) if "\n" in text)} - {None})
