"""The lm-eval task that asks every question in every language: one document is one parallel question.

lm-eval aggregates groups of tasks by weighted means only, so a metric across languages needs all languages of a
question in one document. A YAML names this class::

    class: !function calm_ext.harness.task.CrossLingualTask
    custom_dataset: !function calm_ext.harness.dataset.xcsqa
    output_type: generate_until        # or loglikelihood
    metadata: {version: 1.0, style: explain}        # or direct or open; with loglikelihood cloze or letters

Per-question values aggregate by the mean, so lm-eval's own standard errors are right, and its data parallelism too.
What a question does not have (``consistency_valid`` where one language answered, say) is None in its sample and left
out of the mean. Kappa is not made of per-question values: its item is the answers, which samples so record; those of
``acc_worst`` and ``overlap_right`` are which languages are right.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from calm_ext.answers.named import OPEN_PARSER
from calm_ext.answers.read import PARSER
from calm_ext.answers.thoughts import Marks, marks_signature
from calm_ext.errors import CalmError
from calm_ext.harness.dataset import Doc, to_dataset
from calm_ext.harness.metadata import of_source
from calm_ext.metrics.answered import Answered, scored_answer
from calm_ext.prompts import LETTERS, PROMPTS, SCORED, Style, check_words, require_letters, wordless_notes
from calm_ext.records import ParallelQuestion
from calm_ext.retrieval.grounding import Grounding
from calm_ext.signature import signature, version_of

#: What setup.cfg asks for too. The 0.5 line builds tasks and aggregates their metrics in another way.
NEEDED = ">=0.4.13,<0.5"
REFUSED = (
    f"lm-eval {version_of('lm_eval')} is installed, with which calm-ext's tasks do not work; "
    f"pip install 'lm-eval[hf]{NEEDED}'"
)

try:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import ConfigurableTask, Task
    from lm_eval.api.utils import Message, multiturn_to_singleturn

    from calm_ext.harness.measures import Measures
    from calm_ext.harness.shots import draw
    from calm_ext.harness.turns import answers_in, continuations, generation_kwargs, turns, with_order
except ImportError as error:
    raise CalmError(f"{REFUSED} ({error})") from error

logger = logging.getLogger(__name__)

_SCORED = "loglikelihood"


class CrossLingualTask(ConfigurableTask):
    """A multiple-choice question asked in all its languages at once.

    ``output_type: generate_until`` asks in the style of ``metadata.style`` (``explain``, ``direct`` or ``open``) and
    reads the answers; ``loglikelihood`` scores each option's text after the question (``cloze``), per UTF-8 byte, or
    its letter (``letters``), in the order that ``metadata.order_seed`` (0) gives each question and that its document
    records as ``shown``. Scores and answers count the options as the data does.

    Metrics: those of :mod:`calm_ext.harness.measures`; where texts are scored, also accuracy, consistency
    and RankC by summed instead of per-byte log-probability (``_unnorm``).
    """

    task_docs: Any
    _pool: list[Doc] | None = None
    _fewshot_seed: int | None = None

    def __init__(self, config: dict[str, Any] | None = None, *, _memory: bool = False, **_: Any) -> None:
        if ConfigurableTask is Task:  # as in the 0.5 line
            raise CalmError(REFUSED)
        config = dict(config or {})
        config.pop("class", None)
        if isinstance(config.get("metadata"), Mapping):
            config["metadata"] = of_source(config["metadata"], getattr(config.get("custom_dataset"), "source", ""))
        # What ConfigurableTask wants to render at construction; the prompts are per language and come from `ask`.
        config.setdefault("doc_to_text", lambda doc: doc["questions"][0])
        config.setdefault("doc_to_target", lambda doc: str(doc["answer"]))
        super().__init__(config=config)
        self.languages: list[str] = list(self.task_docs[0]["languages"])
        asked: Style = (self.config.metadata or {}).get("style", "explain")
        if asked not in get_args(Style):
            raise CalmError(
                f"{self.config.task}: there is no style {asked!r}; choose from {', '.join(get_args(Style))}"
            )
        self.style: Style = "cloze" if self.scored and asked != "letters" else asked
        needed = {**dict.fromkeys(SCORED, _SCORED), "open": "generate_until"}.get(asked, self.OUTPUT_TYPE)
        if needed != self.OUTPUT_TYPE:
            raise CalmError(f"{self.config.task}: style {asked} needs output_type: {needed}, not {self.OUTPUT_TYPE}")
        self._order_docs()
        check_words(self.languages, self.style)
        for note in wordless_notes(self.languages, self.style):
            _tell_once(note)
        self.thoughts: Marks = (self.config.metadata or {}).get("thoughts", ())
        counts = sorted({len(options[0]) for options in self.task_docs["options"]})
        if counts[-1] > len(LETTERS):
            many = next(d for d in self.task_docs if len(d["options"][0]) == counts[-1])
            require_letters(counts[-1], self.style, what=f"{self.config.task}: question {many['id']}")
        n_options = str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"
        unlabelled = sum(answer is None for answer in self.task_docs["answer"])
        if unlabelled and not _memory:
            raise CalmError(
                f"{self.config.task}: {unlabelled} of {len(self.task_docs)} questions have no gold answer, so they "
                f"cannot be scored; choose a labelled split with --metadata '{{\"split\": …}}'"
            )
        reader = (OPEN_PARSER if self.style == "open" else PARSER) + marks_signature(self.thoughts)
        self._parts = {
            "split": (self.config.metadata or {}).get("split"),
            "langs": ".".join(self.languages),
            "options": n_options,
            "style": self.style,
            "order": self.order_seed,
            "prompts": PROMPTS,
            "score": ("logprob" if self.lettered else "logprob/byte") if self.scored else reader,
            "retrieval": self.grounding.signature if self.grounding else None,
        }
        self.measures = Measures.of(
            str(self.config.task), self.languages, list(self.task_docs["source_language"]), scored=self.scored,
            unnormalised=self.scored and not self.lettered, chosen=self.style != "open",
        )  # fmt: skip
        if isinstance(self.config.metadata, dict):
            self.config.metadata |= {"languages": list(self.languages), "pivots": self.measures.pivots}
        self._sign()

    def _sign(self) -> None:
        """Write the signature into the metadata, which lm-eval keeps in its results."""
        if isinstance(self.config.metadata, dict):
            shots = {"shots": self.config.num_fewshot or None}
            self.config.metadata["signature"] = signature(task=self.config.task, **self._parts, **shots)

    def set_config(self, key: str, value: Any, update: bool = False) -> None:
        """Change the configuration, as ``--num_fewshot`` does; the signature follows."""
        super().set_config(key, value, update)
        if key == "num_fewshot":
            self._sign()

    @property
    def grounding(self) -> Grounding | None:
        """The passages that the questions are asked with; None where they are asked without."""
        return getattr(self.dataset, "grounding", None)

    def with_passages(self, grounding: Grounding) -> None:
        """Ask the questions that these passages are for with them instead, judged ones say; the signature follows."""
        assert self.grounding is not None
        self._parts["retrieval"] = grounding.signature
        self._sign()
        asked = {question for question, _ in grounding.found}
        questions = [q for q in self.dataset.questions if q.id in asked]
        self.dataset["test"] = to_dataset(questions, grounding, style=self.style)
        self.dataset.grounding = grounding
        self._order_docs()

    @classmethod
    def from_questions(
        cls,
        questions: Sequence[ParallelQuestion],
        *,
        name: str,
        style: Style,
        generation_kwargs: dict[str, Any] | None = None,
        repeats: int = 1,
        grounding: Grounding | None = None,
        order_seed: int = 0,
    ) -> CrossLingualTask:
        """A task over questions in memory; with ``style`` cloze or letters the options are scored."""
        table = to_dataset(questions, grounding, style=style)
        config: dict[str, Any] = {
            "task": name,
            "custom_dataset": lambda **_: {"test": table},
            "test_split": "test",
            "output_type": _SCORED if style in SCORED else "generate_until",
            "metadata": {"version": 1.0, "style": style, "order_seed": order_seed},
            "num_fewshot": 0,
            "repeats": repeats,
        }
        if style not in SCORED:
            config["generation_kwargs"] = generation_kwargs or {"until": [], "do_sample": False}
        return cls(config=config, _memory=True)

    @property
    def scored(self) -> bool:
        """Whether options are scored rather than answers generated."""
        return bool(self.OUTPUT_TYPE == _SCORED)

    @property
    def lettered(self) -> bool:
        """Whether letters are scored."""
        return self.style == "letters"

    @property
    def order_seed(self) -> int | None:
        """The seed of the order in which options are shown; None where they are shown as in the data."""
        return int((self.config.metadata or {}).get("order_seed", 0)) if self.lettered else None

    def _order_docs(self) -> None:
        """The documents as lm-eval asks and logs them."""
        if self.order_seed is not None:
            split = self.config.test_split
            self.dataset[split] = with_order(self.dataset[split], self.order_seed)
        self.task_docs = self.eval_docs

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
        """One context a language; the few-shot questions are the same ones in each, in the language's own version.

        Raises:
            CalmError: there are fewer few-shot questions than asked for.
        """
        shots = self.shots(doc, num_fewshot) if num_fewshot else []
        contexts = []
        for index in range(len(doc["languages"])):
            messages = [Message("system", system_instruction, "\n\n")] if system_instruction else []
            for shot in shots:
                messages += turns(shot, index, self.style, answered=True)
            messages += turns(doc, index, self.style, answered=False)
            if apply_chat_template and chat_template:
                history = [m.to_dict() for m in messages] if fewshot_as_multiturn else multiturn_to_singleturn(messages)
                contexts.append(chat_template(history, add_generation_prompt=True))
            else:
                contexts.append("".join(m.to_text() for m in messages))
        return contexts

    def construct_requests(self, doc: Doc, ctx: list[str], **kwargs: Any) -> list[Instance]:
        """One request a language, or one a language and option of the data; ``idx`` counts them in that order."""
        chat = kwargs.pop("apply_chat_template", False)
        kwargs.pop("chat_template", None)
        requests: list[tuple[str, Any]] = []
        for index, (language, context) in enumerate(zip(doc["languages"], ctx, strict=True)):
            if self.scored:
                requests += [(context, text) for text in continuations(doc, index, self.style, chat=chat)]
            else:
                requests.append((context, generation_kwargs(self.config.generation_kwargs, language)))
        return [
            Instance(request_type=self.OUTPUT_TYPE, doc=doc, arguments=arguments, idx=i, **kwargs)
            for i, arguments in enumerate(requests)
        ]

    # --- few-shot questions: loaded when they are asked for; ConfigurableTask loads them at construction ------------

    def fewshot_docs(self) -> None:
        """None; see :meth:`shots`."""

    def shots(self, doc: Doc, n: int) -> list[Doc]:
        """The few-shot questions of a question: ``n`` of ``fewshot_split`` (:func:`calm_ext.harness.shots.draw`).

        Raises:
            CalmError: there are fewer.
        """
        if self._pool is None:
            table = self.dataset[self.config.fewshot_split or self.config.test_split]
            if self.order_seed is not None:
                table = with_order(table, self.order_seed)
            self._pool = [shot for shot in table if shot["answer"] is not None]
        return draw(self._pool, doc, n, seed=self._fewshot_seed, task=self.config.task)

    def set_fewshot_seed(self, seed: int | None = None) -> None:
        """Seed the draws; without a seed they differ from run to run."""
        super().set_fewshot_seed(seed)
        self._fewshot_seed = seed

    # --- results ------------------------------------------------------------------------------------------------------

    def option_scores(self, doc: Doc, results: Sequence[Any]) -> dict[str, list[float]]:
        """language -> summed log-probability of each option (nats), from the responses of one document."""
        n = len(doc["options"][0])
        part = [[float(r[0]) for r in results[i : i + n]] for i in range(0, len(results), n)]
        return dict(zip(doc["languages"], part, strict=True))

    def answered(self, doc: Doc, results: Sequence[Any]) -> Answered:
        """What the responses to one document answer."""
        if self.scored:
            options = dict(zip(doc["languages"], doc["options"], strict=True))
            shown = doc["shown"] if self.lettered else None
            return scored_answer(doc["id"], doc["answer"], self.option_scores(doc, results), options, shown)
        answers = answers_in(doc, results, self.style, self.thoughts)
        return Answered(doc["id"], doc["answer"], answers, len(doc["options"][0]))

    def process_results(self, doc: Doc, results: Sequence[Any]) -> dict[str, Any]:
        """The per-question metrics of one document; all of them, on every rank, None where it has no such value."""
        question = self.answered(doc, results)._replace(source_language=doc["source_language"])
        return self.measures.items(question)

    def aggregation(self) -> dict[str, Callable[..., float]]:
        """The mean over questions; kappa and what else is of the whole set from the items of all."""
        return self.measures.aggregation()

    def higher_is_better(self) -> dict[str, bool]:
        """Of every metric."""
        return self.measures.higher_is_better()


@functools.cache
def _tell_once(note: str) -> None:
    """Sampling makes a task for each chunk of questions; the user reads this once."""
    logger.warning("%s", note)
