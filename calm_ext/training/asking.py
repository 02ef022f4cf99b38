"""Ask a model in training the held-out questions, in the same way as when it was sampled and voted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from calm_ext.answers.read import read_answer
from calm_ext.answers.thoughts import Marks
from calm_ext.metrics.question import argmax
from calm_ext.models.batches import in_batches
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.request import encode_prompt
from calm_ext.models.scoring import encode_continuation, score_continuations
from calm_ext.prompts import LETTERS, Style, ask, bare_cue, delimiter, shown_order
from calm_ext.records import ParallelQuestion
from calm_ext.training.encoding import chat_prompt
from calm_ext.voting.scores import OptionScores


class Item(NamedTuple):
    """A question in a language, as token ids.

    Attributes:
        prompt: the tokens that the model reads.
        options: continuations to score, in the order shown; none where the model generates.
        shown: where letters are scored, shown place -> index of the option.
        normalize: how texts are made comparable, ``byte``, ``token``, ``sum`` or ``pmi``.
        n_tokens: tokens of each option's text alone, as sampling counts them; None where texts are not scored.
        priors: log-probability of each option's text after the bare cue by the untrained model, in nats; None where
            ``normalize`` does not need it.
    """

    question: ParallelQuestion
    language: str
    prompt: list[int]
    options: list[list[int]]
    shown: list[int] | None
    normalize: str = "byte"
    n_tokens: tuple[int, ...] | None = None
    priors: tuple[float, ...] | None = None

    @property
    def texts(self) -> list[str]:
        """The options."""
        return self.question.versions[self.language].options

    def best(self, logprobs: Sequence[float]) -> int:
        """The option of the highest log-probability; texts are made comparable as in the vote.

        Raises:
            DataError: ``normalize`` is ``pmi`` and there are no priors.
        """
        if self.shown is not None:
            return self.shown[argmax(logprobs)]
        lengths = tuple(len(text.encode()) for text in self.texts)
        where = f"held-out question {self.question.id} in {self.language}"
        scores = OptionScores(tuple(logprobs), lengths, self.n_tokens, self.priors, where)
        return argmax(scores.normalised(self.normalize))


class Examiner(NamedTuple):
    """How held-out questions are asked (:class:`~calm_ext.models.options.SamplingOptions`).

    Attributes:
        batch_size: prompts in one pass.
        passages: (question id, language) -> the texts to read first.
        template_args: for the chat template.
        thoughts: marks of thoughts besides the known ones.
        order_seed: of the order in which style letters shows options, as in sampling.
        normalize: how scores of options are made comparable (:mod:`calm_ext.voting.scores`), as in the vote.
    """

    tokenizer: Any
    mode: str
    style: Style
    chat_template: bool
    max_new_tokens: int
    batch_size: int = 16
    passages: Mapping[tuple[str, str], Sequence[str]] = {}
    template_args: Mapping[str, Any] = {}
    thoughts: Marks = ()
    order_seed: int = 0
    normalize: str = "byte"

    def encode(self, questions: Sequence[ParallelQuestion]) -> list[Item]:
        """The questions in all their languages; once, for all checks."""
        return [self._encode(question, language) for question in questions for language in question.versions]

    def _encode(self, question: ParallelQuestion, language: str) -> Item:
        version, read = question.versions[language], self.passages.get((question.id, language), ())
        shown = shown_order(question.id, question.n_options, self.order_seed) if self.style == "letters" else None
        options = [version.options[i] for i in shown] if shown else version.options
        prompt = ask(language, version.question, options, self.style, read)
        if self.chat_template:
            prompt = chat_prompt(self.tokenizer, [{"role": "user", "content": prompt}], self.template_args)
        if self.mode != "options":
            return Item(question, language, encode_prompt(self.tokenizer, prompt), [], None)
        between = "" if self.chat_template else delimiter(language)
        said = LETTERS[: len(shown)] if shown else version.options
        encoded = [encode_continuation(self.tokenizer, prompt, between + text) for text in said]
        targets = [target for _, target in encoded]
        if shown:
            return Item(question, language, encoded[0][0], targets, shown)
        alone = self.tokenizer([delimiter(language) + text for text in said], add_special_tokens=False)["input_ids"]
        n_tokens = tuple(max(len(ids), 1) for ids in alone)
        return Item(question, language, encoded[0][0], targets, None, self.normalize, n_tokens)

    def with_priors(self, model: Any, items: Sequence[Item]) -> list[Item]:
        """The items with the priors of their options, where they need them and have none yet.

        They are the untrained model's, as in the vote: where the model has an adapter it is switched off. An option's
        text in a language is scored once.
        """
        needy = [i.n_tokens is not None and i.normalize == "pmi" and i.priors is None for i in items]
        if not any(needy):
            return list(items)
        todo = [item for item, needs in zip(items, needy, strict=True) if needs]
        texts = list(dict.fromkeys((item.language, text) for item in todo for text in item.texts))
        encoded = [encode_continuation(self.tokenizer, bare_cue(x), delimiter(x) + text) for x, text in texts]
        # After an empty cue the model reads the token that lm-eval puts there.
        first = [self.tokenizer.eos_token_id if self.tokenizer.bos_token_id is None else self.tokenizer.bos_token_id]
        groups = [(context or first, [target]) for context, target in encoded]
        with getattr(model, "disable_adapter", nullcontext)():
            scored = score_continuations(model, groups, batch_size=self.batch_size)
        priors = {key: score for key, ((score, _),) in zip(texts, scored, strict=True)}
        return [
            item._replace(priors=tuple(priors[item.language, text] for text in item.texts)) if needs else item
            for item, needs in zip(items, needy, strict=True)
        ]

    def answers(self, model: Any, items: Sequence[Item]) -> list[dict[str, int | None]]:
        """Each question's answers by language, greedy or by option score."""
        found: list[int | None]
        if self.mode == "options":
            scored = score_continuations(
                model, [(item.prompt, item.options) for item in items], batch_size=self.batch_size
            )
            found = [item.best([s for s, _ in scores]) for item, scores in zip(items, scored, strict=True)]
        else:
            found = [
                read_answer(
                    text,
                    item.question.versions[item.language].options,
                    item.language,
                    style=self.style,
                    thoughts=self.thoughts,
                    names=(item.question.names or {}).get(item.language),
                )
                for text, item in zip(self._generate(model, items), items, strict=True)
            ]
        result: dict[str, dict[str, int | None]] = {}
        for item, answer in zip(items, found, strict=True):
            result.setdefault(item.question.id, {})[item.language] = answer
        return list(result.values())

    def _generate(self, model: Any, items: Sequence[Item]) -> list[str]:
        import torch

        order = sorted(range(len(items)), key=lambda i: -len(items[i].prompt))

        def work(part: Sequence[int]) -> list[str]:
            width = len(items[part[0]].prompt)
            rows = [items[i].prompt for i in part]
            ids = torch.tensor([[self.tokenizer.pad_token_id] * (width - len(r)) + r for r in rows])
            mask = torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])
            with torch.inference_mode(), in_model():
                out = model.generate(
                    input_ids=ids.to(model.device),
                    attention_mask=mask.to(model.device),
                    do_sample=False,
                    max_new_tokens=self.max_new_tokens,
                    pad_token_id=self.tokenizer.pad_token_id,
                )
            count_tokens(out.numel())
            return [self.tokenizer.decode(row[width:], skip_special_tokens=True) for row in out]

        texts = dict(zip(order, in_batches(order, self.batch_size, work), strict=True))
        return [texts[i] for i in range(len(items))]
