"""One model on one task: an entry of a leaderboard, and what must be equal for two entries to be ranked together.

These are an entry's ``facts``. They are made of the results file: the task and its version, how many of its questions
were asked, few-shot count (and the seed that chose the examples), whether a chat template was applied (its text is the
model's own), system instruction, generation settings, and every part of the signature (languages, options, style,
wording of the prompts, parser, passages) but the versions of calm-ext and lm-eval. These two are only noted: whatever
in calm-ext changes a score has a name of its own in the signature (``prompts-2``, ``answers-2``, ``passages-1``), so a
new release would split a board in two for nothing. ``calm-ext compare`` is stricter, and asks for ``--mixed-versions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calm_ext.report.words import is_number
from calm_ext.results.aggregates import Aggregates
from calm_ext.results.columns import Columns
from calm_ext.results.logs import Logs

VERSIONS = ("calm-ext", "lm_eval")
#: parts of a signature, and what they are called in words
_PARTS = {"langs": "languages", "score": "answers read by", "answer": "answers from", "retrieval": "passages"}
LONGEST = 200


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model on one task of ours.

    Attributes:
        model: as the results call it; its identity.
        called: the name that it is shown by.
        arguments: what the model was loaded with.
        facts: name -> value in words, equal for all entries that are ranked together.
        n_questions: how many were asked; None where the results do not say.
        versions: of calm-ext and lm-eval.
        values, stderr: metric -> value and lm-eval's own standard error, ``acc``, ``acc_en``, ``consistency``, …
        columns: the values of each question; None without usable samples.
        path: the results file.
        note: why there are no samples, in words; else empty.
        taught: why the questions are not held out, in words; else empty.
        logs: the logs of other people's tasks that it was joined of; None for a task of ours.
    """

    model: str
    arguments: Mapping[str, str]
    facts: Mapping[str, str]
    n_questions: int | None
    languages: tuple[str, ...]
    signature: str
    versions: Mapping[str, str]
    values: Mapping[str, float]
    stderr: Mapping[str, float]
    columns: Columns | None = field(repr=False)
    path: Path
    date: float = 0.0
    note: str = ""
    called: str = ""
    taught: str = ""
    logs: Logs | None = field(default=None, repr=False)

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.facts["task"]


def plain(value: Any, longest: int = LONGEST) -> str:
    """Text of a file that is safe to print: no control characters, no halves of characters, not endless.

    >>> plain("a\\x1b[31mb\\nc")
    'a�[31mb c'
    """
    text = " ".join(str(value)[: 100 * longest].split())
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return text if len(text) <= longest else f"{text[: longest // 2]} … {text[-longest // 2 :]}"


def facts_of(results: Aggregates, task: str, parts: Mapping[str, str], n: int | None) -> dict[str, str]:
    """What must be equal, name -> value in words.

    Args:
        parts: of the signature. n: number of questions.
    """
    version, shots, chat = results.version(task), results.n_shot(task), results.chat_template
    facts = {"task": plain(task)}
    facts["task version"] = f"{version:g}" if is_number(version) else plain(version or "unknown")
    facts["questions"] = _questions(results, task, n)
    facts["few-shot"] = f"{plain(shots)}-shot"
    if shots and results.fewshot_seed is not None:
        facts["few-shot seed"] = plain(results.fewshot_seed)
    facts["chat template"] = "applied" if chat else "none"
    if chat and shots:
        facts["few-shot as turns"] = "yes" if results.fewshot_as_multiturn else "no"
    facts["system instruction"] = plain(results.system_instruction or "none")
    if results.generates(task):
        facts["generation"] = _generation(results.generation_settings(task))
    facts |= {_PARTS.get(k, k): v for k, v in parts.items() if k not in (*VERSIONS, "task", "shots")}
    facts.setdefault("passages", "none")
    return facts


def _questions(results: Aggregates, task: str, n: int | None) -> str:
    if n is None:
        return "an unknown number"
    of = results.n_original(task)
    if of is not None:
        return f"all {n}" if of == n else f"{n} of {of}"
    return f"{n} (limit {plain(results.limit)})" if results.limit else f"{n}"


def _generation(given: Any) -> str:
    if isinstance(given, dict) and given:
        return ", ".join(f"{plain(k)} {plain(repr(v))}" for k, v in sorted(given.items(), key=lambda kv: str(kv[0])))
    return plain(given or "as the task has it")
