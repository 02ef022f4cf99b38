"""The one reader of the samples that lm-eval logs of our tasks.

A line, as lm-eval writes it for a question in two languages (shortened)::

    {"doc_id": 0, "doc": {"id": "q1", "answer": 1, "source_language": "en", "languages": ["en", "fr"],
                          "questions": ["…", "…"], "options": [["air", "water"], ["air", "eau"]]},
     "target": "1", "arguments": {"gen_args_0": {"arg_0": "the prompt in en", …}, "gen_args_1": {…}},
     "resps": [["… Answer: B. water"], ["… Réponse : B. eau"]],
     "filtered_resps": ["… Answer: B. water", "… Réponse : B. eau"], "filter": "none",
     "metrics": ["acc", "acc_en", …, "kappa"], "doc_hash": "…", …, "acc": 1.0, …, "kappa": {"en": 1, "fr": 1}}

Where options are scored, there is a request for each language and option, and its response is ``[log-probability, is
greedy]``. Where letters are scored the doc has ``shown``, the order in which the options were shown; all else counts
options as the data does. The doc of a question asked with passages has ``passages``, a list a language.
:mod:`calm_ext.results.shapes` has the other shapes of prompts and responses.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from calm_ext.errors import DataError
from calm_ext.files.decode import decoded, short
from calm_ext.jsonl import numbered_lines, undecoded_lines
from calm_ext.records import Passage, Passages, Prompt
from calm_ext.records.base import LANGUAGE_TAG
from calm_ext.results.shapes import is_index, is_order, is_score, prompt_of, texts_of

_HEAD = re.compile(rb'\{"doc_id": \d+, "doc": \{"id": ("(?:[^"\\]|\\.)*")[,}]')
_METRICS = b', "metrics": ['
_TAG = LANGUAGE_TAG.fullmatch


class Sample:
    """A question with a model's answers in each language: one line of a samples file.

    Every attribute is decoded and checked when it is first asked for. ``id``, ``metrics``, ``answers`` and ``doc_hash``
    of an undecoded line need only its end: prompts and responses are most of a line, and a quote inside a text is
    escaped, so that ``, "metrics": [`` can be nothing but the key. A line of another form is decoded as a whole.

    Raises:
        DataError: by every attribute, with ``file:line``: the line has no such part, or a broken one.
    """

    def __init__(self, where: str, *, row: Mapping[str, Any] | None = None, line: bytes = b"") -> None:
        """A sample from a decoded row of the form above, or from a line of a file; ``where`` is for messages."""
        self.where = where
        self._line = line
        if row is not None:
            self._row = row

    def error(self, detail: str = "") -> DataError:
        """The error of a line that is not a sample."""
        return DataError(f"{self.where}: is not a sample of a cross-lingual task{detail}")

    def _has(self, what: str) -> DataError:
        return DataError(f"{self.where}: question {self.id} has {what}")

    # --- the parts of a line

    @cached_property
    def _row(self) -> Mapping[str, Any]:
        row = self._decoded(self._line)
        if not isinstance(row, dict):
            raise self.error()
        return row

    @cached_property
    def _ends(self) -> tuple[bytes, Mapping[str, Any]] | None:
        """The id in JSON, and the keys from ``metrics`` on; None where the line has another form."""
        head, at = _HEAD.match(self._line), self._line.rfind(_METRICS)
        if not head or at < 0:
            return None
        row = self._decoded(b"{" + self._line[at + 2 :])
        return (head[1], row) if isinstance(row.get("doc_hash"), str) else None

    def _decoded(self, text: bytes) -> Any:
        try:
            return decoded(text, strict=False)
        except ValueError:  # also of bytes that are not UTF-8
            hint = "" if self._line.endswith(b"\n") else " (the last line has no end: was the file cut off?)"
            raise DataError(f"{self.where}: not a JSON object{hint}") from None

    @cached_property
    def _doc(self) -> Mapping[str, Any]:
        doc = self._row.get("doc")
        if not isinstance(doc, dict) or "id" not in doc:
            raise self.error()
        return doc

    @property
    def _end(self) -> Mapping[str, Any]:
        return self._ends[1] if self._ends else self._row

    # --- the question

    @cached_property
    def id(self) -> str:
        """The question's id."""
        found = self._decoded(self._ends[0]) if self._ends else self._doc["id"]
        if not isinstance(found, (str, int)):
            raise self.error(" (its id is no text)")
        return str(found)

    @cached_property
    def languages(self) -> list[str]:
        """In the order asked."""
        languages = self._doc.get("languages")
        if not isinstance(languages, list) or not all(isinstance(x, str) and _TAG(x) for x in languages):
            raise self.error(" (its languages are no list of codes)")
        twice = sorted({x for x in languages if languages.count(x) > 1})
        if twice:
            raise self._has(f"language {', '.join(twice)} twice")
        return languages

    @cached_property
    def questions(self) -> dict[str, str]:
        """language -> the question."""
        return self._by_language("questions", str)

    @cached_property
    def options(self) -> dict[str, list[str]]:
        """language -> the options, as many in each."""
        found, languages = self._doc.get("options"), self.languages
        if not isinstance(found, list) or not all(isinstance(x, list) for x in found) or not found:
            raise self.error()
        if len(found) != len(languages) or any(len(options) != len(found[0]) for options in found):
            raise self._has("not the same number of options in each language")
        if not all(isinstance(text, str) for options in found for text in options):
            raise self.error(" (an option is no text)")
        if any(not text.strip() for options in found for text in options):
            raise self._has("an empty option")
        return dict(zip(languages, found, strict=True))

    @cached_property
    def names(self) -> dict[str, list[list[str]]]:
        """language -> what else each option is called, where the documents have such names."""
        if not self._doc.get("names"):
            return {}
        found = self._by_language("names")
        for language, own in found.items():
            fits = isinstance(own, list) and len(own) == self.n_options
            if not fits or not all(isinstance(x, list) and all(isinstance(name, str) for name in x) for x in own):
                raise self.error(f" (its names in {language} are no list for each option)")
        return found

    @property
    def shown(self) -> list[int] | None:
        """Where letters were scored, the order in which the options were shown: shown place -> index of the option."""
        found = self._doc.get("shown")
        if found is not None and not is_order(found, self.n_options):
            raise self._has(f"the order {short(found)}, which is none of its options")
        return found

    @property
    def n_options(self) -> int:
        """Number of options."""
        return len(next(iter(self.options.values())))

    @cached_property
    def gold(self) -> int | None:
        """Index of the right option; None where it is not known."""
        if "answer" not in self._doc:
            raise self.error()
        gold, n = self._doc["answer"], self.n_options
        if gold is not None and not (is_index(gold) and gold < n):
            raise self._has(f"the answer {short(repr(gold))}, which is not one of its {n} options")
        return gold

    @property
    def source_language(self) -> str | None:
        """The language the question was written in, where known."""
        found = self._doc.get("source_language")
        return found if isinstance(found, str) else None

    @property
    def passages(self) -> list[Passages]:
        """The passages in each language; empty where the question was asked without any."""
        if "passages" not in self._doc:
            return []
        try:
            return [
                Passages(id=self.id, language=x, passages=[Passage.model_validate(p) for p in own])
                for x, own in self._by_language("passages").items()
            ]
        except (TypeError, ValueError):
            raise self.error(" (its passages cannot be read)") from None

    @property
    def doc(self) -> Mapping[str, Any]:
        """The document, for what has no attribute of its own."""
        return self._doc

    @property
    def doc_hash(self) -> str | None:
        """lm-eval's hash of the question as it was asked, with its passages."""
        found = self._end.get("doc_hash")
        return found if isinstance(found, str) else None

    @property
    def question_hash(self) -> str:
        """A hash of the question without its passages."""
        doc = {key: value for key, value in self._doc.items() if key != "passages"}
        return hashlib.sha256(json.dumps(doc).encode()).hexdigest()

    def _by_language(self, key: str, kind: type = object) -> dict[str, Any]:
        found = self._doc.get(key)
        if not isinstance(found, list) or len(found) != len(self.languages):
            raise self.error(f" (it has no {key} in each language)")
        if not all(isinstance(value, kind) for value in found):
            raise self.error(f" (one of its {key} is no text)")
        return dict(zip(self.languages, found, strict=True))

    # --- what the model answered

    @cached_property
    def filtered(self) -> list[Any]:
        """One response a request: a text a language, or ``[log-probability, is greedy]`` a language and option."""
        found = self._row.get("filtered_resps")
        if not isinstance(found, list):
            raise self.error()
        return found

    @property
    def scored(self) -> bool:
        """Whether options were scored, instead of responses written."""
        return bool(self.filtered) and is_score(self.filtered[0])

    @cached_property
    def texts(self) -> dict[str, str]:
        """language -> the response that was read, the first one of a request that was repeated."""
        if len(self.filtered) != len(self.languages):
            raise DataError(f"{self.where}: {len(self.filtered)} responses for {len(self.languages)} languages")
        read = dict(zip(self.languages, self.filtered, strict=True))
        return {x: next(iter(texts_of(value, self.options[x])), None) or "" for x, value in read.items()}

    @cached_property
    def logprobs(self) -> dict[str, list[float]]:
        """language -> the summed log-probability of each option (nats)."""
        languages, n = self.languages, self.n_options
        if len(self.filtered) != n * len(languages):
            raise DataError(f"{self.where}: {len(self.filtered)} scores for {len(languages)} languages of {n} options")
        try:
            values = [float(r[0]) for r in self.filtered]
        except (TypeError, ValueError, LookupError):
            raise DataError(f"{self.where}: a score is no number") from None
        for index, value in enumerate(values):
            if not math.isfinite(value):
                raise DataError(f"{self.where}: the score of option {index % n} in {languages[index // n]} is {value}")
        return {x: values[i * n : (i + 1) * n] for i, x in enumerate(languages)}

    @cached_property
    def requests(self) -> dict[str, tuple[Prompt, list[Any]]]:
        """language -> its prompt, and the unfiltered responses to each of its requests."""
        found, languages = self._row.get("resps"), self.languages
        if not isinstance(found, list) or not found or not languages:
            raise self.error()
        n = len(found) // len(languages)
        if n * len(languages) != len(found):
            raise self.error(" (its answers do not fit its languages)")
        try:
            prompts = [prompt_of(self._row["arguments"][f"gen_args_{i * n}"]["arg_0"]) for i in range(len(languages))]
        except (KeyError, TypeError):
            raise self.error() from None
        except ValueError as error:
            raise self.error(f" ({error})") from None
        return {x: (prompts[i], found[i * n : (i + 1) * n]) for i, x in enumerate(languages)}

    # --- what was made of it

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metric -> the question's value as it was written, None where it has none; ``kappa`` are the answers."""
        names = self._end.get("metrics")
        if not isinstance(names, list) or not names or not all(isinstance(m, str) for m in names):
            raise self.error(" (no metrics)")
        try:
            return {name: self._end[name] for name in names}
        except KeyError as error:
            raise DataError(f"{self.where}: has no value of {error.args[0]!r}") from None

    @property
    def numbers(self) -> dict[str, float]:
        """metric -> value, of those that are finite numbers."""
        return {m: float(v) for m, v in self.metrics.items() if isinstance(v, (int, float)) and math.isfinite(v)}

    @property
    def answers(self) -> dict[str, int | None] | None:
        """language -> index of the answer that was scored, None for an abstention; None where they were not kept."""
        found = self._end.get("kappa")
        if not isinstance(found, dict):
            return None
        if not all(answer is None or is_index(answer) for answer in found.values()):
            raise DataError(f"{self.where}: its answers (kappa) are no indices of options")
        return found


def read_samples(path: str | Path) -> Iterator[Sample]:
    """Stream the samples of a file, each decoded as a whole.

    Raises:
        DataError: the file cannot be read, or a line of it is not a JSON object.
    """
    for number, row in numbered_lines(path):
        yield Sample(f"{path}:{number}", row=row)


def scan_samples(path: Path) -> Iterator[Sample]:
    """Stream the samples of a file undecoded, for readers that need their metrics only; errors as above."""
    return (Sample(where, line=line) for where, line in undecoded_lines(path))
