"""The lm-eval task that asks every question in every language: one document is one parallel question.

lm-eval aggregates groups of tasks by weighted means only, so a metric across languages needs all languages of a
question in one document (DESIGN, section 6). A YAML names this class::

    class: !function calm_ext.harness.task.CrossLingualTask
    custom_dataset: !function calm_ext.harness.dataset.xcsqa
    output_type: generate_until        # or loglikelihood
    metadata: {version: 1.0, style: explain}

Per-question values aggregate by the mean, so lm-eval's own standard errors are right, and its data parallelism too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import ConfigurableTask
from lm_eval.api.utils import Message, multiturn_to_singleturn

from calm_ext.answers import PARSER, read_answer
from calm_ext.errors import CalmError
from calm_ext.harness.dataset import Doc, to_dataset
from calm_ext.languages import get_language
from calm_ext.metrics import argmax, per_byte, question_metrics, rankc
from calm_ext.prompts import Style, answer_text, ask, cue, delimiter
from calm_ext.records import ParallelQuestion
from calm_ext.signature import signature

logger = logging.getLogger(__name__)

_SCORED = "loglikelihood"


class CrossLingualTask(ConfigurableTask):
    """A multiple-choice question asked in all its languages at once.

    ``output_type: generate_until`` asks in the style of ``metadata.style`` (``explain`` or ``direct``) and reads the
    answers; ``loglikelihood`` scores each option's text after the question (``cloze``), per UTF-8 byte.

    Metrics: acc, acc_<language>, consistency, all_agree, all_correct, answered; rankc where options are scored
    (:mod:`calm_ext.metrics`).
    """

    def __init__(self, config: dict[str, Any] | None = None, **_: Any) -> None:
        config = dict(config or {})
        config.pop("class", None)
        # What ConfigurableTask wants to render at construction; the prompts are per language and come from `ask`.
        config.setdefault("doc_to_text", lambda doc: doc["questions"][0])
        config.setdefault("doc_to_target", lambda doc: str(doc["answer"]))
        super().__init__(config=config)
        self.languages: list[str] = list(self.task_docs[0]["languages"])
        for code in self.languages:
            get_language(code)
        self.style: Style = "cloze" if self.scored else (self.config.metadata or {}).get("style", "explain")
        n_options = len(self.task_docs[0]["options"][0])
        parts = {"langs": ".".join(self.languages), "options": n_options, "style": self.style}
        parts["score"] = "logprob/byte" if self.scored else PARSER
        if isinstance(self.config.metadata, dict):
            self.config.metadata["languages"] = list(self.languages)
            self.config.metadata["signature"] = signature(task=self.config.task, **parts)

    @classmethod
    def from_questions(
        cls,
        questions: Sequence[ParallelQuestion],
        *,
        name: str,
        style: Style,
        generation_kwargs: dict[str, Any] | None = None,
        repeats: int = 1,
    ) -> CrossLingualTask:
        """A task over questions in memory; with ``style`` cloze the options are scored."""
        table = to_dataset(questions)
        config: dict[str, Any] = {
            "task": name,
            "custom_dataset": lambda **_: {"test": table},
            "test_split": "test",
            "output_type": _SCORED if style == "cloze" else "generate_until",
            "metadata": {"version": 1.0, "style": style},
            "num_fewshot": 0,
            "repeats": repeats,
        }
        if style != "cloze":
            config["generation_kwargs"] = generation_kwargs or {"until": [], "do_sample": False}
        return cls(config=config)

    @property
    def scored(self) -> bool:
        """Whether options are scored rather than answers generated."""
        return bool(self.OUTPUT_TYPE == _SCORED)

    # --- prompts ------------------------------------------------------------------------------------------------------

    def fewshot_context(
        self,
        doc: Doc,
        num_fewshot: int,
        system_instruction: str | None = None,
        apply_chat_template: bool = False,
        fewshot_as_multiturn: bool = False,
        chat_template: Callable[..., str] | None = None,
        gen_prefix: str | None = None,
    ) -> list[str]:
        """One context a language; the few-shot questions are the same ones in each, in the language's own version."""
        shots: Iterable[Doc] = []
        if num_fewshot:
            shots = list(self.sampler.sample(n=num_fewshot, eval_doc=doc))
        contexts = []
        for index, language in enumerate(doc["languages"]):
            messages = [Message("system", system_instruction, "\n\n")] if system_instruction else []
            for shot in shots:
                messages += self._turn(shot, index, language, answered=True)
            messages += self._turn(doc, index, language, answered=False)
            if apply_chat_template and chat_template:
                history = [m.to_dict() for m in messages] if fewshot_as_multiturn else multiturn_to_singleturn(messages)
                contexts.append(chat_template(history, add_generation_prompt=True))
            else:
                contexts.append("".join(m.to_text() for m in messages))
        return contexts

    def _turn(self, doc: Doc, index: int, language: str, *, answered: bool) -> list[Message]:
        question, options = doc["questions"][index], doc["options"][index]
        prompt = ask(language, question, options, self.style)
        if not answered:
            return [Message("user", prompt, "")]
        if doc["answer"] is None:
            raise CalmError(f"few-shot question {doc['id']} has no answer; use a labelled split for --num_fewshot")
        target = answer_text(language, options, doc["answer"], self.style)
        between = "" if target.startswith("\n") else delimiter(language)
        return [Message("user", prompt, between), Message("assistant", target, "\n\n")]

    def construct_requests(self, doc: Doc, ctx: list[str], **kwargs: Any) -> list[Instance]:
        """One request a language, or one a language and option; ``idx`` counts them in that order."""
        chat = kwargs.pop("apply_chat_template", False)
        kwargs.pop("chat_template", None)
        requests = []
        for index, (language, context) in enumerate(zip(doc["languages"], ctx, strict=True)):
            if self.scored:
                between = "" if chat else delimiter(language)
                requests += [(context, between + option) for option in doc["options"][index]]
            else:
                requests.append((context, self._generation_kwargs(language)))
        return [
            Instance(request_type=self.OUTPUT_TYPE, doc=doc, arguments=arguments, idx=i, **kwargs)
            for i, arguments in enumerate(requests)
        ]

    def _generation_kwargs(self, language: str) -> dict[str, Any]:
        """The YAML's, with the language's own question cue as a stop: base models go on with a next question."""
        result = dict(self.config.generation_kwargs or {})
        until = result.get("until") or []
        own = "\n" + cue(get_language(language), get_language(language).question)
        result["until"] = [*([until] if isinstance(until, str) else until), own]
        return result

    # --- results ------------------------------------------------------------------------------------------------------

    def option_scores(self, doc: Doc, results: Sequence[Any]) -> dict[str, list[float]]:
        """language -> summed log-probability of each option (nats), from the responses of one document."""
        n = len(doc["options"][0])
        return {
            language: [float(r[0]) for r in results[i * n : (i + 1) * n]] for i, language in enumerate(doc["languages"])
        }

    def process_results(self, doc: Doc, results: Sequence[Any]) -> dict[str, float]:
        """The per-question metrics of one document."""
        if not self.scored:
            answers = {
                language: read_answer(response, options, language, style=self.style)
                for language, options, response in zip(doc["languages"], doc["options"], results, strict=True)
            }
            return question_metrics(answers, doc["answer"])
        raw = self.option_scores(doc, results)
        scores = {x: per_byte(raw[x], options) for x, options in zip(raw, doc["options"], strict=True)}
        values = question_metrics({x: argmax(s) for x, s in scores.items()}, doc["answer"])
        if len(scores) > 1:
            values["rankc"] = rankc(scores)
        return values

    def metric_names(self) -> list[str]:
        """The metrics of this task and its languages."""
        names = ["acc", *(f"acc_{x}" for x in self.languages), "all_correct"]
        if len(self.languages) > 1:
            names += ["consistency", "all_agree", *(["rankc"] if self.scored else [])]
        return [*names, "answered"]

    def aggregation(self) -> dict[str, Callable[..., float]]:
        """Every metric is a mean over questions."""
        return dict.fromkeys(self.metric_names(), mean)

    def higher_is_better(self) -> dict[str, bool]:
        """Of every metric."""
        return dict.fromkeys(self.metric_names(), True)
