"""What a recipe says of a model and of how it is asked."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from calm_ext.options import Section


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
