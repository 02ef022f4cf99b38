"""The training data as token ids: those that scoring sees, end of text only where a response ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.errors import CalmError
from calm_ext.jsonl import read_jsonl
from calm_ext.models.scoring import encode_continuation
from calm_ext.records import Group, Pair, Prompt
from calm_ext.training.job import TrainingJob

Row = dict[str, Any]


class TrainingData(NamedTuple):
    """Encoded examples.

    Attributes:
        rows: what is trained on.
        dropped: how many more there were whose prompt fills ``max_length``.
    """

    rows: Sequence[Any]
    dropped: int


#: Reads and encodes the data of a job: ``load(job, tokenizer)``.
Loader = Callable[[TrainingJob, Any], TrainingData]


def chat_prompt(
    tokenizer: Any, messages: Sequence[Mapping[str, str]], template_args: Mapping[str, Any] | None = None
) -> str:
    """A conversation by the chat template; :func:`~calm_ext.models.request.encode_prompt` sees to its BOS token.

    Args:
        template_args: for the template, those it was sampled with.
    """
    text: str = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, **(template_args or {})
    )
    return text


def encode_pairs(
    pairs: Iterable[Pair],
    tokenizer: Any,
    *,
    append_eos: bool,
    max_length: int,
    template_args: Mapping[str, Any] | None = None,
    columns: Callable[[Pair], Mapping[str, float]] | None = None,
) -> TrainingData:
    """Token ids of pairs as TRL's collator takes them: ``prompt_ids``, ``chosen_ids``, ``rejected_ids``.

    Responses are cut where TRL cuts them (:func:`~calm_ext.models.scoring.encode_continuation`), so that training sees
    the tokens that scoring sees.

    Args:
        columns: what else a row gets from its pair.
    """
    rows: list[Row] = []
    dropped = 0
    end = end_of_text(tokenizer, append_eos=append_eos)
    for pair in pairs:
        prompt = prompt_text(tokenizer, pair.prompt, template_args)
        context, chosen = encode_continuation(tokenizer, prompt, pair.chosen)
        _, rejected = encode_continuation(tokenizer, prompt, pair.rejected)
        if len(context) >= max_length or not chosen or not rejected:
            dropped += 1
            continue
        row = {"prompt_ids": context, "chosen_ids": chosen + end, "rejected_ids": rejected + end}
        rows.append({**row, **columns(pair)} if columns else row)
    return TrainingData(rows, dropped)


def encode_chosen(
    pairs: Iterable[Pair],
    tokenizer: Any,
    *,
    append_eos: bool,
    max_length: int,
    template_args: Mapping[str, Any] | None = None,
) -> TrainingData:
    """Token ids of the chosen responses of pairs, each once: ``prompt_ids`` and ``chosen_ids``."""
    rows: list[Row] = []
    dropped = 0
    end = end_of_text(tokenizer, append_eos=append_eos)
    for prompt, response in dict.fromkeys(
        (prompt_text(tokenizer, pair.prompt, template_args), pair.chosen) for pair in pairs
    ):
        context, chosen = encode_continuation(tokenizer, prompt, response)
        if len(context) >= max_length or not chosen:
            dropped += 1
            continue
        rows.append({"prompt_ids": context, "chosen_ids": chosen + end})
    return TrainingData(rows, dropped)


def prompt_text(tokenizer: Any, prompt: Prompt, template_args: Mapping[str, Any] | None) -> str:
    """A prompt as text: a chat by the tokenizer's template."""
    return prompt if isinstance(prompt, str) else chat_prompt(tokenizer, prompt, template_args)


def end_of_text(tokenizer: Any, *, append_eos: bool) -> list[int]:
    """The tokens that end a response: one or none."""
    return [tokenizer.eos_token_id] if append_eos and tokenizer.eos_token_id is not None else []


class Cell(NamedTuple):
    """A question in a language, as token ids.

    Attributes:
        completions: what is compared, each with the option that it gives in ``answers``.
        reference: summed log-probability of each by the untrained model, in nats; None where it is not known yet.
    """

    prompt: list[int]
    completions: list[list[int]]
    answers: list[int]
    reference: list[float] | None


class GroupRow(NamedTuple):
    """A question in all its languages.

    Attributes:
        winner: the elected option; None where there is none.
        probabilities: of each option, by the vote.
    """

    winner: int | None
    probabilities: list[float] | None
    cells: list[Cell]


def load_groups(job: TrainingJob, tokenizer: Any) -> TrainingData:
    """The groups of a job, encoded; a language whose prompt fills ``max_length`` is left out of its question.

    ``dropped`` counts questions of which nothing is left.

    Raises:
        CalmError: the job names no groups.
    """
    if job.groups is None:
        raise CalmError(f"training method {job.options.method} trains on groups, and the job names no file of them")
    end = end_of_text(tokenizer, append_eos=job.append_eos)
    rows: list[GroupRow] = []
    dropped = 0
    for group in read_jsonl(job.groups, Group):
        cells = []
        for member in group.members.values():
            prompt = prompt_text(tokenizer, member.prompt, job.sampling.template_args)
            encoded = [encode_continuation(tokenizer, prompt, text) for text in member.completions]
            if len(encoded[0][0]) >= job.options.max_length or not all(target for _, target in encoded):
                continue
            known = None if end else member.logprobs
            cells.append(Cell(encoded[0][0], [t + end for _, t in encoded], member.answers, known))
        if cells:
            rows.append(GroupRow(group.winner, group.probabilities, cells))
        else:
            dropped += 1
    return TrainingData(rows, dropped)


def pair_loader(encode: Callable[..., TrainingData]) -> Loader:
    """A loader of the pairs of a job, by a function that encodes them (:func:`encode_pairs`)."""

    def load(job: TrainingJob, tokenizer: Any) -> TrainingData:
        pairs = read_jsonl(job.pairs, Pair)
        return encode(
            pairs,
            tokenizer,
            append_eos=job.append_eos,
            max_length=job.options.max_length,
            template_args=job.sampling.template_args,
        )

    return load


#: What a method eats -> its loader.
LOADERS: dict[str, Loader] = {
    "pairs": pair_loader(encode_pairs),
    "chosen": pair_loader(encode_chosen),
    "groups": load_groups,
}
