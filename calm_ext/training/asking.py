"""Ask a model in training the held-out questions, as it was asked when it was sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from calm_ext.answers.read import read_answer
from calm_ext.metrics.question import argmax, per_byte
from calm_ext.models.batches import in_batches
from calm_ext.models.meter import count_tokens, in_model
from calm_ext.models.scoring import encode_continuation, score_continuations
from calm_ext.prompts import Style, ask, delimiter
from calm_ext.records import ParallelQuestion


def rendered(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> str:
    """A conversation by the chat template, without the BOS token, which the encoder adds."""
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text.removeprefix(tokenizer.bos_token or "")


class Asked(NamedTuple):
    """A question in a language, as token ids.

    Attributes:
        prompt: what the model reads.
        options: continuations to score; none where it is to write.
    """

    question: ParallelQuestion
    language: str
    prompt: list[int]
    options: list[list[int]]


class Asker(NamedTuple):
    """How held-out questions are asked (see :class:`~calm_ext.training.job.TrainingJob`).

    Attributes:
        batch_size: prompts in one pass.
        passages: (question id, language) -> the texts to read first.
    """

    tokenizer: Any
    mode: str
    style: Style
    chat_template: bool
    max_new_tokens: int
    batch_size: int = 16
    passages: Mapping[tuple[str, str], Sequence[str]] = {}

    def encode(self, questions: Sequence[ParallelQuestion]) -> list[Asked]:
        """The questions in all their languages; once, for all checks."""
        return [self._encode(question, language) for question in questions for language in question.versions]

    def _encode(self, question: ParallelQuestion, language: str) -> Asked:
        version, read = question.versions[language], self.passages.get((question.id, language), ())
        prompt = ask(language, version.question, version.options, self.style, read)
        if self.chat_template:
            prompt = rendered(self.tokenizer, [{"role": "user", "content": prompt}])
        if self.mode != "options":
            return Asked(question, language, list(self.tokenizer(prompt)["input_ids"]), [])
        between = "" if self.chat_template else delimiter(language)
        encoded = [encode_continuation(self.tokenizer, prompt, between + o) for o in version.options]
        return Asked(question, language, encoded[0][0], [target for _, target in encoded])

    def answers(self, model: Any, asked: Sequence[Asked]) -> list[dict[str, int | None]]:
        """Each question's answers by language, greedy or by option score."""
        found: list[int | None]
        if self.mode == "options":
            scored = score_continuations(model, [(a.prompt, a.options) for a in asked], batch_size=self.batch_size)
            found = [
                argmax(per_byte([s for s, _ in scores], a.question.versions[a.language].options))
                for a, scores in zip(asked, scored, strict=True)
            ]
        else:
            found = [
                read_answer(text, a.question.versions[a.language].options, a.language, style=self.style)
                for text, a in zip(self._generate(model, asked), asked, strict=True)
            ]
        result: dict[str, dict[str, int | None]] = {}
        for a, answer in zip(asked, found, strict=True):
            result.setdefault(a.question.id, {})[a.language] = answer
        return list(result.values())

    def _generate(self, model: Any, asked: Sequence[Asked]) -> list[str]:
        import torch

        order = sorted(range(len(asked)), key=lambda i: -len(asked[i].prompt))
        texts = [""] * len(asked)

        def work(part: Sequence[int]) -> None:
            width = len(asked[part[0]].prompt)
            rows = [asked[i].prompt for i in part]
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
            for row, index in enumerate(part):
                texts[index] = self.tokenizer.decode(out[row, width:], skip_special_tokens=True)

        in_batches(order, self.batch_size, work)
        return texts
