"""What a recipe says of a model and of how it is sampled."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_serializer, field_validator

from calm_ext.files.expected import did_you_mean
from calm_ext.files.secrets import without_secrets
from calm_ext.models.backends import BACKENDS
from calm_ext.models.device import DEVICES, is_device
from calm_ext.options import OneOf, Section


class ModelOptions(Section):
    """The model to align."""

    path: str = Field(json_schema_extra={"flag": "model"})
    """A Hugging Face folder or hub name, or ``babel`` for the embedded default, which is built when needed."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format for sampling and evaluation; ``auto``: bfloat16 where the machine is faster in it."""
    device: str | None = None
    """The device, as ``cuda`` or ``cpu``; default: the first there is."""
    trust_remote_code: bool = False
    """Run the Python code that the model brings. A recipe can only wish for it: it is granted by
    ``--trust-remote-code`` on the command line, and a recipe that wishes for it is refused without."""

    @field_validator("device")
    @classmethod
    def _known_device(cls, device: str | None) -> str | None:
        if device is not None and not is_device(device):
            raise ValueError(f"{DEVICES} was expected{did_you_mean(device, ('cpu', 'cuda', 'mps', 'xpu'))}")
        return device


#: What a template is always given; ``template_args`` cannot say otherwise.
_GIVEN = ("add_generation_prompt", "chat_template", "continue_final_message", "conversation", "tokenize")


class SamplingOptions(Section):
    """How the model is asked."""

    mode: Literal["generate", "options"] = "generate"
    """``generate`` samples ``n`` responses in each language (the paper); ``options`` scores the options' texts, or
    their letters."""
    style: Literal["explain", "direct", "open", "cloze", "letters"] | None = None
    """``explain`` (the paper's format), ``direct`` (answer with an option's text), ``open`` (answer in free
    text: the options are not shown), and in mode options ``cloze`` (score the options' texts) or ``letters``
    (score the letters of the options, shown in an order that ``seed`` gives each question); default: cloze in
    mode options, else explain."""
    normalize: Literal["auto", "byte", "token", "sum", "pmi"] = "auto"
    """How scores of options of different length are compared (mode options): per byte, per token, as sums, by pointwise
    mutual information with the question, or the way in which languages agree most, beyond chance (auto; sums
    where none leads clearly). For pmi and auto the options are scored without the question, too. Style letters
    takes sums."""
    n: int = Field(8, ge=1)
    """Responses to each question in each language."""
    temperature: float = Field(1.0, gt=0)
    """Temperature of the sampler."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Sample from the fewest tokens whose probabilities sum to this."""
    max_new_tokens: int = Field(256, ge=1)
    """Longest response, in tokens."""
    chat_template: bool = False
    """Wrap prompts as the user's turn of the model's chat template; in a recipe also in training and evaluation."""
    template_args: dict[str, Any] = Field(
        default_factory=dict, json_schema_extra={"flag": "template-arg", "metavar": "KEY=VALUE"}
    )
    """What the chat template is given beside the turns, as {enable_thinking: false} for Qwen3; a server gets it as
    chat_template_kwargs. In a recipe also in training and evaluation."""
    batch_size: int = Field(8, ge=1)
    """Prompts in one forward pass, each with all its options or responses."""
    shard_mib: int | None = Field(None, ge=1)
    """Write the generations in shards of about so many MiB, generations-00000.jsonl and so on, instead of in one file:
    for runs of millions of responses, as 2048. A shard ends with a whole question; what is sampled stays the same."""
    seed: int = 0
    """Seed of the sampler, and of the order in which style letters shows options."""
    thoughts: list[tuple[str, str]] = Field(default_factory=list)
    """Marks around the model's thoughts besides the known ones (<think>, [THINK], gpt-oss's channels, …): pairs of
    opening and closing, as [["<plan>", "</plan>"]]. Thoughts are neither answer nor explanation."""
    backend: Annotated[str, OneOf(BACKENDS)] = "hf"
    """What samples: ``hf``, calm-ext's own sampler; ``vllm`` or ``sglang``; ``api``, a server that speaks OpenAI's
    protocol; or one that a plugin brings."""
    backend_args: dict[str, Any] = Field(
        default_factory=dict, json_schema_extra={"flag": "backend-arg", "metavar": "KEY=VALUE"}
    )
    """Arguments of the backend: for ``vllm`` and ``sglang`` those of lm-eval's class, as tensor_parallel_size; for
    ``api`` base_url (as http://localhost:8000/v1, or a list of servers), model, concurrency, timeout, retries,
    max_wait, api_key_env, context, body."""

    @field_serializer("backend_args", when_used="json")
    def _without_secrets(self, arguments: dict[str, Any]) -> Any:
        """What is written down: a login and keys in an address stay in memory."""
        return without_secrets(arguments)

    @field_validator("thoughts")
    @classmethod
    def _marks_are_not_empty(cls, thoughts: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if not all(mark.strip() for pair in thoughts for mark in pair):
            raise ValueError("a mark is empty")
        return thoughts

    @property
    def shard_bytes(self) -> int | None:
        """Bytes from which a shard is full; None where there is to be one file."""
        return None if self.shard_mib is None else self.shard_mib << 20

    @property
    def resolved_style(self) -> Literal["explain", "direct", "open", "cloze", "letters"]:
        """The style; by default ``cloze`` in mode options and ``explain`` in mode generate."""
        return self.style or ("cloze" if self.mode == "options" else "explain")

    @property
    def wants_priors(self) -> bool:
        """Whether options are scored without the question, too."""
        return self.resolved_style == "cloze" and self.normalize in ("auto", "pmi")

    def mode_problems(self) -> list[str]:
        """What of ``style`` and ``normalize`` does not go with ``mode`` and with each other, one a line."""
        scores = self.resolved_style in ("cloze", "letters")
        if (self.mode == "options") != scores:
            return [f"sampling.style: {self.style} does not go with sampling.mode {self.mode}"]
        if self.resolved_style == "letters" and self.normalize not in ("auto", "sum"):
            return [
                f"sampling.normalize: {self.normalize} does not go with sampling.style letters: all letters are of one "
                f"length; leave it out"
            ]
        return []

    def template_problems(self) -> list[str]:
        """What is wrong with ``template_args``, one a line."""
        if self.template_args and not self.chat_template:
            given = ", ".join(self.template_args)
            return [
                f"sampling.template_args: {given} is given, but no chat template is applied; set "
                f"sampling.chat_template (--chat-template) too"
            ]
        return [f"sampling.template_args.{x}: is not free to choose" for x in _GIVEN if x in self.template_args]
