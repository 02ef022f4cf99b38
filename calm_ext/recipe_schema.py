"""The keys of a recipe: one frozen model a section, unknown keys forbidden, defaults that are safe."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of a recipe: frozen, unknown keys forbidden."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelOptions(Section):
    """The model to align.

    Attributes:
        path: a Hugging Face folder or hub name, or ``babel`` for the embedded default, which is built when needed.
        dtype: number format for sampling and evaluation; ``auto``: bfloat16 where the machine is faster in it.
        device: ``cuda``, ``cpu``, …; by default the first there is.
        trust_remote_code: let the model bring code of its own.
    """

    path: str
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str | None = None
    trust_remote_code: bool = False


class BabelOptions(Section):
    """Babel, where model.path or data.source is ``babel``.

    Attributes:
        seed: of its world and of its model's pretraining.
        passages: share of the pretraining sentences that come with passages to read; a model for retrieval needs some.
    """

    seed: int = 0
    passages: float = Field(0.0, ge=0, le=1)


class DataOptions(Section):
    """The questions that are asked; no gold label is used.

    Attributes:
        source: a data source (``calm-ext data ls``).
        languages: codes; default: the source's own.
        split, limit: which questions, and how many of them.
        data_dir: directory or base URL of the source's files; default ``$CALM_DATA_DIR``.
        path: the questions JSONL of source ``local``.
    """

    source: str = "babel"
    languages: list[str] | None = Field(None, min_length=2)
    split: str | None = None
    limit: int | None = Field(None, ge=1)
    data_dir: str | None = None
    path: str | None = None


#: Values of ``retrieval.index`` that stand for passages of their own, where others are folders.
BUNDLED = ("sample", "babel", "medexpqa")


class RetrievalSection(Section):
    """Passages that the model may read, in sampling, training prompts and the ``_rag`` tasks of the evaluation alike.

    Attributes:
        index: a folder of ``calm-ext index build``; ``sample``, the corpus bundled for the sample's questions;
            ``babel``, the facts of Babel's world; or ``medexpqa``, the passages that MedExpQA brings along.
        method, query, pivot, k, fallback, with_options: see :class:`calm_ext.retrieval.RetrievalOptions`.
        budget: tokens of the model's own tokenizer that one passage may take; longer ones are cut at a sentence.
        judge: ask the model itself which passages help, and leave the others out (:mod:`calm_ext.retrieval.judging`).
        threshold: the relevance from which a judged passage is kept; 0.5 is that of a passage that says nothing.
        dense_model: folder of the index's embedding model, where that was moved.
    """

    index: str
    method: Literal["lexical", "dense", "hybrid"] = "lexical"
    query: Literal["own", "pivot", "both"] = "own"
    pivot: str | None = None
    k: int = Field(3, ge=1)
    fallback: Literal["pivot", "none"] = "pivot"
    with_options: bool = False
    budget: int = Field(256, ge=8)
    judge: bool = False
    threshold: float = Field(0.5, ge=0, le=1)
    dense_model: str | None = None


class ApiOptions(Section):
    """A server that samples, where sampling.backend is ``api``.

    Attributes:
        base_url: up to and with its ``/v1``.
        model: the name that the server knows the model by; default: model.path.
        concurrency: requests at a time.
        timeout: seconds for an answer.
        retries: of a request that the server was too busy for.
        api_key_env: the environment variable with the key, where the server wants one.
        context: tokens of the model's context, for option scores.
        body: more keys for each request, as ``{top_k: 50}``.
    """

    base_url: str = Field(pattern=r"^https?://")
    model: str | None = None
    concurrency: int = Field(16, ge=1)
    timeout: float = Field(600, gt=0)
    retries: int = Field(5, ge=0)
    api_key_env: str = "OPENAI_API_KEY"
    context: int = Field(2048, ge=16)
    body: dict[str, Any] = Field(default_factory=dict)

    #: What does not change what a server answers.
    TRANSPORT: ClassVar[frozenset[str]] = frozenset({"base_url", "concurrency", "timeout", "retries", "api_key_env"})


class SamplingOptions(Section):
    """How the model is asked (DESIGN, section 5).

    Attributes:
        mode: ``generate`` samples ``n`` responses a language (the paper); ``options`` scores the options' texts.
        style: ``explain`` (the paper's format), ``direct`` (answer with an option's text), ``cloze`` (mode options).
        n, temperature, top_p, max_new_tokens: of generation.
        chat_template: wrap prompts as the user's turn of the model's chat template; also in training and evaluation.
        batch_size: prompts in one forward pass, each with all its options or responses.
        seed: of the sampler.
        backend: ``hf``, calm-ext's own sampler; ``vllm`` or ``sglang``; or ``api``, a server that speaks OpenAI's
            protocol (:mod:`calm_ext.models.backends.engines`).
        backend_args: for ``vllm`` and ``sglang`` arguments of lm-eval's class, as ``{gpu_memory_utilization: 0.8}``;
            for ``api`` the keys of :class:`ApiOptions`, as ``{base_url: http://localhost:8000/v1}``.
    """

    mode: Literal["generate", "options"] = "generate"
    style: Literal["explain", "direct", "cloze"] | None = None
    n: int = Field(8, ge=1)
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_new_tokens: int = Field(256, ge=1)
    chat_template: bool = False
    batch_size: int = Field(8, ge=1)
    seed: int = 0
    backend: Literal["hf", "vllm", "sglang", "api"] = "hf"
    backend_args: dict[str, Any] = Field(default_factory=dict)

    @property
    def resolved_style(self) -> Literal["explain", "direct", "cloze"]:
        """The style; by default ``cloze`` in mode options and ``explain`` in mode generate."""
        return self.style or ("cloze" if self.mode == "options" else "explain")


class VotingOptions(Section):
    """How the answer is elected (:mod:`calm_ext.voting.elect`).

    Attributes:
        rule: ``majority`` (the paper), ``correlated``, …: what a vote counts (:data:`calm_ext.voting.elect.RULES`).
        ties, pivot, weights, min_margin, min_probability, min_languages, keep_share: see
            :class:`calm_ext.voting.elect.VoteOptions`.
    """

    rule: Literal["majority", "self_consistency", "leave_one_out", "source", "dawid_skene", "correlated", "zscore"] = (
        "correlated"
    )
    ties: Literal["drop", "pivot", "first"] = "drop"
    pivot: str | None = None
    weights: dict[str, float] = Field(default_factory=dict)
    min_margin: float = Field(0.0, ge=0)
    min_probability: float = Field(0.0, ge=0, le=1)
    min_languages: int = Field(1, ge=1)
    keep_share: float = Field(1.0, gt=0, le=1)


class PairingOptions(Section):
    """How pairs are built.

    Attributes:
        fallback, reject_unparsed, drop_contradictions, max_per_question, max_per_language, max_ratio, max_length_ratio,
            seed: see :class:`calm_ext.pairing.build.PairOptions`.
        translator: folder of the model that translates where ``fallback`` is ``translate``; default: the model itself.
    """

    fallback: Literal["skip", "answer_only", "translate"] = "answer_only"
    translator: str | None = None
    reject_unparsed: bool = False
    drop_contradictions: bool = True
    max_per_question: int = Field(2, ge=1)
    max_per_language: int | None = Field(None, ge=1)
    max_ratio: float | None = Field(None, ge=1)
    max_length_ratio: float | None = Field(None, ge=1)
    seed: int = 0


#: The experiment trackers that a run can be followed with, each by the name of the package it needs.
Tracker = Literal["tensorboard", "wandb", "trackio", "mlflow"]


class TrainingOptions(Section):
    """How to train. The defaults are safe: an NLL anchor, label-free stopping and checkpoint choice.

    Attributes:
        method: ``dpo`` (Rafailov et al. 2023) on the pairs.
        beta: DPO's β.
        nll_weight: weight of the mean NLL of the chosen response per token, added to the DPO loss (the anchor of RPO,
            Pang et al. 2024). 0 is plain DPO, which can drive all log-probabilities down and wreck a ranking.
        learning_rate, epochs, batch_size, gradient_accumulation, warmup_share, weight_decay, max_grad_norm: as usual;
            the rate decays linearly; batch_size is per process.
        lora_r, lora_alpha, lora_dropout, lora_targets: LoRA (Hu et al. 2021).
        max_length: tokens of prompt and response; pairs whose prompt fills it are left out and counted.
        append_eos: end responses with the end-of-text token; ``auto``: sampled responses yes, option texts no.
        heldout_share: share of the questions kept out of the pairs, by which training is watched, without gold.
        heldout_questions: at most so many of them are asked at each check.
        checks_per_epoch: how often they are asked.
        patience: training stops when so many checks in a row are clearly below the best one; 0: never.
        select: the checkpoint that is kept: ``best``, the latest that is not clearly below the best one on the held-out
            questions, the untrained model included (:attr:`calm_ext.training.monitor.Monitor.chosen`), or ``last``.
        seed: of LoRA's start and the order of the pairs.
        dtype: of the base model; ``auto``: bfloat16 where the machine is faster in it.
        gradient_checkpointing: ``auto``: on a GPU.
        quantize: ``4bit`` for QLoRA (extra ``qlora``; needs a GPU).
        accelerate_config: an accelerate config file for several processes or machines; default one process.
        report_to: experiment trackers, which get training's curves and the stages' results as one run
            (:mod:`calm_ext.training.tracking`).
    """

    method: Literal["dpo"] = "dpo"
    beta: float = Field(0.1, gt=0)
    nll_weight: float = Field(0.5, ge=0)
    learning_rate: float = Field(5e-5, gt=0)
    epochs: float = Field(1.0, gt=0)
    batch_size: int = Field(16, ge=1)
    gradient_accumulation: int = Field(1, ge=1)
    warmup_share: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    lora_r: int = Field(16, ge=1)
    lora_alpha: int = Field(32, ge=1)
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    lora_targets: str | list[str] = "all-linear"
    max_length: int = Field(1024, ge=16)
    append_eos: bool | Literal["auto"] = "auto"
    heldout_share: float = Field(0.1, ge=0, lt=1)
    heldout_questions: int = Field(60, ge=1)
    checks_per_epoch: int = Field(4, ge=1)
    patience: int = Field(2, ge=0)
    select: Literal["best", "last"] = "best"
    seed: int = 0
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    quantize: Literal["none", "4bit"] = "none"
    accelerate_config: str | None = None
    report_to: list[Tracker] = Field(default_factory=list)


class EvaluationOptions(Section):
    """What is measured before and after, through lm-eval.

    Attributes:
        tasks: lm-eval task names; ours are compared question by question, others by their means.
        limit: questions per task.
        num_fewshot: shots, in the question's own language.
        languages: of our tasks; default: data.languages.
        batch_size, seed: of the evaluation.
        metadata: passed on to the tasks, as lm_eval's --metadata.
    """

    tasks: list[str] = Field(min_length=1)
    limit: int | None = Field(None, ge=1)
    num_fewshot: int | None = Field(None, ge=0)
    languages: list[str] | None = Field(None, min_length=1)
    batch_size: int = Field(8, ge=1)
    seed: int = 0
    metadata: dict[str, Any] = Field(default_factory=dict)


class Recipe(Section):
    """A whole run. ``name`` names its directory, ``runs/<name>``."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    model: ModelOptions
    babel: BabelOptions = BabelOptions()
    data: DataOptions
    retrieval: RetrievalSection | None = None
    sampling: SamplingOptions = SamplingOptions()
    vote: VotingOptions = VotingOptions()
    pairs: PairingOptions = PairingOptions()
    training: TrainingOptions = TrainingOptions()
    evaluation: EvaluationOptions

    def to_yaml(self) -> str:
        """The resolved recipe, every key written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
